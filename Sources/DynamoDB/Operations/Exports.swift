import Base
import Fabric
import Store
import Wire

/// Exports of tables to S3, in files of DynamoDB JSON.
extension DynamoDBService {
  var exportOperations: [Operation] {
    [
      Operation("ExportTableToPointInTime", access: { (input: ExportTableToPointInTimeInput, call) in
        [try await self.access("ExportTableToPointInTime", input.tableArn, call)]
      }, run: exportTable),
      Operation("DescribeExport", access: { (input: DescribeExportInput, call) in
        [Access("dynamodb:DescribeExport", on: input.exportArn, owner: try JobName(input.exportArn, "export").table.account)]
      }, run: describeExport),
      Operation(
        "ListExports", access: { (_: ListExportsInput, call) in [Access("dynamodb:ListExports", owner: call.account)] }, run: listExports),
    ]
  }

  private func exportTable(_ input: ExportTableToPointInTimeInput, _ call: Call) async throws -> ExportTableToPointInTimeOutput {
    let name = try name(input.tableArn, call)
    guard name.account == call.account else { throw DynamoDBError.tableMissing(name.name) }
    guard input.exportFormat == nil || input.exportFormat == "DYNAMODB_JSON" else { throw DynamoDBError.notImplemented("exports in ION") }
    guard input.exportType == nil || input.exportType == "FULL_EXPORT", input.incrementalExportSpecification == nil else {
      throw DynamoDBError.notImplemented("incremental exports")
    }
    let (bucket, owner, prefix, wanted) = (input.s3Bucket, input.s3BucketOwner, input.s3Prefix, input.exportTime)
    let (encryption, encryptionKey) = (input.s3SseAlgorithm, input.s3SseKmsKeyId)
    let (token, now, label) = (input.clientToken ?? ambient.uuid(), call.now, JobName.label(ambient, call.now))
    let (export, isNew) = try await store.transact { rows -> (Export, Bool) in
      guard var table = try TableCache.read(name, rows)?.table, !table.isBeingMade else { throw DynamoDBError.tableMissing(name.name) }
      guard let recovery = table.recovery else { throw DynamoDBError.noRecovery(name.name) }
      let time = wanted ?? now
      guard time >= recovery.earliest(now), time <= now else {
        throw AWSError(
          "InvalidExportTimeException", "The specified ExportTime is outside of the point in time recovery window.", status: 400)
      }
      var export = Export(
        label: label, table: table, startedAt: now, time: time, token: token, bucket: bucket, owner: owner, prefix: prefix,
        encryption: encryption, encryptionKey: encryptionKey, image: 0)
      let known = try rows.entries(KeyRange(prefix: Keys.exports.of(name))).map { key, bytes in
        try Export(bytes, name, label: Keys.exports.name(key).label)
      }
      if let same = known.first(where: { $0.token == token && $0.startedAt > now - DynamoDBLimits.jobTokenLife }) {
        guard same.isSameRequest(as: export), wanted.map({ $0 == same.time }) ?? true else {
          throw AWSError("ExportConflictException", "Export with the same client token and other parameters exists", status: 400)
        }
        return (same, false)
      }
      let image = try Self.beginImage(of: &table, at: time, rows)
      export.image = image.id
      try rows.set(Keys.exports.row(name, label), export.row)
      try rows.set(Keys.openExports.row(name, label), [])
      return (export, true)
    }
    if isNew {
      changed(name)
      imageWorker.nudge.nudge()
      try await begin(export, call)
    }
    var output = ExportTableToPointInTimeOutput()
    output.exportDescription = export.description
    return output
  }

  /// AWS begins with an empty file; whether the caller may write to the bucket shows there. What is written later is written in the name of
  /// the account.
  private func begin(_ export: Export, _ call: Call) async throws {
    do {
      try await objects.put(
        [], contentType: "application/octet-stream", as: ObjectName(bucket: export.bucket, key: export.home + "_started"), by: call.caller)
    } catch let error as AWSError {
      try await store.transact { try ExportWorker.fail(export, error, $0, call.now) }
    }
    exportWorker.nudge.nudge()
  }

