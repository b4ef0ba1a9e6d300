import Synchronization

/// Large bytes beside the store, named by the lower-case hex SHA-256 of their content, which the caller computes.
///
/// A blob is durable when `put` returns, so the row that names it is written after it. A blob whose row never
/// came is an orphan, which a caller may find with `list`.
public protocol BlobStore: Sendable {
  /// Keeps the bytes. Nothing is written when the blob is there already.
  func put(_ hash: String, _ bytes: [UInt8]) async throws
  /// Nil when there is no such blob.
  func get(_ hash: String) async throws -> [UInt8]?
  /// The file of the blob, for mounting and unpacking. Nil when there is no such blob or no file. Not to be written to.
  func path(of hash: String) async throws -> String?
  /// Nothing happens when there is no such blob.
  func delete(_ hash: String) async throws
  /// All names, in order.
  func list() async throws -> [String]
}

/// What may name a blob: it becomes a file name, so nothing else may.
func checkBlobName(_ hash: String) throws {
  let isHash = hash.utf8.count == 64 && hash.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
  guard isHash else { throw StoreError.corrupt("a blob's name is 64 lower-case hex digits") }
}

/// Blobs in memory, for tests and `--ephemeral` without functions: they have no path.
public final class MemoryBlobStore: BlobStore {
  private let blobs = Mutex<[String: [UInt8]]>([:])

  public init() {}

  public func put(_ hash: String, _ bytes: [UInt8]) async throws {
    try checkBlobName(hash)
    blobs.withLock { $0[hash] = bytes }
  }
  public func get(_ hash: String) async throws -> [UInt8]? {
    try checkBlobName(hash)
    return blobs.withLock { $0[hash] }
  }
  public func path(of hash: String) async throws -> String? {
    try checkBlobName(hash)
    return nil
  }
  public func delete(_ hash: String) async throws {
    try checkBlobName(hash)
    blobs.withLock { $0[hash] = nil }
  }
  public func list() async throws -> [String] { blobs.withLock { $0.keys.sorted() } }
}
