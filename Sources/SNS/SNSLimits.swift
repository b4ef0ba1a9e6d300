import Base

/// The numbers of SNS. Where AWS states them: "Amazon SNS endpoints and quotas", and the API reference of the operation.
enum SNSLimits {
  /// Message, subject and attributes of one message, and of a whole batch, unless the topic says otherwise.
  static let messageBytes = 262_144
  /// What the topic attribute MaximumMessageSize may be.
  static let maximumMessageSize = 1024...1_048_576
  /// A topic that takes larger messages than `messageBytes` has at most so many subscriptions …
  static let subscriptionsOfLargeTopics = 100

  static let topicNameLength = 1...256
  static let subjectLength = 100
  static let displayNameLength = 100
  static let topics = 100_000
  static let fifoTopics = 1000
  static let fifoSubscriptions = 100
  static let tags = 50
  static let policyBytes = 30_720
  static let labelLength = 1...80

  static let batchEntries = 10
  static let batchIDLength = 80
  static let groupIDLength = 1...128
  static let deduplicationInterval = Duration.minutes(5)

  static let attributeNameLength = 256
  /// With raw delivery to a queue, which takes no more.
  static let rawAttributes = 10

  static let filterPolicyBytes = 262_144
  static let filterPolicyKeys = 5
  static let filterPolicyCombinations = 150
  static let filterPoliciesOfTopic = 200

  static let listPage = 100
  static let confirmationTime = Duration.days(3)
  static let archiveDays = 1...365

  /// An endpoint must answer within this (developer guide, "Parsing message formats").
  static let httpAnswer = Duration.seconds(15)
  static let httpTotalRetryTime = 3600

  /// Parsed topics with their subscriptions that are kept in memory; beyond it they are read again.
  static let cachedTopics = 10_000
  static let cachedSubscriptions = 100_000
  /// Deliveries that one transaction adds, and their bytes; what goes beyond is added in the background.
  static let directDeliveries = 200
  static let directBytes = 8 << 20
  /// Messages of a topic that are not yet added for all subscriptions; more are throttled.
  static let fanoutsOfTopic: Int64 = 10_000
  /// Items of the outbox of an account; the oldest go.
  static let outboxItems = 10_000
  /// Signatures that are remembered, so that a message is signed once for all its subscriptions.
  static let rememberedSignatures = 4096
  /// Rows that a worker handles in one turn.
  static let sweep = 500
}
