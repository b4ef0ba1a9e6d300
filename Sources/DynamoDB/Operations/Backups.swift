import Base
import Fabric
import Store
import Wire

extension CreateBackupInput: TableInput {}

/// Backups: pictures of tables that stay until they are deleted.
extension DynamoDBService {
  var backupOperations: [Operation] {
    [
      Operation("CreateBackup", access: access("CreateBackup"), run: createBackup),
      Operation("DescribeBackup", access: { (input: DescribeBackupInput, call) in
        [try Self.access("DescribeBackup", input.backupArn)]
      }, run: describeBackup),
      Operation("DeleteBackup", access: { (input: DeleteBackupInput, call) in
        [try Self.access("DeleteBackup", input.backupArn)]
      }, run: deleteBackup),
      Operation(
        "ListBackups", access: { (_: ListBackupsInput, call) in [Access("dynamodb:ListBackups", owner: call.account)] }, run: listBackups),
    ]
  }

  static func backup(_ arn: String) throws -> JobName { try JobName(arn, "backup", what: "Invalid BackupArn: ") }
  static func access(_ action: String, _ backupARN: String) throws -> Access {
    Access("dynamodb:" + action, on: backupARN, owner: try backup(backupARN).table.account)
  }
  /// The backup of a Region of the caller's account.
  static func find(_ arn: String, _ call: Call, _ rows: any Reader) throws -> Backup {
    let name = try backup(arn)
    guard name.table.account == call.account, name.table.region == call.region,
      let bytes = try rows.get(Keys.backups.row(name.table, name.label))
    else { throw DynamoDBError.noBackup(arn) }
    return try Backup(bytes, name.table, label: name.label, images: rows)
  }

  /// Begins an image of a table within a transaction; the caller wakes the worker.
  static func beginImage(of table: inout Table, _ phase: TableImage.Phase, _ rows: any Transaction) throws -> TableImage {
    guard table.images.count < DynamoDBLimits.openImages else {
      throw DynamoDBError.limit("Too many backups, restores and exports of the table \(table.name.name) are in progress")
    }
    let image = TableImage(id: Int(try Counter(Keys.tableNumber).next(rows)), of: table, phase)
    try image.save(rows)
    try rows.set(Keys.openImage(image.id), [])
    table.images.append(image.id)
    try rows.set(Keys.table(table.name), table.row)
    return image
  }

  private func createBackup(_ input: CreateBackupInput, _ call: Call) async throws -> CreateBackupOutput {
    let name = try name(input.tableName, call)
    let (title, now) = (input.backupName, call.now)
    let label = JobName.label(ambient, now)
    let made = try await store.transact { rows in
      guard var table = try TableCache.read(name, rows)?.table else { throw DynamoDBError.tableMissing(name.name) }
      guard !table.isBeingMade else { throw AWSError("TableInUseException", "Table is being created: \(name.name)", status: 400) }
      let count = try Tally(rows.get(Keys.tally(table.id)))[0]
      let shown = table
      let image = try Self.beginImage(of: &table, .copying(after: []), rows)
      let backup = Backup(label: label, name: title, createdAt: now, image: image.id, table: shown, count: count)
      try rows.set(Keys.backups.row(name, label), backup.row)
      return backup
    }
    changed(name)
    imageWorker.nudge.nudge()
    var output = CreateBackupOutput()
    output.backupDetails = made.details()
    return output
  }

  private func describeBackup(_ input: DescribeBackupInput, _ call: Call) async throws -> DescribeBackupOutput {
    let arn = input.backupArn
    var output = DescribeBackupOutput()
    output.backupDescription = try await store.read { try Self.find(arn, call, $0) }.description()
    return output
  }

  private func deleteBackup(_ input: DeleteBackupInput, _ call: Call) async throws -> DeleteBackupOutput {
    let arn = input.backupArn
    var output = DeleteBackupOutput()
    output.backupDescription = try await store.transact { rows in
      let backup = try Self.find(arn, call, rows)
      guard backup.isAvailable else { throw DynamoDBError.backupInUse("Backup is being created: \(arn)") }
      guard try !rows.entries(Keys.allRestores).contains(where: { try RestoreJob($0.value).image == backup.image }) else {
        throw DynamoDBError.backupInUse("Backup is being used for a restore: \(arn)")
      }
      try rows.delete(Keys.backups.row(backup.table.name, backup.label))
      try TableImage.discard(backup.image, rows)
      return backup.description(status: "DELETED")
    }
    tableWorker.nudge.nudge()
    return output
  }

