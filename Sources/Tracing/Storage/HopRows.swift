import Base
import Fabric
import Store

/// The rows of what happened.
///
///   segment   "s" number        → HopSegment   in the order in which they were written
///   marks     "m" number        → marks        of the traces of a segment: finds the few segments that hold hops of one
///   number    "n"               → the last number
///   bytes     "t"               → of all segments and their names
enum HopRows {
  private static let root = Key("trace")
  private static let segments = root.appending("s")
  private static let marks = root.appending("m")
  private static let numbers = Counter(root.appending("n"))
  private static let bytes = Counter(root.appending("t"))
  static func add(_ hops: [Hop], _ transaction: any Transaction) throws {
    var rest = hops[...]
    while !rest.isEmpty {
      let segment = HopSegment(Array(rest.prefix(TracingLimits.segment)))
      rest = rest.dropFirst(TracingLimits.segment)
      let number = try numbers.next(transaction)
      try bytes.add(try set(segment, number, transaction), transaction)
    }
  }

  /// Returns the bytes of its rows.
  private static func set(_ segment: HopSegment, _ number: Int64, _ transaction: any Transaction) throws -> Int64 {
    let (row, traces) = (segment.row, segment.marks)
    try transaction.set(segments.appending(number), row)
    try transaction.set(marks.appending(number), traces)
    return Int64(row.count + traces.count)
  }

  /// Removes the oldest segments while they are too old or all together too large. True when there may be more to remove.
  static func trim(before horizon: Instant, size: Int, _ transaction: any Transaction) throws -> Bool {
    for _ in 0..<TracingLimits.trimStep {
      guard let (key, row) = try transaction.first(KeyRange(prefix: segments)) else { return false }
      guard try bytes.value(transaction) > Int64(size) || HopSegment.newest(ofRow: row) < horizon else { return false }
      try replace(key, row, with: [], transaction)
    }
    return true
  }

  /// The hops of a trace in the order in which they were written.
  static func hops(ofTrace trace: String, limit: Int, _ reader: any Reader) throws -> [Hop] {
    let mark = HopSegment.mark(trace)
    var hops: [Hop] = []
    var numbers: [Int64] = []
    try reader.scan(KeyRange(prefix: marks)) { key, row in
      if HopSegment.marks(row, contain: mark) {
        var parts = KeyReader(key, after: marks)
        numbers.append(try parts.int())
      }
      return numbers.count < limit
    }
    for number in numbers where hops.count < limit {
      guard let row = try reader.get(segments.appending(number)) else { continue }
      hops += try HopSegment(row: row).hops.filter { $0.trace == trace }
    }
    return Array(hops.prefix(limit))
  }

  /// Calls the body with each hop, the newest first, until it returns false.
  static func newestFirst(_ reader: any Reader, _ body: (Hop) throws -> Bool) throws {
    try reader.scan(KeyRange(prefix: segments), reverse: true) { _, row in
      for hop in try HopSegment(row: row).hops.reversed() where try !body(hop) { return false }
      return true
    }
  }

  /// Removes the hops of an account from some segments of the range. Returns what is left to look at.
  static func remove(of account: AccountID, in range: KeyRange?, limit: Int, _ transaction: any Transaction) throws -> KeyRange? {
    let range = range ?? KeyRange(prefix: segments)
    let page = try transaction.entries(range, limit: limit)
    for (key, row) in page {
      let hops = try HopSegment(row: row).hops
      let kept = hops.filter { $0.account != account }
      if kept.count < hops.count { try replace(key, row, with: kept, transaction) }
    }
    return page.count == limit ? page.last.map { KeyRange(Key(bytes: $0.key.bytes + [0]), range.upper) } : nil
  }

  private static func replace(_ key: Key, _ row: [UInt8], with kept: [Hop], _ transaction: any Transaction) throws {
    var parts = KeyReader(key, after: segments)
    let number = try parts.int()
    var change = -Int64(row.count + (try transaction.get(marks.appending(number))?.count ?? 0))
    if kept.isEmpty {
      try transaction.delete(key)
      try transaction.delete(marks.appending(number))
    } else {
      change += try set(HopSegment(kept), number, transaction)
    }
    try bytes.add(change, transaction)
  }
}
