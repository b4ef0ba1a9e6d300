import Base
import Store
import Synchronization

/// Runs operations on queues as transactions. Operations on one queue that wait for the store at the same time share
/// one: the queue and its tally are read and written once for all of them.
///
/// A batch stays open until the store begins to run it, so sharing costs no waiting: whoever comes after joins the next.
final class SharedCommits: Sendable {
  private let store: any Store
  private let cache: QueueCache
  private let open = Mutex<[QueueName: Batch]>([:])
  /// Called after each commit that is durable.
  private let apply: @Sendable (QueueTransaction.Effects) -> Void

  init(_ store: any Store, _ cache: QueueCache, apply: @escaping @Sendable (QueueTransaction.Effects) -> Void) {
    (self.store, self.cache, self.apply) = (store, cache, apply)
  }

  /// Runs the body, perhaps together with others of the queue, and returns when it is durable. The body may run again;
  /// an `AWSError` that it throws is its own, any other error fails all who share.
  func run<T: Sendable>(_ queue: QueueName, _ body: @escaping @Sendable (QueueTransaction) throws -> T) async throws -> T {
    let entry = Entry(body)
    let (batch, leads) = open.withLock { open -> (Batch, Bool) in
      if let batch = open[queue], batch.join(entry) { return (batch, false) }
      let batch = Batch(entry)
      open[queue] = batch
      return (batch, true)
    }
    if leads { await commit(batch, of: queue) }
    return try await entry.value()
  }

  private func commit(_ batch: Batch, of queue: QueueName) async {
    let cache = cache
    do {
      let effects = try await store.transact { rows in
        let transaction = QueueTransaction(rows, cache)
        for entry in batch.close() { try entry.run(transaction) }
        try transaction.finish()
        return transaction.effects
      }
      cache.keep(effects.queues)
      apply(effects)
      for entry in batch.close() { entry.finish() }
    } catch {
      for entry in batch.close() { entry.fail(error) }
    }
    open.withLock { if $0[queue] === batch { $0[queue] = nil } }
  }

  private protocol AnyEntry: Sendable {
    func run(_ transaction: QueueTransaction) throws
    func finish()
    func fail(_ error: any Error)
  }

  /// open: others may join. closed: the store has begun to run it, perhaps not for the last time.
  private final class Batch: Sendable {
    private let state: Mutex<(entries: [any AnyEntry], isOpen: Bool)>
    init(_ first: any AnyEntry) { state = Mutex(([first], true)) }

    func join(_ entry: any AnyEntry) -> Bool {
      state.withLock { state in
        guard state.isOpen, state.entries.count < SQSLimits.operationsPerCommit else { return false }
        state.entries.append(entry)
        return true
      }
    }
    func close() -> [any AnyEntry] {
      state.withLock { state in
        state.isOpen = false
        return state.entries
      }
    }
  }

  private final class Entry<T: Sendable>: AnyEntry {
    /// pending: not durable. waiting: its caller waits for that. done: as the caller gets it.
    private enum State {
      case pending
      case waiting(CheckedContinuation<T, any Error>)
      case done(Result<T, any Error>)
    }
    private let body: @Sendable (QueueTransaction) throws -> T
    private let result = Mutex<Result<T, any Error>?>(nil)
    private let state = Mutex(State.pending)

    init(_ body: @escaping @Sendable (QueueTransaction) throws -> T) { self.body = body }

    func run(_ transaction: QueueTransaction) throws {
      do {
        let value = try body(transaction)
        result.withLock { $0 = .success(value) }
      } catch let error as AWSError {
        result.withLock { $0 = .failure(error) }
      }
    }
    func finish() { complete(result.withLock { $0 } ?? .failure(StoreError.closed)) }
    func fail(_ error: any Error) { complete(.failure(error)) }

    private func complete(_ outcome: Result<T, any Error>) {
      let waiter = state.withLock { state -> CheckedContinuation<T, any Error>? in
        defer { state = .done(outcome) }
        if case .waiting(let waiter) = state { return waiter }
        return nil
      }
      waiter?.resume(with: outcome)
    }

    func value() async throws -> T {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<T, any Error>) in
        let outcome = state.withLock { state -> Result<T, any Error>? in
          if case .done(let outcome) = state { return outcome }
          state = .waiting(continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    }
  }
}
