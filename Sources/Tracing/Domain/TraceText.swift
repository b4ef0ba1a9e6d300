import Base
import Fabric

/// A trace for people.
extension TraceTree {
  func text(_ trace: String, isCut: Bool) -> String {
    var out = "trace \(trace)\n\(began.iso8601Milliseconds)  \(lines.count) \(lines.count == 1 ? "hop" : "hops") in \((ended - began).short)\n\n"
    for line in lines { out += line.text }
    if isCut { out += "\nThere are more hops than these.\n" }
    return out
  }
}

extension TraceTree.Line {
  fileprivate var text: String {
    var (head, below) = ("", "")
    for (place, isLast) in ends.enumerated() {
      let isOwn = place == ends.count - 1
      head += isOwn ? (isLast ? "└─ " : "├─ ") : (isLast ? "   " : "│  ")
      below += isLast ? "   " : "│  "
    }
    var out = "\(head)\(hop.service) \(hop.action)  \(hop.way)  \(hop.outcome.text)"
    if hop.attempt > 1 { out += "  (attempt \(hop.attempt))" }
    if depth > 0 || delay > .zero { out += "  +\(delay.short)" }
    if hop.duration > .zero { out += ", took \(hop.duration.short)" }
    out += "\n"
    if let reason = hop.reason { out += "\(below)     \(reason.singleLine)\n" }
    return out
  }
}

extension TraceSummary {
  var text: String {
    let outcomes = outcomes.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
    return "\(began.iso8601Milliseconds)  \(trace)  \(first.service) \(first.action)  \(first.way)\n    \(count == 1 ? "1 hop" : "\(count) hops"): \(outcomes)\n"
  }
}

extension Hop {
  /// From where to where, in short names.
  fileprivate var way: String {
    let (from, to) = (Self.short(source), Self.short(target))
    return from.isEmpty || from == to ? to : "\(from) → \(to)"
  }

  /// `sqs:orders` for `arn:aws:sqs:us-east-1:000000000000:orders`.
  private static func short(_ name: String) -> String {
    guard let arn = ARN(name) else { return name.singleLine }
    return "\(arn.service):\(arn.resource)".singleLine
  }
}

extension HopOutcome {
  fileprivate var text: String {
    switch self {
    case .retried(let time): "failed, to be tried again at \(time.iso8601Milliseconds)"
    case .deadLettered(let place): "given up → \(place.singleLine)"
    default: name
    }
  }
}

extension Duration {
  /// `0.4 ms`, `12 ms`, `3.2 s`, `6 h 2 min`.
  var short: String {
    let micros = inMicroseconds
    switch micros {
    case ..<10_000: return "\(micros / 1000).\(abs(micros) / 100 % 10) ms"
    case ..<1_000_000: return "\(micros / 1000) ms"
    case ..<60_000_000: return "\(micros / 1_000_000).\(micros / 100_000 % 10) s"
    case ..<3_600_000_000: return "\(micros / 60_000_000) min \(micros / 1_000_000 % 60) s"
    default: return "\(micros / 3_600_000_000) h \(micros / 60_000_000 % 60) min"
    }
  }
}

extension String {
  /// Names and reasons come from elsewhere: nothing of them may look like a line of ours, or move a terminal's cursor.
  var singleLine: String {
    func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
      [.control, .format, .lineSeparator, .paragraphSeparator].contains(scalar.properties.generalCategory)
    }
    guard unicodeScalars.contains(where: isInvisible) else { return self }
    return String(String.UnicodeScalarView(unicodeScalars.map { isInvisible($0) ? " " : $0 }))
  }
}
