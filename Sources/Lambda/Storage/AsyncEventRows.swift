import Base
import Fabric
import Store
import Synchronization

/// The rows of the asynchronous queue.
///
///   lambda async due    (due time, request id)  → AsyncEvent     waits for its time
///   lambda async taken  (request id)            → AsyncEvent     is being tried by a running server
///
/// An event is in exactly one of the two. What is `taken` when a server starts was left by one that did not finish.
struct AsyncEventRows: Sendable {
  private static let due = Key("lambda", "async", "due")
  private static let taken = Key("lambda", "async", "taken")
  /// Events moved in one transaction.
  private static let step = 500

  let store: any Store
  private let head = QueueHead(Self.due)

  func add(_ event: AsyncEvent, due: Instant) async throws {
    let row = event.row
    let key = Self.due.appending(due, event.requestID)
    try await store.transact { try $0.set(key, row) }
    head.noteAdded(key)
  }

  /// Takes what is due; also tells when the next event will be, nil when there is none.
  func take(upTo now: Instant, limit: Int) async throws -> (events: [AsyncEvent], next: Instant?) {
    let start = head.begin()
    let (events, next, seen) = try await store.transact { tx in
      var events: [AsyncEvent] = []
      var next: Instant?
      var seen = start
      let found = try tx.entries(KeyRange(start, Self.due.end), limit: limit + 1)
      for (key, row) in found {
        seen = key
        var reader = KeyReader(key, after: Self.due)
        let time = try reader.instant()
        guard time <= now, events.count < limit else { next = time; break }
        let event = try AsyncEvent(row: row)
        try tx.delete(key)
        try tx.set(Self.taken.appending(event.requestID), row)
        events.append(event)
      }
      return (events, next, seen)
    }
    head.end(at: seen)
    return (events, next)
  }

  /// Ends an event.
  /// - Parameter followers: events that came of it, kept in the same step.
  func complete(_ event: AsyncEvent, followedBy followers: [AsyncEvent] = []) async throws {
    let key = Self.taken.appending(event.requestID)
    let rows = followers.map { (Self.due.appending($0.acceptedAt, $0.requestID), $0.row) }
    try await store.transact { tx in
      try tx.delete(key)
      for (key, row) in rows { try tx.set(key, row) }
    }
    for (key, _) in rows { head.noteAdded(key) }
  }

  /// Nothing happens when the event was removed while it was tried.
  func putBack(_ event: AsyncEvent, due: Instant) async throws {
    let place = Self.due.appending(due, event.requestID)
    try await store.transact { tx in
      let key = Self.taken.appending(event.requestID)
      guard try tx.get(key) != nil else { return }
      try tx.delete(key)
      try tx.set(place, event.row)
    }
    head.noteAdded(place)
  }

  /// Removes what waits for functions of an account, and what of them is being tried.
  func removeAll(of account: AccountID) async throws {
    for prefix in [Self.due, Self.taken] {
      var rest: KeyRange? = KeyRange(prefix: prefix)
      while let range = rest {
        rest = try await store.transact { tx in
          let page = try tx.entries(range, limit: Self.step)
          for (key, row) in page where try AsyncEvent(row: row).function.account == account { try tx.delete(key) }
          return page.count == Self.step ? page.last.map { KeyRange($0.key.end, range.upper) } : nil
        }
      }
    }
  }

  /// How many wait and how many are being tried, each counted up to the limit or to 8 MB of events.
  func counts(limit: Int) async throws -> (due: Int, taken: Int) {
    try await store.read { reader in
      func count(_ prefix: Key) throws -> Int {
        var (count, bytes) = (0, 0)
        try reader.scan(KeyRange(prefix: prefix)) { _, row in
          count += 1
          bytes += row.count
          return count < limit && bytes < 8 << 20
        }
        return count
      }
      return (try count(Self.due), try count(Self.taken))
    }
  }

  /// Makes due again what an earlier server had taken and not settled.
  func recover(at now: Instant) async throws {
    var isMore = true
    while isMore {
      isMore = try await store.transact { tx in
        let left = try tx.entries(KeyRange(prefix: Self.taken), limit: Self.step)
        for (key, row) in left {
          let event = try AsyncEvent(row: row)
          try tx.delete(key)
          try tx.set(Self.due.appending(now, event.requestID), row)
        }
        return left.count == Self.step
      }
    }
    head.noteAdded(Self.due)
  }
}

/// Where the first row of a queue lies, or something before it. What is taken from a queue leaves marks of deletion in the store, and
/// to pass over a hundred thousand of them each time would cost more than the work itself. For one who takes at a time.
private final class QueueHead: Sendable {
  private struct State {
    var key: Key
    /// The first of the rows that were added since somebody began to look.
    var added: Key?
  }
  private let state: Mutex<State>

  init(_ prefix: Key) { state = Mutex(State(key: prefix)) }

  /// Where to look; called before the transaction that does.
  func begin() -> Key {
    state.withLock { state in
      state.added = nil
      return state.key
    }
  }

  /// A row has been written, and may be read now.
  func noteAdded(_ key: Key) {
    state.withLock { state in
      state.added = min(state.added ?? key, key)
      state.key = min(state.key, key)
    }
  }

  /// There was nothing before this when it was looked for.
  func end(at key: Key) { state.withLock { $0.key = min(key, $0.added ?? key) } }
}
