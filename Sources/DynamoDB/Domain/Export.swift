import Base
import Crypto
import Store

/// An export of a table to S3, and how far it has come.
struct Export: Equatable, Sendable {
  /// A data file that is there.
  struct File: Equatable, Sendable {
    var key: String
    var items: Int
    /// Of its bytes.
    var md5: [UInt8]
  }

  /// The last part of its ARN.
  var label: String
  var table: TableName
  var tableUUID: String
  var startedAt: Instant
  /// The moment whose items are exported.
  var time: Instant
  var token: String
  var bucket: String
  var owner: String?
  var prefix: String?
  var encryption: String?
  var encryptionKey: String?
  var image: Int
  var status = JobStatus.inProgress
  /// The last item that is in a file.
  var after: [UInt8] = []
  var files: [File] = []
  var bytes = 0

  var arn: String { Self.arn(table, label) }
  static func arn(_ table: TableName, _ label: String) -> String { "\(table.arn.text)/export/\(label)" }
  var items: Int { files.reduce(0) { $0 + $1.items } }
  /// Where everything of the export lies in the bucket, as AWS lays it out.
  var home: String { (prefix.map { $0.hasSuffix("/") || $0.isEmpty ? $0 : $0 + "/" } ?? "") + "AWSDynamoDB/\(label)/" }
  var summaryKey: String { home + "manifest-summary.json" }
  var filesKey: String { home + "manifest-files.json" }
  /// The key of the next data file: the same when it is written once more.
  var nextKey: String {
    home + "data/" + Array(Insecure.MD5.hash(data: Array("\(label)/\(files.count)".utf8))).hex.prefix(26) + ".json.gz"
  }
  /// The same was asked for.
  func isSameRequest(as other: Export) -> Bool {
    bucket == other.bucket && owner == other.owner && prefix == other.prefix && encryption == other.encryption
      && encryptionKey == other.encryptionKey
  }

  init(
    label: String, table: Table, startedAt: Instant, time: Instant, token: String, bucket: String, owner: String?, prefix: String?,
    encryption: String?, encryptionKey: String?, image: Int
  ) {
    (self.label, self.table, tableUUID, self.startedAt, self.time) = (label, table.name, table.uuid, startedAt, time)
    (self.token, self.bucket, self.owner, self.prefix) = (token, bucket, owner, prefix)
    (self.encryption, self.encryptionKey, self.image) = (encryption, encryptionKey, image)
  }

  init(_ bytes: [UInt8], _ table: TableName, label: String) throws {
    var row = try RowReader(bytes)
    (self.table, self.label) = (table, label)
    (tableUUID, startedAt, time, token, bucket) = (
      try row.string(), try row.instant(), try row.instant(), try row.string(), try row.string()
    )
    (owner, prefix) = (try row.optionalString(), try row.optionalString())
    (encryption, encryptionKey, image) = (try row.optionalString(), try row.optionalString(), try row.int())
    status = try JobStatus(from: &row)
    after = try row.blob()
    files = try row.array { File(key: try $0.string(), items: try $0.int(), md5: try $0.blob()) }
    self.bytes = try row.int()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 512)
    row.string(tableUUID)
    row.instant(startedAt)
    row.instant(time)
    row.string(token)
    row.string(bucket)
    row.optional(owner)
    row.optional(prefix)
    row.optional(encryption)
    row.optional(encryptionKey)
    row.int(image)
    status.write(to: &row)
    row.blob(after)
    row.array(files) { row, file in
      row.string(file.key)
      row.int(file.items)
      row.blob(file.md5)
    }
    row.int(bytes)
    return row.bytes
  }
}
