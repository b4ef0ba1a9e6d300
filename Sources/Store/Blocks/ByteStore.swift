import Base
import Synchronization

/// The name of large bytes: made with them, and never used again.
public struct ByteStoreID: Hashable, Sendable, CustomStringConvertible {
  public let bytes: [UInt8]

  public static let count = 16
  /// In how many parts the names are listed.
  public static let folders = 256

  /// Nil unless there are 16 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.count else { return nil }
    self.bytes = bytes
  }
  /// 32 hexadecimal digits in lower case; nil for anything else.
  init?(text: String) {
    guard text.utf8.count == 2 * Self.count, let bytes = decodeHex(text), bytes.hex == text else { return nil }
    self.bytes = bytes
  }
  public var description: String { bytes.hex }

  /// By which files are spread and swept.
  var folder: Int { Int(bytes[0]) }
}

/// Large bytes beside the store that are written and read in pieces, so that their size costs no memory.
///
/// They are durable when `finish` of their sink has returned, so the row that names them is written after it. What a crash (or a
/// transaction that failed) leaves without a row is an orphan, which its owner finds with `list` and deletes.
public protocol ByteStore: Sendable {
  /// New bytes of this name, which nothing has had before.
  /// - Parameter tap: hears of every byte, in order, on the store's own thread: for digests.
  func sink(_ id: ByteStoreID, tap: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) -> any ByteSink
  /// Nil when there are no such bytes. What is open stays readable, even when it is deleted meanwhile.
  func source(_ id: ByteStoreID) async throws -> (any ByteSource)?
  /// Nothing happens when there are no such bytes.
  func delete(_ id: ByteStoreID) async throws
  /// The names in one of `ByteStoreID.folders` parts, in no order: of finished bytes and of those that are being written.
  func list(folder: Int) async throws -> [ByteStoreID]
}

/// Takes bytes in. One caller at a time. What is not finished when the sink goes away is removed.
public protocol ByteSink: Sendable {
  /// Returns as soon as more may come: a piece is written while the next one is gathered.
  func write(_ bytes: [UInt8]) async throws
  /// Returns when the tap has heard everything. Nothing may be written after it.
  func drain() async throws
  /// Returns when all is durable.
  func finish() async throws
}

/// Open bytes.
public protocol ByteSource: Sendable {
  var count: Int { get }
  /// Fails when there are fewer from there on.
  func read(at offset: Int, count: Int) async throws -> [UInt8]
}

/// Bytes in memory, for tests and servers that keep nothing.
public final class MemoryByteStore: ByteStore {
  private let all = Mutex<[ByteStoreID: [UInt8]]>([:])

  public init() {}

  public func sink(_ id: ByteStoreID, tap: @escaping @Sendable (UnsafeRawBufferPointer) -> Void) -> any ByteSink {
    MemorySink(tap: tap) { bytes in self.all.withLock { $0[id] = bytes } }
  }
  public func source(_ id: ByteStoreID) async throws -> (any ByteSource)? { all.withLock { $0[id] }.map(MemorySource.init) }
  public func delete(_ id: ByteStoreID) async throws { all.withLock { $0[id] = nil } }
  public func list(folder: Int) async throws -> [ByteStoreID] { all.withLock { $0.keys.filter { $0.folder == folder } } }

  private final class MemorySink: ByteSink {
    private let bytes = Mutex<[UInt8]>([])
    private let tap: @Sendable (UnsafeRawBufferPointer) -> Void
    private let keep: @Sendable ([UInt8]) -> Void

    init(tap: @escaping @Sendable (UnsafeRawBufferPointer) -> Void, keep: @escaping @Sendable ([UInt8]) -> Void) {
      (self.tap, self.keep) = (tap, keep)
    }
    func write(_ piece: [UInt8]) async throws {
      piece.withUnsafeBytes(tap)
      bytes.withLock { $0 += piece }
    }
    func drain() async throws {}
    func finish() async throws { keep(bytes.withLock { $0 }) }
  }

  private struct MemorySource: ByteSource {
    let bytes: [UInt8]
    var count: Int { bytes.count }
    func read(at offset: Int, count: Int) async throws -> [UInt8] {
      guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else {
        throw StoreError.corrupt("bytes beyond the end")
      }
      return Array(bytes[offset..<(offset + count)])
    }
  }
}
