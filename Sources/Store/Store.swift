import Base

/// One ordered, transactional, durable map of bytes. Everything that must outlive the process lives in it.
///
/// Bodies are synchronous, have no side effects and may run again; they run on the store's own threads, so nobody can
/// wait for anything but the store inside a transaction.
public protocol Store: Sendable {
  /// Runs the body against one consistent snapshot, which holds everything that was acknowledged before the call.
  func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T

  /// Runs the body as if it were alone, and returns when its writes are durable. An error thrown by the body
  /// undoes all its writes and is thrown on. Cancelling the caller's task does not stop it.
  ///
  /// `StoreError.unavailable` means that the disk did not confirm the writes: they may or may not show later. It is
  /// also the answer when 65,536 calls wait already, and from the embedded store to a body that writes more than 64 MB.
  func transact<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T

  /// The same for one who resumes many at once: `done` is called once, on the store's own thread, before anything else is
  /// committed. So it has to be quick and must not wait for anything.
  func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void)

  /// One more caller waits for a transaction that was handed over already and has not begun: its body serves several. A store
  /// that gives callers a moment to come back together counts it like a transaction.
  func joinsTransaction()

  /// Yields after each commit that wrote a key with this prefix, before its caller resumes. Several commits may be
  /// reported once, and a deletion of what was not there may be reported. Ends when the store is closed.
  func watch(_ prefix: Key) -> AsyncStream<Void>

  /// Finishes what is under way; later calls fail with `StoreError.closed`.
  func close() async
}

extension Store {
  public func joinsTransaction() {}

  public func transact<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { caller in transact(body) { caller.resume(with: $0) } }
  }
}

/// Read access within one snapshot or transaction. Not to be kept beyond the body: it answers `StoreError.closed` then.
public protocol Reader {
  func get(_ key: Key) throws -> [UInt8]?
  /// Calls the body for each entry of the range in key order (or backwards) until it returns false. In a transaction
  /// the body may write, and entries ahead are seen as they are when the scan comes to them.
  func scan(_ range: KeyRange, reverse: Bool, _ body: (Key, [UInt8]) throws -> Bool) throws
}

extension Reader {
  public func scan(_ range: KeyRange, _ body: (Key, [UInt8]) throws -> Bool) throws { try scan(range, reverse: false, body) }

  /// The entries of the range, at most `limit`.
  public func entries(_ range: KeyRange, limit: Int = .max, reverse: Bool = false) throws -> [(key: Key, value: [UInt8])] {
    var out: [(key: Key, value: [UInt8])] = []
    guard limit > 0 else { return out }
    try scan(range, reverse: reverse) { key, value in
      out.append((key, value))
      return out.count < limit
    }
    return out
  }
  public func first(_ range: KeyRange) throws -> (key: Key, value: [UInt8])? { try entries(range, limit: 1).first }
}

/// Read and write access; reads see the transaction's own writes.
public protocol Transaction: Reader {
  func set(_ key: Key, _ value: [UInt8]) throws
  func delete(_ key: Key) throws
  /// Deletes every entry of the range, in one step however many there are.
  func deleteAll(_ range: KeyRange) throws
}

/// Failures of the store itself.
public enum StoreError: Error, Sendable, Equatable {
  /// Stored bytes are not what the code that wrote them wrote.
  case corrupt(String)
  /// The disk is full or fails; reads may go on.
  case unavailable(String)
  /// The directory belongs to another process or to a newer version, or cannot be opened.
  case cannotOpen(String)
  /// The store is closed, or an access is used after its body.
  case closed
}

extension StoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .corrupt(let what): "stored data is corrupt: \(what)"
    case .unavailable(let why): "the store cannot be written: \(why)"
    case .cannotOpen(let why): why
    case .closed: "the store is closed"
    }
  }
}
