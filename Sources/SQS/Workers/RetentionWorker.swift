import Base
import Fabric
import Store

/// Removes messages that have outlived the retention of their queue, and what else is remembered only for a while.
///
/// Nothing depends on it but disk space: receives and counts leave expired messages out by themselves.
struct RetentionWorker: Worker {
  static let interval = Duration.seconds(60)
  let name = "sqs-retention"
  let nudge = Nudge()
  private let store: any Store
  private let commits: SharedCommits

  init(_ store: any Store, _ commits: SharedCommits) { (self.store, self.commits) = (store, commits) }

  func turn(_ now: Instant) async throws -> NextTurn {
    try await forgetDeletedQueues(now)
    var last: QueueName?
    repeat {
      let after = last
      let page = try await store.read { rows in
        try rows.entries(Keys.queues(after: after), limit: SQSLimits.queuesPerSweep).map { key, value in
          let queue = try Queue(value, name: try Keys.queueName(key))
          return (queue.name, try Self.hasWork(queue, rows, now))
        }
      }
      for (name, hasWork) in page where hasWork { while try await sweep(name, now) {} }
      last = page.count < SQSLimits.queuesPerSweep ? nil : page.last?.0
    } while last != nil
    return .at(now + Self.interval)
  }

  private static func expired(_ queue: Queue, _ now: Instant) -> KeyRange {
    Keys.bodies(queue.space, before: .first(at: now - queue.retention + .milliseconds(1)))
  }

  private static func hasWork(_ queue: Queue, _ rows: any Reader, _ now: Instant) throws -> Bool {
    if try rows.first(expired(queue, now)) != nil { return true }
    return try queue.isFIFO && rows.first(Keys.forgets(queue.space, before: now)) != nil
  }

  /// Removes a bounded number of messages. True when there is more to do.
  private func sweep(_ name: QueueName, _ now: Instant) async throws -> Bool {
    try await commits.run(name) { transaction in
      guard let queue = try transaction.queue(name) else { return false }
      let bodies = try transaction.rows.entries(Self.expired(queue, now), limit: SQSLimits.rowsPerSweep)
      for (key, value) in bodies {
        let sequence = try Keys.bodySequence(key, queue.space)
        try transaction.messages(queue).expire(sequence, value, at: now)
      }
      let forgets = try transaction.rows.entries(Keys.forgets(queue.space, before: now), limit: SQSLimits.rowsPerSweep)
      for (key, value) in forgets { try Self.forget(key, value, queue.space, transaction.rows, now) }
      return max(bodies.count, forgets.count) == SQSLimits.rowsPerSweep
    }
  }

  /// The id may have been used again since; then a later row will end it.
  private static func forget(_ key: Key, _ value: [UInt8], _ space: Space, _ rows: any Transaction, _ now: Instant) throws {
    try rows.delete(key)
    let (scope, id) = try Keys.forgotten(key, space)
    switch value.first.flatMap(Forget.init) {
    case .duplicate:
      let key = Keys.duplicate(space, scope: scope, id)
      if let known = try rows.get(key), try Duplicate(known).expires <= now { try rows.delete(key) }
    case .attempt:
      let key = Keys.attempt(space, id)
      if let known = try rows.get(key), try (Attempt(known)?.expires ?? .epoch) <= now { try rows.delete(key) }
    case nil: break
    }
  }

  private func forgetDeletedQueues(_ now: Instant) async throws {
    try await store.transact { rows in
      for (key, value) in try rows.entries(Keys.allDeleted, limit: SQSLimits.rowsPerSweep)
      where try InstantRow.read(value) + SQSLimits.recreateInterval <= now {
        try rows.delete(key)
      }
    }
  }
}
