import Base

/// Reads expressions by recursive descent. What is wrong with an expression whatever stands behind its placeholders is refused here.
struct Parser {
  /// Parentheses and NOTs within each other; a bound on the depth of the recursion.
  private static let maximumDepth = 100

  /// As written: what may stand on either side of a comparator, and conditions.
  indirect enum Node {
    case path(DocumentPath)
    case value(Int)
    case function(String, [Node])
    case condition(Condition)
  }

  let lexer: Lexer
  var kind: String { lexer.kind }
  private(set) var at = 0
  private(set) var names: [String] = []
  private(set) var values: [String] = []
  private var depth = 0
  private var operators = 0
  /// The tokens of the last group in parentheses, with them.
  private var lastGroup: Range<Int>?
  private var isRedundant = false
  /// The first of each kind; which one is told is decided at the end.
  private var unknownFunction: String?
  private var misusedFunction: String?
  private var reserved: String?
  private var operandError: String?

  init(_ text: String, kind: String) throws { lexer = try Lexer(text, kind: kind) }

  // Tokens.

  var token: Lexer.Token { lexer.tokens[at] }
  func isWord(_ word: String, at place: Int? = nil) -> Bool {
    let token = lexer.tokens[place ?? at]
    guard token.kind == .word, token.end - token.start == word.utf8.count else { return false }
    return zip(lexer.text[token.start..<token.end], word.utf8).allSatisfy { $0 & 0xdf == $1 & 0xdf }
  }
  func isSign(_ sign: String, at place: Int? = nil) -> Bool {
    let token = lexer.tokens[place ?? at]
    return token.kind == .sign && lexer.text[token.start..<token.end].elementsEqual(sign.utf8)
  }
  mutating func takesWord(_ word: String) -> Bool {
    guard isWord(word) else { return false }
    at += 1
    return true
  }
  mutating func takesSign(_ sign: String) -> Bool {
    guard isSign(sign) else { return false }
    at += 1
    return true
  }
  mutating func take(_ sign: String) throws { guard takesSign(sign) else { throw syntaxError } }
  var syntaxError: AWSError { lexer.syntaxError(at: at) }
  func failure(_ text: String) -> AWSError { DynamoDBError.expression(kind, text) }

  mutating func place(ofName token: Lexer.Token) -> Int { Self.place(lexer.text(token), &names) }
  mutating func place(ofValue token: Lexer.Token) -> Int { Self.place(lexer.text(token), &values) }
  private static func place(_ name: String, _ list: inout [String]) -> Int {
    if let place = list.firstIndex(of: name) { return place }
    list.append(name)
    return list.count - 1
  }

  // Paths and operands.

  private static let conditionWords = ["AND", "OR", "NOT", "BETWEEN", "IN"]
  private static let updateWords = ["SET", "REMOVE", "ADD", "DELETE"]
  private var isKeyword: Bool {
    (kind == "UpdateExpression" ? Self.updateWords : kind == "ProjectionExpression" ? [] : Self.conditionWords).contains { isWord($0) }
  }

  mutating func pathName() throws -> NameReference {
    let token = token
    switch token.kind {
    case .word where !isKeyword:
      at += 1
      let name = Array(lexer.text[token.start..<token.end])
      if reserved == nil, ReservedWords.contains(name) { reserved = name.utf8Text }
      return .literal(name)
    case .name:
      at += 1
      return .placeholder(place(ofName: token))
    default: throw syntaxError
    }
  }

  mutating func path() throws -> DocumentPath {
    var path = DocumentPath(head: try pathName())
    while true {
      if takesSign(".") {
        path.steps.append(.name(try pathName()))
      } else if isSign("["), lexer.tokens[at + 1].kind == .number {
        at += 1
        let digits = lexer.text(token)
        guard let index = Int(digits), index <= Int(Int32.max) else {
          throw failure("List index is not within the allowable range; index: [\(digits)]")
        }
        at += 1
        try take("]")
        path.steps.append(.index(index))
      } else {
        break
      }
    }
    guard path.steps.count < DynamoDBLimits.nesting else {
      throw failure("The document path has too many nesting elements; nesting levels: \(path.steps.count + 1)")
    }
    return path
  }

  /// A path, a value or a function.
  mutating func operand() throws -> Node {
    let token = token
    if token.kind == .value {
      at += 1
      return .value(place(ofValue: token))
    }
    if token.kind == .word, !isKeyword, isSign("(", at: at + 1) {
      at += 2
      return .function(lexer.text(token), try arguments())
    }
    return .path(try path())
  }

  private mutating func arguments() throws -> [Node] {
    try deeper { parser in
      var arguments: [Node] = []
      repeat { arguments.append(try parser.operandInParentheses()) } while parser.takesSign(",")
      try parser.take(")")
      parser.operators += 1
      return arguments
    }
  }
  mutating func operandInParentheses() throws -> Node {
    guard isSign("(") else { return try operand() }
    let start = at
    at += 1
    let node = try deeper { try $0.operandInParentheses() }
    try take(")")
    noteGroup(start)
    return node
  }
  private mutating func deeper<T>(_ body: (inout Parser) throws -> T) throws -> T {
    depth += 1
    guard depth <= Self.maximumDepth else { throw failure("The expression has too many nested parentheses;") }
    defer { depth -= 1 }
    return try body(&self)
  }
  private mutating func noteGroup(_ start: Int) {
    if lastGroup == (start + 1)..<(at - 1) { isRedundant = true }
    lastGroup = start..<at
  }

  // Conditions.

