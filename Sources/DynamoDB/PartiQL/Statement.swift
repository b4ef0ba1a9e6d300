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
