import Base
import Store

/// The three approximate numbers of a queue, exact at the moment of the snapshot.
struct MessageCounts: Equatable, Sendable {
  var visible: Int
  var inFlight: Int
  var delayed: Int

  /// Only what is hidden is counted row by row: the tally knows how many there are.
  /// - Parameter most: hidden messages that are counted.
  init(_ rows: any Reader, _ queue: Queue, at now: Instant, most: Int = .max) throws {
    let total = try rows.get(Keys.tally(queue.space)).map { try Tally($0) }?.messages ?? 0
    let hidden = try total == 0 ? (inFlight: 0, delayed: 0) : Self.hidden(rows, queue, at: now, most: most)
    // What has outlived its retention is gone for its users, whether or not a worker has removed it.
    var expired = 0
    try rows.scan(Keys.bodies(queue.space, before: .first(at: now - queue.retention + .milliseconds(1)))) { _, _ in
      expired += 1
      return true
    }
    (inFlight, delayed) = (hidden.inFlight, hidden.delayed)
    visible = max(0, total - expired - inFlight - delayed)
  }

  /// Messages that cannot be received now: in flight, and delayed since they were sent.
  /// Counting ends with so many in flight (`limit`), or so many in all (`most`).
  static func hidden(_ rows: any Reader, _ queue: Queue, at now: Instant, limit: Int = .max, most: Int = .max) throws -> (
    inFlight: Int, delayed: Int
  ) {
    try queue.isFIFO
      ? FIFOMessages.hidden(rows, queue, at: now, limit: min(limit, most), most: most)
      : StandardMessages.hidden(rows, queue, at: now, limit: limit, most: most)
  }
}

/// The depths of the first queues of the store, for measurements.
struct QueueDepths: Sendable {
  var total = 0
  var queues: [(name: QueueName, counts: MessageCounts, oldestAge: Double)] = []

  init(_ rows: any Reader, at now: Instant) throws {
    var budget = SQSLimits.measuredRows
    try rows.scan(Keys.queues(after: nil)) { key, value in
      total += 1
      guard queues.count < SQSLimits.measuredQueues, budget > 0 else { return total < SQSLimits.cachedQueues }
      let queue = try Queue(value, name: try Keys.queueName(key))
      let counts = try MessageCounts(rows, queue, at: now, most: budget)
      budget -= counts.inFlight + counts.delayed
      guard budget > 0 else { return true }
      queues.append((queue.name, counts, try Self.oldestAge(rows, queue, at: now)))
      return true
    }
  }

  private static func oldestAge(_ rows: any Reader, _ queue: Queue, at now: Instant) throws -> Double {
    let living = Keys.bodies(queue.space, from: .first(at: now - queue.retention + .milliseconds(1)))
    guard let oldest = try rows.first(living) else { return 0 }
    let sent = try Keys.bodySequence(oldest.key, queue.space).arrival
    return Double(max(0, (now - sent).inMilliseconds)) / 1000
  }
}
