import Base

/// A rule that feeds messages of a queue to a function.
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
  /// 1 to 10,000; more than 10 needs a window.
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
  /// Event patterns; a message that none of them wants is deleted. None wants everything.
  var filters: [String] = []

  /// The queue keeps the order of its message groups.
  var isFIFO: Bool { source.resource.hasSuffix(".fifo") }
  var arn: ARN { ARN("lambda", region, account, "event-source-mapping:\(uuid)") }
  var functionARN: String { qualifier.map { "\(function.arn):\($0)" } ?? function.arn.text }
}
