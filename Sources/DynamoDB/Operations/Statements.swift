import Base
import Fabric
import Store
import Wire

extension DynamoDBService {
  var statementOperations: [Operation] {
    [
      Operation("ExecuteStatement", access: { (input: ExecuteStatementInput, call) in
        [try await self.access(try self.parse(input.statement, input.parameters), call)]
      }, run: executeStatement),
      Operation("BatchExecuteStatement", access: { (input: BatchExecuteStatementInput, call) in
        try await self.accesses(input.statements.map { try self.parse($0.statement, $0.parameters) }, call)
      }, run: batchExecuteStatement),
      Operation("ExecuteTransaction", access: { (input: ExecuteTransactionInput, call) in
        try await self.accesses(input.transactStatements.map { try self.parse($0.statement, $0.parameters) }, call)
          .map { $0.saying("enclosingoperation", "ExecuteTransaction") }
      }, run: executeTransaction),
    ]
  }

  private func parse(_ text: String, _ parameters: RawJSON?) throws -> Statement {
    let values = try parameters.map(ValueReader.list) ?? []
    if let parameters, values.isEmpty {
      throw DynamoDBError.validation(
        "1 validation error detected: Value '\(parameters.bytes.utf8Text)' at 'parameters' failed to satisfy constraint: "
          + "Member must have length greater than or equal to 1")
    }
    return try StatementParser.parse(text, values)
  }

  /// A SELECT that is bound to no partition has no leading keys, but says that it is a scan: as on AWS, who gives partitions with
  /// `ForAllValues:` forbids `dynamodb:FullTableScan` as well.
  private func access(_ statement: Statement, _ call: Call) async throws -> Access {
    var access: Access
    switch statement.kind {
    case .select(let index, let projection, _):
      access = try await self.access("PartiQLSelect", statement.table, call, index: index)
        .selecting(isProjected: projection != nil, index: index)
    case .exists: access = try await self.access("ConditionCheckItem", statement.table, call)
    case .insert: access = try await self.access("PartiQLInsert", statement.table, call)
    case .update(_, let returning):
      access = try await self.access("PartiQLUpdate", statement.table, call)
        .saying("returnvalues", returning?.replacing("MODIFIED", by: "UPDATED"))
    case .delete(let returning):
      access = try await self.access("PartiQLDelete", statement.table, call).saying("returnvalues", returning)
    }
    access = await detailed(access, statement.table, call) { try $0.statement(statement) }
    guard case .select = statement.kind else { return access }
    return access.saying("fulltablescan", access.conditionValues["dynamodb:leadingkeys"] == nil ? "true" : "false")
  }
  private func accesses(_ statements: [Statement], _ call: Call) async throws -> [Access] {
    var out: [Access] = []
    for statement in statements {
      let access = try await access(statement, call)
      let isKnown = out.contains {
        $0.action == access.action && $0.resource == access.resource && $0.conditionValues == access.conditionValues
      }
      if !isKnown { out.append(access) }
    }
    return out
  }

  func executeStatement(_ input: ExecuteStatementInput, _ call: Call) async throws -> ExecuteStatementOutput {
    let statement = try parse(input.statement, input.parameters)
    let name = try name(statement.table, call)
    var output = ExecuteStatementOutput()
    guard statement.isRead else {
      let (items, result) = try await write(
        statement, name, at: call.now, showsOnFailure: input.returnValuesOnConditionCheckFailure == "ALL_OLD")
      output.items = ValueText.json(items)
      output.consumedCapacity = result.capacity.shape(input.returnConsumedCapacity, result.table)
      return output
    }
    let start = try input.nextToken.map { token in
      guard let bytes = decodeBase64(token) else { throw DynamoDBError.validation("NextToken does not match request") }
      return Item(bytes: bytes)
    }
    let (page, reader) = try await read(name) { table in
      var reader = try self.reader(statement, table, isConsistent: input.consistentRead == true)
      reader.limit = input.limit
      if let start { try reader.begin(after: start) }
      return reader
    }
    output.items = ValueText.json(page.items)
    output.nextToken = page.last.map { $0.bytes.base64 }
    output.lastEvaluatedKey = page.last.map(ValueText.json)
    output.consumedCapacity = reader.capacity(page).shape(
      input.returnConsumedCapacity, reader.table)
    return output
  }

