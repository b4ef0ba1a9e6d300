import Base

/// Events of one bus, kept to be replayed.
struct Archive: Sendable, Equatable {
  /// Who manages the rules of archives, as AWS names it.
  static let manager = "prod.vhs.events.aws.internal"

  var name: ResourceName
  /// Random: where its events are.
  var id: Int64
  var bus: BusName
  var description: String?
  var pattern: String?
  /// 0 keeps events for ever.
  var retentionDays: Int
  var created: Instant

  var arn: ARN { name.arn() }
  /// The rule on the bus that brings it its events, as on AWS.
  var ruleName: RuleName { RuleName(bus, "Events-Archive-\(name.name)") }

  /// What the archive's rule wants: its own pattern, and nothing that a replay has put.
  var rulePattern: String {
    var members = JSONObject()
    if let pattern, let object = (try? JSON.parse(pattern))?.object { members = object }
    members["replay-name"] = [["exists": false]]
    return JSON.object(members).text
  }

  var rule: Rule {
    var rule = Rule(ruleName, createdBy: name.account)
    rule.pattern = rulePattern
    rule.managedBy = Self.manager
    rule.archive = id
    var target = Target(id: ruleName.name, arn: "arn:aws:events:\(name.region):::")
    target.input = .transformer(
      paths: [:],
      template: "{\"archive-arn\": \"\(arn)\", \"event\": <aws.events.event.json>, \"ingestion-time\": <aws.events.event.ingestion-time>}")
    rule.targets = [target]
    return rule
  }
}

/// How much an archive keeps.
struct Tally: Sendable, Equatable {
  var events = 0
  var bytes = 0
  /// The last sequence that was given.
  var last: Int64 = 0
}

/// The second life of archived events.
struct Replay: Sendable, Equatable {
  enum State: String, Sendable {
    /// → running, cancelling
    case starting = "STARTING"
    /// → completed, cancelling, failed
    case running = "RUNNING"
    /// → cancelled
    case cancelling = "CANCELLING"
    case completed = "COMPLETED"
    case cancelled = "CANCELLED"
    case failed = "FAILED"

    var isActive: Bool { self == .starting || self == .running || self == .cancelling }
  }

  var name: ResourceName
  var archive: ResourceName
  var bus: BusName
  var description: String?
  /// ARNs of rules; none means all of them.
  var filter: [String]
  var from: Instant
  var to: Instant
  var state = State.starting
  var reason: String?
  var started: Instant
  var ended: Instant?
  var lastReplayed: Instant?
  /// The last key that was replayed: it goes on behind it.
  var position: [UInt8] = []

  var arn: ARN { name.arn() }
}
