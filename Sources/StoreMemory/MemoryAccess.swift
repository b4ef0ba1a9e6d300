import Base
import Store

/// The map itself. It lives on the store's thread and is never seen elsewhere.
final class MemoryMap {
  var rows = SortedMap<[UInt8]>()
}

class MemoryReader: Reader {
  fileprivate let map: MemoryMap
  private var isOver = false

  init(_ map: MemoryMap) { self.map = map }

  /// From here on the access is refused: it must not be kept beyond the body.
  func end() { isOver = true }

  fileprivate func check() throws {
    if isOver { throw StoreError.closed }
  }

  func get(_ key: Key) throws -> [UInt8]? {
    try check()
    return map.rows[key]
  }

  func scan(_ range: KeyRange, reverse: Bool, _ body: (Key, [UInt8]) throws -> Bool) throws {
    try check()
    var cursor = SortedCursor(range, reverse: reverse)
    while let (key, value) = cursor.next(in: map.rows) {
      guard try body(key, value) else { return }
    }
  }
}

/// Writes go straight into the map; the undo log puts back what a body that throws has changed.
final class MemoryTransaction: MemoryReader, Transaction {
  private var changes: [(key: Key, old: [UInt8]?)] = []

  var changedKeys: some Sequence<Key> { changes.lazy.map(\.key) }

  func set(_ key: Key, _ value: [UInt8]) throws {
    try check()
    changes.append((key, map.rows.set(key, value)))
  }

  func delete(_ key: Key) throws {
    try check()
    if let old = map.rows.remove(key) { changes.append((key, old)) }
  }

  func deleteAll(_ range: KeyRange) throws {
    var keys: [Key] = []
    try scan(range, reverse: false) { key, _ in
      keys.append(key)
      return true
    }
    for key in keys { try delete(key) }
  }

  func undo() {
    for (key, old) in changes.reversed() {
      if let old { map.rows.set(key, old) } else { map.rows.remove(key) }
    }
    changes = []
  }
}
