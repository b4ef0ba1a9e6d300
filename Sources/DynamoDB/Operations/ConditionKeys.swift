import Base
import Fabric
import Store
import Wire

/// What policies may ask of a request beside its table (Service Authorization Reference, "Condition keys for Amazon DynamoDB"):
/// the partition keys that it names (`dynamodb:LeadingKeys`) and the attributes (`dynamodb:Attributes`).
struct ItemFacts {
  let table: Table
  private let cache: ExpressionCache
  /// Nil: the request is not bound to partitions.
  private(set) var leading: [String]?
  private(set) var attributes: Set<[UInt8]> = []

  init(_ table: Table, _ cache: ExpressionCache) { (self.table, self.cache) = (table, cache) }

  mutating func leads(_ values: [AttributeValue]) { leading = (leading ?? []) + values.map(\.plainText) }
  mutating func names(_ names: some Sequence<[UInt8]>) { attributes.formUnion(names) }
  mutating func names(_ names: [String]?) { attributes.formUnion((names ?? []).map { Array($0.utf8) }) }

  /// An item, or the key of one.
  mutating func item(_ raw: RawJSON) throws { item(try ValueReader.item(raw)) }
  mutating func item(_ item: Item) {
    names(item.attributes.map(\.name))
    leads(item[table.key.hash.name].map { [$0] } ?? [])
  }
  mutating func items(_ raw: [RawJSON]) throws { for item in raw { try self.item(item) } }

  mutating func expressions(
    _ names: [String: String]?, _ values: RawJSON? = nil, conditions: [String?] = [], update: String? = nil, projection: String? = nil
  ) throws {
    var substitutions = try Substitutions(names: names, values: values, hasExpressions: true)
    for case let text? in conditions { self.names(try cache.condition(text, kind: "ConditionExpression", &substitutions).heads) }
    if let update { self.names(try cache.update(update, &substitutions).named) }
    if let projection { self.names(try cache.projection(projection, &substitutions).heads) }
  }
  /// The parameters from before expressions: maps by the names of attributes.
  mutating func legacy(_ maps: RawJSON?...) throws {
    for case let map? in maps {
      try ValueReader.read(map) { reader in
        try reader.members { name, reader in
          attributes.insert(Array(name))
          try reader.skip()
        }
      }
    }
  }

  mutating func query(_ input: QueryInput) throws {
    try expressions(
      input.expressionAttributeNames, input.expressionAttributeValues,
      conditions: [input.keyConditionExpression, input.filterExpression], projection: input.projectionExpression)
    try legacy(input.keyConditions, input.queryFilter)
    names(input.attributesToGet)
    let key = input.indexName.flatMap { table.index($0)?.key } ?? table.key
    if let conditions = input.keyConditions { return leads([try LegacyCondition(conditions).keyCondition(key).hash]) }
    var substitutions = try Substitutions(
      names: input.expressionAttributeNames, values: input.expressionAttributeValues, hasExpressions: true)
    let condition = try cache.condition(input.keyConditionExpression ?? "", kind: "KeyConditionExpression", &substitutions)
    leads([try KeyCondition(condition, key).hash])
  }

  mutating func statement(_ statement: Statement) throws {
    if let condition = statement.condition { names(BoundCondition(condition: condition, bindings: statement.bindings).heads) }
    var key = table.key
    switch statement.kind {
    case .insert(let item): return self.item(item)
    case .select(let index, let projection, _):
      names((projection ?? []).map { statement.bindings.name($0.head) })
      if let index, let found = table.index(index) { key = found.key }
    case .update(let actions, _): names(try Update(actions, statement.bindings).named)
    case .delete, .exists: break
    }
    if let values = statement.values(of: key.hash.name) { leads(values) }
  }
}

extension DynamoDBService {
  /// An access with what policies may ask of the items. The root is asked nothing, so nothing is read for it.
  func detailed(_ access: Access, _ table: String, _ call: Call, _ read: (inout ItemFacts) throws -> Void) async -> Access {
    if case .root = call.principal { return access }
    guard let name = try? name(table, call), let stored = try? await tables.find(name) else { return access }
    var facts = ItemFacts(stored.table, expressions)
    // What cannot be read is refused by the operation itself.
    try? read(&facts)
    var access = access
    if let leading = facts.leading { access.conditionValues["dynamodb:leadingkeys"] = leading }
    if !facts.attributes.isEmpty { access.conditionValues["dynamodb:attributes"] = facts.attributes.map(\.utf8Text).sorted() }
    return access
  }
}

extension Access {
  /// With a fact of the request, when it has it.
  func saying(_ key: String, _ value: String?) -> Access {
    guard let value else { return self }
    var access = self
    access.conditionValues["dynamodb:" + key] = [value]
    return access
  }
  /// What a read selects: as the request says, or as it is without a word.
  func selecting(_ select: String? = nil, isProjected: Bool, index: String? = nil) -> Access {
    saying("select", select ?? (isProjected ? "SPECIFIC_ATTRIBUTES" : index == nil ? "ALL_ATTRIBUTES" : "ALL_PROJECTED_ATTRIBUTES"))
  }
}
