import Base
import Store

/// The store's contract in memory, for unit tests, simulation and `--ephemeral`. Nothing outlives the value.
public final class MemoryStore: Store {
  private enum Item: Sendable {
    case read(any Job<any Reader>)
    case write(any Job<any Transaction>)
  }

  private let queue = WorkQueue<Item>(limit: 1 << 16)
  private let watches = WatchTable()
  private let done = Completion()

  /// Starts the one thread that runs all bodies in turn; it ends with `close` or with the value.
  public init() {
    let (queue, watches, done) = (queue, watches, done)
    startThread("store-memory") {
      let map = MemoryMap()
      while true {
        let items = queue.take(most: 256)
        if items.isEmpty { break }
        for item in items { Self.perform(item, map, watches) }
      }
      watches.close()
      done.complete()
    }
  }

  deinit { queue.close() }

  private static func perform(_ item: Item, _ map: MemoryMap, _ watches: WatchTable) {
    switch item {
    case .read(let job):
      let reader = MemoryReader(map)
      _ = job.run(reader)
      reader.end()
      job.finish(nil)
    case .write(let job):
      let transaction = MemoryTransaction(map)
      if job.run(transaction) { watches.notify(transaction.changedKeys) } else { transaction.undo() }
      transaction.end()
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

  public func watch(_ prefix: Key) -> AsyncStream<Void> { watches.watch(prefix) }

  public func close() async {
    queue.close()
    await done.wait()
  }
}
