import Base

/// Reads PartiQL statements as DynamoDB knows them (Developer Guide, "PartiQL").
struct StatementParser {
  private static let maximumDepth = 100
  private let tokens: [StatementLexer.Token]
  private var at = 0
  private let parameters: [AttributeValue]
  private var used = 0
  private var bindings = Bindings()
  private var depth = 0

  static func parse(_ text: String, _ parameters: [AttributeValue]) throws -> Statement {
    var parser = StatementParser(tokens: try StatementLexer.tokens(text), parameters: parameters)
    let statement = try parser.statement()
    guard !parser.bindings.values.contains(where: \.isTooDeep) else { throw DynamoDBError.nesting }
    guard parser.tokens[parser.at] == .end else { throw parser.unexpected }
    guard parser.used == parameters.count else {
      throw DynamoDBError.validation("Number of parameters in request and statement don't match.")
    }
    return statement
  }
  private init(tokens: [StatementLexer.Token], parameters: [AttributeValue]) { (self.tokens, self.parameters) = (tokens, parameters) }

  // Tokens.

  private var unexpected: AWSError {
    let shown =
      switch tokens[at] {
      case .word(let text), .name(let text), .text(let text), .number(let text), .sign(let text): text
      case .end: "<EOF>"
      }
    return StatementLexer.failure("Unexpected token: \(shown)")
  }
  private func isWord(_ word: String) -> Bool {
    if case .word(let text) = tokens[at] { text.uppercased() == word } else { false }
  }
  private mutating func takes(_ word: String) -> Bool {
    guard isWord(word) else { return false }
    at += 1
    return true
  }
  private mutating func take(_ word: String) throws { guard takes(word) else { throw unexpected } }
  private mutating func takesSign(_ sign: String) -> Bool {
    guard tokens[at] == .sign(sign) else { return false }
    at += 1
    return true
  }
  private mutating func takeSign(_ sign: String) throws { guard takesSign(sign) else { throw unexpected } }
  private mutating func name() throws -> String {
    switch tokens[at] {
    case .word(let text), .name(let text):
      try ValueReader.checkName(text.utf8.count)
      at += 1
      return text
    default: throw unexpected
    }
  }
  private mutating func deeper<T>(_ body: (inout StatementParser) throws -> T) throws -> T {
    depth += 1
    guard depth <= Self.maximumDepth else { throw StatementLexer.failure("nested too deeply") }
    defer { depth -= 1 }
    return try body(&self)
  }

  // Statements.

  private mutating func statement() throws -> Statement {
    if takes("SELECT") { return try select() }
    if takes("INSERT") {
      try take("INTO")
      let table = try name()
      try take("VALUE")
      let value = try literal()
      guard value.type == .map else { throw StatementLexer.failure("VALUE must be a tuple") }
      guard !value.isDeeper(than: DynamoDBLimits.nesting + 1) else { throw DynamoDBError.nesting }
      return Statement(kind: .insert(Item(bytes: Array(value.payload))), table: table, bindings: bindings)
    }
    if takes("UPDATE") { return try update() }
    if takes("DELETE") {
      try take("FROM")
      let table = try name()
      let condition = try whereClause()
      let returning = try returning()
      return Statement(kind: .delete(returning: returning), table: table, condition: condition, bindings: bindings)
    }
    if takes("EXISTS") {
      try takeSign("(")
      try take("SELECT")
      var inner = try select()
      try takeSign(")")
      inner.kind = .exists
      return inner
    }
    throw unexpected
  }

  private mutating func select() throws -> Statement {
    var projection: [DocumentPath]?
    if !takesSign("*") {
      var paths: [DocumentPath] = []
      repeat { paths.append(try path()) } while takesSign(",")
      projection = paths
    }
    try take("FROM")
    let table = try name()
    let index = takesSign(".") ? try name() : nil
    let condition = try whereClause()
    var statement = Statement(
      kind: .select(index: index, projection: projection, isReverse: nil), table: table, condition: condition, bindings: bindings)
    if takes("ORDER") {
      try take("BY")
      statement.order = Array(try name().utf8)
      let isReverse = takes("DESC")
      if !isReverse { _ = takes("ASC") }
      statement.kind = .select(index: index, projection: projection, isReverse: isReverse)
    }
    return statement
  }