  /// A query where the condition names a partition, else a scan.
  private func reader(_ statement: Statement, _ table: Table, isConsistent: Bool) throws -> PageReader {
    guard case .select(let indexName, let paths, let isReverse) = statement.kind else {
      throw DynamoDBError.validation("EXISTS is only allowed in a transaction")
    }
    let projection = try paths.map { try Projection($0.map(statement.bindings.resolved)) }
    var choice = try ReadChoice(
      table, index: indexName, isConsistent: isConsistent, select: nil, hasProjection: false, hasAttributes: false)
    try choice.project(projection)
    let key = choice.index?.key ?? table.key
    let filter = statement.condition.map { BoundCondition(condition: $0, bindings: statement.bindings) }
    if let filter { try ConditionRules(bindings: filter.bindings, kind: "where clause").check(filter.condition) }
    let home = PageReader.home(table, choice.index)
    let hash = statement.equalities()[key.hash.name]
    if let order = statement.order {
      guard hash != nil else { throw DynamoDBError.validation("Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.") }
      guard key.contains(order) else {
        throw DynamoDBError.validation("Variable reference \(order.utf8Text) in ORDER BY clause must be part of the primary key")
      }
    }
    guard let hash else { return choice.reader(KeyRange(prefix: home), filter: filter, limit: nil) }
    var conditions: [(name: [UInt8], range: KeyCondition.Range)] = [(key.hash.name, .equal(hash))]
    if let range = key.range { if let found = try statement.keyRange(range) { conditions.append((range.name, found)) } }
    var reader = choice.reader(try KeyCondition(conditions, key).rows(home), filter: filter, limit: nil)
    reader.isReverse = isReverse == true
    return reader
  }

  /// The items that RETURNING asks for, and what was done.
  private func write(
    _ statement: Statement, _ name: TableName, at now: Instant, showsOnFailure: Bool
  ) async throws -> ([Item], WriteResult) {
    do {
      var touched: Projection?
      let result = try await write(name, at: now) { table in
        let (write, projection) = try self.itemWrite(statement, table, showsOnFailure: showsOnFailure)
        touched = projection
        return write
      }
      return (statement.returned(result.outcome, touched), result)
    } catch let error as AWSError where error.code == "ConditionalCheckFailedException" {
      if case .insert = statement.kind { throw Self.duplicate }
      throw error
    }
  }
  private static let duplicate = AWSError("DuplicateItemException", "Duplicate primary key exists in table", status: 400)

  /// An INSERT finds nothing, an UPDATE something: conditions say so.
  private func itemWrite(_ statement: Statement, _ table: Table, showsOnFailure: Bool) throws -> (ItemWrite, Projection?) {
    let hash = DocumentPath(head: .literal(table.key.hash.name))
    var write: ItemWrite
    var touched: Projection?
    switch statement.kind {
    case .insert(let item):
      write = ItemWrite(key: try table.key(of: item), keyItem: Item(), action: .put(item))
      guard !table.isTooLarge(item, item.size) else { throw DynamoDBError.itemTooLarge }
      write.condition = BoundCondition(condition: .notExists(hash), bindings: Bindings())
    case .update(let actions, _):
      let (key, condition) = try statement.target(table)
      let update = try Update(actions, statement.bindings)
      touched = update.touched
      write = try table.update(ValueText.json(key), update)
      let exists = Condition.exists(hash)
      write.condition = BoundCondition(
        condition: condition.map { .and([exists, $0.condition]) } ?? exists, bindings: statement.bindings)
    case .delete:
      let (key, condition) = try statement.target(table)
      write = try table.delete(ValueText.json(key))
      write.condition = condition
    case .exists:
      let (key, condition) = try statement.target(table)
      write = try table.delete(ValueText.json(key))
      write.action = .check
      write.condition = BoundCondition(
        condition: condition.map { .and([.exists(hash), $0.condition]) } ?? .exists(hash), bindings: statement.bindings)
    case .select: throw DynamoDBError.validation("Transactions and batches do not mix reads and writes")
    }
    write.showsOnFailure = showsOnFailure
    return (write, touched)
  }

