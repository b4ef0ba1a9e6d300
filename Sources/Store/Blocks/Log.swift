import Base

/// Entries in the order in which they were appended, each with a number and a time: a shard of a stream, a history.
///
/// Numbers go up by one from 0 and are never used again, also not after a trim. Times of what is kept never go back. Appending touches
/// two rows: give each shard a log of its own, below a prefix of its own, so that writers of different shards do not meet.
///
/// Keys: (prefix, "h") → head: the numbers that are kept and the time of the last; (prefix, "e", number of its last entry) → chunk:
/// what was appended together. So whoever reads from a number on finds its chunk as the first at or behind it.
public struct Log: Sendable {
  /// Bytes of entries after which a chunk is closed.
  static let chunkBytes = 64 << 10

  public struct Entry: Sendable, Equatable {
    public var number: Int64
    /// When it was appended; not before the entry in front of it.
    public var time: Instant
    public var bytes: [UInt8]
    public init(number: Int64, time: Instant, bytes: [UInt8]) { (self.number, self.time, self.bytes) = (number, time, bytes) }
  }

  /// What a log holds: the numbers from `first` up to, but not with, `next`.
  public struct Extent: Sendable, Equatable {
    public var first: Int64
    public var next: Int64
    /// The time of the last entry that was ever appended.
    public var lastTime: Instant
    public var isEmpty: Bool { first >= next }
    public init(first: Int64 = 0, next: Int64 = 0, lastTime: Instant = .epoch) {
      (self.first, self.next, self.lastTime) = (first, next, lastTime)
    }
  }

  public struct Page: Sendable, Equatable {
    public var entries: [Entry]
    /// Where to read on.
    public var next: Int64
    /// Nothing was kept behind the page when it was read.
    public var isAtEnd: Bool
  }

  private let head: Key
  private let chunks: Key

  public init(_ prefix: Key) { (head, chunks) = (prefix.appending("h"), prefix.appending("e")) }

  /// Watch this to hear of what is appended.
  public var watchPrefix: Key { chunks }

  public func extent(_ reader: any Reader) throws -> Extent {
    guard let bytes = try reader.get(head) else { return Extent() }
    var row = try RowReader(bytes)
    return Extent(first: try row.int64(), next: try row.int64(), lastTime: try row.instant())
  }

  /// Appends the items, which become readable together.
  /// - Returns: their numbers, and the time that they got: `now`, or that of the last entry that is kept where the clock has gone back.
  @discardableResult
  public func append(_ items: [[UInt8]], at now: Instant, _ transaction: any Transaction) throws -> (
    numbers: Range<Int64>, time: Instant
  ) {
    var extent = try extent(transaction)
    let (first, time) = (extent.next, extent.isEmpty ? now : max(now, extent.lastTime))
    guard !items.isEmpty else { return (first..<first, time) }
    var begin = 0, bytes = 0
    for (place, item) in items.enumerated() {
      bytes += item.count
      guard bytes >= Self.chunkBytes || place == items.count - 1 else { continue }
      try transaction.set(chunk(endingWith: first + Int64(place)), Chunk.row(items[begin...place], time))
      (begin, bytes) = (place + 1, 0)
    }
    (extent.next, extent.lastTime) = (first + Int64(items.count), time)
    try save(extent, transaction)
    return (first..<extent.next, time)
  }

  /// Entries from a number on, or from the oldest that is kept when that is later.
  /// - Parameters:
  ///   - limit: entries at most.
  ///   - bytes: of entries together at most, except that the first is given whatever its size.
  ///   - horizon: what is older is passed over, whether it has been trimmed yet or not.
  public func read(from number: Int64, limit: Int, bytes: Int, since horizon: Instant? = nil, _ reader: any Reader) throws -> Page {
    let extent = try extent(reader)
    var start = max(number, extent.first)
    if let horizon { start = try max(start, self.number(since: horizon, notBefore: start, extent, reader)) }
    var page = Page(entries: [], next: start, isAtEnd: true)
    guard start < extent.next else { return page }
    guard limit > 0 else {
      page.isAtEnd = false
      return page
    }
    var size = 0
    try reader.scan(KeyRange(chunk(endingWith: start), chunks.end)) { key, row in
      let last = try lastNumber(key)
      for entry in try Chunk(row, last: last).entries(from: start) {
        guard page.entries.count < limit, page.entries.isEmpty || size + entry.bytes.count <= bytes else { return false }
        page.entries.append(entry)
        size += entry.bytes.count
      }
      return page.entries.count < limit
    }
    page.next = page.entries.last.map { $0.number + 1 } ?? start
    page.isAtEnd = page.next >= extent.next
    return page
  }

