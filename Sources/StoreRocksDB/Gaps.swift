import CRocksDB
import Store

/// Where the database is known to hold nothing but deleted keys.
///
/// A queue is read at its head and deleted there, and RocksDB steps over each deleted key again and again until it has
/// compacted them away: reading the head of a queue of 200,000 would become quadratic. The writer's thread makes all
/// changes, so it can remember the runs that it has already stepped over and begin behind them.
final class Gaps {
  /// A run is worth remembering from this many deleted keys on.
  private static let worthwhile: UInt64 = 16
  private static let limit = 1024

  /// Disjoint: first key → first key behind.
  private var ends = SortedMap<Key>()
  private let counters: OpaquePointer

  /// To be made on the thread that uses it: the counters are those of the thread.
  init() {
    rocksdb_set_perf_level(Int32(rocksdb_enable_count))
    counters = rocksdb_perfcontext_create()
  }

  deinit { rocksdb_perfcontext_destroy(counters) }

  private var skipped: UInt64 { rocksdb_perfcontext_metric(counters, Int32(rocksdb_internal_delete_skipped_count)) }

  /// An iterator over the range, placed behind the known gap at its beginning. Nil when the gap covers the range.
  func iterator(_ database: Database, _ range: KeyRange, reverse: Bool) throws -> Iterator? {
    if reverse { return database.iterator(range, reverse: true) }
    let lower = behind(range.lower)
    guard lower < range.upper else { return nil }
    let before = skipped
    let iterator = database.iterator(KeyRange(lower, range.upper), reverse: false)
    if skipped - before >= Self.worthwhile { note(KeyRange(lower, try iterator.key() ?? range.upper)) }
    return iterator
  }

  private func behind(_ key: Key) -> Key {
    guard let (_, end) = ends.floor(key), key < end else { return key }
    return end
  }

  /// Joins the range with the gaps that it touches.
  private func note(_ range: KeyRange) {
    var (lower, upper) = (range.lower, range.upper)
    if let (before, end) = ends.floor(lower), !(end < lower) { (lower, upper) = (before, max(upper, end)) }
    var covered: [Key] = []
    var cursor = SortedCursor(KeyRange(lower, upper), reverse: false)
    while let (key, end) = cursor.next(in: ends) {
      covered.append(key)
      upper = max(upper, end)
    }
    for key in covered { ends.remove(key) }
    // Forgetting is always right, and costs one more walk over each run.
    if ends.count >= Self.limit { ends.removeAll() }
    ends.set(lower, upper)
  }

  /// A key was put into the database: the gap around it is now two.
  func fill(_ key: Key) {
    guard !ends.isEmpty, let (lower, end) = ends.floor(key), key < end else { return }
    if lower < key { ends.set(lower, key) } else { ends.remove(lower) }
    let next = Key(bytes: key.bytes + [0])
    if next < end, ends.count < Self.limit { ends.set(next, end) }
  }

  func forget() { ends.removeAll() }
}
