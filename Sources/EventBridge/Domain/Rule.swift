import Base

/// A rule: what it wants, when it fires by itself, and to whom it sends.
struct Rule: Sendable, Equatable {
  enum State: String, Sendable {
    case enabled = "ENABLED"
    case disabled = "DISABLED"
    /// Also wants read-only management events of CloudTrail, of which there are none here.
    case enabledWithManagementEvents = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
  }

  var name: RuleName
  var pattern: String?
  var schedule: String?
  var state = State.enabled
  var description: String?
  var role: String?
  /// The service that made the rule and alone may change it: archives have such rules.
  var managedBy: String?
  /// Who made the rule.
  var createdBy: AccountID
  var tags: [String: String] = [:]
  var targets: [Target] = []
  /// For a rule of an archive: the archive's id, where its events are kept.
  var archive: Int64?
  /// When a schedule of `rate` began to count.
  var scheduledSince: Instant?

  init(_ name: RuleName, createdBy: AccountID) { (self.name, self.createdBy) = (name, createdBy) }

  var isEnabled: Bool { state != .disabled }

  /// Adds the targets, in place of those that have their ids. Throws `LimitExceededException`.
  mutating func put(_ new: [Target]) throws(AWSError) {
    for target in new {
      if let place = targets.firstIndex(where: { $0.id == target.id }) { targets[place] = target } else { targets.append(target) }
    }
    guard targets.count <= EventBridgeLimits.targetsPerRule else { throw EventBridgeError.limit }
  }
}
