import Base

/// What identifies a topic.
struct TopicName: Hashable, Sendable {
  let account: AccountID
  let region: Region
  let name: String

  init(account: AccountID, region: Region, name: String) { (self.account, self.region, self.name) = (account, region, name) }

  var arn: ARN { ARN("sns", region, account, name) }
  var isFIFO: Bool { name.hasSuffix(".fifo") }

  /// Nil unless it is the ARN of a topic.
  init?(_ arn: ARN) {
    guard arn.service == "sns", let account = AccountID(arn.account), let region = Region(arn.region),
      !arn.resource.contains(":"), !arn.resource.contains("/")
    else { return nil }
    self.init(account: account, region: region, name: arn.resource)
  }

  /// - Parameter parameter: what the request calls it (`TopicArn`).
  /// - Throws: AWS's texts for what is no ARN, or is of another Region.
  init(_ text: String, _ parameter: String = "TopicArn", in region: Region) throws(AWSError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).count
    guard parts >= 6 else { throw SNSError.invalid(parameter, "An ARN must have at least 6 elements, not \(parts)") }
    guard let name = ARN(text).flatMap({ TopicName($0) }), name.region == region else { throw SNSError.invalid(parameter) }
    self = name
  }

  /// Throws for a name that a new topic cannot have.
  static func check(_ name: String, isFIFO: Bool) throws(AWSError) {
    let stem = isFIFO && name.hasSuffix(".fifo") ? String(name.dropLast(5)) : name
    let isGood = SNSLimits.topicNameLength.contains(name.utf8.count) && !stem.isEmpty && stem.utf8.allSatisfy(isNameByte)
    if isFIFO, !isGood || !name.hasSuffix(".fifo") {
      throw SNSError.invalid(
        "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, numbers, underscores, "
          + "and hyphens, and must be between 1 and 256 characters long.")
    }
    guard isGood else { throw SNSError.invalid("Topic Name") }
  }
}

/// What identifies a subscription: its topic, and an id of its own.
struct SubscriptionName: Hashable, Sendable {
  let topic: TopicName
  let id: String

  init(topic: TopicName, id: String) { (self.topic, self.id) = (topic, id) }

  var arn: String { "\(topic.arn):\(id)" }

  init?(arn text: String) {
    guard let colon = text.lastIndex(of: ":"), let arn = ARN(text[..<colon]), let topic = TopicName(arn) else { return nil }
    self.init(topic: topic, id: String(text[text.index(after: colon)...]))
    guard !id.isEmpty else { return nil }
  }

  init(_ text: String, in region: Region) throws(AWSError) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).count
    guard parts >= 6 else {
      throw SNSError.invalid("SubscriptionArn", "An ARN must have at least 6 elements, not \(parts)")
    }
    guard let name = SubscriptionName(arn: text), name.topic.region == region else { throw SNSError.invalid("SubscriptionArn") }
    self = name
  }
}

/// Letters, digits, hyphen and underscore: what topic names and batch entry ids are made of.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"): true
  default: false
  }
}
