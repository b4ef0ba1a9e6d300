import Base
import Fabric
import Store
import Wire

extension MessageAttribute {
  init(_ name: String, _ value: MessageAttributeValue) throws(AWSError) {
    guard let type: String = value.record.optional(0), !type.isEmpty else {
      throw SNSError.value("The message attribute '\(name)' must contain non-empty message attribute type.")
    }
    if let bytes = value.binaryValue {
      self.init(name: name, dataType: type, content: .binary(bytes))
    } else {
      self.init(name: name, dataType: type, content: .string(value.stringValue ?? ""))
    }
  }
}

/// What Publish and an entry of PublishBatch have in common.
private protocol MessageInput: RecordView {
  var message: String { get }
  var subject: String? { get }
  var messageStructure: String? { get }
  var messageAttributes: [String: MessageAttributeValue]? { get }
  var messageDeduplicationId: String? { get }
  var messageGroupId: String? { get }
}
extension PublishInput: MessageInput {}
extension PublishBatchRequestEntry: MessageInput {}

extension Draft {
  fileprivate init(_ input: some MessageInput) throws(AWSError) {
    var attributes: [MessageAttribute] = []
    for (name, value) in input.messageAttributes ?? [:] { attributes.append(try MessageAttribute(name, value)) }
    attributes.sort { $0.name < $1.name }
    try self.init(
      message: input.message, subject: input.subject, structure: input.messageStructure, attributes: attributes,
      groupID: input.messageGroupId, deduplicationID: input.messageDeduplicationId)
  }
}

/// Messages come in.
extension SNSService {
  var publishOperations: [Operation] {
    [
      Operation("Publish", access: publishAccess, run: publish),
      Operation("PublishBatch", access: access("Publish"), run: publishBatch),
    ]
  }

  private enum Target { case topic(TopicName), phone(String) }

  private func target(_ input: PublishInput, _ call: Call) throws(AWSError) -> Target {
    let given = [input.topicArn, input.targetArn, input.phoneNumber].compactMap { $0 }
    guard given.count <= 1 else { throw SNSError.invalid("PhoneNumber Reason: Only one of TopicArn, TargetArn or PhoneNumber may be given") }
    if let phone = input.phoneNumber {
      guard PhoneNumber.isGood(phone) else { throw SNSError.invalid("PhoneNumber", "\(phone) is not valid to publish to") }
      return .phone(phone)
    }
    if let arn = input.topicArn { return .topic(try TopicName(arn, in: call.region)) }
    guard let arn = input.targetArn else { throw SNSError.invalid("TopicArn or TargetArn", "no value for required parameter") }
    if ARN(arn)?.resource.hasPrefix("endpoint/") == true {
      throw SNSError.invalid("TargetArn", "No endpoint found for the target arn specified")
    }
    return .topic(try TopicName(arn, "TargetArn", in: call.region))
  }

  private func publishAccess(_ input: PublishInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    switch try target(input, call) {
    case .topic(let name): return [try await access("Publish", name)]
    case .phone: return [Access("sns:Publish", on: "*", owner: call.account)]
    }
  }

  private func publish(_ input: PublishInput, _ call: Call) async throws -> PublishOutput {
    let draft = try Draft(input)
    var output = PublishOutput()
    switch try target(input, call) {
    case .topic(let name):
      let published = try await publish([draft], to: name, call)[0].get()
      (output.messageId, output.sequenceNumber) = (published.messageID, published.sequenceNumber)
    case .phone(let phone): output.messageId = try await text(draft, to: phone, call)
    }
    return output
  }

  /// A text message to a phone: nothing leaves the machine, the outbox has it.
  private func text(_ draft: Draft, to phone: String, _ call: Call) async throws -> String {
    let id = ambient.uuid()
    let settings = try await store.read { try $0.smsAttributes(call.account, call.region) }
    let item = OutboxItem(
      id: id, kind: .sms, account: call.account, recipient: phone, sender: draft.attribute("AWS.SNS.SMS.SenderID") ?? settings["DefaultSenderID"] ?? "",
      subject: draft.attribute("AWS.SNS.SMS.SMSType") ?? settings["DefaultSMSType"] ?? "Promotional", body: draft.body(for: .sms), time: ambient.now)
    try await outbox.add(item)
    return id
  }

  private func publishBatch(_ input: PublishBatchInput, _ call: Call) async throws -> PublishBatchOutput {
    let name = try TopicName(input.topicArn, in: call.region)
    let entries = input.publishBatchRequestEntries
    try Self.check(entries)
    let topic = try await topics.existing(name).topic
    let drafts = entries.map { entry in
      Result { () throws(AWSError) in
        guard entry.record.slots[1] != nil else { throw SNSError.missing("Message") }
        return try Draft(entry)
      }
    }
    let bytes = drafts.reduce(0) { $0 + ((try? $1.get())?.size ?? 0) }
    guard bytes <= topic.maximumMessageSize else { throw SNSError.batchTooLong }
    var published = try await publish(drafts.compactMap { try? $0.get() }, to: name, call)[...]
    var (successful, failed): ([PublishBatchResultEntry], [BatchResultErrorEntry]) = ([], [])
    for (entry, draft) in zip(entries, drafts) {
      do throws(AWSError) {
        _ = try draft.get()
        guard let result = published.popFirst() else { break }
        let sent = try result.get()
        var out = PublishBatchResultEntry()
        (out.id, out.messageId, out.sequenceNumber) = (entry.id, sent.messageID, sent.sequenceNumber)
        successful.append(out)
      } catch {
        failed.append(BatchResultErrorEntry(entry.id, error))
      }
    }
    var output = PublishBatchOutput()
    (output.successful, output.failed) = (successful, failed)
    return output
  }

  /// What is wrong with a batch as a whole.
  private static func check(_ entries: [PublishBatchRequestEntry]) throws(AWSError) {
    guard !entries.isEmpty else { throw SNSError.emptyBatch }
    guard entries.count <= SNSLimits.batchEntries else { throw SNSError.tooManyEntries }
    var seen: Set<String> = []
    for entry in entries {
      guard entry.record.slots[0] != nil, !entry.id.isEmpty else { throw SNSError.missing("Id") }
      guard entry.id.utf8.count <= SNSLimits.batchIDLength else { throw SNSError.batchIDTooLong(entry.id) }
      guard entry.id.utf8.allSatisfy(isNameByte) else { throw SNSError.batchIDInvalid(entry.id) }
      guard seen.insert(entry.id).inserted else { throw SNSError.idsNotDistinct }
    }
  }
}

extension Draft {
  /// The text of an attribute by its name.
  fileprivate func attribute(_ name: String) -> String? {
    guard case .string(let text)? = attributes.first(where: { $0.name == name })?.content else { return nil }
    return text
  }
}

extension BatchResultErrorEntry {
  /// Entries carry the code that the protocol writes.
  fileprivate init(_ id: String, _ error: AWSError) {
    self.init()
    self.id = id
    code = SNSModel.service.structures[error.code]?.errorCode ?? error.code
    senderFault = error.fault == .client
    message = error.message
  }
}
