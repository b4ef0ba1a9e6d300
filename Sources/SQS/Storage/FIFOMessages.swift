import Base
import Store

/// The messages of a FIFO queue within one transaction.
///
/// A group has one row among "due": when its next message can be received. While messages of the group are in flight that
/// is the end of the last time-out, which is what locks the group. Messages in flight are always the first of their group.
struct FIFOMessages: QueueMessages {
  let transaction: QueueTransaction
  let queue: Queue
  var rows: any Transaction { transaction.rows }
  var space: Space { queue.space }

  init(_ transaction: QueueTransaction, _ queue: Queue) { (self.transaction, self.queue) = (transaction, queue) }

  /// One message among those of its group.
  struct Member: Sendable, Equatable {
    var visibleAt: Instant
    var visibility: Visibility

    func isInFlight(at now: Instant) -> Bool { hasBeenReceived && visibleAt > now }
    var hasBeenReceived: Bool { visibility.receiveCount > visibility.countOnArrival }

    init(visibleAt: Instant, visibility: Visibility) { (self.visibleAt, self.visibility) = (visibleAt, visibility) }
    init(_ bytes: [UInt8]) throws {
      var row = try RowReader(bytes)
      self.init(visibleAt: try row.instant(), visibility: try Visibility(try row.blob()))
    }
    var row: [UInt8] {
      var row = RowWriter(capacity: 48)
      row.instant(visibleAt)
      row.blob(visibility.row)
      return row.bytes
    }
  }

  // Sending

  func send(_ message: Message) throws -> Sent {
    var message = message
    let id = message.deduplicationID ?? MessageDigest.sha256(message.body)
    message.deduplicationID = id
    let scope = queue.deduplicatesByGroup ? message.groupID ?? "" : ""
    let key = Keys.duplicate(space, scope: scope, id)
    if let known = try rows.get(key).map({ try Duplicate($0) }), known.expires > message.sentAt { return known.sent }
    message.sequence = try next(message.sequence)
    let sent = Sent(messageID: message.id, sequenceNumber: message.sequence.text)
    let expires = message.sentAt + SQSLimits.deduplicationInterval
    try rows.set(key, Duplicate(sent: sent, expires: expires).row)
    try rows.set(Keys.forget(space, at: expires, scope: scope, id), Forget.duplicate.row)
    try takeOver(message, Visibility(sentAt: message.sentAt))
    return sent
  }

  /// The sequence, or a later one if that would not be the last of the queue.
  private func next(_ sequence: MessageSequence) throws -> MessageSequence {
    let last = try transaction.tally(space).last
    return sequence.high > last ? sequence : MessageSequence(high: last + 1, node: sequence.node)
  }

  func takeOver(_ message: Message, _ visibility: Visibility) throws {
    var message = message
    message.sequence = try next(message.sequence)
    let group = message.groupID ?? ""
    try rows.set(Keys.body(space, message.sequence), message.row)
    let member = Member(visibleAt: message.firstVisibleAt, visibility: visibility)
    try rows.set(Keys.member(space, group, message.sequence), member.row)
    try updateTally { ($0.messages, $0.last) = ($0.messages + 1, message.sequence.high) }
    // A group that has messages already goes on as it was: this one is its last.
    if try rows.get(Keys.group(space, group)) == nil { try settle(group, at: message.sentAt) }
  }

  func updateTally(_ change: (inout Tally) -> Void) throws {
    var tally = try transaction.tally(space)
    change(&tally)
    transaction.setTally(space, tally)
  }

  /// Puts the group's row where its members say.
  func settle(_ group: String, at now: Instant) throws {
    let old = try rows.get(Keys.group(space, group)).map { try GroupPlace.read($0) }
    guard let new = try place(of: group, old: old, at: now) else {
      if let old { try rows.delete(Keys.due(space, old)) }
      return try rows.delete(Keys.group(space, group))
    }
    try updateTally { $0.head = min($0.head, new) }
    transaction.noteDue(queue.name, new.visibleAt)
    guard new != old else { return }
    if let old { try rows.delete(Keys.due(space, old)) }
    try rows.set(Keys.due(space, new), GroupName.bytes(group))
    try rows.set(Keys.group(space, group), GroupPlace.bytes(new))
  }

  private func place(of group: String, old: DuePlace?, at now: Instant) throws -> DuePlace? {
    var first: (sequence: MessageSequence, member: Member)?
    var lockedUntil: Instant?
    try rows.scan(Keys.members(space, group)) { key, value in
      let member = try Member(value)
      if first == nil { first = (try Keys.memberSequence(key, space, group), member) }
      if member.isInFlight(at: now) { lockedUntil = max(member.visibleAt, lockedUntil ?? member.visibleAt) }
      return member.hasBeenReceived
    }
    guard let first else { return nil }
    let waitsSince = old.map { min($0.visibleAt, now) } ?? now
    let visibleAt = lockedUntil ?? max(first.member.visibleAt, waitsSince)
    return DuePlace(visibleAt: visibleAt, sequence: first.sequence)
  }

  // Receiving

