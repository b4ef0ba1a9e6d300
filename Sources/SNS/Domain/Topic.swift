import Base

/// A topic as it is kept.
struct Topic: Sendable, Equatable {
  let name: TopicName
  /// Of this topic alone: one that is made anew under the same name has another.
  let id: Int64
  /// Grows with each change of the topic or of one of its subscriptions, so that the row differs.
  var version = 0
  let created: Instant
  /// What was set, in canonical form; see `TopicAttributes`.
  var attributes: [String: String]
  var tags: [String: String]
  var confirmed = 0
  var pending = 0
  var deleted = 0
  /// Subscriptions that have a filter policy.
  var filterPolicies = 0
  /// Messages are archived from here on.
  var archivedSince: Instant?

  var isFIFO: Bool { name.isFIFO }
  var subscriptions: Int { confirmed + pending }
  var isContentDeduplicated: Bool { attributes["ContentBasedDeduplication"] == "true" }
  /// Duplicates are looked for within the group only.
  var deduplicatesByGroup: Bool { attributes["FifoThroughputScope"] == "MessageGroup" }
  var maximumMessageSize: Int { attributes["MaximumMessageSize"].flatMap { Int($0) } ?? SNSLimits.messageBytes }
  var signatureVersion: SignatureVersion { attributes["SignatureVersion"].flatMap(SignatureVersion.init) ?? .one }
  /// Nil: messages are not archived.
  var archiveDays: Int? { attributes["ArchivePolicy"].flatMap(ArchivePolicy.days) }

  /// The resource policy that counts: without one of its own a topic has one for its owner.
  var policy: String { attributes["Policy"] ?? TopicPolicy.standard(for: name) }

  /// Who may be told of deliveries to a protocol, and how often (0 to 100).
  func feedback(_ proto: SubscriptionProtocol) -> DeliveryFeedback? {
    guard let word = proto.feedbackWord else { return nil }
    let success = attributes[word + "SuccessFeedbackRoleArn"], failure = attributes[word + "FailureFeedbackRoleArn"]
    guard success != nil || failure != nil else { return nil }
    return DeliveryFeedback(
      successRole: success, failureRole: failure, sampleRate: attributes[word + "SuccessFeedbackSampleRate"].flatMap { Int($0) } ?? 0)
  }
}

/// Where deliveries are told of (developer guide, "Amazon SNS message delivery status").
struct DeliveryFeedback: Sendable, Equatable {
  var successRole: String?
  var failureRole: String?
  /// Of those that succeed, in percent.
  var sampleRate: Int
}

/// How notifications are signed: RSA with SHA-1, or with SHA-256.
enum SignatureVersion: String, Sendable { case one = "1", two = "2" }

/// `{"MessageRetentionPeriod": "30"}`: how many days a FIFO topic keeps its messages.
enum ArchivePolicy {
  static func days(_ text: String) -> Int? {
    guard let object = (try? JSON.parse(text))?.object, object.count == 1, let value = object["MessageRetentionPeriod"] else { return nil }
    guard let days = value.string.flatMap({ Int($0) }) ?? value.int.map({ Int(clamping: $0) }) else { return nil }
    return SNSLimits.archiveDays.contains(days) ? days : nil
  }
}
