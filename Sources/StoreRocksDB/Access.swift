import Store

/// Read access at one snapshot, for one body.
final class SnapshotReader: Reader {
  /// From this many deleted keys on, the writer is asked to remember them for later reads.
  private static let manyDeleted: UInt64 = 500

  /// How far a body may go.
  enum Reach {
    case disk
    /// What is in memory, and not much of that: the body runs on a thread that others need.
    case memory
  }

  private struct Open {
    var database: Database
    var snapshot: Database.Snapshot
    var gaps: Gaps.View
  }

  /// Nil once the body is over, so that one who keeps the reader does not keep the database open.
  private var open: Open?
  private let counter: SkipCounter?
  private(set) var crowded: KeyRange?
  /// Rows that a body within memory may still walk over.
  private var rowsLeft: Int
  /// The body wanted more than its reach, so that whatever it made is void.
  private(set) var isCut = false

  /// - Parameter counter: that of this thread; nil within memory, where deleted keys are not counted but limited.
  init(_ database: Database, _ gaps: Gaps, _ counter: SkipCounter?, reach: Reach = .disk) {
    let sightings = gaps.sightings
    let snapshot = database.snapshot(reach)
    open = Open(database: database, snapshot: snapshot, gaps: gaps.view(since: sightings))
    self.counter = counter
    rowsLeft = reach == .memory ? Self.rowsWithinMemory : .max
  }
  /// A scan of so many takes about as long as handing the body to another thread.
  private static let rowsWithinMemory = 64

  func end() { open = nil }

  func get(_ key: Key) throws -> [UInt8]? {
    guard let open else { throw StoreError.closed }
    return try noticing { try open.database.get(key, open.snapshot) }
  }

  func scan(_ range: KeyRange, reverse: Bool, _ body: (Key, [UInt8]) throws -> Bool) throws {
    guard let open else { throw StoreError.closed }
    let range = reverse ? range : KeyRange(open.gaps.behind(range.lower), range.upper)
    guard !range.isEmpty else { return }
    let (iterator, skipped) = seek { open.database.iterator(range, reverse: reverse, open.snapshot) }
    if !reverse, skipped >= Self.manyDeleted, crowded == nil { crowded = range }
    while let key = try noticing({ try iterator.key() }) {
      guard rowsLeft > 0 else { throw cut() }
      rowsLeft -= 1
      guard try body(key, iterator.value()) else { return }
      iterator.advance()
    }
  }

  private func seek(_ body: () -> Iterator) -> (Iterator, skipped: UInt64) {
    guard let counter else { return (body(), 0) }
    return counter.count(body)
  }

  private func noticing<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch Database.ReadFailure.incomplete { throw cut() }
  }
  private func cut() -> any Error {
    isCut = true
    return Database.ReadFailure.incomplete
  }
}

/// Read and write access for one body: the pending writes over the database, which stands still until they are committed.
final class PendingTransaction: Transaction {
  /// Beyond this many entries a range is deleted as a range. Below it single deletions are cheaper for later reads.
  private static let rangeThreshold = 256
  /// What one transaction may write.
  private static let byteLimit = 64 << 20

  /// Nil once the body is over.
  private var database: Database?
  private let pending: Pending
  private let gaps: Gaps
  private let counter: SkipCounter
  private let start: Int

  init(_ database: Database, _ pending: Pending, _ gaps: Gaps, _ counter: SkipCounter) {
    self.database = database
    self.pending = pending
    self.gaps = gaps
    self.counter = counter
    start = pending.byteCount
  }

  func end() { database = nil }

  func get(_ key: Key) throws -> [UInt8]? {
    guard let database else { throw StoreError.closed }
    if let written = pending.rows[key] { return written }
    if pending.isCleared(key) { return nil }
    return try pending.stored(key, database)
  }

  func set(_ key: Key, _ value: [UInt8]) throws { try write(key, value) }
  func delete(_ key: Key) throws { try write(key, nil) }

  private func write(_ key: Key, _ value: [UInt8]?) throws {
    guard database != nil else { throw StoreError.closed }
    pending.set(key, value)
    if pending.byteCount - start > Self.byteLimit { throw StoreError.unavailable("a transaction writes more than 64 MB") }
  }

  func deleteAll(_ range: KeyRange) throws {
    guard !range.isEmpty else { return }
    var keys: [Key] = []
    try scan(range, reverse: false) { key, _ in
      keys.append(key)
      return keys.count <= Self.rangeThreshold
    }
    if keys.count > Self.rangeThreshold { pending.clear(range) } else { for key in keys { try delete(key) } }
  }

  func scan(_ range: KeyRange, reverse: Bool, _ body: (Key, [UInt8]) throws -> Bool) throws {
    guard let database else { throw StoreError.closed }
    guard !range.isEmpty else { return }
    let stored = try gaps.iterator(database, range, reverse: reverse, counter)
    var cursor = SortedCursor(range, reverse: reverse)
    var below = try stored?.key()
    while true {
      let above = cursor.peek(in: pending.rows)
      let fromStore = below.map { below in above.map { reverse ? $0.key < below : below < $0.key } ?? true } ?? false
      if fromStore, let key = below {
        cursor.pass(key, in: pending.rows)
        if !pending.isCleared(key), try !body(key, stored?.value() ?? []) { return }
      } else if let (key, value) = above {
        cursor.pass(key, in: pending.rows)
        if let value, try !body(key, value) { return }
        guard key == below else { continue }
      } else {
        return
      }
      stored?.advance()
      below = try stored?.key()
    }
  }
}