  func receive(_ request: ReceiveRequest, deadLetters: (any QueueMessages)?) throws -> Received {
    if let attempt = request.attemptID, let again = try repeated(attempt, request) { return again }
    var out = Received()
    let (groups, stoppedAt) = try readyGroups(request)
    let head = try transaction.tally(space).head
    if !groups.isEmpty || request.now - head.visibleAt >= .seconds(1) {
      // Settling takes it back to where a group still is.
      try updateTally { $0.head = stoppedAt ?? .after(request.now) }
    }
    var moves = 0
    for (n, (group, place)) in groups.enumerated() {
      guard out.leases.count < request.maximum, moves < SQSLimits.redrivesPerReceive else {
        try updateTally { $0.head = min($0.head, place) }
        out.mayBeMore = true
        break
      }
      out.mayBeMore =
        try take(from: group, into: &out.leases, request, deadLetters, &moves) || (n == groups.count - 1 && stoppedAt != nil)
      try settle(group, at: request.now)
    }
    if !out.leases.isEmpty {
      transaction.noteLeases(space, out.leases.count)
      if let attempt = request.attemptID { try remember(attempt, out.leases, at: request.now) }
    }
    if request.wantsNextDue, !out.mayBeMore {
      out.nextDue = try rows.first(Keys.due(space, from: .after(request.now))).map { try Keys.duePlace($0.key, space).visibleAt }
    }
    return out
  }

  private func readyGroups(_ request: ReceiveRequest) throws -> (groups: [(name: String, place: DuePlace)], stoppedAt: DuePlace?)
  {
    var groups: [(name: String, place: DuePlace)] = []
    var stoppedAt: DuePlace?
    try rows.scan(Keys.due(space, from: try transaction.tally(space).head, to: .after(request.now))) { key, value in
      let place = try Keys.duePlace(key, space)
      guard groups.count < request.maximum else {
        stoppedAt = place
        return false
      }
      groups.append((try GroupName.read(value), place))
      return true
    }
    return (groups, stoppedAt)
  }

  /// Takes as many messages of the group as are wanted, in their order. True when it may have left some behind.
  private func take(
    from group: String, into leases: inout [Received.Lease], _ request: ReceiveRequest, _ deadLetters: (any QueueMessages)?,
    _ moves: inout Int
  ) throws -> Bool {
    let now = request.now
    let limit = request.maximum + SQSLimits.redrivesPerReceive
    let entries = try rows.entries(Keys.members(space, group), limit: limit)
    for (key, value) in entries {
      guard leases.count < request.maximum, moves < SQSLimits.redrivesPerReceive else { return true }
      let sequence = try Keys.memberSequence(key, space, group)
      var member = try Member(value)
      let body = try rows.get(Keys.body(space, sequence))
      guard let body, !member.visibility.isExpired(at: now, in: queue) else {
        try remove(group, sequence, hasBody: body != nil)
        continue
      }
      guard member.visibleAt <= now else { return false }
      if let deadLetters, let policy = queue.redrive, member.visibility.isExhausted(by: policy) {
        try remove(group, sequence, hasBody: true)
        try move(body, member, to: deadLetters, request, number: moves)
        moves += 1
        continue
      }
      member.visibility.receive(at: now)
      member.visibleAt = now + request.timeout
      try rows.set(key, member.row)
      leases.append(lease(body, member, sequence, at: now))
    }
    return entries.count == limit
  }

  func lease(_ body: [UInt8], _ member: Member, _ sequence: MessageSequence, at now: Instant) -> Received.Lease {
    Received.Lease(
      body: body, visibility: member.visibility,
      receipt: Receipt(
        space: space, sequence: sequence, receiveCount: member.visibility.receiveCount, visibleAt: member.visibleAt,
        receivedAt: now))
  }

  /// In a FIFO dead-letter queue the message is a new one: its retention begins anew (semantics.md §3, DLQ). Its id takes the
  /// place of its deduplication id, since two messages of the source may share that (developer guide, "dead-letter queue redrive").
  private func move(_ body: [UInt8], _ member: Member, to target: any QueueMessages, _ request: ReceiveRequest, number: Int)
    throws
  {
    let sequence = MessageSequence(high: request.sequence.high, node: request.sequence.node + Int64(number))
    var message = try Message(body, sequence: sequence)
    message.deadLetterSource = queue.name.arn.text
    (message.sentAt, message.firstVisibleAt, message.deduplicationID) = (request.now, request.now, message.id)
    transaction.noteMove(of: &message, from: queue.name, to: target.queue.name, .exhausted(member.visibility, queue))
    var visibility = member.visibility
    visibility.sentAt = request.now
    visibility.countOnArrival = visibility.receiveCount
    try target.takeOver(message, visibility)
  }

  func remove(_ group: String, _ sequence: MessageSequence, hasBody: Bool) throws {
    try rows.delete(Keys.member(space, group, sequence))
    guard hasBody else { return }
    try rows.delete(Keys.body(space, sequence))
    try updateTally { $0.messages -= 1 }
  }

  func expire(_ sequence: MessageSequence, _ body: [UInt8], at now: Instant) throws {
    let group = try Message.front(body).groupID ?? ""
    try remove(group, sequence, hasBody: true)
    try settle(group, at: now)
  }
}
