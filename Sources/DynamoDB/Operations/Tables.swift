import Base
import Fabric
import Store
import Wire

extension CreateTableInput: TableInput {}
extension DescribeTableInput: TableInput {}
extension DeleteTableInput: TableInput {}
extension UpdateTableInput: TableInput {}

extension DynamoDBService {
  var tableOperations: [Operation] {
    [
      Operation(
        "CreateTable", access: { (input: CreateTableInput, call) in
          [try await self.access("CreateTable", input.tableName, call).bringing(input.tags?.dictionary)]
        }, run: createTable),
      Operation("DescribeTable", access: access("DescribeTable"), run: describeTable),
      Operation("DeleteTable", access: access("DeleteTable"), run: deleteTable),
      Operation("UpdateTable", access: access("UpdateTable"), run: updateTable),
      Operation(
        "ListTables", access: { (_: ListTablesInput, call) in [Access("dynamodb:ListTables", owner: call.account)] }, run: listTables),
    ]
  }

  func createTable(_ input: CreateTableInput, _ call: Call) async throws -> CreateTableOutput {
    let name = try ownName(input.tableName, call)
    var table = try newTable(input, name, at: call.now)
    table.policy = try await tied(input.resourcePolicy)
    let made = table
    let created = try await store.transact { rows -> Table in
      guard try rows.get(Keys.table(name)) == nil else { throw DynamoDBError.tableExists(name.name) }
      return try Self.create(made, rows, at: call.now)
    }
    changed(name)
    var output = CreateTableOutput()
    output.tableDescription = created.description(Tally(), status: "CREATING")
    return output
  }

  /// Gives the table its number and writes its row and that of its stream.
  static func create(_ table: Table, _ rows: any Transaction, at now: Instant) throws -> Table {
    var table = table
    let numbers = Counter(Keys.tableNumber)
    table.id = Int(try numbers.next(rows))
    if table.stream != nil {
      table.stream?.id = Int(try numbers.next(rows))
      if let stream = table.stream { try rows.set(Keys.streams.row(table.name, stream.label), StreamRow(stream, table, at: now).row) }
    }
    try rows.set(Keys.table(table.name), table.row)
    return table
  }

  /// A name in the caller's own account: tables are made and deleted by their owners.
  func ownName(_ text: String, _ call: Call) throws -> TableName {
    let name = try name(text, call)
    guard name.account == call.account else { throw DynamoDBError.resourceNotFound }
    return name
  }

  func newTable(_ input: CreateTableInput, _ name: TableName, at now: Instant) throws -> Table {
    guard input.globalTableSourceArn == nil, input.globalTableSettingsReplicationMode == nil else {
      throw DynamoDBError.notImplemented("global tables")
    }
    guard input.warmThroughput == nil, input.globalSecondaryIndexes?.contains(where: { $0.warmThroughput != nil }) != true else {
      throw DynamoDBError.notImplemented("warm throughput")
    }
    guard let elements = input.keySchema, let definitions = input.attributeDefinitions else {
      let missing = (input.attributeDefinitions == nil ? ["attributeDefinitions"] : []) + (input.keySchema == nil ? ["keySchema"] : [])
      throw DynamoDBError.validation(
        "\(missing.count) validation error\(missing.count == 1 ? "" : "s") detected: "
          + missing.map { "Value null at '\($0)' failed to satisfy constraint: Member must not be null" }.joined(separator: "; "))
    }
    let isOnDemand = input.billingMode == "PAY_PER_REQUEST"
    let throughput = try SchemaInput.throughput(input.provisionedThroughput, isOnDemand: isOnDemand)
    let schema = try SchemaInput(definitions)
    let key = try schema.key(elements)
    var indexes: [SecondaryIndex] = []
    if let locals = input.localSecondaryIndexes { indexes += try schema.local(locals, key) }
    if let globals = input.globalSecondaryIndexes { indexes += try schema.global(globals, isOnDemand: isOnDemand) }
    try SchemaInput.checkNames(indexes)
    try schema.checkUse([key] + indexes.map(\.key), hasIndexes: !indexes.isEmpty)
    for place in indexes.indices { indexes[place].id = place + 1 }
    var table = Table(
      name: name, id: 0, uuid: ambient.uuid(), createdAt: now, definitions: schema.definitions, key: key, indexes: indexes)
    table.nextIndex = indexes.count + 1
    (table.throughput, table.onDemandSince) = isOnDemand ? (nil, now) : (throughput, nil)
    if let limits = try SchemaInput.limits(input.onDemandThroughput) {
      guard isOnDemand else {
        throw DynamoDBError.invalidParameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
      }
      table.onDemand = limits
    }
    table.tableClass = input.tableClass == "STANDARD" ? nil : input.tableClass
    table.isProtected = input.deletionProtectionEnabled ?? false
    table.tags = try TagRules.checked(input.tags ?? [])
    try Self.setEncryption(input.sseSpecification, &table, call: name)
    if let specification = input.streamSpecification { table.stream = try Self.stream(specification, at: now, none: nil) }
    if input.resourcePolicy != nil { table.policyRevision = ambient.uuid() }
    return table
  }

