import Base
import Store

/// A consistent picture of a table at one moment, made in the background while the table is written to.
///
/// Rows of the image are made by whoever comes first to an item that it has not yet: a write keeps the item as it was, and the worker
/// copies the others. For a moment in the past the table's history is gone through first: the first change of an item behind that moment
/// has the item as it was then.
struct TableImage: Equatable, Sendable {
  /// replaying: takes items from the history, from the change of this number on; becomes copying at its end. copying: takes the items
  /// behind the key from the table; writes keep what they change there; becomes tidying. tidying: behind the key, rows of items that were
  /// not there are removed, and the others are counted; becomes complete.
  enum Phase: Equatable, Sendable {
    case replaying(next: Int64)
    case copying(after: [UInt8])
    case tidying(after: [UInt8])
    case complete
  }
  /// Names its rows; never used again.
  var id: Int
  var table: TableName
  var tableID: Int
  var phase: Phase
  /// Of what was counted so far.
  var count = Tally.Count()

  var isComplete: Bool { phase == .complete }

  init(id: Int, of table: Table, _ phase: Phase) { (self.id, self.table, tableID, self.phase) = (id, table.name, table.id, phase) }

  init(_ bytes: [UInt8], id: Int) throws {
    var row = try RowReader(bytes)
    self.id = id
    table = try TableName(row: try row.blob())
    tableID = try row.int()
    phase =
      switch try row.int() {
      case 0: .replaying(next: try row.int64())
      case 1: .copying(after: try row.blob())
      case 2: .tidying(after: try row.blob())
      default: .complete
      }
    count = Tally.Count(items: try row.int(), bytes: try row.int())
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.blob(table.row)
    row.int(tableID)
    switch phase {
    case .replaying(let next):
      row.int(0)
      row.int(next)
    case .copying(let after):
      row.int(1)
      row.blob(after)
    case .tidying(let after):
      row.int(2)
      row.blob(after)
    case .complete: row.int(3)
    }
    row.int(count.items)
    row.int(count.bytes)
    return row.bytes
  }
}

/// A change of a table with point-in-time recovery: which item, and what it was before.
struct PastItem: Sendable {
  var key: ItemKey
  var old: Item?

  var row: [UInt8] { Self.row(key, old) }
  static func row(_ key: ItemKey, _ old: Item?) -> [UInt8] {
    var row = RowWriter(capacity: 16 + key.bytes.count + (old?.bytes.count ?? 0))
    row.blob(key.bytes)
    row.optional(old) { $0.blob($1.bytes) }
    return row.bytes
  }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    key = ItemKey(bytes: try row.blob())
    old = try row.optional { Item(bytes: try $0.blob()) }
  }
}
