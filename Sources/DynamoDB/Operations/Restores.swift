import Base
import Fabric
import Store
import Wire

/// What may be said of a table that is made from another one.
protocol RestoreInput: RecordView {
  var targetTableName: String { get }
  var billingModeOverride: String? { get }
  var globalSecondaryIndexOverride: [GlobalSecondaryIndexShape]? { get }
  var localSecondaryIndexOverride: [LocalSecondaryIndexShape]? { get }
  var provisionedThroughputOverride: ProvisionedThroughput? { get }
  var onDemandThroughputOverride: OnDemandThroughput? { get }
  var sseSpecificationOverride: DynamoDBSSESpecification? { get }
}
extension RestoreTableFromBackupInput: RestoreInput {}
extension RestoreTableToPointInTimeInput: RestoreInput {}

/// Tables made from backups and from the history of other tables.
extension DynamoDBService {
  var restoreOperations: [Operation] {
    [
      Operation("RestoreTableFromBackup", access: { (input: RestoreTableFromBackupInput, call) in
        [try Self.access("RestoreTableFromBackup", input.backupArn)] + (try self.fillingAccess(input.targetTableName, call))
      }, run: restoreFromBackup),
      Operation("RestoreTableToPointInTime", access: { (input: RestoreTableToPointInTimeInput, call) in
        [try await self.access("RestoreTableToPointInTime", try self.source(input, call))] + (try self.fillingAccess(input.targetTableName, call))
      }, run: restoreToPointInTime),
    ]
  }

  /// Who restores must be allowed to do with the new table what a restore does (Developer Guide, "Using IAM with DynamoDB backup and
  /// restore").
  private func fillingAccess(_ target: String, _ call: Call) throws -> [Access] {
    let arn = try name(target, call).arn.text
    return ["BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"].map {
      Access("dynamodb:" + $0, on: arn, owner: call.account)
    }
  }

  private func source(_ input: RestoreTableToPointInTimeInput, _ call: Call) throws -> TableName {
    switch (input.sourceTableArn, input.sourceTableName) {
    case (let arn?, nil): return try name(arn, call)
    case (nil, let text?): return try name(text, call)
    default: throw DynamoDBError.invalidParameters("Exactly one of SourceTableArn and SourceTableName must be specified")
    }
  }

  private func restoreFromBackup(_ input: RestoreTableFromBackupInput, _ call: Call) async throws -> RestoreTableFromBackupOutput {
    let (arn, draft) = (input.backupArn, RestoreDraft(input, uuid: ambient.uuid(), at: call.now))
    let target = try name(input.targetTableName, call)
    let table = try await store.transact { rows in
      let backup = try Self.find(arn, call, rows)
      guard backup.isAvailable else { throw DynamoDBError.backupInUse("Backup is being created: \(arn)") }
      var table = try draft.table(target, from: backup.table)
      table.restoration = Restoration(backup: arn, source: backup.table.name.arn.text, time: backup.createdAt)
      return try Self.begin(table, from: backup.image, ownsImage: false, rows, call)
    }
    changed(target)
    restoreWorker.nudge.nudge()
    var output = RestoreTableFromBackupOutput()
    output.tableDescription = table.description(Tally())
    return output
  }

  private func restoreToPointInTime(
    _ input: RestoreTableToPointInTimeInput, _ call: Call
  ) async throws -> RestoreTableToPointInTimeOutput {
    let (source, target) = (try source(input, call), try name(input.targetTableName, call))
    guard source.account == call.account, source.region == call.region else { throw DynamoDBError.tableMissing(source.name) }
    let (time, isLatest, now) = (input.restoreDateTime, input.useLatestRestorableTime ?? false, call.now)
    guard (time != nil) != isLatest else {
      throw DynamoDBError.invalidParameters("Exactly one of RestoreDateTime and UseLatestRestorableTime must be specified")
    }
    let draft = RestoreDraft(input, uuid: ambient.uuid(), at: now)
    let table = try await store.transact { rows in
      guard var from = try TableCache.read(source, rows)?.table, !from.isBeingMade else { throw DynamoDBError.tableMissing(source.name) }
      guard let recovery = from.recovery else { throw DynamoDBError.noRecovery(source.name) }
      let moment = time ?? recovery.latest(now)
      guard moment >= recovery.earliest(now), moment <= recovery.latest(now) else {
        throw AWSError(
          "InvalidRestoreTimeException",
          "An invalid restore time was specified. RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime.",
          status: 400)
      }
      var table = try draft.table(target, from: from)
      table.restoration = Restoration(backup: nil, source: source.arn.text, time: moment)
      let image = try Self.beginImage(of: &from, at: moment, rows)
      return try Self.begin(table, from: image.id, ownsImage: true, rows, call)
    }
    changed(target)
    changed(source)
    imageWorker.nudge.nudge()
    restoreWorker.nudge.nudge()
    var output = RestoreTableToPointInTimeOutput()
    output.tableDescription = table.description(Tally())
    return output
  }

