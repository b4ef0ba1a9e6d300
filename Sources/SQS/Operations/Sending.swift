import Base
import Fabric
import Store
import Wire

/// What SendMessage and an entry of SendMessageBatch have in common.
protocol MessageInput: RecordView {
  var messageBody: String { get }
  var delaySeconds: Int? { get }
  var messageAttributes: [String: MessageAttributeValue]? { get }
  var messageSystemAttributes: [String: MessageSystemAttributeValue]? { get }
  var messageDeduplicationId: String? { get }
  var messageGroupId: String? { get }
}
extension SendMessageInput: MessageInput, QueueInput {}
extension SendMessageBatchRequestEntry: MessageInput {}

extension Draft {
  /// - Parameter callTrace: of the call. One that the client has sent goes on with the message, one that we made does not.
  init(_ input: some MessageInput, _ callTrace: TraceContext) throws(AWSError) {
    try input.checkRequired()
    var attributes: [MessageAttribute] = []
    for (name, value) in input.messageAttributes ?? [:] { attributes.append(try MessageAttribute(name, value)) }
    attributes.sort { $0.name < $1.name }
    var trace: String?
    for (name, value) in input.messageSystemAttributes ?? [:] {
      guard name == "AWSTraceHeader" else {
        throw SQSError.invalid("Message system attribute name '\(name)' is invalid.")
      }
      guard value.record.slots[4] != nil, value.dataType == "String", let text = value.stringValue, !text.isEmpty else {
        throw SQSError.invalid("Message (system) attribute 'AWSTraceHeader' must contain a non-empty value of type 'String'.")
      }
      trace = text
    }
    try self.init(
      body: input.messageBody, attributes: attributes, traceHeader: trace, groupID: input.messageGroupId,
      deduplicationID: input.messageDeduplicationId, delaySeconds: input.delaySeconds)
    if callTrace.sampled != nil || callTrace.parent != nil || callTrace.lineage != nil { inheritedTrace = callTrace.header }
  }
}

extension MessageAttribute {
  init(_ name: String, _ value: MessageAttributeValue) throws(AWSError) {
    guard let type: String = value.record.optional(4), !type.isEmpty else {
      throw SQSError.invalid("The message attribute '\(name)' must contain non-empty message attribute type.")
    }
    guard value.stringListValues?.isEmpty ?? true, value.binaryListValues?.isEmpty ?? true else {
      throw SQSError.unsupported("Message attribute list values in SendMessage operation are not supported.")
    }
    let isBinary = type == "Binary" || type.hasPrefix("Binary.")
    if isBinary, let bytes = value.binaryValue {
      self.init(name: name, dataType: type, content: .binary(bytes))
    } else if !isBinary, let text = value.stringValue {
      self.init(name: name, dataType: type, content: .string(text))
    } else {
      let base = type.split(separator: ".").first.map(String.init) ?? type
      throw SQSError.invalid("Message (user) attribute '\(name)' must contain a non-empty value of type '\(base)'.")
    }
  }

  var value: MessageAttributeValue {
    var out = MessageAttributeValue()
    out.dataType = dataType
    switch content {
    case .string(let text): out.stringValue = text
    case .binary(let bytes): out.binaryValue = bytes
    }
    return out
  }
}

extension SQSService {
  /// Sends drafts in one transaction; each has its own result. Throws when the queue does not exist.
  func send(_ drafts: [Draft], to name: QueueName, isBatch: Bool, by sender: Caller, _ call: Call?) async throws
    -> [Result<Sent, AWSError>]
  {
    let now = ambient.now
    let userID = sender.principal.userID
    let prepared = drafts.map { draft in
      (draft: draft, id: ambient.uuid(), sequence: sequences.next(at: now), hop: hops.begin(draft, sender.trace))
    }
    let results: [Result<Sent, AWSError>] = try await commits.run(name) { transaction in
      let queue = try transaction.existing(name, call)
      for item in prepared { try item.draft.checkIdentity(for: queue, isBatch: isBatch) }
      return try prepared.map { item in
        do throws(AWSError) {
          try item.draft.check(for: queue)
        } catch {
          return .failure(error)
        }
        let message = item.draft.message(
          id: item.id, sequence: item.sequence, sender: userID, in: queue, at: now, origin: MessageOrigin(item.hop))
        return .success(try transaction.messages(queue).send(message))
      }
    }
    for (item, result) in zip(prepared, results) {
      guard case .success(let sent) = result else { continue }
      hops.end(item.hop, by: sender.principal, to: name, isDuplicate: sent.messageID != item.id)
    }
    return results
  }

  func sendMessage(_ input: SendMessageInput, _ call: Call) async throws -> SendMessageOutput {
    let name = try queueName(input.queueUrl, call)
    let draft = try Draft(input, call.trace)
    let sent = try await send([draft], to: name, isBatch: false, by: call.caller, call)[0].get()
    var output = SendMessageOutput()
    output.messageId = sent.messageID
    output.md5OfMessageBody = draft.bodyMD5
    output.md5OfMessageAttributes = draft.attributesMD5
    output.md5OfMessageSystemAttributes = draft.systemAttributesMD5
    output.sequenceNumber = sent.sequenceNumber
    return output
  }
}
