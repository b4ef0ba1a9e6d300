import Base
import Fabric
import Store
import Synchronization

/// Finishes what operations have begun: streams and consumers become active or go away, and busy shards of on-demand streams are split.
final class StateWorker: Worker {
  let name = "kinesis-states"
  let nudge = Nudge()
  private let store: any Store
  private let cache: StreamCache
  private let ambient: Ambient
  /// Shards of on-demand streams that had to refuse records.
  private let hot = Mutex<[StreamName: Set<ShardID>]>([:])

  init(_ store: any Store, _ cache: StreamCache, _ ambient: Ambient) {
    (self.store, self.cache, self.ambient) = (store, cache, ambient)
  }

  /// An on-demand stream had to refuse records of the shards.
  func note(hot shards: Set<ShardID>, of stream: StreamName) {
    let isNew = hot.withLock { hot -> Bool in
      guard hot[stream, default: []].count < KinesisLimits.hotShards else { return false }
      defer { hot[stream, default: []].formUnion(shards) }
      return !shards.isSubset(of: hot[stream] ?? [])
    }
    if isNew { nudge.nudge() }
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let names = try await store.read { rows in
      try rows.entries(Keys.allPending, limit: KinesisLimits.rowsPerSweep).map { try Keys.pendingName($0.key) }
    }
    for name in names {
      defer { cache.drop(name) }
      try await store.transact { [cache] rows in try Self.settle(name, cache, rows) }
    }
    let busy = hot.withLock { hot -> [StreamName: Set<ShardID>] in
      defer { hot = [:] }
      return hot
    }
    for (name, shards) in busy { try await split(shards, of: name, now) }
    return names.count == KinesisLimits.rowsPerSweep ? .soon : .onNudge
  }

  private static func settle(_ name: StreamName, _ cache: StreamCache, _ rows: any Transaction) throws {
    guard var stream = try cache.load(name, rows)?.stream else { return try rows.delete(Keys.pending(name)) }
    guard stream.status != .deleting else { return try rows.remove(stream) }
    for var consumer in try rows.consumers(of: stream) where consumer.status != .active {
      if consumer.status == .deleting {
        try rows.delete(Keys.consumer(stream.id, consumer.name.name))
      } else {
        consumer.status = .active
        try rows.put(consumer, of: stream)
      }
    }
    if stream.status != .active {
      stream.status = .active
      try rows.put(stream)
    }
    try rows.delete(Keys.pending(name))
  }

  /// Halves shards, as long as the stream may have more of them.
  private func split(_ shards: Set<ShardID>, of name: StreamName, _ now: Instant) async throws {
    defer { cache.drop(name) }
    try await store.transact { [cache] rows in
      guard let loaded = try cache.load(name, rows), loaded.stream.mode == .onDemand, loaded.stream.isUsable else { return }
      var map = loaded.shards
      for id in shards.sorted() {
        guard map.openCount < KinesisLimits.onDemandMaximumShards, let shard = map[id], shard.isOpen,
          shard.range.last - shard.range.first > 1
        else { continue }
        map.split(id, at: shard.range.first + (shard.range.last - shard.range.first) / 2 + 1, now: now)
      }
      if map != loaded.shards { try rows.put(loaded.stream, shards: map) }
    }
  }
}
