import Base
import Fabric
import Store

/// Removes records that have outlived the retention of their stream, and shards of which nothing is left.
///
/// Nothing depends on it but disk space: readers pass over what is too old by themselves.
struct TrimWorker: Worker {
  let name = "kinesis-trim"
  let nudge = Nudge()
  private let store: any Store
  private let cache: StreamCache

  init(_ store: any Store, _ cache: StreamCache) { (self.store, self.cache) = (store, cache) }

  func turn(_ now: Instant) async throws -> NextTurn {
    var last: StreamName?
    repeat {
      let after = last
      let page = try await store.read { rows in
        try rows.entries(Keys.streams(after: after), limit: KinesisLimits.rowsPerSweep).map { key, value in
          try Stream(value, name: try Keys.streamName(key))
        }
      }
      for stream in page { try await sweep(stream.name, now) }
      last = page.count < KinesisLimits.rowsPerSweep ? nil : page.last?.name
    } while last != nil
    return .at(now + KinesisLimits.trimInterval)
  }

  /// A shard a transaction: each is one step, but a stream may have thousands.
  private func sweep(_ name: StreamName, _ now: Instant) async throws {
    let old = try await store.read { [cache] rows -> [ShardID] in
      guard let loaded = try cache.load(name, rows) else { return [] }
      let horizon = loaded.stream.horizon(now)
      return try loaded.shards.shards.map(\.id).filter { id in
        let extent = try loaded.log(id).extent(rows)
        return try !extent.isEmpty && loaded.log(id).time(of: extent.first, rows).map { $0 < horizon } ?? false
      }
    }
    for id in old {
      try await store.transact { [cache] rows in
        guard let loaded = try cache.load(name, rows) else { return }
        try loaded.log(id).trim(before: loaded.stream.horizon(now), rows)
      }
    }
    guard let loaded = try await cache.find(name), loaded.shards.shards.contains(where: { $0.isExpired(loaded.stream.horizon(now)) })
    else { return }
    defer { cache.drop(name) }
    try await store.transact { [cache] rows in
      guard let loaded = try cache.load(name, rows) else { return }
      var shards = loaded.shards
      for id in shards.removeExpired(loaded.stream.horizon(now)) { try loaded.log(id).removeAll(rows) }
      try rows.put(loaded.stream, shards: shards)
    }
  }
}
