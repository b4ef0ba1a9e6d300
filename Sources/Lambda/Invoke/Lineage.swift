import Base
import Fabric

/// Which functions a chain of invocations has come through, and how often: the `Lineage` field of the trace header,
/// `HASH:COUNT|HASH:COUNT`. It travels with the SDKs' requests from within functions, with asynchronous events, and with
/// messages that carry a trace header (AWS: "Use Lambda recursive loop detection").
struct Lineage: Sendable, Equatable {
  /// A function that has been invoked so often in one chain is not invoked once more.
  static let limit = 16
  /// Functions that are remembered; the oldest goes first. Our own bound, so that the header cannot grow for ever.
  private static let capacity = 32

  private(set) var visits: [(function: String, count: Int)] = []

  static func == (a: Lineage, b: Lineage) -> Bool { a.text == b.text }

  /// What is malformed is left out: the header comes from whoever calls.
  init(_ text: String?) {
    for part in (text ?? "").split(separator: "|").suffix(Self.capacity) {
      let pair = part.split(separator: ":")
      guard pair.count == 2, Self.isName(pair[0]), let count = Int(pair[1]), count > 0 else { continue }
      visits.append((String(pair[0]), min(count, 32_767)))
    }
  }

  var text: String { visits.map { "\($0.function):\($0.count)" }.joined(separator: "|") }

  func count(of function: FunctionID) -> Int {
    let name = Self.name(function)
    return visits.first { $0.function == name }?.count ?? 0
  }

  mutating func visit(_ function: FunctionID) {
    let name = Self.name(function)
    if let place = visits.firstIndex(where: { $0.function == name }) {
      visits[place].count += 1
    } else {
      if visits.count == Self.capacity { visits.removeFirst() }
      visits.append((name, 1))
    }
  }

  /// Takes over what another chain has come through: where both have been, the longer way counts.
  mutating func merge(_ other: Lineage) {
    for (function, count) in other.visits {
      if let place = visits.firstIndex(where: { $0.function == function }) {
        visits[place].count = max(visits[place].count, count)
      } else if visits.count < Self.capacity {
        visits.append((function, count))
      }
    }
  }

  private static func isName(_ text: Substring) -> Bool {
    text.utf8.count == 8 && text.utf8.allSatisfy { hexValue($0) != nil }
  }

  /// Eight hexadecimal digits (FNV-1a of the ARN).
  private static func name(_ function: FunctionID) -> String {
    let hash = function.arn.text.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    return (0..<4).map { UInt8(truncatingIfNeeded: hash >> (24 - 8 * $0)) }.hex
  }
}

extension TraceContext {
  /// The trace with which the function runs, and with which everything goes on that it causes.
  func visiting(_ function: FunctionID) -> TraceContext {
    var lineage = Lineage(lineage)
    lineage.visit(function)
    var trace = self
    trace.lineage = lineage.text
    return trace
  }
}
