import Base
import Store

/// One transaction over queues: the rows that operations share are read once and written once, at the end.
///
/// Lives within one body of `Store.transact`. An operation that throws an `AWSError` must not have written before.
final class QueueTransaction {
  let rows: any Transaction
  private let cache: QueueCache
  private let newHop: () -> String
  private var queues: [QueueName: StoredQueue?] = [:]
  private var tallies: [Space: (stored: Tally?, now: Tally)] = [:]
  private(set) var effects = Effects()

  /// What is to be done once the commit is durable.
  struct Effects: Sendable {
    /// Queues as this transaction saw or left them; nil where there is none.
    var queues: [QueueName: StoredQueue?] = [:]
    /// The earliest time at which a message that was put somewhere becomes visible.
    var due: [QueueName: Instant] = [:]
    /// Queues that were deleted or emptied.
    var changed: Set<QueueName> = []
    var leases: [Space: Int] = [:]
    /// What becomes of the messages of standard queues, for fair queues.
    var shares: [(space: Space, event: FairShare.Event)] = []
    /// Messages that went from queue to queue.
    var moves: [MessageMove] = []
  }

  init(_ rows: any Transaction, _ cache: QueueCache, newHop: @escaping () -> String = { "" }) {
    (self.rows, self.cache, self.newHop) = (rows, cache, newHop)
  }

  /// The queue as it is now. What is cached is only used when its row has not changed.
  func queue(_ name: QueueName) throws -> Queue? {
    if let known = queues[name] { return known?.queue }
    let bytes = try rows.get(Keys.queue(name))
    let stored: StoredQueue?
    if let bytes {
      if let cached = cache.cached(name), cached.bytes == bytes {
        stored = cached
      } else {
        stored = StoredQueue(bytes: bytes, queue: try Queue(bytes, name: name))
        effects.queues[name] = .some(stored)
      }
    } else {
      stored = nil
      effects.queues[name] = .some(nil)
    }
    queues[name] = .some(stored)
    return stored?.queue
  }

  func save(_ queue: Queue) throws {
    var queue = queue
    queue.version += 1
    let stored = StoredQueue(bytes: queue.row, queue: queue)
    try rows.set(Keys.queue(queue.name), stored.bytes)
    queues[queue.name] = .some(stored)
    effects.queues[queue.name] = .some(stored)
  }

  func delete(_ queue: Queue) throws {
    try rows.delete(Keys.queue(queue.name))
    queues[queue.name] = .some(nil)
    effects.queues[queue.name] = .some(nil)
    noteChange(of: queue.name)
  }

  func tally(_ space: Space) throws -> Tally {
    if let known = tallies[space] { return known.now }
    let stored = try rows.get(Keys.tally(space)).map { try Tally($0) }
    tallies[space] = (stored, stored ?? Tally())
    return stored ?? Tally()
  }
  func setTally(_ space: Space, _ tally: Tally) { tallies[space]?.now = tally }

  func noteDue(_ name: QueueName, _ time: Instant) { effects.due[name] = min(time, effects.due[name] ?? time) }
  func noteChange(of name: QueueName) { effects.changed.insert(name) }
  func note(_ event: FairShare.Event, _ space: Space) { effects.shares.append((space, event)) }
  func noteLeases(_ space: Space, _ count: Int) { effects.leases[space, default: 0] += count }

  /// The message goes from queue to queue, and on under the hop that this is.
  func noteMove(of message: inout Message, from source: QueueName, to target: QueueName, _ cause: MessageMove.Cause) {
    guard let origin = message.origin, case let hop = newHop(), !hop.isEmpty else { return }
    effects.moves.append(MessageMove(origin: origin, hop: hop, source: source, target: target, cause: cause))
    message.origin = MessageOrigin(trace: origin.trace, hop: hop)
  }

  /// Writes what was kept back. The last thing that happens in the body.
  func finish() throws {
    for (space, tally) in tallies where tally.stored != tally.now { try rows.set(Keys.tally(space), tally.now.row) }
  }
}

/// A queue with the bytes of its row, by which a transaction sees that nothing has changed.
struct StoredQueue: Sendable {
  var bytes: [UInt8]
  var queue: Queue
}
