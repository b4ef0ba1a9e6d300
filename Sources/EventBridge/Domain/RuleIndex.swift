import Base
import Patterns

/// The patterns of a bus, to be asked together which of them want an event.
struct RuleIndex: Sendable {
  private let patterns: [EventPattern]

  init(_ patterns: [EventPattern]) { self.patterns = patterns }

  /// The places of the patterns that match, in their order.
  func matches(_ event: JSON) -> [Int] { patterns.indices.filter { patterns[$0].matches(event) } }
}
