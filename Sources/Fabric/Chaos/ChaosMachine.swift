import Base

/// The rules, and what they do to each point. Pure: the same rules and the same points give the same faults.
///
/// Rules decide one after the other, in the order in which they were added. All that make a point slow add up, and the first that lets
/// it fail ends it: those behind are not asked.
struct ChaosMachine: Sendable {
  static let maximumRules = 100

  /// A rule that struck.
  struct Hit: Sendable, Equatable {
    var fault: ChaosFault
    var reason: String
  }
  /// What is done to a point before it goes on, if it does.
  struct Obstacle: Sendable, Equatable {
    var hits: [Hit] = []
    var delay = Duration.zero
    /// `fail` or `throttle`.
    var refusal: ChaosFault?
  }

  private(set) var rules: [ChaosRule] = []
  private var lastID = 0

  mutating func add(_ settings: ChaosRule.Settings) throws(AWSError) -> ChaosRule {
    guard rules.count < Self.maximumRules else {
      throw AWSError("BadRequest", "There are \(Self.maximumRules) rules already; stop one first.", status: 400)
    }
    lastID += 1
    let rule = ChaosRule(lastID, settings)
    rules.append(rule)
    return rule
  }

  mutating func remove(_ id: Int) -> ChaosRule? {
    rules.firstIndex { $0.id == id }.map { rules.remove(at: $0) }
  }

  /// Returns how many there were.
  mutating func removeAll(where isGone: (ChaosRule) -> Bool = { _ in true }) -> Int {
    let before = rules.count
    rules.removeAll(where: isGone)
    return before - rules.count
  }

  mutating func obstacle(at point: ChaosPoint) -> Obstacle {
    var obstacle = Obstacle()
    for index in rules.indices where rules[index].applies(to: point) {
      let fault = rules[index].settings.fault
      guard fault == .slow || fault == .fail || fault == .throttle, rules[index].strikes() else { continue }
      obstacle.hits.append(Hit(fault: fault, reason: rules[index].reason(at: point)))
      if fault == .slow {
        obstacle.delay += rules[index].settings.delay
      } else {
        obstacle.refusal = fault
        break
      }
    }
    return obstacle
  }

  /// Whether it is delivered once more.
  mutating func duplicate(at point: ChaosPoint) -> Hit? {
    for index in rules.indices where rules[index].settings.fault == .duplicate && rules[index].applies(to: point) {
      if rules[index].strikes() { return Hit(fault: .duplicate, reason: rules[index].reason(at: point)) }
    }
    return nil
  }

  /// Another order of things that are given together.
  mutating func order(of count: Int, at point: ChaosPoint) -> (hit: Hit, order: [Int])? {
    // One alone has no order: it does not count as seen either.
    guard count > 1 else { return nil }
    for index in rules.indices where rules[index].settings.fault == .reorder && rules[index].applies(to: point) {
      guard rules[index].strikes() else { continue }
      return (Hit(fault: .reorder, reason: rules[index].reason(at: point)), rules[index].order(of: count))
    }
    return nil
  }
}
