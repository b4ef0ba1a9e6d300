import Base

/// A rule that feeds what a source holds to a function: messages of a queue, or records of a stream.
struct EventSourceMapping: Sendable, Equatable {
  /// What may follow: creating → enabled or disabled; enabling → enabled; disabling → disabled; updating → enabled or
  /// disabled; any → deleting. Only `enabled` polls.
  enum State: String, Sendable {
    case creating = "Creating", enabling = "Enabling", enabled = "Enabled", disabling = "Disabling", disabled = "Disabled"
    case updating = "Updating", deleting = "Deleting"
  }

  var uuid: String
  var account: AccountID
  var region: Region
  var source: ARN
  var function: FunctionID
  /// A version or alias; nil for `$LATEST`.
  var qualifier: String?
  /// 1 to 10,000; for a queue more than 10 needs a window.
  var batchSize: Int
  /// 0 s to 300 s.
  var batchingWindow: Duration
  /// The function answers with the failed items of the batch.
  var reportsBatchItemFailures: Bool
  /// 2 to 1,000 concurrent invocations; nil for no limit of its own.
  var maximumConcurrency: Int?
  /// What the user wants; `state` follows it once the poller has acted: while creating, updating, enabling or disabling it
  /// says where to.
  var isWanted: Bool = true
  var state: State
  var lastModified: Instant
  /// Event patterns; what none of them wants is deleted from a queue and passed over in a stream. None wants everything.
  var filters: [String] = []
  /// The metrics of the group `EventCount` are recorded.
  var countsEvents = false
  /// A queue's pollers are set aside in place of growing with its load.
  var provisionedPollers: ProvisionedPollers?
  /// What only streams have.
  var stream: StreamSettings?

  /// The queue keeps the order of its message groups.
  var isFIFO: Bool { kind == .queue && source.resource.hasSuffix(".fifo") }
  /// Anything else was refused when the mapping was made.
  var kind: SourceKind { SourceKind(rawValue: source.service) ?? .queue }
  var arn: ARN { ARN("lambda", region, account, "event-source-mapping:\(uuid)") }
  var functionARN: String { qualifier.map { "\(function.arn):\($0)" } ?? function.arn.text }
}

/// The sources that a mapping may have, by the service in their ARN.
enum SourceKind: String, Sendable {
  case queue = "sqs", kinesis, dynamoDB = "dynamodb"

  var isStream: Bool { self != .queue }
  var defaultBatchSize: Int {
    switch self {
    case .queue: LambdaLimits.defaultSQSBatchSize
    case .kinesis, .dynamoDB: LambdaLimits.defaultStreamBatchSize
    }
  }
}

/// Pollers of a queue mapping in provisioned mode (AWS: "Using provisioned mode with an Amazon SQS event source mapping").
struct ProvisionedPollers: Sendable, Equatable {
  /// Concurrent invocations of one poller.
  static let concurrency = 10
  /// 2 to 200.
  var minimum: Int
  /// 2 to 2,000, and no less than the minimum.
  var maximum: Int
}

/// What a mapping of a stream has besides what all have.
struct StreamSettings: Sendable, Equatable {
  enum Start: Sendable, Equatable {
    case trimHorizon
    case latest
    case timestamp(Instant)
  }
  var start: Start
  /// Batches of one shard that run at the same time, 1 to 10.
  var parallelizationFactor = 1
  /// 60 s to 7 days; nil for no limit.
  var maximumRecordAge: Duration?
  /// 0 to 10,000; nil for no limit.
  var maximumRetryAttempts: Int?
  /// A batch that failed is split in two.
  var bisectsOnError = false
  /// 1 s to 900 s; nil for no windows.
  var tumblingWindow: Duration?
  /// The queue that is told of discarded records.
  var onFailure: ARN?
}
