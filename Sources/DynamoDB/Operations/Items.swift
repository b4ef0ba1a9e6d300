import Base
import Fabric
import Store
import Wire

extension PutItemInput: TableInput {}
extension GetItemInput: TableInput {}
extension UpdateItemInput: TableInput {}
extension DeleteItemInput: TableInput {}

extension DynamoDBService {
  var itemOperations: [Operation] {
    [
      Operation("PutItem", access: { (input: PutItemInput, call) in
        let access = try await self.access("PutItem", input.tableName, call)
          .saying("returnvalues", input.returnValues).saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { facts in
          try facts.item(input.item)
          try facts.expressions(input.expressionAttributeNames, input.expressionAttributeValues, conditions: [input.conditionExpression])
          try facts.legacy(input.expected)
        }]
      }, run: putItem),
      Operation("GetItem", access: { (input: GetItemInput, call) in
        let access = try await self.access("GetItem", input.tableName, call)
          .selecting(isProjected: input.projectionExpression != nil || input.attributesToGet != nil)
          .saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { facts in
          try facts.item(input.key)
          facts.names(input.attributesToGet)
          try facts.expressions(input.expressionAttributeNames, projection: input.projectionExpression)
        }]
      }, run: getItem),
      Operation("UpdateItem", access: { (input: UpdateItemInput, call) in
        let access = try await self.access("UpdateItem", input.tableName, call)
          .saying("returnvalues", input.returnValues).saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { facts in
          try facts.item(input.key)
          try facts.expressions(
            input.expressionAttributeNames, input.expressionAttributeValues, conditions: [input.conditionExpression],
            update: input.updateExpression)
          try facts.legacy(input.expected, input.attributeUpdates)
        }]
      }, run: updateItem),
      Operation("DeleteItem", access: { (input: DeleteItemInput, call) in
        let access = try await self.access("DeleteItem", input.tableName, call)
          .saying("returnvalues", input.returnValues).saying("returnconsumedcapacity", input.returnConsumedCapacity)
        return [await self.detailed(access, input.tableName, call) { facts in
          try facts.item(input.key)
          try facts.expressions(input.expressionAttributeNames, input.expressionAttributeValues, conditions: [input.conditionExpression])
          try facts.legacy(input.expected)
        }]
      }, run: deleteItem),
    ]
  }

  struct WriteResult: Sendable {
    var outcome: ItemWrite.Outcome
    var capacity: Capacity
    var stored: StoredTable
    var table: Table { stored.table }
  }

  /// Runs one write in a transaction of its own.
  func write(
    _ name: TableName, at now: Instant, prepare: (Table) throws -> ItemWrite
  ) async throws -> WriteResult {
    let result = try await tables.with(name) { stored in
      try throughput?.admit(stored.table, .write, at: now)
      return try prepare(stored.table)
    } run: { stored, write in
      try await store.transact { rows in
        try stored.check(rows)
        let writer = TableWriter(rows, stored, now: now)
        let outcome = try write.run(writer)
        try writer.finish()
        return WriteResult(outcome: outcome, capacity: writer.capacity, stored: stored)
      }
    }
    throughput?.spend(result.capacity, of: result.table, .write, at: now)
    wrote(result.stored)
    return result
  }

  func putItem(_ input: PutItemInput, _ call: Call) async throws -> PutItemOutput {
    try Self.checkReturnValues(input.returnValues)
    let result = try await write(try name(input.tableName, call), at: call.now) { table in
      try ParameterMixture(
        expressions: [("ConditionExpression", input.conditionExpression != nil)],
        legacy: [("Expected", input.expected != nil), ("ConditionalOperator", input.conditionalOperator != nil)]
      ).check()
      var substitutions = try Substitutions(
        names: input.expressionAttributeNames, values: input.expressionAttributeValues, hasExpressions: input.conditionExpression != nil)
      let condition = try self.condition(
        input.conditionExpression, expected: input.expected, joinedBy: input.conditionalOperator, &substitutions)
      try substitutions.checkUnused()
      var write = try table.put(input.item)
      (write.condition, write.showsOnFailure) = (condition, input.returnValuesOnConditionCheckFailure == "ALL_OLD")
      return write
    }
    var output = PutItemOutput()
    if input.returnValues == "ALL_OLD" { output.attributes = result.outcome.old.map(ValueText.json) }
    output.consumedCapacity = result.capacity.shape(input.returnConsumedCapacity, result.table)
    output.itemCollectionMetrics = result.metrics(input.returnItemCollectionMetrics)
    return output
  }

  func deleteItem(_ input: DeleteItemInput, _ call: Call) async throws -> DeleteItemOutput {
    try Self.checkReturnValues(input.returnValues)
    let result = try await write(try name(input.tableName, call), at: call.now) { table in
      try ParameterMixture(
        expressions: [("ConditionExpression", input.conditionExpression != nil)],
        legacy: [("Expected", input.expected != nil), ("ConditionalOperator", input.conditionalOperator != nil)]
      ).check()
      var substitutions = try Substitutions(
        names: input.expressionAttributeNames, values: input.expressionAttributeValues, hasExpressions: input.conditionExpression != nil)
      let condition = try self.condition(
        input.conditionExpression, expected: input.expected, joinedBy: input.conditionalOperator, &substitutions)
      try substitutions.checkUnused()
      var write = try table.delete(input.key)
      (write.condition, write.showsOnFailure) = (condition, input.returnValuesOnConditionCheckFailure == "ALL_OLD")
      return write
    }
    var output = DeleteItemOutput()
    if input.returnValues == "ALL_OLD" { output.attributes = result.outcome.old.map(ValueText.json) }
    output.consumedCapacity = result.capacity.shape(input.returnConsumedCapacity, result.table)
    output.itemCollectionMetrics = result.metrics(input.returnItemCollectionMetrics)
    return output
  }

  private static func checkReturnValues(_ wanted: String?) throws {
    guard wanted == nil || wanted == "NONE" || wanted == "ALL_OLD" else {
      throw DynamoDBError.validation("Return values set to invalid value")
    }
  }

  func updateItem(_ input: UpdateItemInput, _ call: Call) async throws -> UpdateItemOutput {
    var touched: Projection?
    let result = try await write(try name(input.tableName, call), at: call.now) { table in
      let (write, projection) = try update(input, table)
      touched = projection
      return write
    }
    var output = UpdateItemOutput()
    let (old, new) = (result.outcome.old, result.outcome.new)
    let shown: Item? =
      switch input.returnValues {
      case "ALL_OLD": old
      case "ALL_NEW": new
      case "UPDATED_OLD": old.flatMap { touched?($0) }
      case "UPDATED_NEW": new.flatMap { touched?($0) }
      default: nil
      }
    if let shown, !shown.isEmpty { output.attributes = ValueText.json(shown) }
    output.consumedCapacity = result.capacity.shape(input.returnConsumedCapacity, result.table)
    output.itemCollectionMetrics = result.metrics(input.returnItemCollectionMetrics)
    return output
  }

  private func update(_ input: UpdateItemInput, _ table: Table) throws -> (ItemWrite, Projection?) {
    let hasExpressions = input.conditionExpression != nil || input.updateExpression != nil
    try ParameterMixture(
      expressions: [
        ("UpdateExpression", input.updateExpression != nil), ("ConditionExpression", input.conditionExpression != nil),
      ],
      legacy: [
        ("AttributeUpdates", input.attributeUpdates != nil), ("Expected", input.expected != nil),
        ("ConditionalOperator", input.conditionalOperator != nil),
      ]
    ).check()
    var substitutions = try Substitutions(
      names: input.expressionAttributeNames, values: input.expressionAttributeValues, hasExpressions: hasExpressions)
    let update =
      try input.updateExpression.map { try expressions.update($0, &substitutions) } ?? input.attributeUpdates.map(LegacyUpdate.read)
    let condition = try self.condition(
      input.conditionExpression, expected: input.expected, joinedBy: input.conditionalOperator, &substitutions)
    try substitutions.checkUnused()
    var write = try table.update(input.key, update)
    (write.condition, write.showsOnFailure) = (condition, input.returnValuesOnConditionCheckFailure == "ALL_OLD")
    return (write, update?.touched)
  }

  func getItem(_ input: GetItemInput, _ call: Call) async throws -> GetItemOutput {
    let name = try name(input.tableName, call)
    let (item, table, projection) = try await tables.with(name) { stored in
      try throughput?.admit(stored.table, .read, at: call.now)
      let wanted = try self.projection(
        input.projectionExpression, attributesToGet: input.attributesToGet, input.expressionAttributeNames)
      return (try stored.table.key(ValueReader.item(input.key)), wanted)
    } run: { stored, prepared in
      let (key, projection) = prepared
      let place = Keys.item(stored.table.id, key)
      let bytes = try await store.read { rows in
        try stored.check(rows)
        return try rows.get(place)
      }
      return (bytes.map { Item(bytes: $0) }, stored, projection)
    }
    var output = GetItemOutput()
    output.item = item.map { ValueText.json(projection?($0) ?? $0) }
    if input.returnConsumedCapacity != nil || throughput != nil {
      var capacity = Capacity()
      capacity.add(Capacity.read(item?.size ?? 0, isConsistent: input.consistentRead == true))
      throughput?.spend(capacity, of: table.table, .read, at: call.now)
      output.consumedCapacity = capacity.shape(input.returnConsumedCapacity, table.table)
    }
    return output
  }

  /// What of an item is wanted, in whichever form it came; nil for all of it.
  func projection(_ expression: String?, attributesToGet: [String]?, _ names: [String: String]?) throws -> Projection? {
    try ParameterMixture(
      expressions: [("ProjectionExpression", expression != nil)], legacy: [("AttributesToGet", attributesToGet != nil)]
    ).check()
    var substitutions = try Substitutions(names: names, values: nil, hasExpressions: expression != nil)
    let projection = try expression.map { try expressions.projection($0, &substitutions) } ?? attributesToGet.map(Self.projection)
    try substitutions.checkUnused()
    return projection
  }
  static func projection(_ names: [String]) throws -> Projection {
    guard Set(names).count == names.count else {
      throw DynamoDBError.invalidParameters("Duplicate value in attribute name: \(names.first { name in names.count { $0 == name } > 1 } ?? "")")
    }
    return Projection(names: names)
  }
}

extension DynamoDBService.WriteResult {
  /// Only tables with local indexes have item collections.
  func metrics(_ wanted: String?) -> ItemCollectionMetrics? {
    guard wanted == "SIZE", table.hasLocalIndexes, let item = outcome.new ?? outcome.old else { return nil }
    var out = ItemCollectionMetrics()
    out.itemCollectionKey = ValueText.json(item.picking { table.key.hash.name.elementsEqual($0) })
    let whole = Double((outcome.collection ?? 0) >> 30)
    out.sizeEstimateRangeGB = [whole, whole + 1]
    return out
  }
}