  func batchExecuteStatement(_ input: BatchExecuteStatementInput, _ call: Call) async throws -> BatchExecuteStatementOutput {
    let statements = try input.statements.map { try parse($0.statement, $0.parameters) }
    guard Set(statements.map(\.isRead)).count == 1 else {
      throw DynamoDBError.validation("Batch read and write statements cannot be mixed")
    }
    var output = BatchExecuteStatementOutput()
    var responses: [BatchStatementResponse] = []
    var capacities: [(Table, Capacity)] = []
    for (given, statement) in zip(input.statements, statements) {
      var response = BatchStatementResponse()
      response.tableName = statement.table
      do {
        let name = try name(statement.table, call)
        let found: (item: Item?, table: Table, capacity: Capacity)
        if statement.isRead {
          found = try await self.item(statement, name, isConsistent: given.consistentRead == true)
        } else {
          let (items, result) = try await write(
            statement, name, at: call.now, showsOnFailure: given.returnValuesOnConditionCheckFailure == "ALL_OLD")
          found = (items.first, result.table, result.capacity)
        }
        response.item = found.item.map(ValueText.json)
        capacities.append((found.table, found.capacity))
      } catch let error as AWSError {
        response.error = Self.batchError(error)
      }
      responses.append(response)
    }
    output.responses = responses
    let shapes = capacities.compactMap { $1.shape(input.returnConsumedCapacity, $0) }
    if !shapes.isEmpty { output.consumedCapacity = shapes }
    return output
  }

  private static func batchError(_ error: AWSError) -> BatchStatementError {
    var out = BatchStatementError()
    out.code =
      switch error.code {
      case "ConditionalCheckFailedException": "ConditionalCheckFailed"
      case "DuplicateItemException": "DuplicateItem"
      case "ResourceNotFoundException": "ResourceNotFound"
      case "ValidationException": "ValidationError"
      case "ProvisionedThroughputExceededException": "ProvisionedThroughputExceeded"
      default: "InternalServerError"
      }
    out.message = error.message
    if let item = error.members.first(where: { $0.name == "Item" })?.value { out.item = RawJSON(item.bytes) }
    return out
  }

