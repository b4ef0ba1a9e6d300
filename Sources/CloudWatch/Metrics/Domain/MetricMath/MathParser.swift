/// Reads metric math.
struct MathParser {
  private enum Token: Equatable {
    case number(Double), name(String), text(String), mark(String)
  }
  /// Parentheses within parentheses, so that no request exhausts the stack.
  private static let depth = 40
  /// Of an expression, in characters (AWS: MetricDataQuery).
  static let length = 2048

  private var tokens: ArraySlice<Token>
  private var level = 0

  static func parse(_ text: String) throws(MathError) -> MathExpression {
    guard !text.isEmpty, text.utf8.count <= length else { throw MathError("An expression has 1 to \(length) characters.") }
    var parser = MathParser(tokens: try tokens(of: text)[...])
    let expression = try parser.expression(above: 0)
    guard parser.tokens.isEmpty else { throw MathError("Syntax error.") }
    return expression
  }

  private init(tokens: ArraySlice<Token>) { self.tokens = tokens }

  private static func tokens(of text: String) throws(MathError) -> [Token] {
    var rest = Substring(text)
    var found: [Token] = []
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
      } else if first.isASCII, first.isNumber || first == "." {
        let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let number = Double(digits) else { throw MathError("\(digits) is no number.") }
        found.append(.number(number))
        rest = rest[digits.endIndex...]
      } else if first.isASCII, first.isLetter || first == "_" {
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        found.append(name == "AND" || name == "OR" ? .mark(String(name)) : .name(String(name)))
        rest = rest[name.endIndex...]
      } else if first == "\"" || first == "'" {
        let body = rest.dropFirst().prefix { $0 != first }
        guard body.endIndex < rest.endIndex else { throw MathError("A text has no end.") }
        found.append(.text(String(body)))
        rest = rest[body.endIndex...].dropFirst()
      } else {
        let marks = ["==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "^", "<", ">", "(", ")", "[", "]", ","]
        guard let mark = marks.first(where: rest.hasPrefix) else { throw MathError("Syntax error at \(first).") }
        found.append(.mark(mark == "&&" ? "AND" : mark == "||" ? "OR" : mark))
        rest = rest.dropFirst(mark.count)
      }
    }
    return found
  }

  /// Operators that bind more tightly than the rank.
  private mutating func expression(above rank: Int) throws(MathError) -> MathExpression {
    level += 1
    defer { level -= 1 }
    guard level <= Self.depth else { throw MathError("The expression is nested too deeply.") }
    var left = try operand()
    while case .mark(let mark)? = tokens.first, let sign = MathOperator(rawValue: mark), sign.rank > rank {
      tokens.removeFirst()
      left = .operation(sign, left, try expression(above: sign.rank))
    }
    return left
  }

  private mutating func operand() throws(MathError) -> MathExpression {
    guard let token = tokens.popFirst() else { throw MathError("The expression has no end.") }
    switch token {
    case .number(let number): return .number(number)
    case .text(let text): return .text(text)
    case .mark("-"): return .negative(try expression(above: 6))
    case .mark("("):
      let inner = try expression(above: 0)
      try expect(")")
      return inner
    case .mark("["): return .list(try items(until: "]"))
    case .name(let name) where tokens.first == .mark("("):
      tokens.removeFirst()
      return .call(name.uppercased(), try items(until: ")"))
    case .name(let name): return .query(name)
    case .mark(let mark): throw MathError("Syntax error at \(mark).")
    }
  }

  private mutating func items(until end: String) throws(MathError) -> [MathExpression] {
    var items: [MathExpression] = []
    if tokens.first == .mark(end) { tokens.removeFirst(); return [] }
    while true {
      items.append(try expression(above: 0))
      if tokens.first == .mark(",") { tokens.removeFirst() } else { break }
    }
    try expect(end)
    return items
  }

  private mutating func expect(_ mark: String) throws(MathError) {
    guard tokens.popFirst() == .mark(mark) else { throw MathError("\(mark) is missing.") }
  }
}
