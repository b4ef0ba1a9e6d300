import Base
import Fabric
import Store

/// Removes the rows of what has been deleted or has expired, in small transactions.
///
/// Readers never see either: deleted contents are unreachable and expired events are left out by time. So the sweep only
/// gives back space, day by day.
struct Sweeper: Worker {
  let store: any Store
  let nudge = Nudge()
  var name: String { "logs.sweeper" }

  func turn(_ now: Instant) async throws -> NextTurn {
    while try await store.transact(Self.removeGarbage) {}
    var after = LogsKeys.allGroups
    while let group = try await nextGroup(after) {
      after = group.key.end
      guard let horizon = group.value.horizon(now) else { continue }
      // Whole days only, so that the byte counts of days stay exact; a chunk may reach over midnight.
      let day = (horizon - LogsLimits.chunkSpan).day
      let id = group.value.id
      while try await store.transact({ t in try Self.removeExpired(t, id, before: day) }) {}
    }
    return .at(now + LogsLimits.sweepPause)
  }

  private func nextGroup(_ after: Key) async throws -> (key: Key, value: LogGroup)? {
    try await store.read { r in
      try r.first(KeyRange(after, LogsKeys.allGroups.end)).map { ($0.key, try LogGroup(row: $0.value)) }
    }
  }

  /// True when there is more to remove.
  private static func removeGarbage(_ t: any Transaction) throws -> Bool {
    guard let item = try t.first(KeyRange(prefix: LogsKeys.garbage)) else { return false }
    var parts = KeyReader(item.key, after: LogsKeys.garbage)
    let (group, stream) = (try parts.int(), try parts.int())
    let contents = stream == 0 ? LogsKeys.contents(group) : LogsKeys.chunks(group, stream)
    let rows = try t.entries(KeyRange(prefix: contents), limit: LogsLimits.sweepRows)
    for row in rows {
      if stream == 0 {
        try t.delete(row.key)
      } else {
        let position = try LogsKeys.position(of: row.key, stream: stream, in: contents)
        try t.addStoredBytes(group, day: position.time.day, -(try EventChunk.size(ofRow: row.value)))
        try t.removeChunk(group, position)
      }
    }
    if rows.count < LogsLimits.sweepRows { try t.delete(item.key) }
    return true
  }

  private static func removeExpired(_ t: any Transaction, _ group: Int64, before day: Int64) throws -> Bool {
    let prefix = LogsKeys.chunksByTime(group)
    let end = Instant(milliseconds: day * 86_400_000)
    let rows = try t.entries(KeyRange(prefix, prefix.appending(end)), limit: LogsLimits.sweepRows)
    for row in rows { try t.removeChunk(group, try LogsKeys.position(of: row.key, stream: nil, in: prefix)) }
    guard rows.count < LogsLimits.sweepRows else { return true }
    try t.deleteAll(KeyRange(LogsKeys.byteCounts(group), LogsKeys.byteCount(group, day)))
    return false
  }
}
