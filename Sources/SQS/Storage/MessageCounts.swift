import Base
import Store

/// The three approximate numbers of a queue, exact at the moment of the snapshot.
struct MessageCounts: Equatable, Sendable {
  var visible: Int
  var inFlight: Int
  var delayed: Int

  /// Only what is hidden is counted row by row: the tally knows how many there are.
  init(_ rows: any Reader, _ queue: Queue, at now: Instant) throws {
    let total = try rows.get(Keys.tally(queue.space)).map { try Tally($0) }?.messages ?? 0
    let hidden = try Self.hidden(rows, queue, at: now)
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
  static func hidden(_ rows: any Reader, _ queue: Queue, at now: Instant, limit: Int = .max) throws -> (
    inFlight: Int, delayed: Int
  ) {
    try queue.isFIFO
      ? FIFOMessages.hidden(rows, queue, at: now, limit: limit) : StandardMessages.hidden(rows, queue, at: now, limit: limit)
  }
}
