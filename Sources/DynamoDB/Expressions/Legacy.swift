import Base
import Wire

/// The parameters from before there were expressions, as what expressions become (Developer Guide, "Legacy conditional parameters").
struct LegacyCondition {
  private enum Operator: String {
    case eq = "EQ", ne = "NE", le = "LE", lt = "LT", ge = "GE", gt = "GT", notNull = "NOT_NULL", null = "NULL", contains = "CONTAINS"
    case notContains = "NOT_CONTAINS", beginsWith = "BEGINS_WITH", `in` = "IN", between = "BETWEEN"
  }
  private struct Entry {
    var name: [UInt8]
    var comparison: String?
    var values: [AttributeValue]?
    var value: AttributeValue?
    var exists: Bool?
  }

  private var entries: [Entry] = []

  /// `Expected`, `QueryFilter`, `ScanFilter` or `KeyConditions`.
  init(_ raw: RawJSON) throws {
    try ValueReader.read(raw) { reader in
      try reader.members { name, reader in
        if try reader.null() { return }
        var entry = Entry(name: Array(name))
        try reader.members { member, reader in
          if try reader.null() { return }
          switch member.utf8Text {
          case "ComparisonOperator": entry.comparison = try reader.string()
          case "AttributeValueList": entry.values = try reader.list()
          case "Exists": entry.exists = try reader.bool()
          case "Value":
            var bytes: [UInt8] = []
            if try reader.value(into: &bytes) { entry.value = AttributeValue(bytes[...]) }
          default: try reader.skip()
          }
        }
        entries.append(entry)
      }
    }
  }

