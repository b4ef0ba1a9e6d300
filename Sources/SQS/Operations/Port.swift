import Base
import Fabric
import Store

/// Queues for other services: the checks and the code of the operations, without records.
extension SQSService {
  private func queue(_ arn: ARN, _ action: String, as caller: Caller) async throws -> QueueName {
    guard let name = QueueName(arn) else { throw SQSError.queueDoesNotExist(nil) }
    try await authoriser.authorise(try await access(action, name, by: caller.account), as: caller, now: ambient.now)
    return name
  }

  public func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription {
    let name = try await self.queue(queue, "GetQueueAttributes", as: caller)
    guard let found = try await cache.find(name) else { throw SQSError.queueDoesNotExist(nil) }
    return QueueDescription(
      arn: name.arn, isFIFO: found.isFIFO, visibilityTimeout: found.visibilityTimeout,
      maximumMessageSize: found.maximumMessageSize)
  }

  public func receive(_ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller) async throws
    -> [QueueMessage]
  {
    let name = try await self.queue(queue, "ReceiveMessage", as: caller)
    let deliveries = try await receive(
      name, maximum: min(max(maximum, SQSLimits.messagesPerReceive.lowerBound), SQSLimits.messagesPerReceive.upperBound),
      wait: wait, timeout: visibilityTimeout, nil)
    return deliveries.map { delivery in
      QueueMessage(
        messageID: delivery.message.id, receiptHandle: delivery.receipt.handle, body: delivery.message.body,
        md5OfBody: delivery.message.bodyMD5, md5OfAttributes: delivery.message.attributesMD5,
        systemAttributes: delivery.systemAttributes, attributes: delivery.message.attributes.map { ($0.name, QueueAttribute($0)) },
        trace: delivery.trace)
    }
  }

  public func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws {
    let name = try await self.queue(queue, "DeleteMessage", as: caller)
    guard !receiptHandles.isEmpty else { return }
    for result in try await delete(receiptHandles, from: name, nil) { try result.get() }
  }

  public func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws {
    let name = try await self.queue(queue, "ChangeMessageVisibility", as: caller)
    guard !receiptHandles.isEmpty else { return }
    let seconds = Int(timeout.inMilliseconds / 1000)
    let changes = receiptHandles.map { VisibilityChange(handle: $0, seconds: seconds) }
    for result in try await changeVisibility(changes, in: name, nil) { try result.get() }
  }

  public func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String {
    let name = try await self.queue(queue, "SendMessage", as: caller)
    let draft = try Draft(
      body: message.body, attributes: message.attributes.map { MessageAttribute($0.name, $0.value) },
      traceHeader: message.traceHeader, groupID: message.groupID, deduplicationID: message.deduplicationID)
    return try await send([draft], to: name, isBatch: false, by: caller, nil)[0].get().messageID
  }
}

extension QueueAttribute {
  fileprivate init(_ attribute: MessageAttribute) {
    switch attribute.content {
    case .string(let text): self.init(dataType: attribute.dataType, content: .string(text))
    case .binary(let bytes): self.init(dataType: attribute.dataType, content: .binary(bytes))
    }
  }
}
extension MessageAttribute {
  fileprivate init(_ name: String, _ attribute: QueueAttribute) {
    switch attribute.content {
    case .string(let text): self.init(name: name, dataType: attribute.dataType, content: .string(text))
    case .binary(let bytes): self.init(name: name, dataType: attribute.dataType, content: .binary(bytes))
    }
  }
}
