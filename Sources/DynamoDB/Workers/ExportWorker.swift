import Base
import Crypto
import Fabric
import Store

/// Writes exports to S3 once their images are complete, file by file.
struct ExportWorker: Worker {
  let name = "dynamodb-exports"
  let nudge = Nudge()
  private let store: any Store
  private let ambient: Ambient
  private let objects: any ObjectPort

  init(_ store: any Store, _ ambient: Ambient, _ objects: any ObjectPort) {
    (self.store, self.ambient, self.objects) = (store, ambient, objects)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let open = try await store.read { rows in try rows.entries(Keys.openExports.all).map { try Keys.openExports.name($0.key) } }
    var isMore = false
    for name in open where try await step(name, now) { isMore = true }
    return isMore ? .soon : .onNudge
  }

  /// Writes one file, or the end. False while the image is not complete, and at the end.
  private func step(_ name: (table: TableName, label: String), _ now: Instant) async throws -> Bool {
    let found = try await store.read { rows -> (Export, TableImage?)? in
      guard let bytes = try rows.get(Keys.exports.row(name.table, name.label)) else { return nil }
      let export = try Export(bytes, name.table, label: name.label)
      return (export, try TableImage.read(export.image, rows))
    }
    guard let (export, image) = found, let image, export.status == .inProgress else {
      try await store.transact { try $0.delete(Keys.openExports.row(name.table, name.label)) }
      return false
    }
    guard image.isComplete else { return false }
    do {
      let isAtEnd = try await write(export, image)
      if isAtEnd { try await finish(name, now) }
      return !isAtEnd
    } catch let error as AWSError where error.fault != .server {
      try await store.transact { try Self.fail(export, error, $0, now) }
      return false
    }
  }

  /// The next file; true when it was the last.
  private func write(_ export: Export, _ image: TableImage) async throws -> Bool {
    let (items, last, isAtEnd) = try await store.read { rows in
      try image.items(after: export.after, limit: DynamoDBLimits.itemsPerFile, bytes: DynamoDBLimits.bytesPerFile, rows)
    }
    guard !items.isEmpty else { return true }
    var text: [UInt8] = []
    for (_, item) in items {
      text += Array("{\"Item\":".utf8) + ValueText.json(item).bytes + Array("}\n".utf8)
    }
    let file = Gzip.deflate(text)
    try await put(file, "application/gzip", export.nextKey, export)
    var next = export
    next.files.append(Export.File(key: export.nextKey, items: items.count, md5: Array(Insecure.MD5.hash(data: file))))
    next.bytes += items.reduce(0) { $0 + $1.item.size }
    next.after = last
    let saved = next
    try await store.transact { try $0.set(Keys.exports.row(saved.table, saved.label), saved.row) }
    return isAtEnd
  }

  private func finish(_ name: (table: TableName, label: String), _ now: Instant) async throws {
    guard let bytes = try await store.read({ try $0.get(Keys.exports.row(name.table, name.label)) }) else { return }
    var export = try Export(bytes, name.table, label: name.label)
    export.status = .completed(now)
    var list: [UInt8] = []
    for file in export.files {
      let line: JSON = [
        "itemCount": JSON(file.items), "md5Checksum": .string(file.md5.base64), "etag": .string(file.md5.hex),
        "dataFileS3Key": .string(file.key),
      ]
      list += line.bytes + [UInt8(ascii: "\n")]
    }
    let summary: JSON = [
      "version": "2020-06-30", "exportArn": .string(export.arn), "startTime": .string(export.startedAt.iso8601Milliseconds),
      "endTime": .string(now.iso8601Milliseconds), "tableArn": .string(export.table.arn.text), "tableId": .string(export.tableUUID),
      "exportTime": .string(export.time.iso8601Milliseconds), "s3Bucket": .string(export.bucket),
      "s3Prefix": export.prefix.map { .string($0) } ?? .null, "s3SseAlgorithm": .string(export.encryption ?? "AES256"),
      "s3SseKmsKeyId": export.encryptionKey.map { .string($0) } ?? .null, "manifestFilesS3Key": .string(export.filesKey),
      "billedSizeBytes": JSON(export.bytes), "itemCount": JSON(export.items), "outputFormat": "DYNAMODB_JSON", "exportType": "FULL_EXPORT",
    ]
    for (key, content) in [(export.filesKey, list), (export.summaryKey, summary.bytes)] {
      try await put(content, "application/json", key, export)
      let sum = Array(Array(Insecure.MD5.hash(data: content)).base64.utf8)
      try await put(sum, "text/plain", key.dropLast(4) + "md5", export)
    }
    let done = export
    try await store.transact { try Self.close(done, $0) }
  }

  private func put(_ bytes: [UInt8], _ type: String, _ key: some StringProtocol, _ export: Export) async throws {
    let account = export.table.account
    let caller = Caller(principal: .root(account), account: account, region: export.table.region, trace: TraceContext(ambient))
    try await objects.put(bytes, contentType: type, as: ObjectName(bucket: export.bucket, key: String(key)), by: caller)
  }

  static func fail(_ export: Export, _ error: AWSError, _ rows: any Transaction, _ now: Instant) throws {
    var export = export
    export.status = .failed(now, code: "S3" + error.code, message: error.message)
    try close(export, rows)
  }
  /// An image that is still being made is made to its end and removed then.
  private static func close(_ export: Export, _ rows: any Transaction) throws {
    try rows.set(Keys.exports.row(export.table, export.label), export.row)
    try rows.delete(Keys.openExports.row(export.table, export.label))
    try TableImage.discard(export.image, rows)
  }
}
