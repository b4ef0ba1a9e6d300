import Base
import Store

/// Which part of a table or index a query reads.
struct KeyCondition: Sendable {
  enum Range: Sendable, Equatable {
    case equal(AttributeValue), less(AttributeValue), lessOrEqual(AttributeValue), greater(AttributeValue)
    case greaterOrEqual(AttributeValue), between(AttributeValue, AttributeValue), beginsWith(AttributeValue)
  }
  var hash: AttributeValue
  var range: Range?

  /// From a condition that was parsed as any other.
  init(_ bound: BoundCondition, _ key: KeySchema) throws {
    let parts: [Condition] = if case .and(let parts) = bound.condition { parts } else { [bound.condition] }
    var found: [(name: [UInt8], range: Range)] = []
    for part in parts { try found.append(contentsOf: Self.read(part, bound.bindings)) }
    try self.init(found, key)
  }

  private static func read(_ condition: Condition, _ bindings: Bindings) throws -> [(name: [UInt8], range: Range)] {
    func unusable(_ name: String) -> AWSError { DynamoDBError.validation("Invalid operator used in KeyConditionExpression: \(name)") }
    func name(_ operand: Operand) throws -> [UInt8] {
      guard case .path(let path) = operand else {
        throw DynamoDBError.validation("Invalid condition in KeyConditionExpression: No key attribute specified")
      }
      guard path.steps.isEmpty else {
        throw DynamoDBError.validation("KeyConditionExpressions cannot have conditions on nested attributes")
      }
      return bindings.name(path.head)
    }
    func value(_ operand: Operand) throws -> AttributeValue {
      guard case .value(let place) = operand else {
        throw DynamoDBError.validation("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
      }
      return bindings.values[place]
    }
    switch condition {
    case .and(let parts): return try parts.flatMap { try read($0, bindings) }
    case .or: throw unusable("OR")
    case .not: throw unusable("NOT")
    case .in: throw unusable("IN")
    case .exists: throw unusable("attribute_exists")
    case .notExists: throw unusable("attribute_not_exists")
    case .hasType: throw unusable("attribute_type")
    case .contains: throw unusable("contains")
    case .beginsWith(let a, let b): return [(try name(a), .beginsWith(try value(b)))]
    case .between(let a, let b, let c): return [(try name(a), .between(try value(b), try value(c)))]
    case .compare(let comparator, let a, let b):
      var (a, b, comparator) = (a, b, comparator)
      if case .value = a, case .path = b {
        (a, b) = (b, a)
        comparator = comparator.turned
      }
      let (name, value) = (try name(a), try value(b))
      switch comparator {
      case .equal: return [(name, .equal(value))]
      case .less: return [(name, .less(value))]
      case .lessOrEqual: return [(name, .lessOrEqual(value))]
      case .greater: return [(name, .greater(value))]
      case .greaterOrEqual: return [(name, .greaterOrEqual(value))]
      case .notEqual: throw unusable("<>")
      }
    }
  }

  init(_ found: [(name: [UInt8], range: Range)], _ key: KeySchema) throws {
    guard found.count <= 2 else { throw DynamoDBError.validation("Conditions can be of length 1 or 2 only") }
    if found.count == 2, found[0].name == found[1].name {
      throw DynamoDBError.validation("KeyConditionExpressions must only contain one condition per key")
    }
    guard let first = found.first(where: { $0.name == key.hash.name }) else {
      throw DynamoDBError.validation("Query condition missed key schema element: \(key.hash.text)")
    }
    guard case .equal(let hash) = first.range else { throw DynamoDBError.validation("Query key condition not supported") }
    self.hash = hash
    if let second = found.first(where: { $0.name != key.hash.name }) {
      guard let wanted = key.range else { throw DynamoDBError.validation("Query key condition not supported") }
      guard second.name == wanted.name else {
        throw DynamoDBError.validation("Query condition missed key schema element: \(wanted.text)")
      }
      range = second.range
      for value in second.range.values { try Self.check(value, wanted) }
      if case .beginsWith(let value) = second.range, value.type == .number { throw Self.typeMismatch }
      if case .between(let low, let high) = second.range, low.order(high) == .greater {
        throw DynamoDBError.validation(
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: "
            + "AttributeValue: {\(low.typeName):\(low.plainText)}, upper bound operand: AttributeValue: {\(high.typeName):\(high.plainText)}")
      }
    }
    try Self.check(hash, key.hash)
  }
  private static let typeMismatch = DynamoDBError.invalidParameters("Condition parameter type does not match schema type")

  private static func check(_ value: AttributeValue, _ attribute: KeyAttribute) throws {
    guard value.type == attribute.type else { throw typeMismatch }
    if value.type != .number, value.payload.isEmpty {
      throw DynamoDBError.emptyKey(attribute.text, isBinary: value.type == .binary)
    }
  }

  /// The rows below `home`, a table's or an index's.
  func rows(_ home: Key) -> KeyRange {
    let partition = KeyBytes.partition(home, hash)
    func at(_ value: AttributeValue) -> Key {
      var key = partition
      KeyBytes.append(value, to: &key.bytes)
      return key
    }
    switch range {
    case nil: return KeyRange(prefix: partition)
    case .equal(let value): return KeyRange(prefix: at(value))
    case .less(let value): return KeyRange(partition, at(value))
    case .lessOrEqual(let value): return KeyRange(partition, at(value).end)
    case .greater(let value): return KeyRange(at(value).end, partition.end)
    case .greaterOrEqual(let value): return KeyRange(at(value), partition.end)
    case .between(let low, let high): return KeyRange(at(low), at(high).end)
    case .beginsWith(let value):
      var prefix = at(value)
      prefix.bytes.removeLast()  // the end mark, so that longer ones match
      return KeyRange(prefix: prefix)
    }
  }
}

extension KeyCondition.Range {
  var values: [AttributeValue] {
    switch self {
    case .equal(let value), .less(let value), .lessOrEqual(let value), .greater(let value), .greaterOrEqual(let value),
      .beginsWith(let value):
      [value]
    case .between(let low, let high): [low, high]
    }
  }
}

extension Comparator {
  /// With its sides exchanged.
  var turned: Comparator {
    switch self {
    case .equal, .notEqual: self
    case .less: .greater
    case .lessOrEqual: .greaterOrEqual
    case .greater: .less
    case .greaterOrEqual: .lessOrEqual
    }
  }
}
