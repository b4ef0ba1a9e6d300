import Store

/// Small rows that transactions read again and again (a queue, its tally, a function), as the database holds them.
///
/// The writer's thread makes all changes, so what it has read stays true until it commits something else. Half of the rows
/// are young, half old: a row that is used becomes young, and when the young are too many the old are dropped.
struct HotRows {
  private static let half = 256
  private static let largestRow = 1024

  private var young: [Key: [UInt8]] = [:]
  private var old: [Key: [UInt8]] = [:]

  mutating func find(_ key: Key) -> [UInt8]? {
    if let row = young[key] { return row }
    guard let row = old[key] else { return nil }
    keep(key, row)
    return row
  }

  mutating func keep(_ key: Key, _ row: [UInt8]) {
    guard row.count <= Self.largestRow else { return }
    if young.count >= Self.half {
      swap(&young, &old)
      young.removeAll(keepingCapacity: true)
    }
    young[key] = row
  }

  /// After a commit: rows that are here follow it, others are not taken in.
  mutating func follow(_ key: Key, _ row: [UInt8]?) {
    if let place = young.index(forKey: key) {
      if let row, row.count <= Self.largestRow { young.values[place] = row } else { young.remove(at: place) }
      old[key] = nil
    } else if old[key] != nil {
      old[key] = row
    }
  }

  mutating func forget() { (young, old) = ([:], [:]) }
}
