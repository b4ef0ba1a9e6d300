import Base

/// Updates and projections.
extension Parser {
  static func update(_ text: String) throws -> Compiled<[UpdateAction]> {
    var parser = try Parser(text, kind: "UpdateExpression")
    var actions: [UpdateAction] = []
    var seen: Set<String> = []
    var repeated: String?
    repeat {
      guard let section = ["SET", "REMOVE", "ADD", "DELETE"].first(where: { parser.isWord($0) }) else { throw parser.syntaxError }
      _ = parser.takesWord(section)
      if !seen.insert(section).inserted { repeated = repeated ?? section }
      repeat { actions.append(try parser.action(section)) } while parser.takesSign(",")
    } while parser.token.kind != .end
    try parser.check()
    if let repeated { throw parser.failure("The \"\(repeated)\" section can only be used once in an update expression;") }
    return Compiled(body: actions, names: parser.names, values: parser.values)
  }

  private mutating func action(_ section: String) throws -> UpdateAction {
    let path = try path()
    switch section {
    case "SET":
      try take("=")
      countOperator()
      return .set(path, try sum())
    case "REMOVE":
      countOperator()
      return .remove(path)
    default:
      guard token.kind == .value else { throw syntaxError }
      let place = place(ofValue: token)
      _ = try operand()
      countOperator()
      return section == "ADD" ? .add(path, place) : .delete(path, place)
    }
  }

  /// An operand, or the sum or difference of two.
  private mutating func sum() throws -> UpdateValue {
    if isSign("("), let whole = try sumInParentheses() { return whole }
    let left = updateValue(try operandInParentheses())
    guard isSign("+") || isSign("-") else { return left }
    let isPlus = takesSign("+")
    if !isPlus { _ = takesSign("-") }
    countOperator()
    let right = updateValue(try operandInParentheses())
    return isPlus ? .plus(left, right) : .minus(left, right)
  }
  /// `(a + b)`; nil when the parentheses hold one operand only.
  private mutating func sumInParentheses() throws -> UpdateValue? {
    var trial = self
    guard trial.takesSign("(") else { return nil }
    guard let left = try? trial.operandInParentheses(), trial.isSign("+") || trial.isSign("-") else { return nil }
    let isPlus = trial.takesSign("+")
    if !isPlus { _ = trial.takesSign("-") }
    trial.countOperator()
    let (a, b) = (trial.updateValue(left), trial.updateValue(try trial.operandInParentheses()))
    try trial.take(")")
    self = trial
    return isPlus ? .plus(a, b) : .minus(a, b)
  }

  private mutating func updateValue(_ node: Node) -> UpdateValue {
    switch node {
    case .path(let path): return .path(path)
    case .value(let place): return .value(place)
    case .condition: return .value(0)
    case .function(let name, let arguments):
      guard name == "if_not_exists" || name == "list_append" else {
        noteUnknown(name)
        return .value(0)
      }
      guard arguments.count == 2 else {
        noteOperands(name, arguments.count)
        return .value(0)
      }
      let second = updateValue(arguments[1])
      if name == "list_append" { return .listAppend(updateValue(arguments[0]), second) }
      guard case .path(let path) = arguments[0] else {
        noteOperandError("Operator or function requires a document path; operator or function: \(name)")
        return .value(0)
      }
      return .ifNotExists(path, second)
    }
  }

  static func projection(_ text: String) throws -> Compiled<[DocumentPath]> {
    var parser = try Parser(text, kind: "ProjectionExpression")
    var paths: [DocumentPath] = []
    repeat { paths.append(try parser.path()) } while parser.takesSign(",")
    guard parser.token.kind == .end else { throw parser.syntaxError }
    try parser.check()
    return Compiled(body: paths, names: parser.names, values: parser.values)
  }
}
