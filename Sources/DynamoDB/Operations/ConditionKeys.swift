import Base
import Fabric
import Wire

/// What policies may ask of a request beside its table (Service Authorization Reference, "Condition keys for Amazon DynamoDB").
extension DynamoDBService {
  /// `dynamodb:LeadingKeys`: the partition keys that the request names. The root is asked nothing, so nothing is read for it.
  func leading(_ access: Access, _ table: String, _ items: [RawJSON], _ call: Call) async -> Access {
    if case .root = call.principal { return access }
    guard let name = try? name(table, call), let stored = try? await tables.find(name) else { return access }
    let hash = stored.table.key.hash.name
    // What cannot be read is refused by the operation itself.
    let keys = items.compactMap { raw in (try? ValueReader.item(raw))?[hash]?.plainText }
    var access = access
    access.conditionValues["dynamodb:leadingkeys"] = keys
    return access
  }

  /// The same of a query, whose condition names one partition of the table or of the index.
  func leading(_ access: Access, _ input: QueryInput, _ call: Call) async -> Access {
    if case .root = call.principal { return access }
    guard let name = try? name(input.tableName, call), let stored = try? await tables.find(name),
      let key = try? queried(input, stored.table)
    else { return access }
    var access = access
    access.conditionValues["dynamodb:leadingkeys"] = [key.plainText]
    return access
  }
  private func queried(_ input: QueryInput, _ table: Table) throws -> AttributeValue {
    let key = input.indexName.flatMap { table.index($0)?.key } ?? table.key
    if let conditions = input.keyConditions { return try LegacyCondition(conditions).keyCondition(key).hash }
    var substitutions = try Substitutions(
      names: input.expressionAttributeNames, values: input.expressionAttributeValues, hasExpressions: true)
    let condition = try expressions.condition(
      input.keyConditionExpression ?? "", kind: "KeyConditionExpression", &substitutions)
    return try KeyCondition(condition, key).hash
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
}
