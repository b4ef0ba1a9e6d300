import Base
import Fabric
import Store

/// Fills new indexes, and removes what tables and indexes have left behind; a bounded part at a time.
struct TableWorker: Worker {
  let name = "dynamodb-tables"
  let nudge = Nudge()
  private let store: any Store
  private let tables: TableCache
  private let ambient: Ambient

  init(_ store: any Store, _ tables: TableCache, _ ambient: Ambient) { (self.store, self.tables, self.ambient) = (store, tables, ambient) }

  func turn(_ now: Instant) async throws -> NextTurn {
    if try await fill(now) { return .soon }
    return try await sweep() ? .soon : .onNudge
  }

  /// False when nothing is to be filled.
  private func fill(_ now: Instant) async throws -> Bool {
    guard let job = try await store.read({ try $0.first(Keys.allFills) }) else { return false }
    var reader = KeyReader(job.key, after: Keys.fillHome)
    let (table, index) = (Int(try reader.int()), Int(try reader.int()))
    // Which table has the number is not in the row: there are few tables with new indexes, and none is filled twice.
    let name = try await store.read { rows -> TableName? in
      var found: TableName?
      try rows.scan(Keys.allTables) { key, bytes in
        let name = try Keys.tableName(key)
        if try Table(bytes, name: name).id == table { found = name }
        return found == nil
      }
      return found
    }
    let done = try await store.transact { rows -> Bool in
      guard let name, let stored = try TableCache.read(name, rows), stored.table.id == table, let after = try rows.get(job.key) else {
        try rows.delete(job.key)
        return true
      }
      return try Self.fill(stored, index, job.key, after: after, rows, now)
    }
    if done, let name { tables.forget(name) }
    return true
  }

  private static func fill(
    _ stored: StoredTable, _ index: Int, _ job: Key, after: [UInt8], _ rows: any Transaction, _ now: Instant
  ) throws -> Bool {
    var table = stored.table
    let home = Keys.items(table.id)
    var range = KeyRange(prefix: home)
    if !after.isEmpty { range.lower = Key(bytes: after + [0]) }
    let entries = try rows.entries(range, limit: DynamoDBLimits.rowsPerTurn)
    let writer = TableWriter(rows, stored, now: now)
    let filled = table.indexes.first { $0.id == index }
    for (key, value) in entries {
      let (itemKey, item) = (Keys.itemKey(key, table.id), Item(bytes: value))
      if let filled { try writer.fill(filled, itemKey, item) } else if index == 0 { try writer.fillExpiry(itemKey, item) }
    }
    try writer.finish()
    guard entries.count == DynamoDBLimits.rowsPerTurn, let last = entries.last else {
      try rows.delete(job)
      if let place = table.indexes.firstIndex(where: { $0.id == index }) {
        table.indexes[place].status = .active
        try rows.set(Keys.table(table.name), table.row)
      }
      return true
    }
    try rows.set(job, last.key.bytes)
    return false
  }

  /// False when there is nothing to be removed.
  private func sweep() async throws -> Bool {
    try await store.transact { rows in
      guard let next = try rows.first(Keys.allGarbage) else { return false }
      let (table, index, kind) = try Keys.garbage(next.key)
      let ranges =
        kind == Keys.imageGarbage
        ? [KeyRange(prefix: Keys.imaged(table))]
        : index == 0
        ? Keys.everything(table)
        : [KeyRange(prefix: Keys.index(table, index, SecondaryIndex.Kind(rawValue: kind) ?? .global))]
      let expiry = index == 0 && kind != Keys.imageGarbage ? try Keys.garbageExpiry(next.value) : nil
      let items = KeyRange(prefix: Keys.items(table))
      var budget = DynamoDBLimits.rowsPerTurn
      for range in ranges {
        let entries = try rows.entries(range, limit: budget)
        for (key, value) in entries {
          try rows.delete(key)
          guard let expiry, items.contains(key), let when = TableWriter.expiry(Item(bytes: value), expiry) else { continue }
          try rows.delete(Keys.expiry(when, table, Keys.itemKey(key, table)))
        }
        budget -= entries.count
        guard budget > 0 else { return true }
      }
      if index != 0 {
        var tally = try Tally(rows.get(Keys.tally(table)))
        tally.counts.removeAll { $0.index == index }
        if !tally.counts.isEmpty { try rows.set(Keys.tally(table), tally.row) }
      }
      try rows.delete(next.key)
      return true
    }
  }
}
