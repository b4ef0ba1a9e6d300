import CRocksDB
import Store
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// One opened RocksDB, closed with the value.
final class Database: @unchecked Sendable {
  // Unchecked: RocksDB's handles may be used by any number of threads, and these never change.
  private let handle: OpaquePointer
  private let options: OpaquePointer
  private let syncedWrite: OpaquePointer
  private let plainRead: OpaquePointer

  init(_ path: String) throws {
    let options = Options.make()
    do { handle = try checked { rocksdb_open(options, path, &$0) }! } catch {
      rocksdb_options_destroy(options)
      throw Self.openFailure(error, path)
    }
    self.options = options
    syncedWrite = rocksdb_writeoptions_create()
    rocksdb_writeoptions_set_sync(syncedWrite, 1)
    plainRead = rocksdb_readoptions_create()
  }

  deinit {
    rocksdb_readoptions_destroy(plainRead)
    rocksdb_writeoptions_destroy(syncedWrite)
    rocksdb_close(handle)
    rocksdb_options_destroy(options)
  }

  private static func openFailure(_ error: any Error, _ path: String) -> StoreError {
    let text = message(error)
    if text.contains("lock file") || text.contains("lock hold by current process") {
      return .cannotOpen("\(path) is in use by another process: stop that one, or choose another data directory")
    }
    return .cannotOpen("cannot open \(path): \(text)")
  }

  static func message(_ error: any Error) -> String {
    switch error as? StoreError {
    case .corrupt(let text), .unavailable(let text), .cannotOpen(let text): text
    case .closed, nil: "\(error)"
    }
  }

  /// The value as of the snapshot, or as of now.
  func get(_ key: Key, _ snapshot: Snapshot? = nil) throws -> [UInt8]? {
    let slice = try key.withChars { bytes, count in
      try checked { rocksdb_get_pinned(handle, snapshot?.options ?? plainRead, bytes, count, &$0) }
    }
    guard let slice else { return nil }
    defer { rocksdb_pinnableslice_destroy(slice) }
    var count = 0
    return [UInt8](copying: rocksdb_pinnableslice_value(slice, &count), count)
  }

  func iterator(_ range: KeyRange, reverse: Bool, _ snapshot: Snapshot? = nil) -> Iterator {
    Iterator(handle, range, reverse: reverse, snapshot: snapshot)
  }

  func snapshot(_ reach: SnapshotReader.Reach = .disk) -> Snapshot { Snapshot(self, handle, reach) }

  enum ReadFailure: Error {
    /// What was asked for is not in memory, or behind too many deleted keys.
    case incomplete
  }

  /// Returns when the batch is on disk.
  func write(_ batch: WriteBatch) throws { try checked { rocksdb_write(handle, syncedWrite, batch.handle, &$0) } }

  /// Writes the memory table to a file, so that the next opening has nothing to replay.
  func flush() throws {
    let options = rocksdb_flushoptions_create()
    defer { rocksdb_flushoptions_destroy(options) }
    rocksdb_flushoptions_set_wait(options, 1)
    try checked { rocksdb_flush(handle, options, &$0) }
  }

  /// One moment of the database, let go with the value.
  final class Snapshot {
    private let database: Database
    private let handle: OpaquePointer
    private let reach: SnapshotReader.Reach
    fileprivate let options: OpaquePointer

    fileprivate init(_ database: Database, _ databaseHandle: OpaquePointer, _ reach: SnapshotReader.Reach) {
      self.database = database
      self.reach = reach
      handle = rocksdb_create_snapshot(databaseHandle)
      options = rocksdb_readoptions_create()
      apply(to: options)
    }

    /// Has a read see this moment, as far as it may go.
    func apply(to options: OpaquePointer) {
      rocksdb_readoptions_set_snapshot(options, handle)
      guard reach == .memory else { return }
      rocksdb_readoptions_set_read_tier(options, 1)  // kBlockCacheTier: nothing is fetched.
      rocksdb_readoptions_set_max_skippable_internal_keys(options, 200)
    }

    deinit {
      rocksdb_readoptions_destroy(options)
      rocksdb_release_snapshot(database.handle, handle)
    }
  }
}

/// Calls the C API and turns the message that it may leave behind into an error.
@discardableResult
func checked<T>(_ call: (inout UnsafeMutablePointer<CChar>?) -> T) throws -> T {
  var message: UnsafeMutablePointer<CChar>?
  let result = call(&message)
  guard let message else { return result }
  defer { rocksdb_free(message) }
  let text = String(cString: message)
  if text.hasPrefix("Result incomplete") { throw Database.ReadFailure.incomplete }
  throw text.hasPrefix("Corruption") ? StoreError.corrupt(text) : .unavailable(text)
}

extension Key {
  func withChars<T>(_ body: (UnsafePointer<CChar>?, Int) throws -> T) rethrows -> T { try bytes.withChars(body) }
}

extension [UInt8] {
  func withChars<T>(_ body: (UnsafePointer<CChar>?, Int) throws -> T) rethrows -> T {
    try withUnsafeBytes { try body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
  }

  init(copying start: UnsafePointer<CChar>?, _ count: Int) {
    self = [UInt8](unsafeUninitializedCapacity: count) { out, filled in
      if count > 0, let start, let target = out.baseAddress { memcpy(target, start, count) }
      filled = count
    }
  }
}
