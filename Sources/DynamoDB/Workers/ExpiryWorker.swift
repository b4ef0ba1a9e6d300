import Base
import Fabric
import Store

/// Deletes items whose time has come, and forgets the tokens of transactions.
///
/// A row of when an item ends is only a hint: what decides is the item, so a row that is late, or of an attribute that does not
/// count any more, does no harm.
struct ExpiryWorker: Worker {
  let name = "dynamodb-expiry"
  let nudge = Nudge()
  private let store: any Store
  /// Told of what was deleted.
  private let wrote: @Sendable (StoredTable) -> Void

  init(_ store: any Store, wrote: @escaping @Sendable (StoredTable) -> Void) { (self.store, self.wrote) = (store, wrote) }

  func turn(_ now: Instant) async throws -> NextTurn {
    let seconds = now.milliseconds / 1000
    let (isMore, touched) = try await store.transact { rows -> (Bool, [StoredTable]) in
      let due = try rows.entries(Keys.expiries(before: seconds), limit: DynamoDBLimits.rowsPerTurn)
      var writers: [TableName: TableWriter] = [:]
      for (key, row) in due {
        let (when, table, item) = try Keys.expiry(key)
        try rows.delete(key)
        let name = try TableName(row: row)
        guard let writer = try writers[name] ?? Self.writer(name, table, rows, now) else { continue }
        writers[name] = writer
        try Self.expire(item, when, writer, at: seconds)
      }
      for writer in writers.values { try writer.finish() }
      let tokens = try rows.entries(Keys.forgets(before: now), limit: DynamoDBLimits.rowsPerTurn)
      for (key, _) in tokens {
        try rows.delete(key)
        try rows.delete(Keys.forgotten(key).token)
      }
      return (due.count == DynamoDBLimits.rowsPerTurn || tokens.count == DynamoDBLimits.rowsPerTurn, writers.values.map(\.stored))
    }
    touched.forEach(wrote)
    if isMore { return .soon }
    let next = try await store.read { rows -> Instant? in
      let expiry = try rows.first(Keys.allExpiries).map { Instant(milliseconds: try Keys.expiry($0.key).when.clampedMilliseconds + 1000) }
      let token = try rows.first(Keys.allForgets).map { try Keys.forgotten($0.key).when + .milliseconds(1) }
      return [expiry, token].compactMap { $0 }.min()
    }
    // Transactions do not nudge: a token that they leave is found when it has ended.
    let latest = now + DynamoDBLimits.tokenLife
    return .at(max(min(next ?? latest, latest), now + .milliseconds(50)))
  }

  private static func writer(_ name: TableName, _ id: Int, _ rows: any Transaction, _ now: Instant) throws -> TableWriter? {
    guard let stored = try TableCache.read(name, rows), stored.table.id == id, stored.table.expires else { return nil }
    return TableWriter(rows, stored, now: now)
  }
  private static func expire(_ key: ItemKey, _ when: Int64, _ writer: TableWriter, at seconds: Int64) throws {
    guard let attribute = writer.stored.table.expiryAttribute, let item = try writer.item(key),
      TableWriter.expiry(item, attribute) == when, when >= seconds - DynamoDBLimits.expiryHorizon.components.seconds
    else { return }
    try writer.write(key, old: item, new: nil, isExpiry: true)
  }
}

extension Int64 {
  /// Of seconds; far times stay far.
  fileprivate var clampedMilliseconds: Int64 { Swift.min(self, Int64.max / 4000) * 1000 }
}

/// Removes what is kept no longer: changes of streams after a day, streams that were closed a day ago, and the history of tables behind
/// the time that they can be brought back to.
struct TrimWorker: Worker {
  let name = "dynamodb-streams"
  let nudge = Nudge()
  private let store: any Store
  init(_ store: any Store) { self.store = store }

  func turn(_ now: Instant) async throws -> NextTurn {
    let horizon = now - DynamoDBLimits.streamRetention
    let streams = try await store.read { rows in try rows.entries(Keys.streams.all).map { ($0.key, try StreamRow($0.value)) } }
    for (key, stream) in streams {
      try await store.transact { rows in
        let log = Log(Keys.changes(stream.id))
        if let end = stream.disabledAt, end < horizon {
          try log.removeAll(rows)
          return try rows.delete(key)
        }
        _ = try log.trim(before: horizon, rows)
      }
    }
    let recoverable = try await store.read { rows in
      var found: [TableName] = []
      try rows.scan(Keys.allTables) { key, bytes in
        let name = try Keys.tableName(key)
        if try Table(bytes, name: name).recovery != nil { found.append(name) }
        return true
      }
      return found
    }
    for name in recoverable {
      try await store.transact { rows in
        // An image that is being made may still want what is older.
        guard let table = try TableCache.read(name, rows)?.table, let recovery = table.recovery, table.images.isEmpty else { return }
        _ = try Log(Keys.history(table.id)).trim(before: recovery.earliest(now), rows)
      }
    }
    return .at(now + .minutes(5))
  }
}
