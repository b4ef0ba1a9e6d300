import Base

/// The regular expressions of filter patterns: classes, `. ? * + {n,m} | ^ $`, no groups.
///
/// Without groups an alternative is a row of byte classes. All states that are reached advance together with each byte,
/// so the time is at most the text's length times the number of states, whatever the expression.
struct PatternRegex: Sendable {
  fileprivate struct Alternative: Sendable {
    /// States that read a byte of the class and go one on.
    var steps: [Step] = []
    var isAnchoredAtStart = false
    var isAnchoredAtEnd = false
  }
  fileprivate struct Step: Sendable {
    var bytes: ByteSet
    /// May be passed without a byte.
    var isOptional = false
    /// May read any number of bytes.
    var isRepeated = false
  }

  private var alternatives: [Alternative] = []
  /// Bounds what `{n,m}` may unfold to.
  private static let maximumStates = 256

  init(_ source: [UInt8]) throws(InvalidFilterPattern) {
    guard !source.isEmpty else { throw InvalidFilterPattern() }
    var parser = RegexParser(source)
    repeat {
      var alternative = Alternative()
      alternative.isAnchoredAtStart = parser.eat(UInt8(ascii: "^"))
      while let byte = parser.peek, byte != UInt8(ascii: "|") {
        if byte == UInt8(ascii: "$") {
          parser.skip()
          guard parser.peek == nil || parser.peek == UInt8(ascii: "|") else { throw InvalidFilterPattern() }
          alternative.isAnchoredAtEnd = true
        } else {
          let bytes = try parser.atom()
          let (least, most) = try parser.repetition(limit: Self.maximumStates)
          for _ in 0..<least { alternative.steps.append(Step(bytes: bytes)) }
          if let most {
            for _ in least..<most { alternative.steps.append(Step(bytes: bytes, isOptional: true)) }
          } else {
            alternative.steps.append(Step(bytes: bytes, isOptional: true, isRepeated: true))
          }
        }
        guard alternative.steps.count <= Self.maximumStates else { throw InvalidFilterPattern() }
      }
      alternatives.append(alternative)
    } while parser.eat(UInt8(ascii: "|"))
    guard stateCount <= Self.maximumStates else { throw InvalidFilterPattern() }
  }

  /// How many steps a byte of text costs at most.
  var stateCount: Int { alternatives.reduce(0) { $0 + $1.steps.count } }

  /// Whether some part of the text matches.
  func matches(_ text: [UInt8]) -> Bool { alternatives.contains { $0.matches(text) } }
}

extension PatternRegex.Alternative {
  /// The states that are reached; state `i` stands before step `i`, state `steps.count` is the end.
  private struct Reached {
    var states: [Int] = []
    var isReached: [Bool]

    mutating func clear() {
      for state in states { isReached[state] = false }
      states.removeAll(keepingCapacity: true)
    }
    /// Marks a state and those that are reached from it without reading.
    mutating func enter(_ state: Int, _ steps: [PatternRegex.Step]) {
      var state = state
      while !isReached[state] {
        isReached[state] = true
        states.append(state)
        guard state < steps.count, steps[state].isOptional else { return }
        state += 1
      }
    }
  }

  fileprivate func matches(_ text: [UInt8]) -> Bool {
    // A message of a function ends with a line end that `$` does not mean.
    let end = text.last == 10 ? text.count - 1 : text.count
    var current = Reached(isReached: [Bool](repeating: false, count: steps.count + 1))
    var next = current
    current.enter(0, steps)
    for (place, byte) in text.enumerated() {
      if current.isReached[steps.count], !isAnchoredAtEnd || place >= end { return true }
      next.clear()
      for state in current.states where state < steps.count && steps[state].bytes.contains(byte) {
        next.enter(steps[state].isRepeated ? state : state + 1, steps)
      }
      if !isAnchoredAtStart { next.enter(0, steps) } else if next.states.isEmpty { return false }
      swap(&current, &next)
    }
    return current.isReached[steps.count]
  }
}

/// A set of byte values.
struct ByteSet: Sendable {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  func contains(_ byte: UInt8) -> Bool {
    let word = switch byte >> 6 {
    case 0: words.0
    case 1: words.1
    case 2: words.2
    default: words.3
    }
    return word >> UInt64(byte & 63) & 1 == 1
  }
  mutating func insert(_ byte: UInt8) {
    let bit = UInt64(1) << UInt64(byte & 63)
    switch byte >> 6 {
    case 0: words.0 |= bit
    case 1: words.1 |= bit
    case 2: words.2 |= bit
    default: words.3 |= bit
    }
  }
  mutating func insert(_ other: ByteSet) {
    words = (words.0 | other.words.0, words.1 | other.words.1, words.2 | other.words.2, words.3 | other.words.3)
  }
  var inverted: ByteSet {
    var out = self
    out.words = (~words.0, ~words.1, ~words.2, ~words.3)
    return out
  }
}
