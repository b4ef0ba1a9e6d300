import Base
import Synchronization

/// What each shard may still take and give now. In memory: after a restart all shards are rested.
final class ShardRates: Sendable {
  struct Shard: Hashable { var stream: Int64; var shard: ShardID }

  private struct Rates {
    var records: RateBucket
    var bytes: RateBucket
    var reads: RateBucket
    var readBytes: RateBucket

    init(_ now: RateTime) {
      records = RateBucket(rate: KinesisLimits.recordsPerSecond, at: now)
      bytes = RateBucket(rate: KinesisLimits.bytesPerSecond, at: now)
      reads = RateBucket(rate: KinesisLimits.readsPerSecond, at: now)
      readBytes = RateBucket(rate: KinesisLimits.readBytesPerSecond, at: now)
    }
    mutating func isFull(_ now: RateTime) -> Bool {
      records.isFull(now) && bytes.isFull(now) && reads.isFull(now) && readBytes.isFull(now)
    }
  }

  private let isOn: Bool
  private let shards = Mutex<[Shard: Rates]>([:])

  init(isOn: Bool) { self.isOn = isOn }

  /// Whether a record of the size may be written now; it counts then.
  func takesRecord(_ shard: Shard, size: Int, _ now: RateTime) -> Bool {
    guard isOn else { return true }
    return shards.withLock { shards in
      Self.withRates(shard, &shards, now) { rates in
        guard rates.records.allows(1, now), rates.bytes.allows(Double(size), now) else { return false }
        rates.records.take(1)
        rates.bytes.take(Double(size))
        return true
      }
    }
  }

  /// Whether a read may begin now; it counts then.
  func takesRead(_ shard: Shard, _ now: RateTime) -> Bool {
    guard isOn else { return true }
    return shards.withLock { shards in
      Self.withRates(shard, &shards, now) { rates in
        guard rates.reads.allows(1, now), rates.readBytes.isOpen(now) else { return false }
        rates.reads.take(1)
        return true
      }
    }
  }

  /// So much was read: up to five seconds' worth at once, which later reads wait for.
  func hasRead(_ shard: Shard, bytes: Int, _ now: RateTime) {
    guard isOn, bytes > 0 else { return }
    shards.withLock { shards in Self.withRates(shard, &shards, now) { $0.readBytes.take(Double(bytes)) } }
  }

  private static func withRates<T>(
    _ shard: Shard, _ shards: inout [Shard: Rates], _ now: RateTime, _ body: (inout Rates) -> T
  ) -> T {
    if shards.count >= KinesisLimits.ratedShards, shards[shard] == nil {
      for (key, var rates) in shards where rates.isFull(now) { shards[key] = nil }
      // All are busy: they begin anew, which is in the clients' favour.
      if shards.count >= KinesisLimits.ratedShards { shards.removeAll(keepingCapacity: true) }
    }
    return body(&shards[shard, default: Rates(now)])
  }
}
