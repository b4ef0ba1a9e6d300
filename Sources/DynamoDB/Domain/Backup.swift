import Base
import Store

/// A backup that a user has made of a table.
struct Backup: Sendable {
  /// The last part of its ARN: when, in milliseconds, and eight digits.
  var label: String
  var name: String
  var createdAt: Instant
  /// The image with its items; available once that is complete.
  var image: Int
  /// The table as it was.
  var table: Table
  var count: Tally.Count
  var isAvailable: Bool

  var arn: String { Self.arn(table.name, label) }
  static func arn(_ table: TableName, _ label: String) -> String { "\(table.arn.text)/backup/\(label)" }

  init(label: String, name: String, createdAt: Instant, image: Int, table: Table, count: Tally.Count) {
    (self.label, self.name, self.createdAt, self.image, self.table, self.count) = (label, name, createdAt, image, table, count)
    isAvailable = false
  }
  init(_ bytes: [UInt8], _ table: TableName, label: String, images: any Reader) throws {
    var row = try RowReader(bytes)
    self.label = label
    (name, createdAt, image) = (try row.string(), try row.instant(), try row.int())
    count = Tally.Count(items: try row.int(), bytes: try row.int())
    self.table = try Table(try row.blob(), name: table)
    isAvailable = try TableImage.read(image, images)?.isComplete ?? false
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 1024)
    row.string(name)
    row.instant(createdAt)
    row.int(image)
    row.int(count.items)
    row.int(count.bytes)
    row.blob(table.row)
    return row.bytes
  }
}