  /// The new table, which is to be filled from an image.
  private static func begin(
    _ table: Table, from image: Int, ownsImage: Bool, _ rows: any Transaction, _ call: Call
  ) throws -> Table {
    guard try rows.get(Keys.table(table.name)) == nil else { throw DynamoDBError.targetExists(table.name.name) }
    guard try rows.entries(Keys.allRestores).count < DynamoDBLimits.restores else {
      throw DynamoDBError.limit("Too many tables are being restored: the limit is \(DynamoDBLimits.restores)")
    }
    let made = try create(table, rows, at: call.now)
    try rows.set(Keys.restore(made.id), RestoreJob(table: table.name, image: image, ownsImage: ownsImage).row)
    return made
  }
}

/// A table as a restore makes it: keys, indexes and billing of the source, unless something else is said. Tags, streams, policies, time to
/// live and recovery are not brought back (Developer Guide, "Point-in-time recovery: how it works").
private struct RestoreDraft: Sendable {
  private let billing: String?
  private let throughput: ProvisionedThroughput?
  private let onDemand: OnDemandThroughput?
  private let globals: [GlobalSecondaryIndexShape]?
  private let locals: [LocalSecondaryIndexShape]?
  private let encryption: DynamoDBSSESpecification?
  private let uuid: String
  private let now: Instant

  init(_ input: some RestoreInput, uuid: String, at now: Instant) {
    (billing, throughput, onDemand) = (input.billingModeOverride, input.provisionedThroughputOverride, input.onDemandThroughputOverride)
    (globals, locals) = (input.globalSecondaryIndexOverride, input.localSecondaryIndexOverride)
    (encryption, self.uuid, self.now) = (input.sseSpecificationOverride, uuid, now)
  }

  func table(_ name: TableName, from source: Table) throws -> Table {
    var table = Table(
      name: name, id: 0, uuid: uuid, createdAt: now, definitions: source.definitions, key: source.key, indexes: try indexes(source))
    let used = Set(([table.key] + table.indexes.map(\.key)).flatMap { $0.attributes.map(\.text) })
    table.definitions.removeAll { !used.contains($0.text) }
    table.nextIndex = source.nextIndex
    try setBilling(&table, source)
    table.tableClass = source.tableClass
    (table.encryptionKey, table.isEncryptionSet) = (source.encryptionKey, source.isEncryptionSet)
    try DynamoDBService.setEncryption(encryption, &table, call: name)
    table.isBeingMade = true
    return table
  }

  private func setBilling(_ table: inout Table, _ source: Table) throws {
    let isOnDemand = billing.map { $0 == "PAY_PER_REQUEST" } ?? (throughput == nil && source.throughput == nil)
    if isOnDemand {
      _ = try SchemaInput.throughput(throughput, isOnDemand: true)
      table.onDemandSince = now
      table.onDemand = try SchemaInput.limits(onDemand) ?? (source.throughput == nil ? source.onDemand : nil)
      for place in table.indexes.indices { table.indexes[place].throughput = Throughput() }
      return
    }
    guard onDemand == nil else {
      throw DynamoDBError.invalidParameters("OnDemandThroughput can only be specified when BillingMode is PAY_PER_REQUEST")
    }
    let given = try throughput.map { try SchemaInput.throughput($0, isOnDemand: false) }
    guard let units = given ?? source.throughput else { throw SchemaInput.missingThroughput }
    table.throughput = units
    for place in table.indexes.indices where table.indexes[place].kind == .global && table.indexes[place].throughput == Throughput() {
      table.indexes[place].throughput = units
    }
  }

  /// Indexes can be left out, not added or changed.
  private func indexes(_ source: Table) throws -> [SecondaryIndex] {
    let kept = try source.indexes.filter { index in
      switch index.kind {
      case .local: try locals.map { try $0.contains { try same(index, $0.indexName, $0.keySchema, $0.projection) } } ?? true
      case .global: try globals.map { try $0.contains { try same(index, $0.indexName, $0.keySchema, $0.projection) } } ?? true
      }
    }
    let known = Set(kept.map(\.name))
    for name in (locals ?? []).map(\.indexName) + (globals ?? []).map(\.indexName) where !known.contains(name) {
      throw DynamoDBError.invalidParameters("Index override does not match an index of the source table: \(name)")
    }
    return kept.map { index in
      var index = index
      index.status = .active
      if let override = globals?.first(where: { $0.indexName == index.name }), let units = override.provisionedThroughput {
        index.throughput = Throughput(read: units.readCapacityUnits, write: units.writeCapacityUnits)
      }
      return index
    }
  }
  private func same(
    _ index: SecondaryIndex, _ name: String, _ key: [KeySchemaElement], _ projection: DynamoDBProjection
  ) throws -> Bool {
    try index.name == name && index.key.elements == key && index.projection == SchemaInput.projection(projection)
  }
}
