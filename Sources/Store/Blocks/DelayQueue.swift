import Base

/// Items by the time at which they become due, one per id: retries, timers, messages, schedules.
///
/// `lease` moves an item to a later time and counts the attempt, in one transaction: if the process dies while it
/// works on the item, the item becomes due again by itself. Items that are due at the same time come in the order in
/// which they were added or moved there.
///
/// Keys: (prefix, "d", due, sequence) → id, attempts, item; (prefix, "i", id) → due, sequence;
/// (prefix, "n") and (prefix, "s") → how many there are, and the last sequence.
public struct DelayQueue: Sendable {
  public struct Entry: Sendable, Equatable {
    public var id: String
    public var due: Instant
    /// How often the item was leased, this lease included.
    public var attempts: Int
    public var item: [UInt8]

    public init(id: String, due: Instant, attempts: Int, item: [UInt8]) {
      (self.id, self.due, self.attempts, self.item) = (id, due, attempts, item)
    }
  }

  private struct Place {
    var due: Instant
    var sequence: Int64
  }

  public let prefix: Key
  private let byDue: Key
  private let byID: Key
  private let total: Counter
  private let sequence: Counter

  public init(_ prefix: Key) {
    self.prefix = prefix
    byDue = prefix.appending("d")
    byID = prefix.appending("i")
    total = Counter(prefix.appending("n"))
    sequence = Counter(prefix.appending("s"))
  }

  /// What to watch, to hear of items that come, move and go.
  public var watchPrefix: Key { byDue }

  /// Adds the item. False, and nothing is changed, when the id is already there.
  @discardableResult
  public func add(item: [UInt8], id: String, due: Instant, _ transaction: any Transaction) throws -> Bool {
    guard try place(id, transaction) == nil else { return false }
    try save(Entry(id: id, due: due, attempts: 0, item: item), transaction)
    try total.add(1, transaction)
    return true
  }

  /// Up to `limit` items that are due, the earliest first. They stay as they are.
  public func due(upTo now: Instant, limit: Int, _ reader: any Reader) throws -> [Entry] {
    try places(upTo: now, limit: limit, reader).map(\.entry)
  }

  /// Takes up to `limit` due items for work until `until`, and counts the attempt. An item that is neither completed nor
  /// rescheduled by then is due again. The entries carry their new due time.
  public func lease(upTo now: Instant, limit: Int, until: Instant, _ transaction: any Transaction) throws -> [Entry] {
    try places(upTo: now, limit: limit, transaction).map { key, entry in
      try transaction.delete(key)
      var leased = entry
      leased.due = until
      leased.attempts += 1
      try save(leased, transaction)
      return leased
    }
  }

  public func get(_ id: String, _ reader: any Reader) throws -> Entry? {
    guard let place = try place(id, reader) else { return nil }
    guard let bytes = try reader.get(key(place)) else { throw StoreError.corrupt("delay queue: \(id) has no item") }
    return try Self.decode(bytes, due: place.due)
  }

  /// Removes the item. False when it is not there.
  ///
  /// With `attempt`, only if that lease is still the latest one: a worker that was too slow must not end another's work.
  @discardableResult
  public func complete(_ id: String, attempt: Int? = nil, _ transaction: any Transaction) throws -> Bool {
    guard let place = try place(id, transaction) else { return false }
    if let attempt, try get(id, transaction)?.attempts != attempt { return false }
    try transaction.delete(key(place))
    try transaction.delete(byID.appending(id))
    try total.add(-1, transaction)
    return true
  }

  /// Moves the item to another time, and replaces its bytes if new ones are given. False when it is not there, or when
  /// `attempt` is given and another lease has been granted since.
  @discardableResult
  public func reschedule(
    _ id: String, due: Instant, item: [UInt8]? = nil, attempt: Int? = nil, _ transaction: any Transaction
  ) throws -> Bool {
    guard let place = try place(id, transaction), var entry = try get(id, transaction) else { return false }
    if let attempt, entry.attempts != attempt { return false }
    try transaction.delete(key(place))
    entry.due = due
    if let item { entry.item = item }
    try save(entry, transaction)
    return true
  }

  /// When the next item is due, leased ones included. Nil when there is none.
  public func nextDue(_ reader: any Reader) throws -> Instant? {
    guard let (key, _) = try reader.first(KeyRange(prefix: byDue)) else { return nil }
    var parts = KeyReader(key, after: byDue)
    return try parts.instant()
  }

  /// How many items there are, due or not.
  public func count(_ reader: any Reader) throws -> Int { Int(try total.value(reader)) }

  public func deleteAll(_ transaction: any Transaction) throws {
    try transaction.deleteAll(KeyRange(prefix: byDue))
    try transaction.deleteAll(KeyRange(prefix: byID))
    try transaction.delete(total.key)
  }

  private func key(_ place: Place) -> Key { byDue.appending(place.due, place.sequence) }

  private func places(upTo now: Instant, limit: Int, _ reader: any Reader) throws -> [(key: Key, entry: Entry)] {
    let range = KeyRange(byDue, byDue.appending(Instant(milliseconds: now.milliseconds + 1)))
    return try reader.entries(range, limit: limit).map { key, value in
      var parts = KeyReader(key, after: byDue)
      return (key, try Self.decode(value, due: try parts.instant()))
    }
  }

  private func place(_ id: String, _ reader: any Reader) throws -> Place? {
    guard let bytes = try reader.get(byID.appending(id)) else { return nil }
    var row = try RowReader(bytes)
    return Place(due: try row.instant(), sequence: try row.int64())
  }

  private func save(_ entry: Entry, _ transaction: any Transaction) throws {
    let place = Place(due: entry.due, sequence: try sequence.next(transaction))
    var row = RowWriter(capacity: entry.item.count + 64)
    row.string(entry.id)
    row.int(entry.attempts)
    row.blob(entry.item)
    try transaction.set(key(place), row.bytes)
    var index = RowWriter(capacity: 24)
    index.instant(place.due)
    index.int(place.sequence)
    try transaction.set(byID.appending(entry.id), index.bytes)
  }

  private static func decode(_ bytes: [UInt8], due: Instant) throws -> Entry {
    var row = try RowReader(bytes)
    return Entry(id: try row.string(), due: due, attempts: try row.int(), item: try row.blob())
  }
}
