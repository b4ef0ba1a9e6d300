import Base
import Store
import Wire

/// A write of one item that is ready to run: everything in it has been read and checked against its table.
struct ItemWrite: Sendable {
  enum Action: Sendable {
    case put(Item)
    case delete
    case update(Update)
    /// Only the condition counts.
    case check
  }
  var key: ItemKey
  /// The attributes of the key, from which an update makes an item that is not there.
  var keyItem: Item
  var action: Action
  var condition: BoundCondition?
  /// The item is shown when the condition fails.
  var showsOnFailure = false

  struct Outcome: Sendable {
    var old: Item?
    var new: Item?
    /// Bytes of the item's collection afterwards, of tables with local indexes.
    var collection: Int?
  }

  /// Throws `ConditionalCheckFailedException`, and what the item makes impossible.
  func decide(_ old: Item?, _ table: Table) throws -> Outcome {
    if let condition, !condition.holds(old) { throw DynamoDBError.conditionFailed(showsOnFailure ? old : nil) }
    switch action {
    case .put(let item): return Outcome(old: old, new: item)
    case .delete: return Outcome(old: old, new: nil)
    case .check: return Outcome(old: old, new: old)
    case .update(let update):
      let new = try update(old ?? keyItem)
      guard !table.isTooLarge(new, new.size) else { throw DynamoDBError.updatedItemTooLarge }
      if !table.indexes.isEmpty { try table.checkIndexKeys(new) }
      return Outcome(old: old, new: new)
    }
  }

  func run(_ writer: TableWriter) throws -> Outcome {
    var outcome = try decide(try writer.item(key), writer.stored.table)
    if case .check = action { return outcome }
    outcome.collection = try writer.write(key, old: outcome.old, new: outcome.new)
    return outcome
  }
}

/// Makes writes of inputs.
extension Table {
  func put(_ raw: RawJSON) throws -> ItemWrite {
    let item = try ValueReader.item(raw)
    let key = try key(of: item)
    guard !isTooLarge(item, item.size) else { throw DynamoDBError.itemTooLarge }
    return ItemWrite(key: key, keyItem: Item(), action: .put(item))
  }
  func delete(_ raw: RawJSON) throws -> ItemWrite {
    let item = try ValueReader.item(raw)
    return ItemWrite(key: try key(item), keyItem: item, action: .delete)
  }
  func update(_ raw: RawJSON, _ update: Update?) throws -> ItemWrite {
    let item = try ValueReader.item(raw)
    let write = ItemWrite(key: try key(item), keyItem: item, action: .update(try update ?? Update([], Bindings())))
    for head in update?.heads ?? [] where key.contains(head) { throw DynamoDBError.partOfKey(head.utf8Text) }
    return write
  }
}

/// The parameters of a request of which expressions and their forerunners exclude each other.
struct ParameterMixture {
  var expressions: [(name: String, isGiven: Bool)]
  var legacy: [(name: String, isGiven: Bool)]

  func check() throws {
    let expressions = expressions.filter(\.isGiven).map(\.name), legacy = legacy.filter(\.isGiven).map(\.name)
    guard !expressions.isEmpty, !legacy.isEmpty else { return }
    throw DynamoDBError.validation(
      "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        + "{\(legacy.joined(separator: ", "))} Expression parameters: {\(expressions.joined(separator: ", "))}")
  }
}

extension DynamoDBService {
  /// The condition of a write, in whichever form it came.
  func condition(
    _ expression: String?, expected: RawJSON?, joinedBy conditionalOperator: String?, _ substitutions: inout Substitutions
  ) throws -> BoundCondition? {
    if let expression { return try expressions.condition(expression, kind: "ConditionExpression", &substitutions) }
    guard let expected else {
      if conditionalOperator != nil {
        throw DynamoDBError.validation("ConditionalOperator cannot be used without Filter or Expected")
      }
      return nil
    }
    return try LegacyCondition(expected).condition(joinedBy: conditionalOperator, isExpected: true)
  }
}
