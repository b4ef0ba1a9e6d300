import Base
import Store

extension StandardMessages {
  /// The row that the receipt is for; nil when the message is gone or has been received again since.
  private func find(_ receipt: Receipt) throws -> (place: DuePlace, visibility: Visibility)? {
    guard receipt.space == space else { return nil }
    func look(_ visibleAt: Instant) throws -> (place: DuePlace, visibility: Visibility)? {
      let place = DuePlace(visibleAt: visibleAt, sequence: receipt.sequence)
      guard let value = try rows.get(Keys.due(space, place)) else { return nil }
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
    try rows.delete(Keys.due(space, place))
    try rows.delete(Keys.body(space, place.sequence))
    if visibility.isMoved { try rows.delete(Keys.moved(space, place.sequence)) }
    try updateTally { $0.messages -= 1 }
    if place.visibleAt > now { transaction.noteLeases(space, -1) }
  }

  /// Lets the message be visible again after `timeout` from now.
  func changeVisibility(_ receipt: Receipt, to timeout: Duration, at now: Instant) throws {
    guard var (place, visibility) = try find(receipt) else { throw SQSError.messageGone(receipt.handle) }
    guard place.visibleAt > now else { throw SQSError.messageNotInflight }
    guard now + timeout <= receipt.receivedAt + SQSLimits.totalVisibility else { throw SQSError.visibilityBeyondLimit(timeout) }
    try rows.delete(Keys.due(space, place))
    place.visibleAt = now + timeout
    visibility.isMoved = true
    try rows.set(Keys.moved(space, place.sequence), InstantRow.bytes(place.visibleAt))
    try put(visibility, place)
  }
}

extension StandardMessages {
  /// The row among "due" is where the send has put it unless the message was received; then a receive finds it without a
  /// body and clears it away.
  func expire(_ sequence: MessageSequence, _ body: [UInt8], at now: Instant) throws {
    try rows.delete(Keys.body(space, sequence))
    try rows.delete(Keys.moved(space, sequence))
    try rows.delete(Keys.due(space, DuePlace(visibleAt: try Message.front(body).firstVisibleAt, sequence: sequence)))
    try updateTally { $0.messages -= 1 }
  }

  /// Messages that cannot be received now: in flight, and delayed since they were sent.
  static func hidden(_ rows: any Reader, _ queue: Queue, at now: Instant, limit: Int = .max) throws -> (
    inFlight: Int, delayed: Int
  ) {
    var (inFlight, delayed) = (0, 0)
    try rows.scan(Keys.due(queue.space, from: .after(now))) { _, value in
      let visibility = try Visibility(value)
      guard !visibility.isExpired(at: now, in: queue) else { return true }
      if visibility.receiveCount > visibility.countOnArrival { inFlight += 1 } else { delayed += 1 }
      return inFlight < limit
    }
    return (inFlight, delayed)
  }
}
