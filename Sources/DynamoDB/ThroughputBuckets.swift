import Base
import Synchronization

/// The provisioned throughput of tables and indexes, enforced: a bucket of units for reads and one for writes, filled by so many a second
/// as are provisioned and holding what was not used in five minutes (Developer Guide, "Burst capacity").
///
/// A request is let in while anything is in the bucket, and what it has cost is taken out afterwards: so a large one may leave a debt.
/// Buckets fill with the time that services follow or with the real one, whichever has gone on more: a clock that stands or is set back
/// throttles nobody for ever. In memory: a restart fills all buckets.
final class ThroughputBuckets: Sendable {
  private static let burst: Double = 300

  private struct Place: Hashable {
    var table: Int
    var index: Int
    var isWrite: Bool
  }
  private struct Bucket {
    var units: Double
    var at: Instant
    var real: Duration
  }
  private let clock: any AmbientClock
  private let buckets = Mutex<[Place: Bucket]>([:])

  init(_ clock: any AmbientClock) { self.clock = clock }

  /// Throws `ProvisionedThroughputExceededException`.
  func admit(_ table: Table, _ kind: Capacity.Kind, index: Int = 0, at now: Instant) throws {
    guard table.throughput != nil else { return }
    // A write needs room in every global index as well.
    let global = kind == .write ? table.indexes.filter { $0.kind == .global }.map(\.id) : []
    let real = clock.monotonic()
    let isEmpty = buckets.withLock { buckets in
      ([index] + global).contains { id in
        guard let rate = Self.rate(table, kind, id) else { return false }
        return Self.filled(&buckets, Place(table: table.id, index: id, isWrite: kind == .write), rate, now, real) <= 0
      }
    }
    if isEmpty { throw DynamoDBError.throttled }
  }

  func spend(_ capacity: Capacity, of table: Table, _ kind: Capacity.Kind, at now: Instant) {
    guard table.throughput != nil else { return }
    let real = clock.monotonic()
    buckets.withLock { buckets in
      for (id, units) in capacity.units {
        // Local indexes are paid by their table.
        let payer = table.indexes.first { $0.id == id }?.kind == .global ? id : 0
        guard let rate = Self.rate(table, kind, payer) else { continue }
        let place = Place(table: table.id, index: payer, isWrite: kind == .write)
        _ = Self.filled(&buckets, place, rate, now, real)
        buckets[place]?.units -= units
      }
    }
  }

  private static func rate(_ table: Table, _ kind: Capacity.Kind, _ index: Int) -> Double? {
    let throughput = table.indexes.first { $0.id == index && $0.kind == .global }?.throughput ?? table.throughput
    return throughput.map { Double(kind == .read ? $0.read : $0.write) }
  }

  private static func filled(
    _ buckets: inout [Place: Bucket], _ place: Place, _ rate: Double, _ now: Instant, _ real: Duration
  ) -> Double {
    // One bucket for each table and index that is used; far more than anybody has are not kept.
    if buckets.count >= DynamoDBLimits.cachedTables, buckets[place] == nil { buckets.removeAll() }
    var bucket = buckets[place] ?? Bucket(units: rate * burst, at: now, real: real)
    let seconds = max(0, Double((now - bucket.at).inMilliseconds) / 1000, Double((real - bucket.real).inMicroseconds) / 1_000_000)
    bucket.units = min(rate * burst, bucket.units + seconds * rate)
    (bucket.at, bucket.real) = (now, real)
    buckets[place] = bucket
    return bucket.units
  }
}
