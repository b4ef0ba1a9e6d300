import Base
import Fabric
import Store
import Wire

extension DynamoDBService {
  var batchOperations: [Operation] {
    [
      Operation("BatchGetItem", access: { (input: BatchGetItemInput, call) in
        var out: [Access] = []
        for (table, request) in input.requestItems.sorted(by: { $0.key < $1.key }) {
          let access = try await self.access("BatchGetItem", table, call)
            .selecting(isProjected: request.projectionExpression != nil || request.attributesToGet != nil)
            .saying("returnconsumedcapacity", input.returnConsumedCapacity)
          out.append(await self.detailed(access, table, call) { facts in
            try facts.items(request.keys)
            facts.names(request.attributesToGet)
            try facts.expressions(request.expressionAttributeNames, projection: request.projectionExpression)
          })
        }
        return out
      }, run: batchGetItem),
      Operation("BatchWriteItem", access: { (input: BatchWriteItemInput, call) in
        var out: [Access] = []
        for (table, requests) in input.requestItems.sorted(by: { $0.key < $1.key }) {
          let items = requests.compactMap { $0.putRequest?.item ?? $0.deleteRequest?.key }
          let access = try await self.access("BatchWriteItem", table, call)
            .saying("returnconsumedcapacity", input.returnConsumedCapacity)
          out.append(await self.detailed(access, table, call) { try $0.items(items) })
        }
        return out
      }, run: batchWriteItem),
    ]
  }

  /// The tables of a batch by the names that it gives them; one table comes once.
  private func names(_ given: some Collection<String>, _ call: Call) throws -> [(given: String, name: TableName)] {
    let names = try given.sorted().map { ($0, try name($0, call)) }
    guard Set(names.map(\.1)).count == names.count else {
      throw DynamoDBError.validation("Provided list of item keys contains duplicates")
    }
    return names.map { (given: $0.0, name: $0.1) }
  }

  private struct Gets: Sendable {
    var given: String
    var stored: StoredTable
    var keys: [(raw: RawJSON, key: ItemKey)]
    var projection: Projection?
    var isConsistent: Bool
  }
  private struct Got: Sendable {
    var items: [Item] = []
    var capacity = Capacity()
    var unprocessed: [RawJSON] = []
  }

  func batchGetItem(_ input: BatchGetItemInput, _ call: Call) async throws -> BatchGetItemOutput {
    let requests = input.requestItems
    let names = try names(requests.keys, call)
    guard requests.values.reduce(0, { $0 + $1.keys.count }) <= DynamoDBLimits.batchGets else {
      throw DynamoDBError.validation("Too many items requested for the BatchGetItem call")
    }
    // What is wrong with a key is told before a table is looked for.
    let keys = try requests.mapValues { try $0.keys.map(ValueReader.item) }
    let (gets, got) = try await tables.with(names.map(\.name)) { tables in
      try names.compactMap { given, name -> Gets? in
        guard let request = requests[given], let stored = tables[name] else { return nil }
        try throughput?.admit(stored.table, .read, at: call.now)
        return try self.prepared(request, keys[given] ?? [], given, stored)
      }
    } run: { check, gets in
      let got = try await store.read { rows -> [Got] in
        try check(rows)
        var left = DynamoDBLimits.batchBytes
        return try gets.map { try Self.read($0, rows, &left) }
      }
      return (gets, got)
    }
    for (gets, got) in zip(gets, got) { throughput?.spend(got.capacity, of: gets.stored.table, .read, at: call.now) }
    return output(input, requests, gets, got)
  }

  private func prepared(_ request: KeysAndAttributes, _ items: [Item], _ given: String, _ stored: StoredTable) throws -> Gets {
    let projection = try self.projection(
      request.projectionExpression, attributesToGet: request.attributesToGet, request.expressionAttributeNames)
    var seen: Set<ItemKey> = []
    let keys = try zip(request.keys, items).map { raw, item in
      let key = try stored.table.key(item)
      guard seen.insert(key).inserted else { throw DynamoDBError.validation("Provided list of item keys contains duplicates") }
      return (raw: raw, key: key)
    }
    return Gets(given: given, stored: stored, keys: keys, projection: projection, isConsistent: request.consistentRead == true)
  }

