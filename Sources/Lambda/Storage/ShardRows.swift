import Base
import Store

/// How far a mapping has read a shard of its stream. It survives the process, so that reading goes on where it was.
struct ShardRow: Sendable, Equatable {
  /// iterator may become after or finished; after may become finished; a finished shard is not read again.
  enum Position: Sendable, Equatable {
    /// Nothing is done yet; the source's own note of where to begin.
    case iterator(String)
    /// Everything up to this sequence number is done.
    case after(String)
    case finished
  }
  var position: Position
  /// Who reads the shard: only he may move the position. A reader that starts takes it over from one that ends.
  var owner: String
  /// The open tumbling windows of the lanes.
  var windows: [TumblingWindow?] = []

  var isFinished: Bool { position == .finished }
}

enum ShardRows {
  static func all(of mapping: String, _ reader: any Reader) throws -> [String: ShardRow] {
    let prefix = Keys.shards(mapping)
    return Dictionary(
      try reader.entries(KeyRange(prefix: prefix)).map { entry in
        var key = KeyReader(entry.key, after: prefix)
        return (try key.string(), try ShardRow(row: entry.value))
      }, uniquingKeysWith: { $1 })
  }

  /// Notes shards that are new; what is known of others stays.
  static func begin(_ rows: [String: ShardRow], of mapping: String, in tx: any Transaction) throws {
    for (shard, row) in rows where try tx.get(Keys.shard(mapping, shard)) == nil { try tx.set(Keys.shard(mapping, shard), row.row) }
  }

  /// Makes somebody the reader of a shard. Nil when the mapping is gone.
  static func takeOver(_ shard: String, of mapping: String, by owner: String, in tx: any Transaction) throws -> ShardRow? {
    guard var row = try tx.get(Keys.shard(mapping, shard)).map(ShardRow.init(row:)) else { return nil }
    row.owner = owner
    try tx.set(Keys.shard(mapping, shard), row.row)
    return row
  }

  /// - Returns: false when another one has become the reader, or the mapping is gone.
  static func save(_ row: ShardRow, _ shard: String, of mapping: String, in tx: any Transaction) throws -> Bool {
    let key = Keys.shard(mapping, shard)
    guard let stored = try tx.get(key).map(ShardRow.init(row:)), stored.owner == row.owner else { return false }
    try tx.set(key, row.row)
    return true
  }

  /// Notes what the last batch came to, if the mapping is still there.
  static func note(_ result: String, of mapping: String, in tx: any Transaction) throws {
    guard try tx.get(Keys.mappingPlace(mapping)) != nil else { return }
    try tx.set(Keys.mappingResult(mapping), Array(result.utf8))
  }
}

extension ShardRow {
  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    switch try row.int() {
    case 0: position = .iterator(try row.string())
    case 1: position = .after(try row.string())
    case 2: position = .finished
    default: throw StoreError.corrupt("position in a shard")
    }
    owner = try row.string()
    windows = try row.array { row in
      try row.optional { row in
        TumblingWindow(
          start: try row.instant(), end: try row.instant(), state: try row.blob(), hasRun: try row.bool(), isTooLarge: try row.bool())
      }
    }
  }

  var row: [UInt8] {
    var row = RowWriter()
    switch position {
    case .iterator(let iterator):
      row.int(0)
      row.string(iterator)
    case .after(let number):
      row.int(1)
      row.string(number)
    case .finished: row.int(2)
    }
    row.string(owner)
    row.array(windows) { row, window in
      row.optional(window) { row, window in
        row.instant(window.start)
        row.instant(window.end)
        row.blob(window.state)
        row.bool(window.hasRun)
        row.bool(window.isTooLarge)
      }
    }
    return row.bytes
  }
}
