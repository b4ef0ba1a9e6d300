import Base
import Fabric
import Store
import Wire

extension DynamoDBService {
  func updateTable(_ input: UpdateTableInput, _ call: Call) async throws -> UpdateTableOutput {
    let name = try name(input.tableName, call)
    guard input.replicaUpdates == nil, input.multiRegionConsistency == nil, input.globalTableWitnessUpdates == nil,
      input.globalTableSettingsReplicationMode == nil
    else { throw DynamoDBError.notImplemented("global tables") }
    guard input.warmThroughput == nil else { throw DynamoDBError.notImplemented("warm throughput") }
    let now = call.now
    var output = UpdateTableOutput()
    output.tableDescription = try await store.transact { rows in
      guard let stored = try TableCache.read(name, rows) else { throw DynamoDBError.tableNotFound(name.name) }
      guard !stored.table.isBeingMade else { throw DynamoDBError.tableInUse(name.name, "created") }
      var change = TableChange(stored.table, at: now)
      try change.apply(input)
      if let stream = change.table.stream, stream != stored.table.stream {
        try Self.closeStream(of: stored.table, rows, at: now)
        if stream.isEnabled {
          change.table.stream?.id = Int(try Counter(Keys.tableNumber).next(rows))
          if let stream = change.table.stream {
            try rows.set(Keys.streams.row(name, stream.label), StreamRow(stream, change.table, at: now).row)
          }
        }
      }
      for index in change.created { try rows.set(Keys.fill(change.table.id, index), []) }
      for index in change.deleted {
        try rows.set(Keys.garbage(change.table.id, index.id, index.kind.rawValue), [1])
        try rows.delete(Keys.fill(change.table.id, index.id))
      }
      try rows.set(Keys.table(name), change.table.row)
      var out = change.table.description(try Tally(rows.get(Keys.tally(change.table.id))), status: "UPDATING")
      // What goes is shown a last time.
      for index in change.deleted {
        var shown = GlobalSecondaryIndexDescription()
        (shown.indexName, shown.indexStatus, shown.keySchema) = (index.name, "DELETING", index.key.elements)
        shown.projection = index.projection.shape
        out.globalSecondaryIndexes = (out.globalSecondaryIndexes ?? []) + [shown]
      }
      return out
    }
    changed(name)
    return output
  }
}

/// What an UpdateTable makes of a table.
struct TableChange {
  var table: Table
  /// Indexes to be filled, and those whose rows are to go.
  private(set) var created: [Int] = []
  private(set) var deleted: [SecondaryIndex] = []
  private let now: Instant

  init(_ table: Table, at now: Instant) { (self.table, self.now) = (table, now) }

