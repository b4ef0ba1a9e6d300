import Base

/// The numbers of SQS. Where AWS states them: "Amazon SQS quotas" and the API reference of the operation.
enum SQSLimits {
  /// Body and attributes of one message, and of a whole batch (quotas-messages).
  static let messageBytes = 1_048_576
  static let smallestMaximumMessageSize = 1024

  static let delaySeconds = 0...900
  static let visibilitySeconds = 0...43_200
  static let retentionSeconds = 60...1_209_600
  static let waitSeconds = 0...20
  static let dataKeyReuseSeconds = 60...86_400
  static let messagesPerReceive = 1...10
  static let receivesBeforeRedrive = 1...1000
  static let redriveSources = 10

  /// From the receive on; ChangeMessageVisibility cannot go beyond.
  static let totalVisibility = Duration.seconds(43_200)

  static let batchEntries = 10
  static let batchIDLength = 1...80
  static let nameLength = 1...80

  static let messageAttributes = 10
  static let attributeNameLength = 256
  static let attributeTypeLength = 256
  static let groupIDLength = 1...128

  /// Messages received and neither deleted nor visible again.
  static let inFlight = 120_000

  static let policyBytes = 8192
  static let policyStatements = 20
  static let policyPrincipals = 50
  static let policyConditions = 10
  /// In one statement.
  static let permissionActions = 7
  static let tags = 50
  static let listPage = 1000

  /// A second PurgeQueue within this time is refused, and so is CreateQueue after DeleteQueue.
  static let purgeInterval = Duration.seconds(60)
  static let recreateInterval = Duration.seconds(60)

  static let deduplicationInterval = Duration.minutes(5)
  static let receiveAttemptInterval = Duration.minutes(5)

  // Fair queues (developer guide, "How Amazon SQS fair queues work").

  /// A tenant that has more than one part in so many is noisy …
  static let fairShare = 10
  /// … with at least so many messages in flight, or …
  static let fairFlights = 30
  /// … with so much processing time in the last one or two minutes (ours: a few slow messages are no noise).
  static let fairTime = Duration.seconds(30)
  static let fairQuietInterval = Duration.minutes(5)

  static let moveTaskRate = 1...500
  static let moveTasksListed = 10
  static let activeMoveTasks = 100
  static let moveTaskDuration = Duration.hours(36)

  // Ours: bounds on work that AWS does not show.

  /// Operations on one queue that share one transaction.
  static let operationsPerCommit = 64
  /// Expired or broken rows that one receive removes on its way.
  static let expiredPerReceive = 200
  /// Messages that one receive may move to a dead-letter queue.
  static let redrivesPerReceive = 100
  /// Messages that a move task moves in one transaction.
  static let movesPerCommit = 100
  /// Ended move tasks that a source remembers.
  static let moveTasksKept = 20
  /// Rows that a worker removes in one transaction.
  static let rowsPerSweep = 500
  static let queuesPerSweep = 500
  /// Parsed queues kept in memory; when full, all are dropped and read again.
  static let cachedQueues = 20_000
  /// Tenants of one queue whose shares are estimated; when full, the smallest is forgotten.
  static let fairTenants = 256
  /// Queues with tenants; when full, all estimates begin anew.
  static let fairQueues = 1000
  /// Queues whose depths are told as measurements, and rows that are counted for that.
  static let measuredQueues = 200
  static let measuredRows = 100_000
  /// Sources of a dead-letter queue at which a move task's caller must be allowed to send.
  static let moveSourcesChecked = 1000
  /// Clients that wait for messages of one queue. More are answered at once, as by a short poll.
  static let waitersPerQueue = 10_000
}
