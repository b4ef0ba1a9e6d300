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
    for part in parts {
      guard case .compare(.equal, let a, let b) = part else { continue }
      for (left, right) in [(a, b), (b, a)] {
        guard case .path(let path) = left, path.steps.isEmpty, case .value(let place) = right else { continue }
        out[bindings.name(path.head)] = bindings.values[place]
      }
    }
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
    let equal = equalities()
    let key = try table.key.attributes.map { attribute in
      guard let value = equal[attribute.name] else {
        throw DynamoDBError.validation("Where clause does not contain a mandatory equality on all key attributes")
      }
      return (name: attribute.name, value: value)
    }
    let rest = parts.filter { part in
      guard case .compare(.equal, let a, let b) = part else { return true }
      return ![a, b].contains { operand in
        if case .path(let path) = operand { path.steps.isEmpty && table.key.contains(bindings.name(path.head)) } else { false }
      }
    }
    return (Item(key), rest.isEmpty ? nil : BoundCondition(condition: .and(rest), bindings: bindings))
  }
}
