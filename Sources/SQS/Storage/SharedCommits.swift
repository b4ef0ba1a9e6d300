import Base
import Store
import Synchronization

/// Runs operations on queues as transactions. Operations on one queue that wait for the store at the same time share
/// one: the queue and its tally are read and written once for all of them.
///
/// A batch stays open until the store begins to run it, so sharing costs no waiting: whoever comes after joins the next.
/// All who share are resumed from the store's thread: no caller's thread has to run first for the others to go on.
final class SharedCommits: Sendable {
  private let store: any Store
  private let cache: QueueCache
  private let open = Mutex<[QueueName: Batch]>([:])
  /// Called after each commit that is durable, on the store's thread.
  private let apply: @Sendable (QueueTransaction.Effects) -> Void
  private let newHop: @Sendable () -> String

  init(
    _ store: any Store, _ cache: QueueCache, newHop: @escaping @Sendable () -> String,
    apply: @escaping @Sendable (QueueTransaction.Effects) -> Void
  ) {
    (self.store, self.cache, self.newHop, self.apply) = (store, cache, newHop, apply)
  }

  /// Runs the body, perhaps together with others of the queue, and returns when it is durable. The body may run again;
  /// an `AWSError` that it throws is its own, any other error fails all who share.
  func run<T: Sendable>(_ queue: QueueName, _ body: @escaping @Sendable (QueueTransaction) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { caller in
      let entry = Entry(body, caller)
      let batch = open.withLock { open -> Batch? in
        if let batch = open[queue], batch.entries.count < SQSLimits.operationsPerCommit {
          batch.entries.append(entry)
          return nil
        }
        let batch = Batch(entry)
        open[queue] = batch
        return batch
      }
      if let batch { commit(batch, of: queue) } else { store.joinsTransaction() }
    }
  }

  private func commit(_ batch: Batch, of queue: QueueName) {
    store.transact { rows in
      let transaction = QueueTransaction(rows, self.cache, newHop: self.newHop)
      for entry in self.close(batch, queue) { try entry.run(transaction) }
      try transaction.finish()
      return transaction.effects
    } then: { outcome in
      let entries = self.close(batch, queue)
      switch outcome {
      case .success(let effects):
        self.cache.keep(effects.queues)
        self.apply(effects)
        for entry in entries { entry.finish(nil) }
      case .failure(let error):
        for entry in entries { entry.finish(error) }
      }
    }
  }

  /// From now on nobody joins.
  private func close(_ batch: Batch, _ queue: QueueName) -> [any AnyEntry] {
    open.withLock { open in
      if open[queue] === batch { open[queue] = nil }
      return batch.entries
    }
  }

  private final class Batch: @unchecked Sendable {
    // Unchecked: `entries` is touched only with the lock of `open` held.
    var entries: [any AnyEntry]
    init(_ first: any AnyEntry) { entries = [first] }
  }

  private protocol AnyEntry: Sendable {
    func run(_ transaction: QueueTransaction) throws
    /// - Parameter failure: why the commit is not durable.
    func finish(_ failure: (any Error)?)
  }

  private final class Entry<T: Sendable>: AnyEntry, @unchecked Sendable {
    // Unchecked: `outcome` is touched only by whoever runs the batch, one after the other, and who finishes it then.
    private let body: @Sendable (QueueTransaction) throws -> T
    private let caller: CheckedContinuation<T, any Error>
    private var outcome: Result<T, any Error> = .failure(StoreError.closed)

    init(_ body: @escaping @Sendable (QueueTransaction) throws -> T, _ caller: CheckedContinuation<T, any Error>) {
      (self.body, self.caller) = (body, caller)
    }

    func run(_ transaction: QueueTransaction) throws {
      do {
        outcome = .success(try body(transaction))
      } catch let error as AWSError {
        outcome = .failure(error)
      }
    }

    func finish(_ failure: (any Error)?) {
      if let failure { caller.resume(throwing: failure) } else { caller.resume(with: outcome) }
    }
  }
}