  /// The whole text as a condition.
  static func condition(_ text: String, kind: String) throws -> Compiled<Condition> {
    var parser = try Parser(text, kind: kind)
    let node = try parser.disjunction()
    let condition = try parser.condition(node)
    guard parser.token.kind == .end else { throw parser.syntaxError }
    try parser.check()
    return Compiled(body: condition, names: parser.names, values: parser.values)
  }

  private mutating func disjunction() throws -> Node {
    let first = try conjunction()
    guard isWord("OR") else { return first }
    var parts = [try condition(first)]
    while takesWord("OR") {
      operators += 1
      let next = try conjunction()
      parts.append(try condition(next))
    }
    return .condition(.or(parts))
  }
  private mutating func conjunction() throws -> Node {
    let first = try negation()
    guard isWord("AND") else { return first }
    var parts = [try condition(first)]
    while takesWord("AND") {
      operators += 1
      let next = try negation()
      parts.append(try condition(next))
    }
    return .condition(.and(parts))
  }
  private mutating func negation() throws -> Node {
    guard takesWord("NOT") else { return try comparison() }
    operators += 1
    let inner = try deeper { try $0.negation() }
    return .condition(.not(try condition(inner)))
  }

  private mutating func comparison() throws -> Node {
    let left: Node
    if isSign("(") {
      let start = at
      at += 1
      left = try deeper { try $0.disjunction() }
      try take(")")
      noteGroup(start)
    } else {
      left = try operand()
    }
    if case .condition = left { return left }
    if token.kind == .sign, let comparator = Comparator(rawValue: lexer.text(token)) {
      at += 1
      operators += 1
      let right = try operandInParentheses()
      return .condition(.compare(comparator, operand(left), operand(right)))
    }
    if takesWord("BETWEEN") {
      operators += 1
      let low = try operandInParentheses()
      guard takesWord("AND") else { throw syntaxError }
      let high = try operandInParentheses()
      return .condition(.between(operand(left), operand(low), operand(high)))
    }
    if takesWord("IN") {
      operators += 1
      try take("(")
      var list: [Operand] = []
      repeat {
        let next = try operandInParentheses()
        list.append(operand(next))
      } while takesSign(",")
      try take(")")
      guard list.count <= DynamoDBLimits.operandsOfIn else {
        throw failure("The IN operator is provided with too many operands; number of operands: \(list.count)")
      }
      return .condition(.in(operand(left), list))
    }
    if case .function = left { return .condition(try condition(left)) }
    // An operand within parentheses may be followed by its comparator behind them.
    guard isSign(")") else { throw syntaxError }
    return left
  }

  /// What stands where only a path, a value or a size may stand.
  private mutating func operand(_ node: Node) -> Operand {
    switch node {
    case .path(let path): return .path(path)
    case .value(let place): return .value(place)
    case .function("size", let arguments) where arguments.count == 1: return .size(operand(arguments[0]))
    case .function(let name, let arguments):
      noteFunction(name, arguments)
      if misusedFunction == nil { misusedFunction = name }
      return .value(0)
    case .condition: return .value(0)
    }
  }

  private static let functions = [
    "attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2, "size": 1,
  ]
  private mutating func noteFunction(_ name: String, _ arguments: [Node]) {
    guard let count = Self.functions[name] else {
      if unknownFunction == nil { unknownFunction = name }
      return
    }
    if count != arguments.count { noteOperands(name, arguments.count) }
  }
  mutating func noteOperands(_ name: String, _ count: Int) {
    guard operandError == nil else { return }
    operandError =
      "Incorrect number of operands for operator or function; operator or function: \(name), number of operands: \(count)"
  }
  mutating func noteUnknown(_ name: String) { if unknownFunction == nil { unknownFunction = name } }
  mutating func noteOperandError(_ text: String) { if operandError == nil { operandError = text } }

  private mutating func condition(_ node: Node) throws -> Condition {
    switch node {
    case .condition(let condition): return condition
    case .path, .value: throw syntaxError
    case .function(let name, let arguments):
      noteFunction(name, arguments)
      guard Self.functions[name] == arguments.count else { return .and([]) }
      if name == "size" {
        if misusedFunction == nil { misusedFunction = name }
        return .and([])
      }
      return function(name, arguments)
    }
  }
  private mutating func function(_ name: String, _ arguments: [Node]) -> Condition {
    let operands = arguments.map { operand($0) }
    switch name {
    case "begins_with": return .beginsWith(operands[0], operands[1])
    case "contains": return .contains(operands[0], operands[1])
    case "attribute_type": return .hasType(operands[0], operands[1])
    default:
      guard case .path(let path) = operands[0] else {
        noteOperandError("Operator or function requires a document path; operator or function: \(name)")
        return .and([])
      }
      return name == "attribute_exists" ? .exists(path) : .notExists(path)
    }
  }

  /// Throws the first fault of the whole expression, in AWS's order.
  func check() throws {
    if isRedundant { throw failure("The expression has redundant parentheses;") }
    if let unknownFunction { throw failure("Invalid function name; function: \(unknownFunction)") }
    if let misusedFunction {
      throw failure("The function is not allowed to be used this way in an expression; function: \(misusedFunction)")
    }
    if let reserved { throw failure("Attribute name is a reserved keyword; reserved keyword: \(reserved)") }
    if let operandError { throw failure(operandError) }
    guard operators <= DynamoDBLimits.operators else {
      throw failure("The expression contains too many operators; operator count: \(operators)")
    }
  }
  mutating func countOperator() { operators += 1 }
}
