import Base
import Fabric

/// The hops of one trace, each below the one that caused it.
struct TraceTree: Sendable {
  struct Line: Sendable {
    var hop: Hop
    /// 0 for what nothing of this trace has caused.
    var depth: Int
    /// Since the hop above began, or since the trace did; adjusted time.
    var delay: Duration
    /// For this and each line above it from depth 1 on: it is the last one below its cause.
    var ends: [Bool]
  }

  /// From the top down, what was caused behind its cause.
  let lines: [Line]
  let began: Instant
  let ended: Instant

  /// - Parameter hops: in any order. Causes that are missing, or that go round in a circle, make a hop stand at the top.
  init(_ hops: [Hop]) {
    let sorted = hops.enumerated().sorted { a, b in
      (a.element.at, a.element.attempt, a.offset) < (b.element.at, b.element.attempt, b.offset)
    }.map(\.element)
    let places = Dictionary(sorted.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var children: [Int: [Int]] = [:]
    var tops: [Int] = []
    for (place, hop) in sorted.enumerated() {
      if let cause = hop.parent.flatMap({ places[$0] }), cause != place {
        children[cause, default: []].append(place)
      } else {
        tops.append(place)
      }
    }
    let began = sorted.first?.at ?? .epoch
    var lines: [Line] = []
    var seen = [Bool](repeating: false, count: sorted.count)
    // A stack, not recursion: how deep a trace goes is up to whoever sends.
    func walk(_ top: Int) {
      var stack = [(place: top, depth: 0, since: began, ends: [Bool]())]
      while let (place, depth, since, ends) = stack.popLast() {
        guard !seen[place] else { continue }
        seen[place] = true
        let hop = sorted[place]
        lines.append(Line(hop: hop, depth: depth, delay: hop.at - since, ends: ends))
        let below = children[place] ?? []
        for (rank, child) in below.enumerated().reversed() {
          // Deeper than anybody can read, lines stand below each other.
          let marks = depth < Self.deepest ? ends + [rank == below.count - 1] : ends
          stack.append((child, depth + 1, hop.at, marks))
        }
      }
    }
    for top in tops { walk(top) }
    for place in sorted.indices where !seen[place] { walk(place) }
    (self.lines, self.began) = (lines, began)
    ended = sorted.map { $0.at + $0.duration }.max() ?? began
  }

  private static let deepest = 40
}

/// What a list says of a trace.
struct TraceSummary: Sendable {
  var trace: String
  var began: Instant
  var first: Hop
  var count: Int
  /// How often each outcome came.
  var outcomes: [(name: String, count: Int)]

  init?(_ tree: TraceTree) {
    guard let first = tree.lines.first?.hop else { return nil }
    (trace, began, self.first, count) = (first.trace, tree.began, first, tree.lines.count)
    var counts: [String: Int] = [:]
    for line in tree.lines { counts[line.hop.outcome.name, default: 0] += 1 }
    outcomes = HopOutcome.names.compactMap { name in counts[name].map { (name, $0) } }
  }
}

extension HopOutcome {
  /// As filters and JSON name them.
  static let names = ["accepted", "delivered", "retried", "failed", "filtered", "denied", "deadLettered", "dropped"]

  var name: String {
    switch self {
    case .accepted: "accepted"
    case .delivered: "delivered"
    case .retried: "retried"
    case .failed: "failed"
    case .filtered: "filtered"
    case .denied: "denied"
    case .deadLettered: "deadLettered"
    case .dropped: "dropped"
    }
  }
}
