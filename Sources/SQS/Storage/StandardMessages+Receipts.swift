import Base
import Store

extension StandardMessages {
  /// The row that the receipt is for; nil when the message is gone or has been received again since.
  private func find(_ receipt: Receipt) throws -> (place: DuePlace, visibility: Visibility)? {
    guard receipt.space == space else { return nil }
    func look(_ visibleAt: Instant) throws -> (place: DuePlace, visibility: Visibility)? {
      let place = DuePlace(visibleAt: visibleAt, sequence: receipt.sequence)
      // A forged handle can name the place of a tenant's turn, which is no message.
      guard let value = try rows.get(key(receipt.lane, place)), Turn.read(value) == nil else { return nil }
      let visibility = try Visibility(value)
      return visibility.receiveCount == receipt.receiveCount ? (place, visibility) : nil
    }
    if let found = try look(receipt.visibleAt) { return found }
    guard let moved = try rows.get(Keys.moved(space, receipt.sequence)) else { return nil }
    return try look(try InstantRow.read(moved))
  }

  /// Deletes the message of the receipt. An old receipt deletes nothing.
  func delete(_ receipt: Receipt, at now: Instant) throws {
    guard let (place, visibility) = try find(receipt) else { return }
    // The worker may have expired it in flight, and has counted that.
    let isCounted = try !visibility.isExpired(at: now, in: queue) || rows.get(Keys.body(space, place.sequence)) != nil
    try rows.delete(key(receipt.lane, place))
    try rows.delete(Keys.body(space, place.sequence))
    if visibility.isMoved { try rows.delete(Keys.moved(space, place.sequence)) }
    if isCounted { try updateTally { $0.messages -= 1 } }
    if place.visibleAt > now { transaction.noteLeases(space, -1) }
    transaction.note(.ended(receipt.lane, at: now, until: place.visibleAt, began: receipt.receivedAt), space)
    try settle(receipt.lane, removed: place)
  }

  /// Lets the message be visible again after `timeout` from now.
  ///
  /// AWS lets a consumer do so whose time-out has ended, as long as nobody has received the message again; not one that has
  /// changed the time-out before (API reference, ChangeMessageVisibility: such attempts "might result in an error").
  func changeVisibility(_ receipt: Receipt, to timeout: Duration, at now: Instant) throws {
    guard var (place, visibility) = try find(receipt) else { throw SQSError.messageGone(receipt.handle) }
    guard place.visibleAt > now || !visibility.isMoved else { throw SQSError.messageNotInflight }
    guard now + timeout <= receipt.latestDeadline(at: now) else { throw SQSError.visibilityBeyondLimit(timeout) }
    try rows.delete(key(receipt.lane, place))
    transaction.note(.ended(receipt.lane, at: now, until: place.visibleAt, began: receipt.receivedAt), space)
    if place.visibleAt <= now { transaction.noteLeases(space, 1) }
    let old = place
    place.visibleAt = now + timeout
    visibility.isMoved = true
    try rows.set(Keys.moved(space, place.sequence), InstantRow.bytes(place.visibleAt))
    transaction.note(
      .began(receipt.lane, at: receipt.receivedAt, until: place.visibleAt, sentAt: visibility.sentAt), space)
    try put(visibility, receipt.lane, place)
    try settle(receipt.lane, removed: old)
  }

  /// The index row is where the send has put it unless the message was received; then a receive finds it without a body
  /// and clears it away.
  func expire(_ sequence: MessageSequence, _ body: [UInt8], at now: Instant) throws {
    let (firstVisibleAt, group) = try Message.front(body)
    try rows.delete(Keys.body(space, sequence))
    try rows.delete(Keys.moved(space, sequence))
    let (lane, place) = (Lane(group: group), DuePlace(visibleAt: firstVisibleAt, sequence: sequence))
    try rows.delete(key(lane, place))
    try settle(lane, removed: place)
    try updateTally { $0.messages -= 1 }
  }

  /// Messages that cannot be received now: in flight, and delayed since they were sent.
  static func hidden(_ rows: any Reader, _ queue: Queue, at now: Instant, limit: Int, most: Int) throws -> (
    inFlight: Int, delayed: Int
  ) {
    var (inFlight, delayed) = (0, 0)
    func count(_ value: [UInt8]) throws -> Bool {
      let visibility = try Visibility(value)
      guard !visibility.isExpired(at: now, in: queue) else { return true }
      if visibility.receiveCount > visibility.countOnArrival { inFlight += 1 } else { delayed += 1 }
      return inFlight < limit && inFlight + delayed < most
    }
    try rows.scan(Keys.due(queue.space, from: .after(now))) { _, value in try Turn.read(value) != nil || count(value) }
    try rows.scan(Keys.turns(queue.space)) { key, _ in
      let lane = try Keys.turnLane(key, queue.space)
      try rows.scan(Keys.lane(queue.space, lane, from: .after(now))) { _, value in try count(value) }
      return inFlight < limit && inFlight + delayed < most
    }
    return (inFlight, delayed)
  }
}
