import Base

/// What is wrong with a condition once it is known what stands behind its placeholders.
struct ConditionRules {
  let bindings: Bindings
  let kind: String

  func check(_ condition: Condition) throws {
    switch condition {
    case .and(let parts), .or(let parts): for part in parts { try check(part) }
    case .not(let inner): try check(inner)
    case .exists, .notExists: break
    case .compare(let comparator, let a, let b):
      try checkSize(a, b)
      try checkDistinct(comparator.rawValue, a, b)
      guard comparator != .equal, comparator != .notEqual else { return }
      for operand in [a, b] {
        guard let type = type(operand), ![.string, .number, .binary].contains(type) else { continue }
        throw operandType(comparator.rawValue, type)
      }
    case .between(let a, let low, let high):
      try checkSize(a, low, high)
      for operand in [a, low, high] {
        guard let type = type(operand), ![.string, .number, .binary].contains(type) else { continue }
        throw operandType("BETWEEN", type)
      }
      try checkBounds(low, high)
    case .in(let a, let list): try checkSize([a] + list)
    case .beginsWith(let a, let b):
      try checkDistinct("begins_with", a, b)
      for operand in [a, b] {
        guard let type = type(operand), type != .string, type != .binary else { continue }
        throw operandType("begins_with", type)
      }
    case .contains(let a, let b): try checkDistinct("contains", a, b)
    case .hasType(let a, let b):
      try checkDistinct("attribute_type", a, b)
      guard case .value(let place) = b else { throw failure(
        "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}") }
      let value = bindings.values[place]
      guard value.type == .string else { throw operandType("attribute_type", value.type) }
      let name = value.payload.utf8Text
      guard ["S", "N", "B", "NULL", "SS", "BOOL", "L", "BS", "NS", "M"].contains(name) else {
        throw failure("Invalid attribute type name found; type: \(name), valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}")
      }
    }
  }

  private func failure(_ text: String) -> AWSError { DynamoDBError.expression(kind, text) }
  private func operandType(_ name: String, _ type: AttributeType) -> AWSError {
    failure("Incorrect operand type for operator or function; operator or function: \(name), operand type: \(type.name)")
  }
  /// What is known before there is an item.
  private func type(_ operand: Operand) -> AttributeType? {
    switch operand {
    case .path: nil
    case .value(let place): bindings.values[place].type
    case .size: .number
    }
  }

  private func checkSize(_ operands: Operand...) throws { try checkSize(operands) }
  private func checkSize(_ operands: [Operand]) throws {
    for case .size(let inner) in operands {
      guard let type = type(inner), [.number, .true, .false, .null].contains(type) else { continue }
      throw operandType("size", type)
    }
  }
  private func checkDistinct(_ name: String, _ a: Operand, _ b: Operand) throws {
    guard case .path(let first) = a, case .path(let second) = b else { return }
    let path = bindings.resolved(first)
    guard path == bindings.resolved(second) else { return }
    throw failure(
      "The first operand must be distinct from the remaining operands for this operator or function; operator: \(name), "
        + "first operand: \(path.shown)")
  }
  private func checkBounds(_ low: Operand, _ high: Operand) throws {
    guard case .value(let a) = low, case .value(let b) = high else { return }
    let (low, high) = (bindings.values[a], bindings.values[b])
    func shown(_ value: AttributeValue) -> String { "AttributeValue: {\(value.typeName):\(value.plainText)}" }
    let operands = "lower bound operand: \(shown(low)), upper bound operand: \(shown(high))"
    guard low.type == high.type else {
      throw failure("The BETWEEN operator requires same data type for lower and upper bounds; \(operands)")
    }
    guard low.order(high) != .greater else {
      throw failure("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; \(operands)")
    }
  }
}

extension AttributeValue {
  /// Of a scalar, as error texts show it.
  var plainText: String {
    switch type {
    case .string: payload.utf8Text
    case .number: Number(bytes: payload).text
    case .binary: payload.base64
    case .true: "true"
    case .false: "false"
    default: ValueText.json(self).bytes.utf8Text
    }
  }
}