  private func describeExport(_ input: DescribeExportInput, _ call: Call) async throws -> DescribeExportOutput {
    let name = try JobName(input.exportArn, "export")
    let found = try await store.read { rows in try rows.get(Keys.exports.row(name.table, name.label)) }
    guard name.table.account == call.account, let found else {
      throw AWSError("ExportNotFoundException", "Export not found: \(input.exportArn)", status: 400)
    }
    var output = DescribeExportOutput()
    output.exportDescription = try Export(found, name.table, label: name.label).description
    return output
  }

  private func listExports(_ input: ListExportsInput, _ call: Call) async throws -> ListExportsOutput {
    let home = try input.tableArn.map { Keys.exports.of(try name($0, call)) } ?? Keys.exports.of(call.account, call.region)
    let page = try await jobs(home, after: input.nextToken, limit: input.maxResults) { key, bytes in
      let (table, label) = try Keys.exports.name(key)
      return try Export(bytes, table, label: label)
    }
    var output = ListExportsOutput()
    output.exportSummaries = page.found.map { export in
      var out = ExportSummary()
      (out.exportArn, out.exportStatus, out.exportType) = (export.arn, export.status.name, "FULL_EXPORT")
      return out
    }
    output.nextToken = page.next
    return output
  }

  /// A page of exports or imports; tokens are the last key that was given.
  func jobs<T: Sendable>(
    _ home: Key, after token: String?, limit: Int?, _ read: @escaping @Sendable (Key, [UInt8]) throws -> T
  ) async throws -> (found: [T], next: String?) {
    var range = KeyRange(prefix: home)
    if let token {
      guard let bytes = decodeHex(token), bytes.starts(with: home.bytes) else { throw DynamoDBError.validation("Invalid NextToken") }
      range.lower = Key(bytes: bytes + [0])
    }
    let limit = limit ?? DynamoDBLimits.jobsPerPage
    let entries = try await store.read { [range] rows in try rows.entries(range, limit: limit + 1) }
    let page = entries.prefix(limit)
    return (try page.map { try read($0.key, $0.value) }, entries.count > limit ? page.last?.key.bytes.hex : nil)
  }
}

/// What an ARN of an export, import or backup names.
struct JobName: Sendable {
  var table: TableName
  var label: String

  /// - Parameter what: names the parameter in the error.
  init(_ text: String, _ kind: String, what: String = "") throws {
    let parts = ARN(text)?.resource.split(separator: "/").map(String.init) ?? []
    guard let arn = ARN(text), arn.service == "dynamodb", let account = AccountID(arn.account), let region = Region(arn.region),
      parts.count == 4, parts[0] == "table", parts[2] == kind, TableName.isValid(parts[1])
    else { throw DynamoDBError.validation("\(what)Invalid ResourceArn provided as input \(text)") }
    (table, label) = (TableName(account: account, region: region, name: parts[1]), parts[3])
  }
  static func label(_ ambient: Ambient, _ now: Instant) -> String {
    padded(Int(now.milliseconds), 14) + "-" + ambient.text(8, of: "0123456789abcdef")
  }
}

extension Export {
  var description: ExportDescription {
    var out = ExportDescription()
    (out.exportArn, out.startTime, out.exportTime, out.clientToken) = (arn, startedAt, time, token)
    (out.tableArn, out.tableId) = (table.arn.text, tableUUID)
    (out.s3Bucket, out.s3BucketOwner, out.s3Prefix) = (bucket, owner, prefix)
    (out.s3SseAlgorithm, out.s3SseKmsKeyId) = (encryption ?? "AES256", encryptionKey)
    (out.exportFormat, out.exportType) = ("DYNAMODB_JSON", "FULL_EXPORT")
    (out.exportStatus, out.endTime) = (status.name, status.endedAt)
    (out.failureCode, out.failureMessage) = (status.failure?.code, status.failure?.message)
    if case .completed = status { (out.exportManifest, out.itemCount, out.billedSizeBytes) = (summaryKey, items, bytes) }
    return out
  }
}
