import Base
import Fabric
import Store
import Synchronization

/// The rows of the asynchronous queue.
///
///   lambda async due    (due time, request id)            → AsyncEvent     waits for its time
///   lambda async queued (function, due time, request id)  → AsyncEvent     is due; waits for others of its function
///   lambda async taken  (request id)                      → AsyncEvent     is being tried by a running server
///
/// An event is in exactly one of the three. What is `taken` when a server starts was left by one that did not finish.
struct AsyncEventRows: Sendable {
  private static let due = Key("lambda", "async", "due")
  private static let queued = Key("lambda", "async", "queued")
  private static let taken = Key("lambda", "async", "taken")
  /// Events moved in one transaction.
  private static let step = 500

  let store: any Store
  private let head = QueueHead(Self.due)
  private let lines = FunctionLines()

  private static func line(_ function: FunctionID) -> Key { queued.appending(function.account, function.region, function.name) }

  func add(_ event: AsyncEvent, due: Instant) async throws {
    let row = event.row
    let key = Self.due.appending(due, event.requestID)
    try await store.transact { try $0.set(key, row) }
    head.noteAdded(key)
  }

  /// Takes what is due; also tells when the next event will be, nil when there is none. What has no seat is put into the line of its
  /// function, where `takeQueued` finds it.
  func take(upTo now: Instant, limit: Int, seats: AsyncSeats = AsyncSeats()) async throws -> (events: [AsyncEvent], next: Instant?) {
    let start = head.begin()
    let standing = Set(queued)
    let (events, lined, next, seen) = try await store.transact { tx in
      var (events, lined): ([AsyncEvent], [(FunctionID, Key)]) = ([], [])
      var seats = seats
      var next: Instant?
      var seen = start
      let found = try tx.entries(KeyRange(start, Self.due.end), limit: limit + 1)
      for (key, row) in found {
        seen = key
        var reader = KeyReader(key, after: Self.due)
        let time = try reader.instant()
        guard time <= now, events.count + lined.count < limit else { next = time; break }
        let event = try AsyncEvent(row: row)
        try tx.delete(key)
        guard seats.room(of: event.function) > 0, !standing.contains(event.function) else {
          let place = Self.line(event.function).appending(time, event.requestID)
          try tx.set(place, row)
          lined.append((event.function, place))
          continue
        }
        seats.enter(event.function)
        try tx.set(Self.taken.appending(event.requestID), row)
        events.append(event)
      }
      return (events, lined, next, seen)
    }
    head.end(at: seen)
    for (function, key) in lined { lines.noteAdded(key, of: function, in: Self.line(function)) }
    return (events, next)
  }

  /// Functions of which events stand in line.
  var queued: [FunctionID] { lines.functions }

  /// Takes the next from the line of a function.
  func takeQueued(of function: FunctionID, limit: Int) async throws -> [AsyncEvent] {
    let line = Self.line(function)
    let start = lines.begin(function) ?? line
    let events = try await store.transact { tx in
      try tx.entries(KeyRange(start, line.end), limit: limit).map { key, row in
        let event = try AsyncEvent(row: row)
        try tx.delete(key)
        try tx.set(Self.taken.appending(event.requestID), row)
        return (key: key, event: event)
      }
    }
    lines.end(function, at: events.count < limit ? nil : events.last?.key)
    return events.map(\.event)
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
    for prefix in [Self.due, Self.queued, Self.taken] {
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
      return (try min(limit, count(Self.due) + count(Self.queued)), try count(Self.taken))
    }
  }

  /// Makes due again what an earlier server had taken and not settled, or had put in line.
  func recover(at now: Instant) async throws {
    for prefix in [Self.taken, Self.queued] {
      var isMore = true
      while isMore {
        isMore = try await store.transact { tx in
          let left = try tx.entries(KeyRange(prefix: prefix), limit: Self.step)
          for (key, row) in left {
            let event = try AsyncEvent(row: row)
            try tx.delete(key)
            try tx.set(Self.due.appending(now, event.requestID), row)
          }
          return left.count == Self.step
        }
      }
    }
    head.noteAdded(Self.due)
  }
}

/// The functions of which events stand in line, and where each line begins. For one who takes at a time.
private final class FunctionLines: Sendable {
  private let heads = Mutex<[FunctionID: QueueHead]>([:])

  var functions: [FunctionID] { heads.withLock { Array($0.keys) } }
  func begin(_ function: FunctionID) -> Key? { heads.withLock { $0[function] }?.begin() }
  func noteAdded(_ key: Key, of function: FunctionID, in line: Key) {
    heads.withLock { heads in
      let head = heads[function] ?? QueueHead(line.end)
      heads[function] = head
      return head
    }.noteAdded(key)
  }
  /// - Parameter key: of the last that was taken; nil when the line has come to its end.
  func end(_ function: FunctionID, at key: Key?) {
    heads.withLock { heads in if let key { heads[function]?.end(at: key) } else { heads[function] = nil } }
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
