import Base

/// A message as it was sent to be published, before anybody knows the topic.
struct Draft: Sendable {
  /// What goes to those protocols for which there is nothing of their own.
  var body: String
  /// Of `MessageStructure: json`.
  var bodies: [String: String]
  var subject: String?
  var attributes: [MessageAttribute]
  var groupID: String?
  var deduplicationID: String?
  /// Message and attributes as they were sent.
  let size: Int

  init(
    message: String, subject: String? = nil, structure: String? = nil, attributes: [MessageAttribute] = [], groupID: String? = nil,
    deduplicationID: String? = nil
  ) throws(AWSError) {
    guard !message.isEmpty else { throw SNSError.invalid("Empty message") }
    size = attributes.reduce(message.utf8.count) { $0 + $1.size }
    (body, bodies) = (message, [:])
    if let subject {
      let isPrintable = !subject.unicodeScalars.contains { $0.value < 32 || $0.value == 127 }
      guard !subject.isEmpty, subject.count <= SNSLimits.subjectLength, isPrintable else { throw SNSError.invalid("Subject") }
    }
    (self.subject, self.attributes, self.groupID, self.deduplicationID) = (subject, attributes, groupID, deduplicationID)
    if let structure, !structure.isEmpty {
      guard structure == "json" else { throw SNSError.invalid("MessageStructure") }
      try split(message)
    }
    for attribute in attributes { try attribute.check() }
    if let groupID, !Self.isToken(groupID) { throw Self.notToken("MessageGroupId", groupID) }
    if let deduplicationID, !Self.isToken(deduplicationID) { throw Self.notToken("MessageDeduplicationId", deduplicationID) }
  }

  private mutating func split(_ message: String) throws(AWSError) {
    guard let object = (try? JSON.parse(message))?.object else {
      throw SNSError.invalid("Message Structure - JSON message body failed to parse")
    }
    for (name, value) in object where value.string != nil { bodies[name] = value.string }
    guard let standard = bodies["default"] else { throw SNSError.invalid("Message Structure - No default entry in JSON message body") }
    body = standard
  }

  func body(for proto: SubscriptionProtocol) -> String { bodies[proto.rawValue] ?? body }

  /// What the topic says about it.
  func check(for topic: Topic) throws(AWSError) {
    guard size <= topic.maximumMessageSize else { throw SNSError.invalid("Message too long") }
    if topic.isFIFO {
      guard groupID != nil else { throw SNSError.invalid("The MessageGroupId parameter is required for FIFO topics") }
      guard deduplicationID != nil || topic.isContentDeduplicated else {
        throw SNSError.invalid(
          "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly")
      }
    } else if deduplicationID != nil {
      throw SNSError.invalid(
        "MessageDeduplicationId", "The request includes MessageDeduplicationId parameter that is not valid for this topic type")
    }
  }

  /// Up to 128 letters, digits and punctuation.
  private static func isToken(_ text: String) -> Bool {
    SNSLimits.groupIDLength.contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 32 && $0 < 127 }
  }
  private static func notToken(_ name: String, _ value: String) -> AWSError {
    SNSError.invalid(
      name, "\(name) can only include alphanumeric and punctuation characters. 1 to 128 in length")
  }
}