  private mutating func update() throws -> Statement {
    let table = try name()
    var actions: [UpdateAction] = []
    while true {
      if takes("SET") {
        repeat { actions.append(try assignment()) } while takesSign(",")
      } else if takes("REMOVE") {
        repeat { actions.append(.remove(try path())) } while takesSign(",")
      } else {
        break
      }
    }
    guard !actions.isEmpty else { throw unexpected }
    let condition = try whereClause()
    let returning = try returning()
    return Statement(kind: .update(actions, returning: returning), table: table, condition: condition, bindings: bindings)
  }

  private mutating func assignment() throws -> UpdateAction {
    let path = try path()
    try takeSign("=")
    if case .word(let function) = tokens[at], tokens[at + 1] == .sign("("), ["set_add", "set_delete"].contains(function.lowercased()) {
      at += 2
      _ = try self.path()
      try takeSign(",")
      let place = bind(try literal())
      try takeSign(")")
      return function.lowercased() == "set_add" ? .add(path, place) : .delete(path, place)
    }
    return .set(path, try updateValue())
  }
  private mutating func updateValue() throws -> UpdateValue {
    let left = try updateTerm()
    if takesSign("+") { return .plus(left, try updateTerm()) }
    if takesSign("-") { return .minus(left, try updateTerm()) }
    return left
  }
  private mutating func updateTerm() throws -> UpdateValue {
    if case .word(let function) = tokens[at], tokens[at + 1] == .sign("(") {
      guard function.lowercased() == "list_append" else { throw unexpected }
      at += 2
      let first = try deeper { try $0.updateTerm() }
      try takeSign(",")
      let second = try deeper { try $0.updateTerm() }
      try takeSign(")")
      return .listAppend(first, second)
    }
    return isPath ? .path(try path()) : .value(bind(try literal()))
  }

  private mutating func returning() throws -> String? {
    guard takes("RETURNING") else { return nil }
    for extent in ["ALL", "MODIFIED"] where takes(extent) {
      for age in ["OLD", "NEW"] where takes(age) {
        try takeSign("*")
        return "\(extent)_\(age)"
      }
    }
    throw unexpected
  }

  // Conditions.

