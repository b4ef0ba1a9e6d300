import Base
import Fabric
import Store

/// Removes the events that have outlived the retention of their archive, and those of archives that are gone.
struct ArchiveSweeper: Worker {
  static let interval = Duration.hours(1)
  let name = "events-archives"
  let nudge = Nudge()
  private let store: any Store

  init(store: any Store) { self.store = store }

  func turn(_ now: Instant) async throws -> NextTurn {
    if try await removeGarbage() { return .soon }
    let archives = try await store.read { try Keys.archives.list(limit: .max, $0).rows.map(\.row) }
    var isMore = false
    for archive in archives {
      guard let oldest = archive.oldest(now) else { continue }
      if try await sweep(archive.id, before: oldest) { isMore = true }
    }
    return isMore ? .soon : .at(now + Self.interval)
  }

  /// True when there is more to do.
  private func sweep(_ archive: Int64, before oldest: Instant) async throws -> Bool {
    let range = Keys.kept(archive, from: nil, before: oldest)
    guard try await store.read({ try $0.first(range) }) != nil else { return false }
    return try await store.transact { tx in
      let page = try tx.entries(range, limit: EventBridgeLimits.rowsPerSweep)
      var tally = try tx.tally(archive)
      for (key, bytes) in page {
        try tx.delete(key)
        tally.events -= 1
        tally.bytes -= try Event.keptBytes(bytes)
      }
      try tx.set(Keys.tally(archive), tally.row)
      return page.count == EventBridgeLimits.rowsPerSweep
    }
  }

  private func removeGarbage() async throws -> Bool {
    try await store.transact { tx in
      guard let next = try tx.first(Keys.allGarbage) else { return false }
      let archive = try Keys.garbageArchive(next.key)
      let page = try tx.entries(KeyRange(prefix: Keys.kept(archive)), limit: EventBridgeLimits.rowsPerSweep)
      for (key, _) in page { try tx.delete(key) }
      if page.count < EventBridgeLimits.rowsPerSweep {
        try tx.delete(Keys.tally(archive))
        try tx.delete(next.key)
      }
      return true
    }
  }
}