  private static func read(_ gets: Gets, _ rows: any Reader, _ left: inout Int) throws -> Got {
    var got = Got()
    for (raw, key) in gets.keys {
      guard left > 0 else {
        got.unprocessed.append(raw)
        continue
      }
      let item = try rows.get(Keys.item(gets.stored.table.id, key)).map { Item(bytes: $0) }
      let size = item?.size ?? 0
      guard size <= left else {
        got.unprocessed.append(raw)
        left = 0
        continue
      }
      left -= size
      got.capacity.add(Capacity.read(size, isConsistent: gets.isConsistent))
      if let item { got.items.append(gets.projection?(item) ?? item) }
    }
    return got
  }

  private func output(
    _ input: BatchGetItemInput, _ requests: [String: KeysAndAttributes], _ gets: [Gets], _ got: [Got]
  ) -> BatchGetItemOutput {
    var output = BatchGetItemOutput()
    var (responses, unprocessed): ([String: RawJSON], [String: KeysAndAttributes]) = ([:], [:])
    for (gets, got) in zip(gets, got) {
      responses[gets.given] = ValueText.json(got.items)
      guard !got.unprocessed.isEmpty, var again = requests[gets.given] else { continue }
      again.keys = got.unprocessed
      unprocessed[gets.given] = again
    }
    (output.responses, output.unprocessedKeys) = (responses, unprocessed)
    let capacities = zip(gets, got).compactMap { $1.capacity.shape(input.returnConsumedCapacity, $0.stored.table) }
    if !capacities.isEmpty { output.consumedCapacity = capacities }
    return output
  }

  func batchWriteItem(_ input: BatchWriteItemInput, _ call: Call) async throws -> BatchWriteItemOutput {
    let requests = input.requestItems
    let names = try names(requests.keys, call)
    let count = requests.values.reduce(0) { $0 + $1.count }
    guard count > 0 else { throw DynamoDBError.validation("Batch Requests must contain at least one item") }
    guard count <= DynamoDBLimits.batchWrites else {
      throw DynamoDBError.validation("Too many items requested for the BatchWriteItem call")
    }
    let results = try await tables.with(names.map(\.name)) { tables in
      try names.compactMap { given, name -> (StoredTable, [ItemWrite])? in
        guard let writes = requests[given], let stored = tables[name] else { return nil }
        try throughput?.admit(stored.table, .write, at: call.now)
        return (stored, try Self.writes(writes, stored.table))
      }
    } run: { check, writes in
      try await store.transact { rows in
        try check(rows)
        return try writes.map { stored, writes in
          let writer = TableWriter(rows, stored, now: call.now)
          let outcomes = try writes.map { try $0.run(writer) }
          try writer.finish()
          return (stored, outcomes, writer.capacity)
        }
      }
    }
    var output = BatchWriteItemOutput()
    output.unprocessedItems = [:]
    var metrics: [String: [ItemCollectionMetrics]] = [:]
    for (stored, outcomes, capacity) in results {
      throughput?.spend(capacity, of: stored.table, .write, at: call.now)
      wrote(stored)
      let found = outcomes.compactMap {
        WriteResult(outcome: $0, capacity: capacity, stored: stored).metrics(input.returnItemCollectionMetrics)
      }
      if !found.isEmpty { metrics[stored.table.name.name] = found }
    }
    let capacities = results.compactMap { $2.shape(input.returnConsumedCapacity, $0.table) }
    if !capacities.isEmpty { output.consumedCapacity = capacities }
    if !metrics.isEmpty { output.itemCollectionMetrics = metrics }
    return output
  }

  private static func writes(_ requests: [WriteRequest], _ table: Table) throws -> [ItemWrite] {
    var seen: Set<ItemKey> = []
    return try requests.map { request in
      let write: ItemWrite
      switch (request.putRequest, request.deleteRequest) {
      case (let put?, nil): write = try table.put(put.item)
      case (nil, let delete?): write = try table.delete(delete.key)
      case (nil, nil): throw DynamoDBError.validation("Supplied WriteRequest is empty, must contain exactly one of PutRequest and DeleteRequest")
      case (.some, .some):
        throw DynamoDBError.validation("Supplied WriteRequest has more than one request set, must contain exactly one of PutRequest and DeleteRequest")
      }
      guard seen.insert(write.key).inserted else {
        throw DynamoDBError.validation("Provided list of item keys contains duplicates")
      }
      return write
    }
  }
}
