import Base
import Crypto
import Fabric
import Store
import Wire

extension DynamoDBService {
  var transactionOperations: [Operation] {
    [
      Operation("TransactWriteItems", access: { (input: TransactWriteItemsInput, call) in
        try await self.writeAccess(input, call)
      }, run: transactWriteItems),
      Operation("TransactGetItems", access: { (input: TransactGetItemsInput, call) in
        var out: [Access] = []
        for (table, items) in Dictionary(grouping: input.transactItems.map(\.get), by: \.tableName).sorted(by: { $0.key < $1.key }) {
          let access = try await self.access("GetItem", table, call).saying("enclosingoperation", "TransactGetItems")
            .selecting(isProjected: items.allSatisfy { $0.projectionExpression != nil })
            .saying("returnconsumedcapacity", input.returnConsumedCapacity)
          out.append(await self.detailed(access, table, call) { facts in
            for item in items {
              try facts.item(item.key)
              try facts.expressions(item.expressionAttributeNames, projection: item.projectionExpression)
            }
          })
        }
        return out
      }, run: transactGetItems),
    ]
  }

  /// As the single operations would need them (Developer Guide, "Transactions and IAM").
  private func writeAccess(_ input: TransactWriteItemsInput, _ call: Call) async throws -> [Access] {
    typealias Part = (inout ItemFacts) throws -> Void
    var needed: [[String]: [Part]] = [:]
    for item in input.transactItems {
      if let check = item.conditionCheck {
        needed[["ConditionCheckItem", check.tableName], default: []].append { facts in
          try facts.item(check.key)
          try facts.expressions(check.expressionAttributeNames, check.expressionAttributeValues, conditions: [check.conditionExpression])
        }
      }
      if let put = item.put {
        needed[["PutItem", put.tableName], default: []].append { facts in
          try facts.item(put.item)
          try facts.expressions(put.expressionAttributeNames, put.expressionAttributeValues, conditions: [put.conditionExpression])
        }
      }
      if let delete = item.delete {
        needed[["DeleteItem", delete.tableName], default: []].append { facts in
          try facts.item(delete.key)
          try facts.expressions(delete.expressionAttributeNames, delete.expressionAttributeValues, conditions: [delete.conditionExpression])
        }
      }
      if let update = item.update {
        needed[["UpdateItem", update.tableName], default: []].append { facts in
          try facts.item(update.key)
          try facts.expressions(
            update.expressionAttributeNames, update.expressionAttributeValues, conditions: [update.conditionExpression],
            update: update.updateExpression)
        }
      }
    }
    var out: [Access] = []
    for (pair, parts) in needed.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let access = try await access(pair[0], pair[1], call).saying("enclosingoperation", "TransactWriteItems")
        .saying("returnconsumedcapacity", input.returnConsumedCapacity)
      out.append(await detailed(access, pair[1], call) { facts in for part in parts { try part(&facts) } })
    }
    return out
  }

  /// One action of a transaction with its table.
  struct TransactionWrite: Sendable {
    var name: TableName
    var write: ItemWrite
  }
  struct TransactionResult: Sendable {
    var capacities: [(table: StoredTable, capacity: Capacity)]
    var metrics: [(table: StoredTable, outcome: ItemWrite.Outcome)] = []
    /// The token was used before for the same request: nothing was written this time.
    var isRepeated = false
  }

  func transactWriteItems(_ input: TransactWriteItemsInput, _ call: Call) async throws -> TransactWriteItemsOutput {
    let actions = input.transactItems
    let names = try actions.map { try name(try Self.tableName($0), call) }
    let token = input.clientRequestToken.map { token in
      TransactionToken(text: token, account: call.account, region: call.region, request: Self.digest(input))
    }
    let result = try await transact(names, token, at: call.now) { tables in
      try zip(actions, names).map { action, name in
        guard let stored = tables[name] else { throw DynamoDBError.resourceNotFound }
        return TransactionWrite(name: name, write: try self.write(action, stored.table))
      }
    }
    var output = TransactWriteItemsOutput()
    let capacities = result.capacities.compactMap { table, capacity in
      capacity.shape(input.returnConsumedCapacity, table.table, splits: result.isRepeated ? .read : .write)
    }
    if !capacities.isEmpty { output.consumedCapacity = capacities }
    var metrics: [String: [ItemCollectionMetrics]] = [:]
    for (table, outcome) in result.metrics {
      guard let found = WriteResult(outcome: outcome, capacity: Capacity(), stored: table).metrics(input.returnItemCollectionMetrics)
      else { continue }
      metrics[table.table.name.name, default: []].append(found)
    }
    if !metrics.isEmpty { output.itemCollectionMetrics = metrics }
    return output
  }

  private static func tableName(_ item: TransactWriteItem) throws -> String {
    let names = [item.conditionCheck?.tableName, item.put?.tableName, item.delete?.tableName, item.update?.tableName].compactMap { $0 }
    guard names.count == 1 else {
      throw DynamoDBError.validation(
        "TransactItems can only contain one of Check, Put, Update or Delete")
    }
    return names[0]
  }

  private func write(_ item: TransactWriteItem, _ table: Table) throws -> ItemWrite {
    func condition(_ text: String?, _ names: [String: String]?, _ values: RawJSON?, _ write: () throws -> ItemWrite) throws -> ItemWrite {
      var substitutions = try Substitutions(names: names, values: values, hasExpressions: text != nil)
      let bound = try text.map { try expressions.condition($0, kind: "ConditionExpression", &substitutions) }
      try substitutions.checkUnused()
      var made = try write()
      made.condition = bound
      return made
    }
    var made: ItemWrite
    let onFailure: String?
    if let put = item.put {
      made = try condition(put.conditionExpression, put.expressionAttributeNames, put.expressionAttributeValues) { try table.put(put.item) }
      onFailure = put.returnValuesOnConditionCheckFailure
    } else if let delete = item.delete {
      made = try condition(delete.conditionExpression, delete.expressionAttributeNames, delete.expressionAttributeValues) {
        try table.delete(delete.key)
      }
      onFailure = delete.returnValuesOnConditionCheckFailure
    } else if let check = item.conditionCheck {
      made = try condition(check.conditionExpression, check.expressionAttributeNames, check.expressionAttributeValues) {
        var write = try table.delete(check.key)
        write.action = .check
        return write
      }
      onFailure = check.returnValuesOnConditionCheckFailure
    } else if let update = item.update {
      var substitutions = try Substitutions(
        names: update.expressionAttributeNames, values: update.expressionAttributeValues, hasExpressions: true)
      let change = try expressions.update(update.updateExpression, &substitutions)
      let bound = try update.conditionExpression.map { try expressions.condition($0, kind: "ConditionExpression", &substitutions) }
      try substitutions.checkUnused()
      made = try table.update(update.key, change)
      made.condition = bound
      onFailure = update.returnValuesOnConditionCheckFailure
    } else {
      throw DynamoDBError.validation("TransactItems can only contain one of Check, Put, Update or Delete")
    }
    made.showsOnFailure = onFailure == "ALL_OLD"
    return made
  }

  /// All writes, or none and the reasons.
  func transact(
    _ names: [TableName], _ token: TransactionToken?, at now: Instant,
    prepare: ([TableName: StoredTable]) throws -> [TransactionWrite]
  ) async throws -> TransactionResult {
    let (result, written) = try await tables.with(Array(Set(names))) { tables in
      for stored in tables.values { try throughput?.admit(stored.table, .write, at: now) }
      let writes = try prepare(tables)
      var seen: Set<TransactionTarget> = []
      for write in writes where !seen.insert(TransactionTarget(name: write.name, key: write.write.key)).inserted {
        throw DynamoDBError.validation("Transaction request cannot include multiple operations on one item")
      }
      return (tables, writes)
    } run: { check, prepared in
      let (tables, writes) = prepared
      let result = try await store.transact { rows -> TransactionResult in
        try check(rows)
        if let token, let repeated = try token.repeated(tables, rows, now) { return repeated }
        return try Self.run(writes, tables, token, rows, now)
      }
      return (result, Array(tables.values))
    }
    for (stored, capacity) in result.capacities {
      throughput?.spend(capacity, of: stored.table, result.isRepeated ? .read : .write, at: now)
    }
    if !result.isRepeated { for stored in written { wrote(stored) } }
    return result
  }

  private static func run(
    _ writes: [TransactionWrite], _ tables: [TableName: StoredTable], _ token: TransactionToken?, _ rows: any Transaction, _ now: Instant
  ) throws -> TransactionResult {
    var writers: [TableName: TableWriter] = [:]
    for (name, stored) in tables { writers[name] = TableWriter(rows, stored, now: now) }
    var reasons: [CancellationReason] = []
    var outcomes: [(TransactionWrite, TableWriter, ItemWrite.Outcome)] = []
    var bytes = 0
    for write in writes {
      guard let writer = writers[write.name] else { throw DynamoDBError.resourceNotFound }
      let old = try writer.item(write.write.key)
      do {
        let outcome = try write.write.decide(old, writer.stored.table)
        outcomes.append((write, writer, outcome))
        bytes += max(outcome.old?.size ?? 0, outcome.new?.size ?? 0)
        reasons.append(CancellationReason())
      } catch let error as AWSError {
        reasons.append(CancellationReason(error, shows: write.write.showsOnFailure ? old : nil))
      }
    }
    guard outcomes.count == writes.count else { throw DynamoDBError.cancelled(reasons) }
    guard bytes <= DynamoDBLimits.transactionBytes else {
      throw DynamoDBError.validation("Collection size of items in the transaction exceeds the limit of 4 MB")
    }
    var capacities: [TableName: Capacity] = [:]
    for (place, (write, writer, outcome)) in outcomes.enumerated() {
      if case .check = write.write.action {
        capacities[write.name, default: Capacity()].add(Capacity.write(outcome.old?.size ?? 0))
        continue
      }
      do {
        outcomes[place].2.collection = try writer.write(write.write.key, old: outcome.old, new: outcome.new)
      } catch let error as AWSError {
        reasons[place] = CancellationReason(error, shows: nil)
        throw DynamoDBError.cancelled(reasons)
      }
    }
    var result = TransactionResult(capacities: [])
    for (name, writer) in writers.sorted(by: { $0.key.name < $1.key.name }) {
      try writer.finish()
      var once = writer.capacity
      if let checks = capacities[name] { once.add(checks) }
      // Two underlying writes for each: prepare and commit.
      var twice = once
      twice.add(once)
      result.capacities.append((writer.stored, twice))
    }
    result.metrics = outcomes.map { ($1.stored, $2) }
    try token?.keep(result, rows, now)
    return result
  }

  /// The request without what may differ between a call and its repetition.
  private static func digest(_ input: TransactWriteItemsInput) -> [UInt8] {
    var compared = TransactWriteItemsInput()
    compared.transactItems = input.transactItems
    return digest("TransactWriteItems", compared)
  }
  static func digest(_ operation: String, _ input: some RecordView) -> [UInt8] {
    guard let operation = DynamoDBModel.service.operations[operation] else { return [] }
    let body = WireCodec.encode(
      input.record, operation: operation, service: DynamoDBModel.service, proto: .awsJson10, requestID: "")
    return Array(SHA256.hash(data: body.body))
  }

  func transactGetItems(_ input: TransactGetItemsInput, _ call: Call) async throws -> TransactGetItemsOutput {
    let gets = input.transactItems.map(\.get)
    let names = try gets.map { try name($0.tableName, call) }
    let (items, tables) = try await tables.with(Array(Set(names))) { tables in
      var seen: Set<TransactionTarget> = []
      let prepared = try zip(gets, names).map { get, name -> (StoredTable, ItemKey, Projection?) in
        guard let stored = tables[name] else { throw DynamoDBError.resourceNotFound }
        let key = try stored.table.key(ValueReader.item(get.key))
        guard seen.insert(TransactionTarget(name: name, key: key)).inserted else {
          throw DynamoDBError.validation("Transaction request cannot include multiple operations on one item")
        }
        return (stored, key, try projection(get.projectionExpression, attributesToGet: nil, get.expressionAttributeNames))
      }
      return (tables, prepared)
    } run: { check, prepared in
      let (tables, gets) = prepared
      let items = try await store.read { rows -> [(TableName, Item?, Int)] in
        try check(rows)
        return try gets.map { stored, key, projection in
          let item = try rows.get(Keys.item(stored.table.id, key)).map { Item(bytes: $0) }
          return (stored.table.name, item.map { projection?($0) ?? $0 }, item?.size ?? 0)
        }
      }
      return (items, tables)
    }
    guard items.reduce(0, { $0 + $1.2 }) <= DynamoDBLimits.transactionBytes else {
      throw DynamoDBError.validation("Collection size of items in the transaction exceeds the limit of 4 MB")
    }
    var output = TransactGetItemsOutput()
    output.responses = items.map { _, item, _ in
      var response = ItemResponse()
      if let item { response.item = ValueText.json(item) }
      return response
    }
    var capacities: [TableName: Capacity] = [:]
    for (name, _, size) in items { capacities[name, default: Capacity()].add(2 * Capacity.read(size, isConsistent: true)) }
    let shapes = capacities.sorted { $0.key.name < $1.key.name }.compactMap { name, capacity in
      tables[name].flatMap { capacity.shape(input.returnConsumedCapacity, $0.table, splits: .read) }
    }
    if !shapes.isEmpty { output.consumedCapacity = shapes }
    return output
  }
}

