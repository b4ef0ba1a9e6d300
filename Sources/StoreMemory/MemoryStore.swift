import Base
import Store
import Synchronization

/// The store's contract in memory, for unit tests, simulation and `--ephemeral`. Nothing outlives the value.
public final class MemoryStore: StoreBackend {
  private enum Item: Sendable {
    case read(any Job<any Reader>)
    case write(any Job<any Transaction>)
    case image(any Job<MemoryMap>)
  }

  private let queue = WorkQueue<Item>(limit: 1 << 16)
  private let watches = WatchTable()
  private let done = Completion()
  private let counted = Counted()

  /// Starts the one thread that runs all bodies in turn; it ends with `close` or with the value.
  public init() {
    let (queue, watches, done, counted) = (queue, watches, done, counted)
    startThread("store-memory") {
      let map = MemoryMap()
      while true {
        let items = queue.take(most: 256)
        if items.isEmpty { break }
        for item in items { Self.perform(item, map, watches, counted) }
      }
      watches.close()
      done.complete()
    }
  }

  deinit { queue.close() }

  private static func perform(_ item: Item, _ map: MemoryMap, _ watches: WatchTable, _ counted: Counted) {
    switch item {
    case .read(let job):
      let reader = MemoryReader(map)
      _ = job.run(reader)
      reader.end()
      counted.reads.add(1, ordering: .relaxed)
      job.finish(nil)
    case .write(let job):
      let transaction = MemoryTransaction(map)
      if job.run(transaction) { watches.notify(transaction.changedKeys) } else { transaction.undo() }
      transaction.end()
      counted.transactions.add(1, ordering: .relaxed)
      job.finish(nil)
    case .image(let job):
      _ = job.run(map)
      job.finish(nil)
    }
  }

  public func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { caller in
      let job = BodyJob(body, caller)
      queue.submit(job, as: .read(job))
    }
  }

  public func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    let job = BodyJob(body, then: done)
    queue.submit(job, as: .write(job))
  }

  public func image() async throws -> any StoreImage {
    try await withCheckedThrowingContinuation { (caller: CheckedContinuation<MemoryImage, any Error>) in
      let job = BodyJob({ (map: MemoryMap) in MemoryImage(rows: map.rows) }, caller)
      queue.submit(job, as: .image(job))
    }
  }

  public var statistics: StoreStatistics {
    var statistics = StoreStatistics()
    statistics.transactions = counted.transactions.load(ordering: .relaxed)
    statistics.reads = counted.reads.load(ordering: .relaxed)
    return statistics
  }

  public func watch(_ prefix: Key) -> AsyncStream<Void> { watches.watch(prefix) }

  public func close() async {
    queue.close()
    await done.wait()
  }
}

private final class Counted: Sendable {
  let transactions = Atomic<UInt64>(0)
  let reads = Atomic<UInt64>(0)
}

/// The map as it was: its chunks are shared with the store until that changes them.
private struct MemoryImage: StoreImage, @unchecked Sendable {
  // Unchecked: `SortedMap` is a value of arrays, and this copy never changes.
  let rows: SortedMap<[UInt8]>

  func entries(after key: Key?, bytes: Int) async throws -> [(key: Key, value: [UInt8])] {
    var cursor = SortedCursor(KeyRange(key.map { Key(bytes: $0.bytes + [0]) } ?? Key(), Key().end), reverse: false)
    var page: [(key: Key, value: [UInt8])] = []
    var size = 0
    while size < bytes, let (key, value) = cursor.next(in: rows) {
      page.append((key, value))
      size += key.bytes.count + value.count
    }
    return page
  }
}
