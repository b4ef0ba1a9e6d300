import CRocksDB
import Store
import Synchronization

/// Where the database is known to hold nothing but deleted keys.
///
/// A queue is read at its head and deleted there, and RocksDB steps over each deleted key again and again until it has
/// compacted them away: reading the head of a queue of 200,000 would become quadratic. The writer's thread makes all
/// changes, so it can remember the runs that it has already stepped over, and everybody begins behind them.
final class Gaps: Sendable {
  /// A run is worth remembering from this many deleted keys on.
  private static let worthwhile: UInt64 = 16
  private static let limit = 1024

  struct Gap {
    /// The first key behind it.
    var end: Key
    /// When the gap was last seen to be one, as a count of such sightings.
    var noted: UInt64
  }

  private struct State {
    /// Disjoint, by their first keys.
    var table = SortedMap<Gap>()
    var sightings: UInt64 = 0
  }
  private let state = Mutex(State())

  /// The gaps that hold for one snapshot.
  struct View {
    fileprivate let table: SortedMap<Gap>
    fileprivate let latest: UInt64

    func behind(_ key: Key) -> Key {
      guard let (_, gap) = table.floor(key), gap.noted <= latest, key < gap.end else { return key }
      return gap.end
    }
  }

  /// The gaps of a snapshot that was made after `sightings` was read. A gap that had been seen by then, and that is still
  /// there now, was there all the time between, for `fill` runs before the write that it announces.
  func view(since sightings: UInt64) -> View { state.withLock { View(table: $0.table, latest: sightings) } }
  var sightings: UInt64 { state.withLock { $0.sightings } }

  /// For the writer: an iterator over the range, placed behind the known gap at its beginning. Nil when the gap covers
  /// the range.
  func iterator(_ database: Database, _ range: KeyRange, reverse: Bool, _ counter: SkipCounter) throws -> Iterator? {
    if reverse { return database.iterator(range, reverse: true) }
    let lower = view(since: .max).behind(range.lower)
    guard lower < range.upper else { return nil }
    let (iterator, skipped) = counter.count { database.iterator(KeyRange(lower, range.upper), reverse: false) }
    if skipped >= Self.worthwhile {
      let upper = try iterator.key() ?? range.upper
      state.withLock { Self.note(KeyRange(lower, upper), &$0) }
    }
    return iterator
  }

  /// Joins the range with the gaps that it touches.
  private static func note(_ range: KeyRange, _ state: inout State) {
    var (lower, upper) = (range.lower, range.upper)
    if let (before, gap) = state.table.floor(lower), !(gap.end < lower) { (lower, upper) = (before, max(upper, gap.end)) }
    var covered: [Key] = []
    var cursor = SortedCursor(KeyRange(lower, upper), reverse: false)
    while let (key, gap) = cursor.next(in: state.table) {
      covered.append(key)
      upper = max(upper, gap.end)
    }
    for key in covered { state.table.remove(key) }
    // Forgetting is always right, and costs one more walk over each run.
    if state.table.count >= limit { state.table.removeAll() }
    state.sightings += 1
    state.table.set(lower, Gap(end: upper, noted: state.sightings))
  }

  /// Before keys are put into the database: each gap around one of them is cut in two.
  func fill(_ keys: [Key]) {
    state.withLock { state in for key in keys { Self.fill(key, &state.table) } }
  }

  var isEmpty: Bool { state.withLock { $0.table.isEmpty } }

  private static func fill(_ key: Key, _ table: inout SortedMap<Gap>) {
    guard let (lower, gap) = table.floor(key), key < gap.end else { return }
    if lower < key { table.set(lower, Gap(end: key, noted: gap.noted)) } else { table.remove(lower) }
    let next = Key(bytes: key.bytes + [0])
    if next < gap.end, table.count < limit { table.set(next, gap) }
  }

  func forget() { state.withLock { $0.table.removeAll() } }
}

/// How many deleted keys RocksDB steps over on this thread.
final class SkipCounter {
  private let counters: OpaquePointer

  /// To be made on the thread that uses it: the counters are those of the thread.
  init() { counters = rocksdb_perfcontext_create() }
  deinit { rocksdb_perfcontext_destroy(counters) }

  func count<T>(_ body: () throws -> T) rethrows -> (value: T, skipped: UInt64) {
    // Counting costs something on each step, so it is on only where it matters.
    rocksdb_set_perf_level(Int32(rocksdb_enable_count))
    defer { rocksdb_set_perf_level(Int32(rocksdb_disable)) }
    let before = skipped
    let value = try body()
    return (value, skipped - before)
  }

  private var skipped: UInt64 { rocksdb_perfcontext_metric(counters, Int32(rocksdb_internal_delete_skipped_count)) }
}
