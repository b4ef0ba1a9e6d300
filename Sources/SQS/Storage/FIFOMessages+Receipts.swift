import Base
import Store

extension FIFOMessages {
  /// The message of a receipt, if it is still the receipt's to decide about. Nil when the message is gone.
  private func find(_ receipt: Receipt, at now: Instant) throws -> (group: String, member: Member)? {
    guard receipt.space == space, let body = try rows.get(Keys.body(space, receipt.sequence)) else { return nil }
    let group = try Message.front(body).groupID ?? ""
    guard let member = try rows.get(Keys.member(space, group, receipt.sequence)).map({ try Member($0) }) else { return nil }
    guard member.visibility.receiveCount == receipt.receiveCount, member.visibleAt > now else {
      throw SQSError.receiptExpired(receipt.handle)
    }
    return (group, member)
  }

  /// Unlike a standard queue, an expired receipt is refused: the group may have gone on.
  func delete(_ receipt: Receipt, at now: Instant) throws {
    guard let (group, _) = try find(receipt, at: now) else { return }
    try remove(group, receipt.sequence, hasBody: true)
    transaction.noteLeases(space, -1)
    try settle(group, at: now)
  }

  func changeVisibility(_ receipt: Receipt, to timeout: Duration, at now: Instant) throws {
    guard let (group, found) = try find(receipt, at: now) else { throw SQSError.messageGone(receipt.handle) }
    guard now + timeout <= receipt.latestDeadline(at: now) else { throw SQSError.visibilityBeyondLimit(timeout) }
    let member = Member(visibleAt: now + timeout, visibility: found.visibility)
    try rows.set(Keys.member(space, group, receipt.sequence), member.row)
    try settle(group, at: now)
  }

  // Attempts

  /// What a receive with this attempt id got before: the same messages and receipt handles, with the time-out begun anew.
  /// Nil when they are not all in flight still, as that receive or its last repetition left them.
  func repeated(_ attempt: String, _ request: ReceiveRequest) throws -> Received? {
    guard var known = try rows.get(Keys.attempt(space, attempt)).flatMap({ try Attempt($0) }), known.expires > request.now else {
      return nil
    }
    var found: [(group: String, sequence: MessageSequence, member: Member, body: [UInt8])] = []
    for (sequence, count) in known.messages {
      guard let body = try rows.get(Keys.body(space, sequence)) else { return nil }
      let group = try Message.front(body).groupID ?? ""
      guard let member = try rows.get(Keys.member(space, group, sequence)).map({ try Member($0) }),
        member.visibility.receiveCount == count, member.visibleAt > request.now, member.visibleAt == known.visibleAt
      else { return nil }
      found.append((group, sequence, member, body))
    }
    var out = Received()
    for (group, sequence, old, body) in found {
      let member = Member(visibleAt: request.now + request.timeout, visibility: old.visibility)
      try rows.set(Keys.member(space, group, sequence), member.row)
      try settle(group, at: request.now)
      let receipt = Receipt(
        space: space, sequence: sequence, receiveCount: old.visibility.receiveCount, visibleAt: known.firstVisibleAt,
        receivedAt: known.receivedAt)
      out.leases.append(Received.Lease(body: body, visibility: old.visibility, receipt: receipt))
    }
    known.visibleAt = request.now + request.timeout
    try rows.set(Keys.attempt(space, attempt), known.row)
    return out
  }

  func remember(_ attempt: String, _ leases: [Received.Lease], at now: Instant) throws {
    let expires = now + SQSLimits.receiveAttemptInterval
    guard let first = leases.first?.receipt else { return }
    let known = Attempt(
      messages: leases.map { ($0.receipt.sequence, $0.receipt.receiveCount) }, receivedAt: first.receivedAt,
      firstVisibleAt: first.visibleAt, visibleAt: first.visibleAt, expires: expires)
    try rows.set(Keys.attempt(space, attempt), known.row)
    try rows.set(Keys.forget(space, at: expires, scope: "", attempt), Forget.attempt.row)
  }