  mutating func apply(_ input: UpdateTableInput) throws {
    guard
      input.billingMode != nil || input.provisionedThroughput != nil || input.globalSecondaryIndexUpdates?.isEmpty == false
        || input.streamSpecification != nil || input.sseSpecification != nil || input.tableClass != nil
        || input.deletionProtectionEnabled != nil || input.onDemandThroughput != nil
    else {
      throw DynamoDBError.validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or "
          + "ReplicaUpdates is required")
    }
    try setBilling(input)
    if let updates = input.globalSecondaryIndexUpdates { try setIndexes(updates, input.attributeDefinitions) }
    try setThroughputOfIndexes(input)
    if let specification = input.streamSpecification { try setStream(specification) }
    if let specification = input.sseSpecification { try DynamoDBService.setEncryption(specification, &table, call: table.name) }
    if let tableClass = input.tableClass { table.tableClass = tableClass }
    if let isProtected = input.deletionProtectionEnabled { table.isProtected = isProtected }
    if input.onDemandThroughput != nil {
      guard table.throughput == nil else {
        throw DynamoDBError.invalidParameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
      }
      table.onDemand = try SchemaInput.limits(input.onDemandThroughput)
    }
  }

  private mutating func setBilling(_ input: UpdateTableInput) throws {
    let wasOnDemand = table.throughput == nil
    let isOnDemand = input.billingMode.map { $0 == "PAY_PER_REQUEST" } ?? wasOnDemand
    if isOnDemand {
      _ = try SchemaInput.throughput(input.provisionedThroughput, isOnDemand: true)
      guard !wasOnDemand else { return }
      (table.throughput, table.onDemandSince) = (nil, now)
      for place in table.indexes.indices { table.indexes[place].throughput = Throughput() }
      return
    }
    guard input.provisionedThroughput != nil || wasOnDemand else { return }
    let new = try SchemaInput.throughput(input.provisionedThroughput, isOnDemand: false)
    if let old = table.throughput {
      guard new != old else {
        throw DynamoDBError.validation(
          "The provisioned throughput for the table will not change. The requested value equals the current value. "
            + "Current ReadCapacityUnits provisioned for the table: \(old.read). Requested ReadCapacityUnits: \(new.read). "
            + "Current WriteCapacityUnits provisioned for the table: \(old.write). Requested WriteCapacityUnits: \(new.write). "
            + "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.")
      }
      if new.read > old.read || new.write > old.write { table.throughputChanges.increased = now }
      if new.read < old.read || new.write < old.write {
        let isSameDay = table.throughputChanges.decreased.map { $0.milliseconds / 86_400_000 == now.milliseconds / 86_400_000 } ?? false
        table.throughputChanges.decreases = isSameDay ? table.throughputChanges.decreases + 1 : 1
        table.throughputChanges.decreased = now
      }
    }
    table.throughput = new
    table.onDemand = nil
    guard wasOnDemand else { return }
    for place in table.indexes.indices where table.indexes[place].kind == .global { table.indexes[place].throughput = new }
  }

  private mutating func setIndexes(_ updates: [GlobalSecondaryIndexUpdate], _ definitions: [AttributeDefinition]?) throws {
    let changes = updates.count { $0.create != nil || $0.delete != nil }
    guard changes <= 1, changes == 0 || !table.indexes.contains(where: { $0.status == .creating }) else {
      throw DynamoDBError.limit("Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
    }
    for update in updates {
      let actions = (update.create == nil ? 0 : 1) + (update.update == nil ? 0 : 1) + (update.delete == nil ? 0 : 1)
      guard actions == 1 else {
        throw DynamoDBError.invalidParameters("One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          + "GlobalSecondaryIndexUpdate.Delete must not be null")
      }
      if let create = update.create { try self.create(create, definitions) }
      if let delete = update.delete {
        guard let place = table.indexes.firstIndex(where: { $0.name == delete.indexName && $0.kind == .global }) else {
          throw AWSError("ResourceNotFoundException", "Requested resource not found", status: 400)
        }
        deleted.append(table.indexes.remove(at: place))
        let used = Set(([table.key] + table.indexes.map(\.key)).flatMap { $0.attributes.map(\.text) })
        table.definitions.removeAll { !used.contains($0.text) }
      }
    }
  }

  private mutating func create(_ input: CreateGlobalSecondaryIndexAction, _ definitions: [AttributeDefinition]?) throws {
    guard input.warmThroughput == nil else { throw DynamoDBError.notImplemented("warm throughput") }
    guard !table.indexes.contains(where: { $0.name == input.indexName }) else {
      throw DynamoDBError.validation("Attempting to create an index which already exists")
    }
    guard table.indexes.count(where: { $0.kind == .global }) < DynamoDBLimits.globalIndexes else {
      throw DynamoDBError.limit("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    }
    guard let definitions else {
      throw DynamoDBError.validation("AttributeDefinitions are required when creating a global secondary index")
    }
    let given = try SchemaInput(definitions)
    for attribute in given.definitions {
      if let known = table.definitions.first(where: { $0.text == attribute.text }), known.type != attribute.type {
        throw DynamoDBError.invalidParameters("Attempting to redefine the type of attribute \(attribute.text)")
      }
    }
    let index = SecondaryIndex(
      id: table.nextIndex, name: input.indexName, kind: .global, status: .creating, key: try given.key(input.keySchema),
      projection: try SchemaInput.projection(input.projection),
      throughput: try SchemaInput.throughput(input.provisionedThroughput, isOnDemand: table.throughput == nil, index: input.indexName),
      onDemand: try SchemaInput.limits(input.onDemandThroughput))
    table.nextIndex += 1
    table.indexes.append(index)
    try SchemaInput.checkNames(table.indexes)
    for attribute in index.key.attributes where !table.definitions.contains(attribute) { table.definitions.append(attribute) }
    created.append(index.id)
  }

  private mutating func setThroughputOfIndexes(_ input: UpdateTableInput) throws {
    for case let update? in (input.globalSecondaryIndexUpdates ?? []).map(\.update) {
      guard let place = table.indexes.firstIndex(where: { $0.name == update.indexName && $0.kind == .global }) else {
        throw AWSError("ResourceNotFoundException", "Requested resource not found", status: 400)
      }
      guard update.warmThroughput == nil else { throw DynamoDBError.notImplemented("warm throughput") }
      if let throughput = update.provisionedThroughput {
        table.indexes[place].throughput = try SchemaInput.throughput(
          throughput, isOnDemand: table.throughput == nil, index: update.indexName)
      }
      if update.onDemandThroughput != nil { table.indexes[place].onDemand = try SchemaInput.limits(update.onDemandThroughput) }
    }
  }

  private mutating func setStream(_ specification: StreamSpecification) throws {
    if specification.streamEnabled, table.stream?.isEnabled == true {
      throw DynamoDBError.validation("Table already has an enabled stream: TableName: \(table.name.name)")
    }
    if !specification.streamEnabled, table.stream?.isEnabled != true {
      throw DynamoDBError.validation("Table has no stream to disable: TableName: \(table.name.name)")
    }
    var off = table.stream
    off?.isEnabled = false
    table.stream = try DynamoDBService.stream(specification, at: now, none: off)
  }
}
