import Store

/// What the bodies of the current commit have written so far: the part of the state that is not in the database yet.
///
/// Each key stands here once however often it was written, so a message that is sent and deleted within one commit costs
/// the disk a deletion only. The undo log takes one body's writes back without touching those of the bodies before it.
final class Pending {
  /// Nil is a deletion.
  private(set) var rows = SortedMap<[UInt8]?>()
  /// Ranges that are empty but for `rows`.
  private(set) var cleared: [KeyRange] = []
  private(set) var byteCount = 0
  private var hot = HotRows()
  private var undoLog: [(key: Key, old: [UInt8]??)] = []
  private var clearedBefore = 0
  private var bytesBefore = 0

  var isEmpty: Bool { rows.isEmpty && cleared.isEmpty }

  /// Starts a body: what it writes can be taken back with `undo`.
  func begin() {
    undoLog.removeAll(keepingCapacity: true)
    clearedBefore = cleared.count
    bytesBefore = byteCount
  }

  func undo() {
    for (key, old) in undoLog.reversed() {
      if let old { rows.set(key, old) } else { rows.remove(key) }
    }
    cleared.removeSubrange(clearedBefore...)
    byteCount = bytesBefore
    undoLog.removeAll(keepingCapacity: true)
  }

  func set(_ key: Key, _ value: [UInt8]?) {
    undoLog.append((key, rows.set(key, value)))
    byteCount += key.bytes.count + (value?.count ?? 0) + 16
  }

  /// Empties a range in one step, whatever the database holds in it.
  func clear(_ range: KeyRange) {
    var covered: [Key] = []
    var cursor = SortedCursor(range, reverse: false)
    while let (key, _) = cursor.next(in: rows) { covered.append(key) }
    for key in covered { undoLog.append((key, rows.remove(key))) }
    cleared.append(range)
  }

  func isCleared(_ key: Key) -> Bool { cleared.contains { $0.contains(key) } }

  func fill(_ batch: WriteBatch) {
    for range in cleared { batch.delete(range) }
    forEach { key, value in
      if let value { batch.put(key, value) } else { batch.delete(key) }
    }
  }

  /// The row beneath what is pending.
  func stored(_ key: Key, _ database: Database) throws -> [UInt8]? {
    if let row = hot.find(key) { return row }
    let row = try database.get(key)
    if let row { hot.keep(key, row) }
    return row
  }

  /// What is pending is in the database now.
  func settle() {
    if !cleared.isEmpty { hot.forget() }
    forEach { key, row in hot.follow(key, row) }
  }

  /// What is pending may be in the database or not.
  func doubt() { hot.forget() }

  var keys: [Key] {
    var keys: [Key] = []
    forEach { key, _ in keys.append(key) }
    return keys
  }
  var putKeys: [Key] {
    var keys: [Key] = []
    forEach { key, value in if value != nil { keys.append(key) } }
    return keys
  }

  private func forEach(_ body: (Key, [UInt8]?) -> Void) {
    var cursor = SortedCursor(KeyRange(prefix: Key()), reverse: false)
    while let (key, value) = cursor.next(in: rows) { body(key, value) }
  }

  func reset() {
    rows.removeAll()
    cleared = []
    byteCount = 0
    begin()
  }
}