  private func comparison(_ entry: Entry, _ name: String) throws -> (Operator, [AttributeValue]) {
    guard let text = entry.comparison else { throw DynamoDBError.validation("The ComparisonOperator of \(name) is missing") }
    guard let comparison = Operator(rawValue: text) else {
      throw DynamoDBError.validation(
        "1 validation error detected: Value '\(text)' at '\(name).comparisonOperator' failed to satisfy constraint: Member must satisfy "
          + "enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]")
    }
    let values = entry.values ?? entry.value.map { [$0] } ?? []
    let isCounted =
      switch comparison {
      case .null, .notNull: values.isEmpty
      case .in: !values.isEmpty
      case .between: values.count == 2
      default: values.count == 1
      }
    guard isCounted else {
      throw DynamoDBError.invalidParameters("Invalid number of argument(s) for the \(text) ComparisonOperator")
    }
    for value in values {
      let isFit =
        switch comparison {
        case .lt, .le, .gt, .ge, .between: [.string, .number, .binary].contains(value.type)
        case .beginsWith: [.string, .binary].contains(value.type)
        case .in, .contains, .notContains: !value.type.isSet && value.type != .list && value.type != .map
        default: true
        }
      guard isFit else {
        throw DynamoDBError.invalidParameters("ComparisonOperator \(text) is not valid for \(value.typeName) AttributeValue type")
      }
    }
    if comparison == .between, let order = values[0].order(values[1]), order == .greater {
      throw DynamoDBError.validation(
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
    }
    return (comparison, values)
  }

  /// A condition on items.
  /// - Parameter isExpected: `Value` and `Exists` are allowed.
  func condition(joinedBy conditionalOperator: String?, isExpected: Bool) throws -> BoundCondition {
    var bindings = Bindings()
    var parts: [Condition] = []
    for entry in entries {
      bindings.names.append(entry.name)
      let path = DocumentPath(head: .placeholder(bindings.names.count - 1))
      if isExpected, entry.comparison == nil {
        parts.append(try expected(entry, path, &bindings))
        continue
      }
      if isExpected { try checkMixture(entry) }
      let (comparison, values) = try self.comparison(entry, entry.name.utf8Text)
      let operands = values.map { value -> Operand in
        bindings.values.append(value)
        return .value(bindings.values.count - 1)
      }
      parts.append(Self.condition(comparison, path, operands))
    }
    if parts.count < 2, let conditionalOperator, conditionalOperator == "OR" || conditionalOperator == "AND", parts.isEmpty {
      throw DynamoDBError.validation("ConditionalOperator can only be used when Filter or Expected has two or more elements")
    }
    return BoundCondition(condition: conditionalOperator == "OR" ? .or(parts) : .and(parts), bindings: bindings)
  }

  private func checkMixture(_ entry: Entry) throws {
    let name = entry.name.utf8Text
    if entry.exists != nil {
      throw DynamoDBError.invalidParameters("Exists and ComparisonOperator cannot be used together for Attribute: \(name)")
    }
    if entry.values != nil, entry.value != nil {
      throw DynamoDBError.invalidParameters("Value and AttributeValueList cannot be used together for Attribute: \(name)")
    }
  }
  private func expected(_ entry: Entry, _ path: DocumentPath, _ bindings: inout Bindings) throws -> Condition {
    let name = entry.name.utf8Text
    if entry.values != nil {
      throw DynamoDBError.invalidParameters("AttributeValueList can only be used with a ComparisonOperator for Attribute: \(name)")
    }
    guard entry.exists != false else {
      if entry.value != nil {
        throw DynamoDBError.invalidParameters("Value cannot be used when Exists is false for Attribute: \(name)")
      }
      return .notExists(path)
    }
    guard let value = entry.value else {
      let exists = entry.exists == nil ? "null" : "true"
      throw DynamoDBError.invalidParameters("Value must be provided when Exists is \(exists) for Attribute: \(name)")
    }
    bindings.values.append(value)
    return .compare(.equal, .path(path), .value(bindings.values.count - 1))
  }

  private static func condition(_ comparison: Operator, _ path: DocumentPath, _ values: [Operand]) -> Condition {
    let left = Operand.path(path)
    return switch comparison {
    case .eq: .compare(.equal, left, values[0])
    case .ne: .compare(.notEqual, left, values[0])
    case .le: .compare(.lessOrEqual, left, values[0])
    case .lt: .compare(.less, left, values[0])
    case .ge: .compare(.greaterOrEqual, left, values[0])
    case .gt: .compare(.greater, left, values[0])
    case .notNull: .exists(path)
    case .null: .notExists(path)
    case .contains: .contains(left, values[0])
    case .notContains: .and([.exists(path), .not(.contains(left, values[0]))])
    case .beginsWith: .beginsWith(left, values[0])
    case .in: .in(left, values)
    case .between: .between(left, values[0], values[1])
    }
  }

  func keyCondition(_ key: KeySchema) throws -> KeyCondition {
    var found: [(name: [UInt8], range: KeyCondition.Range)] = []
    for entry in entries {
      let (comparison, values) = try comparison(entry, "keyConditions.\(entry.name.utf8Text).member")
      let range: KeyCondition.Range
      switch comparison {
      case .eq: range = .equal(values[0])
      case .le: range = .lessOrEqual(values[0])
      case .lt: range = .less(values[0])
      case .ge: range = .greaterOrEqual(values[0])
      case .gt: range = .greater(values[0])
      case .beginsWith: range = .beginsWith(values[0])
      case .between: range = .between(values[0], values[1])
      case .ne, .notNull, .null, .contains, .notContains, .in:
        throw DynamoDBError.validation("Attempted conditional constraint is not an indexable operation")
      }
      found.append((entry.name, range))
    }
    return try KeyCondition(found, key)
  }
}

/// `AttributeUpdates`.
enum LegacyUpdate {
  static func read(_ raw: RawJSON) throws -> Update {
    var bindings = Bindings()
    var actions: [UpdateAction] = []
    try ValueReader.read(raw) { reader in
      try reader.members { name, reader in
        if try reader.null() { return }
        var action = "PUT"
        var value: AttributeValue?
        try reader.members { member, reader in
          if try reader.null() { return }
          switch member.utf8Text {
          case "Action": action = try reader.string()
          case "Value":
            var bytes: [UInt8] = []
            if try reader.value(into: &bytes) { value = AttributeValue(bytes[...]) }
          default: try reader.skip()
          }
        }
        try ValueReader.checkName(name.count)
        bindings.names.append(Array(name))
        let path = DocumentPath(head: .placeholder(bindings.names.count - 1))
        if let value { bindings.values.append(value) }
        let place = bindings.values.count - 1
        actions.append(try self.action(action, path, value, place))
      }
    }
    return try Update(actions, bindings)
  }

  private static func action(_ name: String, _ path: DocumentPath, _ value: AttributeValue?, _ place: Int) throws -> UpdateAction {
    switch (name, value) {
    case ("PUT", .some): return .set(path, .value(place))
    case ("DELETE", nil): return .remove(path)
    case ("DELETE", let value?):
      guard value.type.isSet else {
        throw DynamoDBError.invalidParameters("DELETE action with value is not supported for the type \(value.typeName)")
      }
      return .delete(path, place)
    case ("ADD", let value?):
      guard value.type == .number || value.type.isSet else {
        throw DynamoDBError.invalidParameters("ADD action is not supported for the type \(value.typeName)")
      }
      return .add(path, place)
    case ("PUT", nil), ("ADD", nil):
      throw DynamoDBError.invalidParameters("Only DELETE action is allowed when no attribute value is specified")
    default:
      throw DynamoDBError.validation(
        "1 validation error detected: Value '\(name)' at 'attributeUpdates.member.action' failed to satisfy constraint: "
          + "Member must satisfy enum value set: [ADD, PUT, DELETE]")
    }
  }
}