  // Counts

  static func hidden(_ rows: any Reader, _ queue: Queue, at now: Instant, limit: Int, most: Int) throws -> (
    inFlight: Int, delayed: Int
  ) {
    var (inFlight, delayed) = (0, 0)
    try rows.scan(Keys.due(queue.space, from: .after(now))) { _, value in
      try rows.scan(Keys.members(queue.space, try GroupName.read(value))) { _, value in
        let member = try Member(value)
        guard member.hasBeenReceived else { return false }
        if member.isInFlight(at: now), !member.visibility.isExpired(at: now, in: queue) { inFlight += 1 }
        return true
      }
      return inFlight < limit
    }
    guard queue.delay > .zero else { return (inFlight, 0) }
    let since = MessageSequence.first(at: now - .seconds(SQSLimits.delaySeconds.upperBound))
    try rows.scan(Keys.bodies(queue.space, from: since)) { _, value in
      if try Message.front(value).firstVisibleAt > now { delayed += 1 }
      return inFlight + delayed < most
    }
    return (inFlight, delayed)
  }
}

/// What was sent with a deduplication id, and until when the id counts.
struct Duplicate: Sendable {
  var sent: Sent
  var expires: Instant

  init(sent: Sent, expires: Instant) { (self.sent, self.expires) = (sent, expires) }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(sent: Sent(messageID: try row.string(), sequenceNumber: try row.optionalString()), expires: try row.instant())
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.string(sent.messageID)
    row.optional(sent.sequenceNumber)
    row.instant(expires)
    return row.bytes
  }
}

/// What a receive with an attempt id was given.
struct Attempt: Sendable {
  var messages: [(sequence: MessageSequence, count: Int)]
  var receivedAt: Instant
  /// The end of the time-out as the receipt handles have it, and as the last repetition has set it.
  var firstVisibleAt: Instant, visibleAt: Instant
  var expires: Instant

  init(
    messages: [(MessageSequence, Int)], receivedAt: Instant, firstVisibleAt: Instant, visibleAt: Instant, expires: Instant
  ) {
    (self.messages, self.receivedAt, self.expires) = (messages, receivedAt, expires)
    (self.firstVisibleAt, self.visibleAt) = (firstVisibleAt, visibleAt)
  }
  /// Nil for a row without the times, as the first version wrote them: such an attempt is not repeated.
  init?(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    expires = try row.instant()
    messages = try row.array { (MessageSequence(high: try $0.int64(), node: try $0.int64()), try $0.int()) }
    guard !row.isAtEnd else { return nil }
    (receivedAt, firstVisibleAt, visibleAt) = (try row.instant(), try row.instant(), try row.instant())
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.instant(expires)
    row.array(messages) { row, message in
      row.int(message.sequence.high)
      row.int(message.sequence.node)
      row.int(message.count)
    }
    for time in [receivedAt, firstVisibleAt, visibleAt] { row.instant(time) }
    return row.bytes
  }
}

/// What a "forget" row is about.
enum Forget: UInt8, Sendable {
  case duplicate = 1
  case attempt = 2
  var row: [UInt8] { [rawValue] }
}

enum GroupName {
  static func bytes(_ group: String) -> [UInt8] { Array(group.utf8) }
  static func read(_ bytes: [UInt8]) throws -> String { bytes.utf8Text }
}

enum GroupPlace {
  static func bytes(_ place: DuePlace) -> [UInt8] {
    var row = RowWriter(capacity: 32)
    row.instant(place.visibleAt)
    row.int(place.sequence.high)
    row.int(place.sequence.node)
    return row.bytes
  }
  static func read(_ bytes: [UInt8]) throws -> DuePlace {
    var row = try RowReader(bytes)
    return DuePlace(visibleAt: try row.instant(), sequence: MessageSequence(high: try row.int64(), node: try row.int64()))
  }
}
