import Base
import Store

/// The messages of a standard queue within one transaction.
///
/// The rows of messages without a tenant are among "due". Those of a tenant are in its lane, and the tenant has one row
/// among "due", where its first message would be: its turn. So a receive finds the next message of every tenant without
/// passing the backlog of any.
struct StandardMessages: QueueMessages {
  let transaction: QueueTransaction
  let queue: Queue
  var rows: any Transaction { transaction.rows }
  var space: Space { queue.space }

  init(_ transaction: QueueTransaction, _ queue: Queue) { (self.transaction, self.queue) = (transaction, queue) }

  func send(_ message: Message) throws -> Sent {
    try takeOver(message, Visibility(sentAt: message.sentAt))
    if message.groupID != nil { transaction.note(.sent(Lane(group: message.groupID), at: message.sentAt), space) }
    return Sent(messageID: message.id)
  }

  func takeOver(_ message: Message, _ visibility: Visibility) throws {
    try rows.set(Keys.body(space, message.sequence), message.row)
    try put(visibility, Lane(group: message.groupID), DuePlace(visibleAt: message.firstVisibleAt, sequence: message.sequence))
    try updateTally { $0.messages += 1 }
  }

  /// Every row that is put may be where receives no longer look, so the head goes back to it.
  func put(_ visibility: Visibility, _ lane: Lane, _ place: DuePlace) throws {
    try rows.set(key(lane, place), visibility.row)
    if lane == .none { try updateTally { $0.head = min($0.head, place) } } else { try raiseTurn(lane, to: place) }
    transaction.noteDue(queue.name, place.visibleAt)
  }

  func key(_ lane: Lane, _ place: DuePlace) -> Key {
    lane == .none ? Keys.due(space, place) : Keys.lane(space, lane, place)
  }

  func updateTally(_ change: (inout Tally) -> Void) throws {
    var tally = try transaction.tally(space)
    change(&tally)
    transaction.setTally(space, tally)
  }

  /// Hands out visible messages and moves those that were received too often to the dead-letter queue.
  func receive(_ request: ReceiveRequest, deadLetters: (any QueueMessages)?) throws -> Received {
    let now = request.now
    let found = try find(request, redrive: deadLetters == nil ? nil : queue.redrive)
    var out = Received(mayBeMore: found.left != nil)
    for row in found.expired { try remove(row) }
    for row in found.receivable {
      guard let body = row.body else { continue }
      out.leases.append(try lease(row, body, until: now + request.timeout, at: now))
    }
    // A message received with a timeout of zero stays where it is visible.
    let floor =
      request.timeout == .zero ? found.receivable.map { DuePlace(visibleAt: now, sequence: $0.place.sequence) }.min() : nil
    try advanceHead(found, floor: floor, at: now)
    // The head is set: where a queue is its own dead-letter queue, it goes back to what is moved.
    for row in found.exhausted { try move(row, to: deadLetters, at: now) }
    for lane in found.lanes { try settle(lane) }
    if !out.leases.isEmpty { transaction.noteLeases(space, out.leases.count) }
    if request.wantsNextDue, !out.mayBeMore { out.nextDue = try nextDue(after: now) }
    return out
  }

  private func lease(_ row: Found.Row, _ body: [UInt8], until visibleAt: Instant, at now: Instant) throws -> Received.Lease {
    var visibility = row.visibility
    if visibility.isMoved { try rows.delete(Keys.moved(space, row.place.sequence)) }
    visibility.receive(at: now)
    try rows.delete(key(row.lane, row.place))
    let place = DuePlace(visibleAt: visibleAt, sequence: row.place.sequence)
    try rows.set(key(row.lane, place), visibility.row)
    transaction.noteDue(queue.name, visibleAt)
    transaction.note(.began(row.lane, at: now, until: visibleAt, sentAt: visibility.sentAt), space)
    return Received.Lease(
      body: body, visibility: visibility,
      receipt: Receipt(
        space: space, sequence: place.sequence, lane: row.lane, receiveCount: visibility.receiveCount, visibleAt: visibleAt,
        receivedAt: now))
  }

  /// Later scans begin behind what this one has consumed. A look that found nothing writes at most once a second.
  private func advanceHead(_ found: Found, floor: DuePlace?, at now: Instant) throws {
    let head = try transaction.tally(space).head
    let consumed = !found.receivable.isEmpty || !found.expired.isEmpty || !found.exhausted.isEmpty
    guard consumed || now - head.visibleAt >= .seconds(1) else { return }
    let next = found.left ?? .after(now)
    try updateTally { $0.head = min(next, floor ?? next) }
  }

  private func nextDue(after now: Instant) throws -> Instant? {
    guard let row = try rows.first(Keys.due(space, from: .after(now))) else { return nil }
    return try Keys.duePlace(row.key, space).visibleAt
  }

  private func remove(_ row: Found.Row) throws {
    try rows.delete(key(row.lane, row.place))
    if row.visibility.isMoved { try rows.delete(Keys.moved(space, row.place.sequence)) }
    guard row.body != nil else { return }  // the worker was here first and has counted it
    try rows.delete(Keys.body(space, row.place.sequence))
    try updateTally { $0.messages -= 1 }
  }

  /// The message keeps its id and the time at which it was sent (semantics.md §3, DLQ).
  private func move(_ row: Found.Row, to target: (any QueueMessages)?, at now: Instant) throws {
    guard let body = row.body, let target else { return }
    try remove(row)
    var message = try Message(body, sequence: row.place.sequence)
    message.deadLetterSource = queue.name.arn.text
    message.firstVisibleAt = now
    transaction.noteMove(of: &message, from: queue.name, to: target.queue.name, .exhausted(row.visibility, queue))
    var visibility = row.visibility
    visibility.countOnArrival = visibility.receiveCount
    visibility.isMoved = false
    try target.takeOver(message, visibility)
  }
}
