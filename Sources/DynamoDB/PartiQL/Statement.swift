import Base

/// A PartiQL statement with its parameters put in.
struct Statement: Sendable {
  enum Kind: Sendable {
    case select(index: String?, projection: [DocumentPath]?, isReverse: Bool?)
    case insert(Item)
    case update([UpdateAction], returning: String?)
    case delete(returning: String?)
    /// `EXISTS(SELECT …)` in a transaction.
    case exists
  }
  var kind: Kind
  var table: String
  /// What stands behind WHERE; all names in it are written out.
  var condition: Condition?
  var bindings = Bindings()
  /// The attribute behind ORDER BY.
  var order: [UInt8]?

  /// How many items it may read or write is not limited by the statement itself.
  var isRead: Bool {
    switch kind {
    case .select, .exists: true
    case .insert, .update, .delete: false
    }
  }

  /// The equalities that the condition demands, by attribute; what is only one way among others does not count.
  func equalities() -> [[UInt8]: AttributeValue] {
    var out: [[UInt8]: AttributeValue] = [:]
    for part in parts { if let equal = equality(part) { out[equal.name] = equal.value } }
    return out
  }
  /// The attribute and the literal of an equality between these two.
  private func equality(_ part: Condition) -> (name: [UInt8], value: AttributeValue)? {
    guard case .compare(.equal, let a, let b) = part else { return nil }
    for (left, right) in [(a, b), (b, a)] {
      guard case .path(let path) = left, path.steps.isEmpty, case .value(let place) = right else { continue }
      return (bindings.name(path.head), bindings.values[place])
    }
    return nil
  }
  /// The values that the condition leaves for an attribute; nil when it leaves any.
  func values(of name: [UInt8]) -> [AttributeValue]? { condition.flatMap { values(of: name, in: $0) } }
  private func values(of name: [UInt8], in condition: Condition) -> [AttributeValue]? {
    switch condition {
    case .compare: return equality(condition).flatMap { $0.name == name ? [$0.value] : nil }
    case .in(.path(let path), let list) where path.steps.isEmpty && bindings.name(path.head) == name:
      let values = list.compactMap { if case .value(let place) = $0 { bindings.values[place] } else { nil } }
      return values.count == list.count ? values : nil
    case .and(let parts):
      let found = parts.compactMap { values(of: name, in: $0) }
      return found.isEmpty ? nil : found.flatMap(\.self)
    case .or(let parts):
      let found = parts.compactMap { values(of: name, in: $0) }
      return found.count == parts.count ? found.flatMap(\.self) : nil
    default: return nil
    }
  }

  /// What must hold all together.
  var parts: [Condition] {
    switch condition {
    case nil: []
    case .and(let parts)?: parts
    case let condition?: [condition]
    }
  }

  /// The item that the condition names by its whole key, and what else it demands of it.
  func target(_ table: Table) throws -> (key: Item, condition: BoundCondition?) {
    var key: [(name: [UInt8], value: AttributeValue)] = []
    var rest: [Condition] = []
    for part in parts {
      guard let equal = equality(part), table.key.contains(equal.name) else {
        rest.append(part)
        continue
      }
      guard let known = key.first(where: { $0.name == equal.name }) else {
        key.append(equal)
        continue
      }
      guard known.value == equal.value else {
        throw DynamoDBError.validation("Where clause contains different values for the key attribute \(equal.name.utf8Text)")
      }
    }
    guard key.count == table.key.attributes.count else {
      throw DynamoDBError.validation("Where clause does not contain a mandatory equality on all key attributes")
    }
    return (Item(key), rest.isEmpty ? nil : BoundCondition(condition: .and(rest), bindings: bindings))
  }
}
