import Base

/// The numbers of EventBridge Pipes ("Quotas" in the EventBridge User Guide and the API reference), and those of our own.
enum PipesLimits {
  static let pipes = 1000
  static let tags = 50
  static let page = 100
  static let defaultBatchSize = 10
  /// Batches of one queue's pipe that are under way at the same time, at most.
  static let pollers = 50
  /// The longest wait of one receive (SQS: 20 s).
  static let longestPoll = Duration.seconds(20)
  /// Of a batch, as a function takes it.
  static let batchBytes = 6 << 20
  /// Items that a target takes with one call; an enrichment that gives back more stops the batch.
  static let batchOfTarget = ["sqs": 10, "events": 10, "sns": 10, "kinesis": 500, "firehose": 500, "logs": 10_000]
}
