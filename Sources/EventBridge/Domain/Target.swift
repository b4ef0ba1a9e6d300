import Base

/// Where a rule sends events, and how.
struct Target: Sendable, Equatable {
  /// What the target gets.
  enum Input: Sendable, Equatable {
    case event
    case constant(String)
    case path(String)
    case transformer(paths: [String: String], template: String)
  }
  struct HTTP: Sendable, Equatable {
    var path: [String] = []
    var headers: [String: String] = [:]
    var query: [String: String] = [:]
  }

  var id: String
  var arn: String
  var role: String?
  var input = Input.event
  /// The group of messages to a queue; given and empty for a queue without groups.
  var messageGroup: String?
  /// A path in the event to the partition key of a Kinesis record.
  var partitionKeyPath: String?
  var http: HTTP?
  var deadLetter: String?
  var maximumAttempts: Int?
  var maximumAgeSeconds: Int?

  init(id: String, arn: String) { (self.id, self.arn) = (id, arn) }

  var retryAttempts: Int { maximumAttempts ?? EventBridgeLimits.retryAttempts }
  var age: Duration { maximumAgeSeconds.map { .seconds($0) } ?? EventBridgeLimits.eventAge }
}

/// The kinds of targets that Dewpoint delivers to.
enum TargetKind: Sendable, Equatable {
  case function, queue, topic, stream, firehose, stateMachine, logGroup, bus, destination

  /// Nil when the ARN names nothing that EventBridge can send to here.
  init?(_ arn: ARN) {
    switch arn.service {
    case "lambda" where arn.resource.hasPrefix("function:"): self = .function
    case "sqs": self = .queue
    case "sns": self = .topic
    case "kinesis" where arn.resource.hasPrefix("stream/"): self = .stream
    case "firehose" where arn.resource.hasPrefix("deliverystream/"): self = .firehose
    case "states" where arn.resource.hasPrefix("stateMachine:"): self = .stateMachine
    case "logs" where arn.resource.hasPrefix("log-group:"): self = .logGroup
    case "events" where arn.resource.hasPrefix("event-bus/"): self = .bus
    case "events" where arn.resource.hasPrefix("api-destination/"): self = .destination
    default: return nil
    }
  }

  /// The name of the API that the door must know for such targets.
  var service: String {
    switch self {
    case .function: "lambda"
    case .queue: "sqs"
    case .topic: "sns"
    case .stream: "kinesis"
    case .firehose: "firehose"
    case .stateMachine: "states"
    case .logGroup: "logs"
    case .bus, .destination: "events"
    }
  }

  /// EventBridge calls these as a role; the others have resource policies that let it in (user guide, "Using resource-based
  /// policies for Amazon EventBridge").
  var needsRole: Bool {
    switch self {
    case .stream, .firehose, .stateMachine, .bus, .destination: true
    case .function, .queue, .topic, .logGroup: false
    }
  }
}
