import Base
import Wire

/// `ExpressionAttributeNames` and `ExpressionAttributeValues` of a request, and which of them its expressions have used.
struct Substitutions {
  private var names: [(key: String, name: [UInt8])] = []
  private var values: [(key: String, value: AttributeValue)] = []
  private var usedNames: Set<String> = []
  private var usedValues: Set<String> = []

  /// - Parameter expressions: the expression parameters that the request has.
  init(names: [String: String]?, values: RawJSON?, hasExpressions: Bool, allowsValues: Bool = true) throws {
    if names != nil, !hasExpressions {
      throw DynamoDBError.validation("ExpressionAttributeNames can only be specified when using expressions")
    }
    if values != nil, !hasExpressions || !allowsValues {
      throw DynamoDBError.validation(
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null")
    }
    if let names { try read(names) }
    if let values { try read(values) }
  }

  private mutating func read(_ names: [String: String]) throws {
    guard !names.isEmpty else { throw DynamoDBError.validation("ExpressionAttributeNames must not be empty") }
    for (key, name) in names.sorted(by: { $0.key < $1.key }) {
      try Self.check(key, "#", "ExpressionAttributeNames")
      guard !name.isEmpty else {
        throw DynamoDBError.validation("ExpressionAttributeNames contains invalid value: Attribute name may not be empty for key \(key)")
      }
      guard name.utf8.count <= 65_535 else {
        throw DynamoDBError.validation("ExpressionAttributeNames contains invalid value: Attribute name is too long for key \(key)")
      }
      self.names.append((key, Array(name.utf8)))
    }
  }

  private mutating func read(_ raw: RawJSON) throws {
    try ValueReader.read(raw) { reader in
      try reader.members { name, reader in
        let key = name.utf8Text
        try Self.check(key, ":", "ExpressionAttributeValues")
        var bytes: [UInt8] = []
        do {
          guard try reader.value(into: &bytes) else { return }
        } catch let error as AWSError where error.code == "ValidationException" {
          throw DynamoDBError.validation("ExpressionAttributeValues contains invalid value: \(error.message) for key \(key)")
        }
        values.append((key, AttributeValue(bytes[...])))
      }
    }
    guard !values.isEmpty else { throw DynamoDBError.validation("ExpressionAttributeValues must not be empty") }
    guard raw.bytes.count <= DynamoDBLimits.substitutionBytes else {
      throw DynamoDBError.validation("The total size of all expression attribute values exceeds the allowed limit of 2 MB")
    }
  }

  private static func check(_ key: String, _ mark: Character, _ parameter: String) throws {
    let bytes = Array(key.utf8)
    guard bytes.count > 1, key.first == mark, bytes.dropFirst().allSatisfy(Lexer.isWord) else {
      throw DynamoDBError.validation("\(parameter) contains invalid key: Syntax error; key: \"\(key)\"")
    }
    guard bytes.count <= DynamoDBLimits.placeholderBytes else {
      throw DynamoDBError.validation("\(parameter) contains invalid key: The key is too long; key: \"\(key)\"")
    }
  }

  /// What stands behind the placeholders of an expression.
  mutating func bind<Body>(_ compiled: Compiled<Body>, kind: String) throws -> Bindings {
    var bindings = Bindings()
    for key in compiled.names {
      guard let found = names.first(where: { $0.key == key }) else {
        throw DynamoDBError.expression(
          kind, "An expression attribute name used in the document path is not defined; attribute name: \(key)")
      }
      usedNames.insert(key)
      bindings.names.append(found.name)
    }
    for key in compiled.values {
      guard let found = values.last(where: { $0.key == key }) else {
        throw DynamoDBError.expression(
          kind, "An expression attribute value used in expression is not defined; attribute value: \(key)")
      }
      usedValues.insert(key)
      bindings.values.append(found.value)
    }
    return bindings
  }

  /// After the last expression.
  func checkUnused() throws {
    func check(_ parameter: String, _ keys: [String], _ used: Set<String>) throws {
      guard keys.count != used.count else { return }
      let unused = keys.filter { !used.contains($0) }
      guard !unused.isEmpty else { return }
      throw DynamoDBError.validation("Value provided in \(parameter) unused in expressions: keys: {\(unused.joined(separator: ", "))}")
    }
    try check("ExpressionAttributeNames", names.map(\.key), usedNames)
    try check("ExpressionAttributeValues", values.map(\.key), usedValues)
  }
}

/// A condition with what it needs.
struct BoundCondition: Sendable {
  var condition: Condition
  var bindings: Bindings
  func holds(_ item: Item?) -> Bool { Evaluator(item: item ?? Item(), bindings: bindings).holds(condition) }

  /// The attributes that it names.
  var heads: [[UInt8]] {
    var out: [[UInt8]] = []
    func walk(_ operand: Operand) {
      switch operand {
      case .path(let path): out.append(bindings.name(path.head))
      case .size(let inner): walk(inner)
      case .value: break
      }
    }
    func walk(_ condition: Condition) {
      switch condition {
      case .and(let parts), .or(let parts): parts.forEach(walk)
      case .not(let inner): walk(inner)
      case .exists(let path), .notExists(let path): out.append(bindings.name(path.head))
      case .compare(_, let a, let b), .beginsWith(let a, let b), .contains(let a, let b), .hasType(let a, let b): [a, b].forEach(walk)
      case .between(let a, let b, let c): [a, b, c].forEach(walk)
      case .in(let a, let list): ([a] + list).forEach(walk)
      }
    }
    walk(condition)
    return out
  }
}
