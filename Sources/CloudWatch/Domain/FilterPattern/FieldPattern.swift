/// `[ip, user, ..., status = 4*, bytes > 1000]`: conditions on the blank-separated fields of a message.
///
/// Text in square brackets or double quotes is one field. A message has to have exactly as many fields as the pattern,
/// unless an ellipsis stands for any number of them.
struct FieldPattern: Sendable {
  struct Comparison: Sendable {
    var comparator: Comparator
    var operand: Operand
  }
  /// Nil: any value will do.
  private var leading: [Condition<Comparison>?] = []
  /// The fields after the ellipsis; nil without one.
  private var trailing: [Condition<Comparison>?]?

  private static let maximumRegexes = 2

  init(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) {
    guard cursor.eat("[") else { throw InvalidFilterPattern() }
    repeat {
      cursor.skipBlanks()
      if cursor.eat("...") {
        guard trailing == nil else { throw InvalidFilterPattern() }
        trailing = []
      } else {
        let condition = try Self.field(&cursor)
        if trailing == nil { leading.append(condition) } else { trailing?.append(condition) }
      }
      cursor.skipBlanks()
    } while cursor.eat(",")
    guard cursor.eat("]") else { throw InvalidFilterPattern() }
    guard operands.count(where: \.isRegex) <= Self.maximumRegexes else { throw InvalidFilterPattern() }
  }

  private var operands: [Operand] {
    (leading + (trailing ?? [])).flatMap { $0?.comparisons ?? [] }.map(\.operand)
  }
  var stateCount: Int { operands.reduce(0) { $0 + $1.stateCount } }

  /// `name`, or a condition in which every comparison begins with that same name.
  private static func field(_ cursor: inout PatternCursor) throws(InvalidFilterPattern) -> Condition<Comparison>? {
    let name = nameAhead(cursor)
    if let name, !name.isCompared {
      _ = cursor.take(while: isNameByte)
      return nil
    }
    let shared = name?.text
    return try Condition(&cursor) { cursor throws(InvalidFilterPattern) in
      let own = cursor.take(while: isNameByte)
      guard !own.isEmpty, shared == nil || own == shared else { throw InvalidFilterPattern() }
      cursor.skipBlanks()
      let comparator = try Comparator(&cursor)
      cursor.skipBlanks()
      let operand = try Operand(
        &cursor, comparator: comparator, closing: [UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: ")")])
      return Comparison(comparator: comparator, operand: operand)
    }
  }

  /// The name that comes next and whether a comparison follows it; nil when none comes next.
  private static func nameAhead(_ cursor: PatternCursor) -> (text: [UInt8], isCompared: Bool)? {
    var cursor = cursor
    let text = cursor.take(while: isNameByte)
    guard !text.isEmpty else { return nil }
    cursor.skipBlanks()
    return (text, cursor.peek != UInt8(ascii: ",") && cursor.peek != UInt8(ascii: "]"))
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isWordByte(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "$")
  }

  func matches(_ message: [UInt8]) -> Bool {
    let fields = Self.fields(of: message)
    let trailingCount = trailing?.count ?? 0
    guard fields.count >= leading.count + trailingCount, trailing != nil || fields.count == leading.count else { return false }
    return Self.hold(leading, fields.prefix(leading.count)) && Self.hold(trailing ?? [], fields.suffix(trailingCount))
  }

  private static func hold(_ conditions: [Condition<Comparison>?], _ fields: ArraySlice<[UInt8]>) -> Bool {
    zip(conditions, fields).allSatisfy { condition, field in
      condition?.holds { $0.operand.holds($0.comparator, text: field) } ?? true
    }
  }

  /// Cuts a message at blanks; what stands in brackets or quotes is one field, without them.
  static func fields(of message: [UInt8]) -> [[UInt8]] {
    var out: [[UInt8]] = []
    // Behind the last one nothing is closed, and nothing has to be searched for one.
    let lastBracket = message.lastIndex(of: UInt8(ascii: "]")) ?? -1, lastQuote = message.lastIndex(of: UInt8(ascii: "\"")) ?? -1
    var at = 0
    while at < message.count {
      let byte = message[at]
      if isBlank(byte) { at += 1; continue }
      let closing: UInt8? =
        byte == UInt8(ascii: "[") && at < lastBracket ? UInt8(ascii: "]") : byte == UInt8(ascii: "\"") && at < lastQuote ? byte : nil
      if let closing, let end = message[(at + 1)...].firstIndex(of: closing) {
        out.append(Array(message[(at + 1)..<end]))
        at = end + 1
      } else {
        let end = message[at...].firstIndex(where: isBlank) ?? message.count
        out.append(Array(message[at..<end]))
        at = end
      }
    }
    return out
  }
}
