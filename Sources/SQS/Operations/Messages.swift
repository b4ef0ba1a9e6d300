import Base
import Fabric
import Store
import Wire

extension DeleteMessageInput: QueueInput {}
extension ChangeMessageVisibilityInput: QueueInput {}

/// Messages one by one.
extension SQSService {
  var messageOperations: [Operation] {
    [
      Operation("SendMessage", access: access("SendMessage"), run: sendMessage),
      Operation("ReceiveMessage", access: access("ReceiveMessage"), run: receiveMessage),
      Operation("DeleteMessage", access: access("DeleteMessage"), run: deleteMessage),
      Operation("ChangeMessageVisibility", access: access("ChangeMessageVisibility"), run: changeMessageVisibility),
    ]
  }

  private func deleteMessage(_ input: DeleteMessageInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    try await delete([input.receiptHandle], from: name, call)[0].get()
  }

  private func changeMessageVisibility(_ input: ChangeMessageVisibilityInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    let change = VisibilityChange(handle: input.receiptHandle, seconds: input.visibilityTimeout)
    try await changeVisibility([change], in: name, call)[0].get()
  }

  /// Deletes in one transaction; each handle has its own result. Throws when the queue does not exist.
  func delete(_ handles: [String], from name: QueueName, _ call: Call?) async throws -> [Result<Void, AWSError>] {
    let now = ambient.now
    let receipts = handles.map { (handle: $0, receipt: Receipt(handle: $0)) }
    return try await commits.run(name) { transaction in
      let queue = try transaction.existing(name, call)
      return try receipts.map { item in
        guard let receipt = item.receipt, receipt.space.queue == queue.id else {
          return .failure(SQSError.receiptHandleIsInvalid(item.handle))
        }
        return try catching { try transaction.messages(queue).delete(receipt, at: now) }
      }
    }
  }

  struct VisibilityChange: Sendable {
    var handle: String
    var seconds: Int
  }

  /// Like `delete`, for deadlines.
  func changeVisibility(_ changes: [VisibilityChange], in name: QueueName, _ call: Call?) async throws
    -> [Result<Void, AWSError>]
  {
    let now = ambient.now
    let parsed = changes.map { (change: $0, receipt: Receipt(handle: $0.handle)) }
    return try await commits.run(name) { transaction in
      let queue = try transaction.existing(name, call)
      return try parsed.map { item in
        try catching {
          let timeout = try Self.seconds("VisibilityTimeout", item.change.seconds, SQSLimits.visibilitySeconds) ?? .zero
          guard let receipt = item.receipt, receipt.space.queue == queue.id else {
            throw SQSError.receiptHandleIsInvalid(item.change.handle)
          }
          try transaction.messages(queue).changeVisibility(receipt, to: timeout, at: now)
        }
      }
    }
  }
}

/// The refusal of one entry is its result; any other failure is that of the transaction.
private func catching(_ body: () throws -> Void) throws -> Result<Void, AWSError> {
  do {
    try body()
    return .success(())
  } catch let error as AWSError {
    return .failure(error)
  }
}
