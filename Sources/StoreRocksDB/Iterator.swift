import CRocksDB
import Store

/// Walks a range of the database as it was when the iterator was made.
final class Iterator {
  private let handle: OpaquePointer
  private let options: OpaquePointer
  private let reverse: Bool
  /// RocksDB keeps pointers to the bounds, so they live as long as the iterator.
  private let bounds: UnsafeMutablePointer<CChar>

  init(_ database: OpaquePointer, _ range: KeyRange, reverse: Bool, snapshot: Database.Snapshot?) {
    let (lower, upper) = (range.lower.bytes, range.upper.bytes)
    self.reverse = reverse
    bounds = .allocate(capacity: max(1, lower.count + upper.count))
    options = rocksdb_readoptions_create()
    for (n, byte) in lower.enumerated() { bounds[n] = CChar(bitPattern: byte) }
    for (n, byte) in upper.enumerated() { bounds[lower.count + n] = CChar(bitPattern: byte) }
    // The bounds keep the walk from stepping through deleted keys beyond the range.
    if !lower.isEmpty { rocksdb_readoptions_set_iterate_lower_bound(options, bounds, lower.count) }
    rocksdb_readoptions_set_iterate_upper_bound(options, bounds + lower.count, upper.count)
    snapshot?.apply(to: options)
    handle = rocksdb_create_iterator(database, options)
    if reverse { rocksdb_iter_seek_to_last(handle) } else { rocksdb_iter_seek(handle, bounds, lower.count) }
  }

  deinit {
    rocksdb_iter_destroy(handle)
    rocksdb_readoptions_destroy(options)
    bounds.deallocate()
  }

  /// The key at which the iterator stands. Nil at the end.
  func key() throws -> Key? {
    guard rocksdb_iter_valid(handle) != 0 else {
      try checked { rocksdb_iter_get_error(handle, &$0) }
      return nil
    }
    var count = 0
    let start = rocksdb_iter_key(handle, &count)
    return Key(bytes: [UInt8](copying: start, count))
  }

  /// Only while `key()` is not nil.
  func value() -> [UInt8] {
    var count = 0
    let start = rocksdb_iter_value(handle, &count)
    return [UInt8](copying: start, count)
  }

  func advance() {
    if reverse { rocksdb_iter_prev(handle) } else { rocksdb_iter_next(handle) }
  }
}

/// What one commit writes, kept and cleared between commits.
final class WriteBatch {
  let handle: OpaquePointer = rocksdb_writebatch_create()

  deinit { rocksdb_writebatch_destroy(handle) }

  func clear() { rocksdb_writebatch_clear(handle) }

  func put(_ key: Key, _ value: [UInt8]) {
    key.withChars { key, keyCount in
      value.withChars { value, valueCount in rocksdb_writebatch_put(handle, key, keyCount, value, valueCount) }
    }
  }

  func delete(_ key: Key) {
    key.withChars { key, count in rocksdb_writebatch_delete(handle, key, count) }
  }

  func delete(_ range: KeyRange) {
    range.lower.withChars { lower, lowerCount in
      range.upper.withChars { upper, upperCount in
        rocksdb_writebatch_delete_range(handle, lower, lowerCount, upper, upperCount)
      }
    }
  }
}
