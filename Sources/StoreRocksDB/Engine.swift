import Store
import Synchronization
#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The open database, shared by the writer and the readers. The writer may close it and open it again, when the disk
/// has failed and is back; readers hold the lock for reading as long as they use it.
final class Engine: @unchecked Sendable {
  // Unchecked: `database` is read with `lock` held and changed with it held for writing.
  private let lock = UnsafeMutablePointer<pthread_rwlock_t>.allocate(capacity: 1)
  private var database: Database?
  let directory: DataDirectory
  let watches = WatchTable()
  let gaps = Gaps()
  let statistics = Mutex(StoreStatistics())

  init(_ directory: DataDirectory) throws {
    self.directory = directory
    database = try Database(directory.path)
    pthread_rwlock_init(lock, nil)
  }

  deinit {
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  /// Runs the body with the database, or with nil while it cannot be opened.
  func using<T>(_ body: (Database?) throws -> T) rethrows -> T {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    return try body(database)
  }

  /// The same without a wait: nil, and the body does not run, while the database is being opened or cannot be.
  func usingNow<T>(_ body: (Database) throws -> T?) rethrows -> T? {
    guard pthread_rwlock_tryrdlock(lock) == 0 else { return nil }
    defer { pthread_rwlock_unlock(lock) }
    return try database.flatMap(body)
  }

  /// Opens the database anew. RocksDB refuses all writes after a failed one, and its C API has no way to resume.
  func reopen() throws {
    guard directory.hasRoom() else { throw StoreError.unavailable("no room on the disk of \(directory.path)") }
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    database = nil
    do { database = try Database(directory.path) } catch { throw StoreError.unavailable(Database.message(error)) }
  }

  /// After the last body. Everything acknowledged is in the log, so a flush that fails costs a slower start only.
  func close() {
    watches.close()
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    try? database?.flush()
    database = nil
  }
}