  /// The number of the first entry of that time or later; the next number when there is none.
  public func number(since time: Instant, _ reader: any Reader) throws -> Int64 {
    let extent = try extent(reader)
    return try number(since: time, notBefore: extent.first, extent, reader)
  }

  /// The time of the entry, or of the first that is kept behind it. Nil when there is none.
  public func time(of number: Int64, _ reader: any Reader) throws -> Instant? {
    try probe(max(number, extent(reader).first), reader)?.time
  }

  /// Chunks are found by halving: a log may hold a year of records.
  private func number(since time: Instant, notBefore start: Int64, _ extent: Extent, _ reader: any Reader) throws -> Int64 {
    var (low, high) = (start, extent.next)
    guard low < high, extent.lastTime >= time else { return max(start, extent.next) }
    // Most readers are within what is kept.
    if let first = try probe(low, reader), first.time >= time { return low }
    while low < high {
      let middle = low + (high - low) / 2
      guard let found = try probe(middle, reader) else { throw StoreError.corrupt("log without its last entry") }
      if found.time >= time { high = max(low, min(middle, found.first)) } else { low = found.last + 1 }
    }
    return low
  }

  private func probe(_ number: Int64, _ reader: any Reader) throws -> Chunk.Facts? {
    guard let (key, row) = try reader.first(KeyRange(chunk(endingWith: number), chunks.end)) else { return nil }
    return try Chunk.Facts(row, last: lastNumber(key))
  }

  /// Removes what is older than the horizon, in one step however much it is.
  /// - Returns: how many entries went.
  @discardableResult
  public func trim(before horizon: Instant, _ transaction: any Transaction) throws -> Int64 {
    var extent = try extent(transaction)
    let old = extent.first
    extent.first = try number(since: horizon, notBefore: old, extent, transaction)
    guard extent.first > old else { return 0 }
    // All entries of a chunk have one time, so chunks go as a whole.
    try transaction.deleteAll(KeyRange(chunks, chunk(endingWith: extent.first)))
    try save(extent, transaction)
    return extent.first - old
  }

  /// Removes what is before a number: entries that are done.
  public func remove(before number: Int64, _ transaction: any Transaction) throws {
    var extent = try extent(transaction)
    guard number > extent.first else { return }
    extent.first = min(number, extent.next)
    // A chunk of which a part is still wanted stays as it is.
    try transaction.deleteAll(KeyRange(chunks, chunk(endingWith: extent.first)))
    try save(extent, transaction)
  }

  /// Removes the log, its numbers too.
  public func removeAll(_ transaction: any Transaction) throws {
    try transaction.deleteAll(KeyRange(prefix: chunks))
    try transaction.delete(head)
  }

  private func save(_ extent: Extent, _ transaction: any Transaction) throws {
    var row = RowWriter(capacity: 24)
    row.int(extent.first)
    row.int(extent.next)
    row.instant(extent.lastTime)
    try transaction.set(head, row.bytes)
  }

  private func chunk(endingWith number: Int64) -> Key { chunks.appending(number) }
  private func lastNumber(_ key: Key) throws -> Int64 {
    var reader = KeyReader(key, after: chunks)
    return try reader.int()
  }
}

/// Entries that were appended together, as one row: their time, how many, and their bytes.
private struct Chunk {
  struct Facts {
    var time: Instant
    var first: Int64
    var last: Int64
    init(_ row: [UInt8], last: Int64) throws {
      var reader = try RowReader(row)
      time = try reader.instant()
      (first, self.last) = (last - Int64(clamping: try reader.varint()) + 1, last)
    }
  }

  private var reader: RowReader
  private let time: Instant
  private let numbers: ClosedRange<Int64>

  init(_ row: [UInt8], last: Int64) throws {
    reader = try RowReader(row)
    time = try reader.instant()
    let count = try reader.varint()
    guard count > 0, count <= UInt64(row.count) else { throw StoreError.corrupt("chunk of a log") }
    numbers = (last - Int64(count) + 1)...last
  }

  consuming func entries(from start: Int64) throws -> [Log.Entry] {
    var out: [Log.Entry] = []
    for number in numbers {
      let bytes = try reader.blob()
      if number >= start { out.append(Log.Entry(number: number, time: time, bytes: bytes)) }
    }
    return out
  }

  static func row(_ items: ArraySlice<[UInt8]>, _ time: Instant) -> [UInt8] {
    var row = RowWriter(capacity: items.reduce(24) { $0 + $1.count + 4 })
    row.instant(time)
    row.varint(UInt64(items.count))
    for item in items { row.blob(item) }
    return row.bytes
  }
}
