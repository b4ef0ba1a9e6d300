import Base

/// `{ $.user.id = "x*" && ($.n >= 3 || $.list[0].flag IS TRUE) }`: conditions on a message that is a JSON text.
///
/// A comparison with a property that is missing does not hold, `!=` included.
struct JSONPattern: Sendable {
  enum Test: Sendable {
    case compare(Comparator, Operand)
    case isNull, isTrue, isFalse, exists, notExists
  }
  struct Comparison: Sendable {
    var selector: [Step]
    var test: Test
  }
  enum Step: Sendable, Equatable {
    case member(String)
    case element(Int)
    case every
  }

  private let condition: Condition<Comparison>

  private static let maximumRegexes = 2
  private static let maximumWildcards = 3

  init(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) {
    guard cursor.eat("{") else { throw InvalidFilterPattern() }
    condition = try Condition(&cursor) { cursor throws(InvalidFilterPattern) in
      let selector = try Self.selector(&cursor)
      cursor.skipBlanks()
      return Comparison(selector: selector, test: try Self.test(&cursor))
    }
    guard cursor.eat("}") else { throw InvalidFilterPattern() }
    let wildcards = condition.comparisons.reduce(0) { $0 + $1.selector.count { $0 == .every } }
    guard operands.count(where: \.isRegex) <= Self.maximumRegexes, wildcards <= Self.maximumWildcards else {
      throw InvalidFilterPattern()
    }
  }

  private var operands: [Operand] {
    condition.comparisons.compactMap { if case .compare(_, let operand) = $0.test { operand } else { nil } }
  }
  var count: Int { condition.comparisons.count }
  var stateCount: Int { operands.reduce(0) { $0 + $1.stateCount } }

  private static func selector(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) -> [Step] {
    guard cursor.eat("$") else { throw InvalidFilterPattern() }
    var steps: [Step] = []
    while true {
      if cursor.eat("[") || cursor.eat(".[") {
        steps.append(try bracket(&cursor))
      } else if cursor.eat(".") {
        if cursor.eat("*") { steps.append(.every); continue }
        let name = cursor.take(while: isNameByte)
        guard !name.isEmpty else { throw InvalidFilterPattern() }
        steps.append(.member(name.utf8Text))
      } else {
        guard !steps.isEmpty else { throw InvalidFilterPattern() }
        return steps
      }
    }
  }

  private static func bracket(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) -> Step {
    let step: Step
    if cursor.peek == UInt8(ascii: "'") || cursor.peek == UInt8(ascii: "\"") {
      step = .member(try cursor.quoted().map(\.byte).utf8Text)
    } else if cursor.eat("*") {
      step = .every
    } else {
      let digits = cursor.take { $0 >= 48 && $0 <= 57 }
      guard let index = Int(digits.utf8Text) else { throw InvalidFilterPattern() }
      step = .element(index)
    }
    guard cursor.eat("]") else { throw InvalidFilterPattern() }
    return step
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isWordByte(byte) || Array("-@/:$".utf8).contains(byte)
  }

  private static func test(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) -> Test {
    if cursor.eatWord("EXISTS") { return .exists }
    if cursor.eatWord("NOT") {
      cursor.skipBlanks()
      guard cursor.eatWord("EXISTS") else { throw InvalidFilterPattern() }
      return .notExists
    }
    if cursor.eatWord("IS") {
      cursor.skipBlanks()
      if cursor.eatWord("NULL") { return .isNull }
      if cursor.eatWord("TRUE") { return .isTrue }
      if cursor.eatWord("FALSE") { return .isFalse }
      throw InvalidFilterPattern()
    }
    let comparator = try Comparator(&cursor)
    cursor.skipBlanks()
    return .compare(comparator, try Operand(&cursor, comparator: comparator, closing: [UInt8(ascii: ")"), UInt8(ascii: "}")]))
  }

  func matches(_ message: [UInt8]) -> Bool {
    // Most messages that are no objects are told by their first byte, without a parser.
    guard message.first(where: { !isBlank($0) }) == UInt8(ascii: "{"), let json = try? JSON.parse(message) else { return false }
    return condition.holds { comparison in
      let values = Self.values(of: json, along: comparison.selector[...])
      switch comparison.test {
      case .exists: return !values.isEmpty
      case .notExists: return values.isEmpty
      case .isNull: return values.contains(where: \.isNull)
      case .isTrue: return values.contains { $0.bool == true }
      case .isFalse: return values.contains { $0.bool == false }
      case .compare(let comparator, let operand): return values.contains { Self.holds(comparator, operand, $0) }
      }
    }
  }

  private static func values(of json: JSON, along steps: ArraySlice<Step>) -> [JSON] {
    guard let step = steps.first else { return [json] }
    let rest = steps.dropFirst()
    switch step {
    case .member(let name): return json[name].map { values(of: $0, along: rest) } ?? []
    case .element(let index):
      guard let elements = json.array, index < elements.count else { return [] }
      return values(of: elements[index], along: rest)
    case .every:
      let children = json.array ?? json.object?.members.map(\.value) ?? []
      return children.flatMap { values(of: $0, along: rest) }
    }
  }

  private static func holds(_ comparator: Comparator, _ operand: Operand, _ value: JSON) -> Bool {
    switch (value, operand) {
    case (.string(let text), .number(_, let written)):
      // A text never counts as a number; it may still be the same text.
      return !comparator.isOrder && (Array(text.utf8) == written) == (comparator == .equal)
    case (.string(let text), _): return operand.holds(comparator, text: Array(text.utf8))
    case (.int(let n), _): return operand.holds(comparator, text: Array(String(n).utf8))
    case (.double(let d), .number(let number, _)): return comparator.holds(d, number)
    case (.double(let d), _): return operand.holds(comparator, text: Array(String(d).utf8))
    case (.number(let text), _): return operand.holds(comparator, text: Array(text.utf8))
    case (.bool(let b), _): return operand.holds(comparator, text: Array((b ? "true" : "false").utf8)) && !comparator.isOrder
    case (.null, _), (.array, _), (.object, _): return false
    }
  }
}
