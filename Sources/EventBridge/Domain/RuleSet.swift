import Base
import Patterns

/// What a bus does with an event: its enabled rules, compiled, as they were at one revision of the bus.
final class RuleSet: Sendable {
  struct Entry: Sendable {
    var name: RuleName
    var arn: String
    var archive: Int64?
    var targets: [(target: Target, arn: ARN, row: [UInt8])]

    init(_ rule: Rule) {
      (name, arn, archive) = (rule.name, rule.name.arn.text, rule.archive)
      targets = rule.targets.compactMap { target in ARN(target.arn).map { (target, $0, target.row) } }
    }
  }
  /// What an event comes to.
  struct Match: Sendable {
    var wanted: [Entry]
    /// The first names of the rules that did not want it, and how many there are.
    var refused: [String]
    var refusedCount: Int
  }

  let revision: Int64
  /// Nil where there is no such bus: events for it are dropped, as on AWS.
  let bus: Bus?
  let entries: [Entry]
  private let index: RuleIndex

  init(_ bus: Bus?, _ rules: [Rule], revision: Int64) {
    (self.bus, self.revision) = (bus, revision)
    var (entries, patterns): ([Entry], [EventPattern]) = ([], [])
    for rule in rules where rule.isEnabled {
      // What is stored was compiled when it was put.
      guard let text = rule.pattern, let pattern = try? EventPattern(text) else { continue }
      entries.append(Entry(rule))
      patterns.append(pattern)
    }
    self.entries = entries
    index = RuleIndex(patterns)
  }

  /// - Parameter only: ARNs of the rules that may want it at all; nil for all of them (a replay chooses).
  func match(_ event: Event, only: Set<String>? = nil) -> Match {
    guard !entries.isEmpty else { return Match(wanted: [], refused: [], refusedCount: 0) }
    let places = index.matches(event.json)
    let wanted = places.map { entries[$0] }.filter { only?.contains($0.arn) ?? true }
    var refused: [String] = []
    var matching = places[...]
    for place in entries.indices where refused.count < EventBridgeLimits.namesInHop {
      if place == matching.first { matching.removeFirst(); continue }
      if entries[place].archive == nil { refused.append(entries[place].name.name) }
    }
    return Match(wanted: wanted, refused: refused, refusedCount: entries.count - places.count)
  }
}