  static func setEncryption(_ input: DynamoDBSSESpecification?, _ table: inout Table, call name: TableName) throws {
    guard let input else { return }
    if input.sseType == "AES256" { throw DynamoDBError.invalidParameters("SSEType AES256 is not supported") }
    table.isEncryptionSet = input.enabled ?? (input.kmsMasterKeyId != nil)
    guard table.isEncryptionSet else {
      if input.kmsMasterKeyId != nil || input.sseType != nil {
        throw DynamoDBError.invalidParameters("KMSMasterKeyId and SSEType can only be specified when SSE is enabled")
      }
      return table.encryptionKey = nil
    }
    let key = input.kmsMasterKeyId ?? "alias/aws/dynamodb"
    table.encryptionKey =
      key.hasPrefix("arn:") ? key : ARN("kms", name.region, name.account, key.hasPrefix("alias/") ? key : "key/\(key)").text
  }

  /// The stream that a specification asks for; `none` when it is switched off.
  static func stream(_ input: StreamSpecification, at now: Instant, none: TableStream?) throws -> TableStream? {
    guard input.streamEnabled else {
      guard input.streamViewType == nil else {
        throw DynamoDBError.invalidParameters("StreamViewType can only be specified when StreamEnabled is true")
      }
      return none
    }
    guard let view = input.streamViewType.flatMap(StreamView.init) else {
      throw DynamoDBError.invalidParameters("StreamViewType must be specified when StreamEnabled is true")
    }
    return TableStream(id: 0, label: now.streamLabel, view: view, isEnabled: true)
  }

  func describeTable(_ input: DescribeTableInput, _ call: Call) async throws -> DescribeTableOutput {
    let name = try name(input.tableName, call)
    var output = DescribeTableOutput()
    output.table = try await store.read { rows in
      guard let stored = try TableCache.read(name, rows) else { throw DynamoDBError.tableNotFound(name.name) }
      return stored.table.description(try Tally(rows.get(Keys.tally(stored.table.id))))
    }
    return output
  }

  func deleteTable(_ input: DeleteTableInput, _ call: Call) async throws -> DeleteTableOutput {
    let name = try name(input.tableName, call)
    var output = DeleteTableOutput()
    output.tableDescription = try await store.transact { rows in
      guard let stored = try TableCache.read(name, rows) else { throw DynamoDBError.tableNotFound(name.name) }
      guard !stored.table.isProtected else {
        throw DynamoDBError.validation(
          "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
      }
      try Self.checkAtRest(stored.table)
      var out = stored.table.description(try Tally(rows.get(Keys.tally(stored.table.id))), status: "DELETING")
      (out.attributeDefinitions, out.keySchema, out.creationDateTime) = (nil, nil, nil)
      try Self.remove(stored.table, rows, at: call.now)
      return out
    }
    changed(name)
    return output
  }

  /// The table is gone at once; its rows go in the background, and its stream stays readable for a day.
  static func remove(_ table: Table, _ rows: any Transaction, at now: Instant) throws {
    try rows.delete(Keys.table(table.name))
    try rows.set(Keys.garbage(table.id, 0, 0), Keys.garbageRow(expiry: table.expiryAttribute))
    try Log(Keys.history(table.id)).removeAll(rows)
    try closeStream(of: table, rows, at: now)
  }
  /// A table that is being made from another one, or of which a backup is being made, stays as it is.
  static func checkAtRest(_ table: Table) throws {
    guard !table.isBeingMade else { throw DynamoDBError.tableInUse(table.name.name, "created") }
    guard table.images.isEmpty else { throw DynamoDBError.tableInUse(table.name.name, "backed up") }
  }
  static func closeStream(of table: Table, _ rows: any Transaction, at now: Instant) throws {
    guard let stream = table.stream, stream.isEnabled else { return }
    let key = Keys.streams.row(table.name, stream.label)
    guard let bytes = try rows.get(key) else { return }
    var row = try StreamRow(bytes)
    row.disabledAt = now
    try rows.set(key, row.row)
  }

  func listTables(_ input: ListTablesInput, _ call: Call) async throws -> ListTablesOutput {
    let limit = input.limit ?? DynamoDBLimits.tablesPerPage
    let range = Keys.tables(call.account, call.region, after: input.exclusiveStartTableName)
    let names = try await store.read { rows in
      try rows.entries(range, limit: limit + 1).map { try Keys.tableName($0.key).name }
    }
    var output = ListTablesOutput()
    output.tableNames = Array(names.prefix(limit))
    if names.count > limit { output.lastEvaluatedTableName = names[limit - 1] }
    return output
  }

  func tied(_ policy: String?) async throws -> String? {
    guard let policy else { return nil }
    guard policy.utf8.count <= DynamoDBLimits.policyBytes else {
      throw DynamoDBError.validation("Resource policy exceeds the maximum size of 20 KB")
    }
    do {
      return try await principals.tied(policy)
    } catch let error as AWSError {
      throw DynamoDBError.validation("Invalid policy document: \(error.message)")
    }
  }
}

extension Instant {
  /// `2026-11-21T20:56:35.123`.
  var streamLabel: String { String(iso8601Milliseconds.dropLast()) }
}
