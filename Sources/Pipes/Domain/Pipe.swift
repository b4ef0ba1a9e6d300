import Base

struct PipeName: Sendable, Hashable {
  var account: AccountID
  var region: Region
  var name: String

  var arn: String { "arn:aws:pipes:\(region):\(account):pipe/\(name)" }
}

/// The life of a pipe. What a user asks for (`creating`, `updating`, `starting`, `stopping`, `deleting`) the runner carries out.
enum PipeState: String, Sendable {
  /// → running, stopped
  case creating = "CREATING"
  /// → running, stopped
  case updating = "UPDATING"
  /// → running
  case starting = "STARTING"
  /// → updating, stopping, deleting
  case running = "RUNNING"
  /// → stopped
  case stopping = "STOPPING"
  /// → updating, starting, deleting
  case stopped = "STOPPED"
  /// → gone
  case deleting = "DELETING"

  /// It may be changed, started, stopped or deleted.
  var isSettled: Bool { self == .running || self == .stopped }
}

struct Pipe: Sendable, Equatable {
  var name: PipeName
  var createdAt: Instant
  var modifiedAt: Instant
  var description: String?
  var isWanted: Bool
  var state: PipeState
  var source: String
  var enrichment: String?
  var target: String
  var role: String
  var tags: [String: String]
  /// As the user gave them, JSON with the names of the API.
  var sourceParameters: JSON?
  var enrichmentParameters: JSON?
  var targetParameters: JSON?
  var logConfiguration: JSON?

  /// What decides how it runs; what else changes does not interrupt it.
  var program: [String?] {
    [source, enrichment, target, role, sourceParameters?.text, enrichmentParameters?.text, targetParameters?.text, logConfiguration?.text]
  }
}

/// What the runner needs of a pipe's parameters.
extension Pipe {
  enum Kind: String, Sendable {
    case queue = "sqs"
    case kinesis
    case dynamoDB = "dynamodb"

    /// What the parameters of such a source are called.
    var parameters: String {
      switch self {
      case .queue: "SqsQueueParameters"
      case .kinesis: "KinesisStreamParameters"
      case .dynamoDB: "DynamoDBStreamParameters"
      }
    }
    var contentKey: String? {
      switch self {
      case .queue: "body"
      case .kinesis: "data"
      case .dynamoDB: nil
      }
    }
  }
  /// Nil: no source that we know.
  var kind: Kind? { ARN(source).flatMap { Kind(rawValue: $0.service) } }
  /// Of the source.
  var kindParameters: JSON? { kind.flatMap { sourceParameters?[$0.parameters] } }
  /// Of a queue.
  var batchSize: Int { Int(kindParameters?["BatchSize"]?.int ?? Int64(PipesLimits.defaultBatchSize)) }
  var window: Duration { .seconds(kindParameters?["MaximumBatchingWindowInSeconds"]?.int ?? 0) }
  var filters: [String] {
    sourceParameters?["FilterCriteria"]?["Filters"]?.array?.compactMap { $0["Pattern"]?.string } ?? []
  }
  /// A failed record is tried again with all that are behind it, so that nothing is sent past it.
  var isOrdered: Bool { kind == .kinesis || kind == .dynamoDB }
  var isFIFO: Bool { source.hasSuffix(".fifo") }
}