  private func listBackups(_ input: ListBackupsInput, _ call: Call) async throws -> ListBackupsOutput {
    let table = try input.tableName.map { try name($0, call) }
    let home = table.map { Keys.backups.of($0) } ?? Keys.backups.of(call.account, call.region)
    var range = KeyRange(prefix: home)
    if let last = input.exclusiveStartBackupArn {
      let name = try Self.backup(last)
      range.lower = max(range.lower, Keys.backups.row(name.table, name.label).end)
    }
    let limit = input.limit ?? DynamoDBLimits.backupsPerPage
    let (from, to) = (input.timeRangeLowerBound ?? .epoch, input.timeRangeUpperBound)
    let isWanted = input.backupType == nil || input.backupType == "USER" || input.backupType == "ALL"
    let found = try await store.read { [range] rows -> [Backup] in
      var out: [Backup] = []
      guard isWanted, range.lower < range.upper else { return out }
      try rows.scan(range) { key, bytes in
        let (table, label) = try Keys.backups.name(key)
        let backup = try Backup(bytes, table, label: label, images: rows)
        if backup.createdAt >= from, to.map({ backup.createdAt < $0 }) ?? true { out.append(backup) }
        return out.count <= limit
      }
      return out
    }
    var output = ListBackupsOutput()
    output.backupSummaries = found.prefix(limit).map { $0.summary() }
    if found.count > limit { output.lastEvaluatedBackupArn = found[limit - 1].arn }
    return output
  }
}

/// Backups as clients see them.
extension Backup {
  private var status: String { isAvailable ? "AVAILABLE" : "CREATING" }

  func details(status: String? = nil) -> BackupDetails {
    var out = BackupDetails()
    (out.backupArn, out.backupName, out.backupSizeBytes) = (arn, name, count.bytes)
    (out.backupStatus, out.backupType, out.backupCreationDateTime) = (status ?? self.status, "USER", createdAt)
    return out
  }

  func summary() -> BackupSummary {
    var out = BackupSummary()
    (out.tableName, out.tableId, out.tableArn) = (table.name.name, table.uuid, table.name.arn.text)
    (out.backupArn, out.backupName, out.backupCreationDateTime) = (arn, name, createdAt)
    (out.backupStatus, out.backupType, out.backupSizeBytes) = (status, "USER", count.bytes)
    return out
  }

  func description(status: String? = nil) -> BackupDescription {
    let shown = table.description(Tally())
    var source = SourceTableDetails()
    (source.tableName, source.tableId, source.tableArn) = (table.name.name, table.uuid, table.name.arn.text)
    (source.tableSizeBytes, source.itemCount, source.keySchema) = (count.bytes, count.items, table.key.elements)
    source.tableCreationDateTime = table.createdAt
    source.provisionedThroughput = (table.throughput ?? Throughput()).shape
    source.onDemandThroughput = table.onDemand?.shape
    source.billingMode = table.throughput == nil ? "PAY_PER_REQUEST" : "PROVISIONED"
    var features = SourceTableFeatureDetails()
    let (locals, globals) = (table.indexes.filter { $0.kind == .local }, table.indexes.filter { $0.kind == .global })
    if !locals.isEmpty {
      features.localSecondaryIndexes = locals.map { index in
        var out = LocalSecondaryIndexInfo()
        (out.indexName, out.keySchema, out.projection) = (index.name, index.key.elements, index.projection.shape)
        return out
      }
    }
    if !globals.isEmpty {
      features.globalSecondaryIndexes = globals.map { index in
        var out = GlobalSecondaryIndexInfo()
        (out.indexName, out.keySchema, out.projection) = (index.name, index.key.elements, index.projection.shape)
        (out.provisionedThroughput, out.onDemandThroughput) = (index.throughput.shape, index.onDemand?.shape)
        return out
      }
    }
    features.streamDescription = shown.streamSpecification
    features.sseDescription = shown.sseDescription
    if table.expires {
      var expiry = TimeToLiveDescription()
      (expiry.timeToLiveStatus, expiry.attributeName) = ("ENABLED", table.expiryAttribute)
      features.timeToLiveDescription = expiry
    }
    var out = BackupDescription()
    (out.backupDetails, out.sourceTableDetails, out.sourceTableFeatureDetails) = (details(status: status), source, features)
    return out
  }
}

extension Throughput {
  var shape: ProvisionedThroughput {
    var out = ProvisionedThroughput()
    (out.readCapacityUnits, out.writeCapacityUnits) = (read, write)
    return out
  }
}