private struct TransactionTarget: Hashable {
  var name: TableName
  var key: ItemKey
}

extension CancellationReason {
  /// What one action said against it; other than the client's faults is no reason but a failure.
  init(_ error: AWSError, shows item: Item?) {
    switch error.code {
    case "ConditionalCheckFailedException": self.init(code: "ConditionalCheckFailed", message: error.message, item: item)
    case "ItemCollectionSizeLimitExceededException": self.init(code: "ItemCollectionSizeLimitExceeded", message: error.message)
    case "ValidationException": self.init(code: "ValidationError", message: error.message)
    default: self.init(code: error.code, message: error.message)
    }
  }
}

/// `ClientRequestToken`: for ten minutes the same request with the same token does nothing again.
struct TransactionToken: Sendable {
  var text: String
  var account: AccountID
  var region: Region
  /// What was asked.
  var request: [UInt8]

  func repeated(_ tables: [TableName: StoredTable], _ rows: any Transaction, _ now: Instant) throws -> DynamoDBService.TransactionResult? {
    guard let bytes = try rows.get(Keys.token(account, region, text)) else { return nil }
    var row = try RowReader(bytes)
    guard try row.instant() > now else { return nil }
    guard try row.blob() == request else { throw DynamoDBError.idempotency }
    let units = Dictionary(try row.array { (try $0.string(), try $0.double()) }, uniquingKeysWith: { $1 })
    var result = DynamoDBService.TransactionResult(capacities: [], isRepeated: true)
    for (_, stored) in tables.sorted(by: { $0.key.name < $1.key.name }) {
      var capacity = Capacity()
      // A repetition reads what it finds.
      capacity.add(units[stored.arn] ?? 0)
      result.capacities.append((stored, capacity))
    }
    return result
  }

  func keep(_ result: DynamoDBService.TransactionResult, _ rows: any Transaction, _ now: Instant) throws {
    let end = now + DynamoDBLimits.tokenLife
    var row = RowWriter()
    row.instant(end)
    row.blob(request)
    row.array(result.capacities) { row, entry in
      row.string(entry.table.arn)
      row.double(entry.capacity.total)
    }
    try rows.set(Keys.token(account, region, text), row.bytes)
    try rows.set(Keys.forget(end, account, region, text), [1])
  }
}
