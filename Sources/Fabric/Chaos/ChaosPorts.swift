import Base

/// The queues as other services reach them, with the faults of the API of SQS.
public struct ChaosQueues: QueuePort {
  private let queues: any QueuePort
  private let chaos: Chaos
  public init(_ queues: any QueuePort, _ chaos: Chaos) { (self.queues, self.chaos) = (queues, chaos) }

  private func meet(_ operation: String, _ queue: ARN, _ caller: Caller) async throws {
    guard chaos.isOn else { return }
    try await chaos.meet(ChaosPoint(service: "sqs", operation: operation, on: queue, as: caller), in: .real)
  }

  public func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription {
    try await meet("GetQueueAttributes", queue, caller)
    return try await queues.describe(queue, as: caller)
  }
  public func receive(
    _ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller
  ) async throws -> [QueueMessage] {
    try await meet("ReceiveMessage", queue, caller)
    return try await queues.receive(queue, maximum: maximum, wait: wait, visibilityTimeout: visibilityTimeout, as: caller)
  }
  public func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws {
    try await meet("DeleteMessage", queue, caller)
    try await queues.delete(queue, receiptHandles: receiptHandles, as: caller)
  }
  public func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws {
    try await meet("ChangeMessageVisibility", queue, caller)
    try await queues.changeVisibility(queue, receiptHandles: receiptHandles, to: timeout, as: caller)
  }
  public func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String {
    try await meet("SendMessage", queue, caller)
    return try await queues.send(message, to: queue, as: caller)
  }
}

/// The streams of a service as readers reach them, with the faults of its API.
public struct ChaosStreams: StreamPort {
  private let streams: any StreamPort
  private let service: String
  private let origin: String?
  private let chaos: Chaos

  /// - Parameters:
  ///   - service: whose API the readers call: `kinesis`, `dynamodbstreams`.
  ///   - origin: the service that the streams belong to, when it is another.
  public init(_ streams: any StreamPort, of service: String, origin: String? = nil, _ chaos: Chaos) {
    (self.streams, self.service, self.origin, self.chaos) = (streams, service, origin, chaos)
  }

  private func meet(_ operation: String, _ stream: ARN, _ caller: Caller) async throws {
    guard chaos.isOn else { return }
    var point = ChaosPoint(service: service, operation: operation, on: stream, as: caller)
    point.origin = origin
    try await chaos.meet(point, in: .real)
  }

  public var actions: [String] { streams.actions }
  public func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription {
    try await meet("DescribeStream", stream, caller)
    return try await streams.describe(stream, as: caller)
  }
  public func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    try await meet("GetShardIterator", stream, caller)
    return try await streams.iterator(stream, shard: shard, at: position, as: caller)
  }
  public func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    try await meet("GetRecords", stream, caller)
    return try await streams.read(stream, iterator: iterator, limit: limit, wait: wait, as: caller)
  }
}

extension ChaosPoint {
  /// A call from inside.
  fileprivate init(service: String, operation: String, on resource: ARN, as caller: Caller) {
    self.init(
      service: service, operation: operation, account: caller.account, region: caller.region, source: caller.principal.hopSource,
      target: resource.text, resources: [resource.text], trace: caller.trace)
  }
}