  /// The one item that a SELECT names by its whole key.
  private func item(
    _ statement: Statement, _ name: TableName, isConsistent: Bool
  ) async throws -> (item: Item?, table: Table, capacity: Capacity) {
    let (page, reader) = try await read(name) { table in
      guard case .select(nil, _, _) = statement.kind else {
        throw DynamoDBError.validation("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
      }
      guard (try? statement.target(table)) != nil else {
        throw DynamoDBError.validation("Select statements within BatchExecuteStatement must specify the primary key in the where clause.")
      }
      return try self.reader(statement, table, isConsistent: isConsistent)
    }
    return (page.items.first, reader.table, reader.capacity(page))
  }

  func executeTransaction(_ input: ExecuteTransactionInput, _ call: Call) async throws -> ExecuteTransactionOutput {
    let statements = try input.transactStatements.map { try parse($0.statement, $0.parameters) }
    let names = try statements.map { try name($0.table, call) }
    var output = ExecuteTransactionOutput()
    let isReading = statements.allSatisfy { if case .select = $0.kind { true } else { false } }
    guard isReading || !statements.contains(where: { if case .select = $0.kind { true } else { false } }) else {
      throw DynamoDBError.validation("Transactions do not mix reads and writes")
    }
    guard isReading else {
      let token = input.clientRequestToken.map { text in
        var compared = ExecuteTransactionInput()
        compared.transactStatements = input.transactStatements
        return TransactionToken(
          text: text, account: call.account, region: call.region, request: Self.digest("ExecuteTransaction", compared))
      }
      let result = try await transact(names, token, at: call.now) { tables in
        try zip(zip(input.transactStatements, statements), names).map { pair, name in
          guard let stored = tables[name] else { throw DynamoDBError.resourceNotFound }
          let shows = pair.0.returnValuesOnConditionCheckFailure == "ALL_OLD"
          return TransactionWrite(name: name, write: try self.itemWrite(pair.1, stored.table, showsOnFailure: shows).0)
        }
      }
      let shapes = result.capacities.compactMap {
        $1.shape(input.returnConsumedCapacity, $0.table, splits: result.isRepeated ? .read : .write)
      }
      if !shapes.isEmpty { output.consumedCapacity = shapes }
      return output
    }
    let (items, read) = try await tables.with(Array(Set(names))) { tables in
      try zip(statements, names).map { statement, name -> PageReader in
        guard let stored = tables[name] else { throw DynamoDBError.resourceNotFound }
        _ = try statement.target(stored.table)
        return try self.reader(statement, stored.table, isConsistent: true)
      }
    } run: { check, readers in
      try await store.read { rows in
        try check(rows)
        let pages = try readers.map { try $0.read(rows) }
        return (pages.map(\.items.first), zip(readers, pages).map { ($0.table, $0.capacity($1)) })
      }
    }
    var capacities: [TableName: (table: Table, capacity: Capacity)] = [:]
    for (table, once) in read {
      // Two underlying reads for each: prepare and commit.
      for _ in 0..<2 { capacities[table.name, default: (table, Capacity())].capacity.add(once) }
    }
    let shapes = capacities.values.sorted { $0.table.name.name < $1.table.name.name }.compactMap {
      $0.capacity.shape(input.returnConsumedCapacity, $0.table, splits: .read)
    }
    if !shapes.isEmpty { output.consumedCapacity = shapes }
    output.responses = items.map { item in
      var response = ItemResponse()
      response.item = item.map(ValueText.json)
      return response
    }
    return output
  }
}

extension Statement {
  /// What RETURNING shows of a write.
  fileprivate func returned(_ outcome: ItemWrite.Outcome, _ touched: Projection?) -> [Item] {
    let wanted: String?
    switch kind {
    case .update(_, let returning), .delete(let returning): wanted = returning
    case .insert, .select, .exists: wanted = nil
    }
    let item: Item? =
      switch wanted {
      case "ALL_OLD": outcome.old
      case "ALL_NEW": outcome.new
      case "MODIFIED_OLD": outcome.old.flatMap { touched?($0) }
      case "MODIFIED_NEW": outcome.new.flatMap { touched?($0) }
      default: nil
      }
    return item.map { [$0] } ?? []
  }

  /// What the condition demands of the sort key, if one of its parts does.
  fileprivate func keyRange(_ attribute: KeyAttribute) throws -> KeyCondition.Range? {
    for part in parts {
      func value(_ operand: Operand) -> AttributeValue? {
        if case .value(let place) = operand, bindings.values[place].type == attribute.type { bindings.values[place] } else { nil }
      }
      func isKey(_ operand: Operand) -> Bool {
        if case .path(let path) = operand { path.steps.isEmpty && bindings.name(path.head) == attribute.name } else { false }
      }
      switch part {
      case .compare(let comparator, let a, let b) where isKey(a):
        guard let value = value(b) else { continue }
        switch comparator {
        case .equal: return .equal(value)
        case .less: return .less(value)
        case .lessOrEqual: return .lessOrEqual(value)
        case .greater: return .greater(value)
        case .greaterOrEqual: return .greaterOrEqual(value)
        case .notEqual: continue
        }
      case .between(let a, let low, let high) where isKey(a):
        if let low = value(low), let high = value(high), low.order(high) != .greater { return .between(low, high) }
      case .beginsWith(let a, let b) where isKey(a) && attribute.type != .number:
        if let value = value(b), !value.payload.isEmpty { return .beginsWith(value) }
      default: continue
      }
    }
    return nil
  }
}
