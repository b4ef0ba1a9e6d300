import Base
import Store
import Synchronization

/// Parsed queues, so that authorising and checking a call reads nothing.
///
/// Each transaction compares the row with what is cached and repairs it, so what is here may be late for a moment but
/// decides nothing durable.
final class QueueCache: Sendable {
  private let store: any Store
  private let queues = Mutex<[QueueName: StoredQueue]>([:])

  init(_ store: any Store) { self.store = store }

  func cached(_ name: QueueName) -> StoredQueue? { queues.withLock { $0[name] } }

  func find(_ name: QueueName) async throws -> Queue? {
    if let cached = cached(name) { return cached.queue }
    let stored = try await store.read { rows in
      try rows.get(Keys.queue(name)).map { StoredQueue(bytes: $0, queue: try Queue($0, name: name)) }
    }
    if let stored { keep([name: stored]) }
    return stored?.queue
  }

  func keep(_ changes: [QueueName: StoredQueue?]) {
    guard !changes.isEmpty else { return }
    queues.withLock { queues in
      if queues.count + changes.count > SQSLimits.cachedQueues { queues.removeAll(keepingCapacity: true) }
      for (name, stored) in changes {
        // Commits finish in any order; an older copy must not stand in for a newer one.
        if let stored, let present = queues[name], stored.queue.isOlder(than: present.queue) { continue }
        queues[name] = stored
      }
    }
  }
}
