import Base
import Store
import Synchronization

/// Parsed queues, so that authorising and checking a call reads nothing.
///
/// Each transaction compares the row with what is cached and repairs it, so what is here may be late for a moment but
/// decides nothing durable.
final class QueueCache: Sendable {
  private let store: any Store
  private struct Cache {
    var queues: [QueueName: StoredQueue] = [:]
    /// Grows with each change, so that what was read before one is not remembered after it.
    var generation: UInt64 = 0
  }
  private let cache = Mutex(Cache())

  init(_ store: any Store) { self.store = store }

  var generation: UInt64 { cache.withLock { $0.generation } }
  func cached(_ name: QueueName) -> StoredQueue? { cache.withLock { $0.queues[name] } }

  func find(_ name: QueueName) async throws -> Queue? {
    let generation = generation
    if let cached = cached(name) { return cached.queue }
    let stored = try await store.read { rows in
      try rows.get(Keys.queue(name)).map { StoredQueue(bytes: $0, queue: try Queue($0, name: name)) }
    }
    if let stored { keep([name: stored], readAt: generation) }
    return stored?.queue
  }

  /// - Parameter readAt: the generation at which a mere read began; nil for what a commit has seen or written.
  func keep(_ changes: [QueueName: StoredQueue?], readAt: UInt64? = nil) {
    guard !changes.isEmpty else { return }
    cache.withLock { cache in
      guard readAt ?? cache.generation == cache.generation else { return }
      if readAt == nil { cache.generation += 1 }
      if cache.queues.count + changes.count > SQSLimits.cachedQueues { cache.queues.removeAll(keepingCapacity: true) }
      for (name, stored) in changes {
        // Commits finish in any order; an older copy must not stand in for a newer one.
        if let stored, let present = cache.queues[name], stored.queue.isOlder(than: present.queue) { continue }
        cache.queues[name] = stored
      }
    }
  }
}