  private mutating func whereClause() throws -> Condition? { takes("WHERE") ? try disjunction() : nil }
  private mutating func disjunction() throws -> Condition {
    var parts = [try conjunction()]
    while takes("OR") { parts.append(try conjunction()) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }
  private mutating func conjunction() throws -> Condition {
    var parts = [try negation()]
    while takes("AND") { parts.append(try negation()) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }
  private mutating func negation() throws -> Condition {
    if takes("NOT") { return .not(try deeper { try $0.negation() }) }
    if tokens[at] == .sign("(") {
      at += 1
      let inner = try deeper { try $0.disjunction() }
      try takeSign(")")
      return inner
    }
    return try comparison()
  }

  private mutating func comparison() throws -> Condition {
    if case .word(let function) = tokens[at], tokens[at + 1] == .sign("("), function.lowercased() != "size" {
      return try self.function(function)
    }
    let left = try operand()
    if takes("BETWEEN") {
      let low = try operand()
      try take("AND")
      return .between(left, low, try operand())
    }
    if takes("IN") {
      let close = takesSign("[") ? "]" : ")"
      if close == ")" { try takeSign("(") }
      var list: [Operand] = []
      repeat { list.append(try operand()) } while takesSign(",")
      try takeSign(close)
      guard list.count <= DynamoDBLimits.operandsOfIn else { throw StatementLexer.failure("IN has too many operands") }
      return .in(left, list)
    }
    if takes("IS") {
      let isNot = takes("NOT")
      guard case .path(let path) = left else { throw unexpected }
      let found: Condition
      if takes("MISSING") {
        found = .notExists(path)
      } else {
        try take("NULL")
        found = .compare(.equal, left, .value(bind(AttributeValue(.null, []))))
      }
      return isNot ? .not(found) : found
    }
    guard case .sign(let sign) = tokens[at], let comparator = Comparator(rawValue: sign == "!=" ? "<>" : sign) else { throw unexpected }
    at += 1
    return .compare(comparator, left, try operand())
  }

  private mutating func function(_ name: String) throws -> Condition {
    at += 2
    var arguments: [Operand] = []
    repeat { arguments.append(try deeper { try $0.operand() }) } while takesSign(",")
    try takeSign(")")
    switch (name.lowercased(), arguments.count) {
    case ("begins_with", 2): return .beginsWith(arguments[0], arguments[1])
    case ("contains", 2): return .contains(arguments[0], arguments[1])
    case ("attribute_type", 2): return .hasType(arguments[0], arguments[1])
    default: throw StatementLexer.failure("Unexpected function: \(name)")
    }
  }

  private var isPath: Bool {
    switch tokens[at] {
    case .name: true
    case .word(let text): !["TRUE", "FALSE", "NULL"].contains(text.uppercased())
    default: false
    }
  }
  private mutating func operand() throws -> Operand {
    if isWord("SIZE"), tokens[at + 1] == .sign("(") {
      at += 2
      let inner = Operand.path(try path())
      try takeSign(")")
      return .size(inner)
    }
    return isPath ? .path(try path()) : .value(bind(try literal()))
  }
  private mutating func path() throws -> DocumentPath {
    var path = DocumentPath(head: .literal(Array(try name().utf8)))
    while true {
      if takesSign(".") {
        path.steps.append(.name(.literal(Array(try name().utf8))))
      } else if takesSign("[") {
        guard case .number(let digits) = tokens[at], let index = Int(digits), index >= 0 else { throw unexpected }
        at += 1
        try takeSign("]")
        path.steps.append(.index(index))
      } else {
        return path
      }
    }
  }

  // Values.

  private mutating func bind(_ value: AttributeValue) -> Int {
    bindings.values.append(value)
    return bindings.values.count - 1
  }
  private mutating func literal() throws -> AttributeValue {
    let token = tokens[at]
    at += 1
    switch token {
    case .text(let text): return AttributeValue(string: text)
    case .number(let digits):
      do { return AttributeValue(try Number(digits)) } catch { throw DynamoDBError.number(error, digits) }
    case .word(let word) where word.uppercased() == "TRUE": return AttributeValue(bool: true)
    case .word(let word) where word.uppercased() == "FALSE": return AttributeValue(bool: false)
    case .word(let word) where word.uppercased() == "NULL": return AttributeValue(.null, [])
    case .sign("?"):
      guard used < parameters.count else {
        throw DynamoDBError.validation("Number of parameters in request and statement don't match.")
      }
      used += 1
      return parameters[used - 1]
    case .sign("["):
      var out = [AttributeType.list.rawValue]
      for value in try values(until: "]") { Lengths.append(value.bytes, to: &out) }
      return AttributeValue(out[...])
    case .sign("<<"): return try set(try values(until: ">>"))
    case .sign("{"): return try tuple()
    default:
      at -= 1
      throw unexpected
    }
  }
  private mutating func values(until close: String) throws -> [AttributeValue] {
    var out: [AttributeValue] = []
    if takesSign(close) { return out }
    repeat { out.append(try deeper { try $0.literal() }) } while takesSign(",")
    try takeSign(close)
    return out
  }
  private func set(_ values: [AttributeValue]) throws -> AttributeValue {
    guard let first = values.first else { throw DynamoDBError.emptySet(.stringSet) }
    let type: AttributeType
    switch first.type {
    case .string: type = .stringSet
    case .number: type = .numberSet
    case .binary: type = .binarySet
    default: throw StatementLexer.failure("a bag holds texts, numbers or binaries")
    }
    guard values.allSatisfy({ $0.type == first.type }) else { throw StatementLexer.failure("a bag holds values of one type") }
    var out = [type.rawValue]
    let sorted = values.map(\.payload).sorted { $0.lexicographicallyPrecedes($1) }
    for (a, b) in zip(sorted, sorted.dropFirst()) where a == b { throw DynamoDBError.duplicates(type, values.map { Array($0.payload) }) }
    for element in sorted { Lengths.append(element, to: &out) }
    return AttributeValue(out[...])
  }
  private mutating func tuple() throws -> AttributeValue {
    var entries: [(name: [UInt8], value: AttributeValue)] = []
    if takesSign("}") { return AttributeValue(.map, []) }
    repeat {
      guard case .text(let name) = tokens[at] else { throw unexpected }
      try ValueReader.checkName(name.utf8.count)
      at += 1
      try takeSign(":")
      let value = try deeper { try $0.literal() }
      guard !entries.contains(where: { $0.name.elementsEqual(name.utf8) }) else { throw StatementLexer.failure("duplicate field \(name)") }
      entries.append((Array(name.utf8), value))
    } while takesSign(",")
    try takeSign("}")
    return AttributeValue(.map, Item(entries).bytes)
  }
}
