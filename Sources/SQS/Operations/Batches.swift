import Base
import Fabric
import Wire

extension SendMessageBatchInput: QueueInput {}
extension DeleteMessageBatchInput: QueueInput {}
extension ChangeMessageVisibilityBatchInput: QueueInput {}

private protocol BatchEntry: RecordView {
  var id: String { get }
}
extension SendMessageBatchRequestEntry: BatchEntry {}
extension DeleteMessageBatchRequestEntry: BatchEntry {}
extension ChangeMessageVisibilityBatchRequestEntry: BatchEntry {}

/// The batch forms: one transaction, a result for each entry. IAM asks for the action of the single form.
extension SQSService {
  var batchOperations: [Operation] {
    [
      Operation("SendMessageBatch", access: access("SendMessage"), run: sendMessageBatch),
      Operation("DeleteMessageBatch", access: access("DeleteMessage"), run: deleteMessageBatch),
      Operation(
        "ChangeMessageVisibilityBatch", access: access("ChangeMessageVisibility"), run: changeMessageVisibilityBatch),
    ]
  }

  private func sendMessageBatch(_ input: SendMessageBatchInput, _ call: Call) async throws -> SendMessageBatchOutput {
    let name = try queueName(input.queueUrl, call)
    let entries = input.entries
    try check(entries)
    let bytes = entries.reduce(0) { $0 + Self.size($1) }
    guard bytes <= SQSLimits.messageBytes else { throw SQSError.batchTooLong(bytes) }
    let drafts = entries.map { entry in Result { () throws(AWSError) in try Draft(entry, call.trace) } }
    var sent = try await send(
      drafts.compactMap { try? $0.get() }, to: name, isBatch: true, by: call.caller, call)[...]
    var output = SendMessageBatchOutput()
    (output.successful, output.failed) = ([], [])
    for (entry, draft) in zip(entries, drafts) {
      do {
        let draft = try draft.get()
        guard let result = sent.popFirst() else { break }
        output.successful.append(Self.success(entry.id, draft, try result.get()))
      } catch {
        output.failed.append(BatchResultErrorEntry(entry.id, error))
      }
    }
    return output
  }

  private static func success(_ id: String, _ draft: Draft, _ sent: Sent) -> SendMessageBatchResultEntry {
    var out = SendMessageBatchResultEntry()
    (out.id, out.messageId, out.md5OfMessageBody) = (id, sent.messageID, draft.bodyMD5)
    (out.md5OfMessageAttributes, out.md5OfMessageSystemAttributes) = (draft.attributesMD5, draft.systemAttributesMD5)
    out.sequenceNumber = sent.sequenceNumber
    return out
  }

  private func deleteMessageBatch(_ input: DeleteMessageBatchInput, _ call: Call) async throws -> DeleteMessageBatchOutput {
    let name = try queueName(input.queueUrl, call)
    let entries = input.entries
    try check(entries)
    let results = try await delete(entries.map(\.receiptHandle), from: name, call)
    var output = DeleteMessageBatchOutput()
    (output.successful, output.failed) = ([], [])
    for (entry, result) in zip(entries, results) {
      switch result {
      case .success:
        var success = DeleteMessageBatchResultEntry()
        success.id = entry.id
        output.successful.append(success)
      case .failure(let error): output.failed.append(BatchResultErrorEntry(entry.id, error))
      }
    }
    return output
  }

  private func changeMessageVisibilityBatch(_ input: ChangeMessageVisibilityBatchInput, _ call: Call) async throws
    -> ChangeMessageVisibilityBatchOutput
  {
    let name = try queueName(input.queueUrl, call)
    let entries = input.entries
    try check(entries)
    for entry in entries where entry.visibilityTimeout == nil { throw SQSError.missing("VisibilityTimeout") }
    let results = try await changeVisibility(
      entries.map { VisibilityChange(handle: $0.receiptHandle, seconds: $0.visibilityTimeout ?? 0) }, in: name, call)
    var output = ChangeMessageVisibilityBatchOutput()
    (output.successful, output.failed) = ([], [])
    for (entry, result) in zip(entries, results) {
      switch result {
      case .success:
        var success = ChangeMessageVisibilityBatchResultEntry()
        success.id = entry.id
        output.successful.append(success)
      case .failure(let error): output.failed.append(BatchResultErrorEntry(entry.id, error))
      }
    }
    return output
  }

  /// What is wrong with a batch as a whole.
  private func check<Entry: BatchEntry>(_ entries: [Entry]) throws(AWSError) {
    guard !entries.isEmpty else { throw SQSError.emptyBatch(Entry.shape.name) }
    guard entries.count <= SQSLimits.batchEntries else { throw SQSError.tooManyEntries(entries.count) }
    var seen: Set<String> = []
    for entry in entries {
      // A missing body is a failure of its entry; anything else that is required makes the request unreadable.
      guard entry.record.slots[0] != nil else { throw SQSError.missing("Id") }
      if Entry.self != SendMessageBatchRequestEntry.self { try entry.checkRequired() }
      guard SQSLimits.batchIDLength.contains(entry.id.utf8.count), entry.id.utf8.allSatisfy(isNameByte) else {
        throw SQSError.invalidBatchEntryID
      }
      guard seen.insert(entry.id).inserted else { throw SQSError.idsNotDistinct(entry.id) }
    }
  }

  /// The size of an entry as it was sent, before anybody knows whether it is well-formed.
  private static func size(_ entry: SendMessageBatchRequestEntry) -> Int {
    let body: String? = entry.record.optional(1)
    return (entry.messageAttributes ?? [:]).reduce(body?.utf8.count ?? 0) { size, attribute in
      let type: String? = attribute.value.record.optional(4)
      return size + attribute.key.utf8.count + (type?.utf8.count ?? 0) + (attribute.value.stringValue?.utf8.count ?? 0)
        + (attribute.value.binaryValue?.count ?? 0)
    }
  }
}

extension BatchResultErrorEntry {
  /// Entries carry the code that the Query protocol uses, in both protocols.
  fileprivate init(_ id: String, _ error: AWSError) {
    self.init()
    self.id = id
    code = SQSModel.service.structures[error.code]?.errorCode ?? error.code
    senderFault = error.fault == .client
    message = error.message
  }
}
