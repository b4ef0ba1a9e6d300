import Base
import Patterns

/// The patterns of a bus, to be asked together which of them want an event.
struct RuleIndex: Sendable {
  private var set = PatternSet<Int>()

  init(_ patterns: [EventPattern]) {
    for (place, pattern) in patterns.enumerated() { set.add(place, pattern) }
  }

  /// The places of the patterns that match, in their order.
  func matches(_ event: JSON) -> [Int] { set.matches(event) }
}
