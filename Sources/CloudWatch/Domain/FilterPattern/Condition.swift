import Base

/// Comparisons joined by `&&`, `||` and parentheses.
indirect enum Condition<Comparison: Sendable>: Sendable {
  case comparison(Comparison)
  case all([Condition])
  case any([Condition])

  private static var maximumDepth: Int { 50 }

  /// Reads a condition; the closure reads one comparison.
  init(
    _ cursor: inout PatternCursor, depth: Int = 0,
    comparison: (inout PatternCursor) throws(InvalidFilterPattern) -> Comparison
  ) throws(InvalidFilterPattern) {
    guard depth < Self.maximumDepth else { throw InvalidFilterPattern() }
    var alternatives: [Condition] = []
    repeat {
      var parts: [Condition] = []
      repeat {
        cursor.skipBlanks()
        if cursor.eat("(") {
          parts.append(try Condition(&cursor, depth: depth + 1, comparison: comparison))
          cursor.skipBlanks()
          guard cursor.eat(")") else { throw InvalidFilterPattern() }
        } else {
          parts.append(.comparison(try comparison(&cursor)))
        }
        cursor.skipBlanks()
      } while cursor.eat("&&")
      alternatives.append(parts.count == 1 ? parts[0] : .all(parts))
    } while cursor.eat("||")
    self = alternatives.count == 1 ? alternatives[0] : .any(alternatives)
  }

  func holds(_ test: (Comparison) -> Bool) -> Bool {
    switch self {
    case .comparison(let comparison): test(comparison)
    case .all(let parts): parts.allSatisfy { $0.holds(test) }
    case .any(let parts): parts.contains { $0.holds(test) }
    }
  }

  var comparisons: [Comparison] {
    switch self {
    case .comparison(let comparison): [comparison]
    case .all(let parts), .any(let parts): parts.flatMap(\.comparisons)
    }
  }
}

enum Comparator: Sendable {
  case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual

  init(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) {
    if cursor.eat("!=") { self = .notEqual } else if cursor.eat("<=") { self = .lessOrEqual } else if cursor.eat(">=") {
      self = .greaterOrEqual
    } else if cursor.eat("=") { self = .equal } else if cursor.eat("<") { self = .less } else if cursor.eat(">") {
      self = .greater
    } else {
      throw InvalidFilterPattern()
    }
  }

  var isOrder: Bool { self != .equal && self != .notEqual }

  func holds(_ a: Double, _ b: Double) -> Bool {
    switch self {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .lessOrEqual: a <= b
    case .greater: a > b
    case .greaterOrEqual: a >= b
    }
  }
}

/// What stands at the right of a comparison.
enum Operand: Sendable {
  /// With its text, so that `= 1` also finds the text "1".
  case number(Double, text: [UInt8])
  case text(Wildcard)
  case regex(PatternRegex)

  /// An unquoted value ends at a blank, at one of the closing bytes, or at `&&` and `||`.
  init(_ cursor: inout PatternCursor, comparator: Comparator, closing: [UInt8]) throws(InvalidFilterPattern) {
    switch cursor.peek {
    case UInt8(ascii: "\""), UInt8(ascii: "'"): self = .text(Wildcard(try cursor.quoted()))
    case UInt8(ascii: "%"): self = .regex(try cursor.regex())
    default:
      let word = cursor.take { !isBlank($0) && $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: "|") && !closing.contains($0) }
      guard !word.isEmpty else { throw InvalidFilterPattern() }
      if let number = Double(word.utf8Text), number.isFinite {
        self = .number(number, text: word)
      } else {
        self = .text(Wildcard(word))
      }
    }
    if comparator.isOrder, case .number = self { return }
    guard !comparator.isOrder else { throw InvalidFilterPattern() }
  }

  var isRegex: Bool { if case .regex = self { true } else { false } }
  var stateCount: Int { if case .regex(let regex) = self { regex.stateCount } else { 0 } }

  /// Compares a text with this operand.
  func holds(_ comparator: Comparator, text: [UInt8]) -> Bool {
    switch self {
    case .number(let number, let written):
      if let value = Double(text.utf8Text) { return comparator.holds(value, number) }
      return comparator == .notEqual && text != written
    case .text(let wildcard): return wildcard.matches(text) == (comparator == .equal)
    case .regex(let regex): return regex.matches(text) == (comparator == .equal)
    }
  }
}
