import Base
import Fabric
import Store
import Wire

extension ReceiveMessageInput: QueueInput {}

extension SQSService {
  func receive(
    _ name: QueueName, maximum: Int, wait: Duration?, timeout: Duration?, attemptID: String? = nil, _ call: Call?
  ) async throws -> [Delivery] {
    if !copies.isEmpty {
      let found = copies.take(maximum, of: name, in: try await cache.find(name)?.space)
      if !found.isEmpty { return found }
    }
    let deliveries = try await fetch(name, maximum: maximum, wait: wait, timeout: timeout, attemptID: attemptID, call)
    // Only now: a rule may be younger than a long poll.
    return chaos.isOn && !name.isFIFO ? struck(deliveries, of: name) : deliveries
  }

  /// One look, or as many as fit into the time that the client waits.
  private func fetch(
    _ name: QueueName, maximum: Int, wait: Duration?, timeout: Duration?, attemptID: String?, _ call: Call?
  ) async throws -> [Delivery] {
    let (start, began) = (ambient.now, ambient.clock.monotonic())
    let wait = try await { if let wait { wait } else { try await cache.find(name)?.receiveWait ?? .zero } }()
    @Sendable func look() async throws -> Received {
      try await self.look(name, maximum: maximum, timeout: timeout, waits: wait > .zero, attemptID: attemptID, call)
    }
    guard wait > .zero, let ticket = rooms.join(name) else { return try await hand(out: try await look(), of: name) }
    do {
      repeat {
        rooms.looks(ticket)
        let received = try await look()
        guard received.leases.isEmpty else {
          rooms.served(ticket, mayBeMore: received.mayBeMore, nextDue: received.nextDue)
          return try await hand(out: received, of: name)
        }
        rooms.foundNothing(ticket, nextDue: received.nextDue)
      } while try await rooms.sleep(ticket, until: start + wait, limit: began + wait)
    } catch {
      rooms.left(ticket)
      throw error
    }
    rooms.left(ticket)
    return []
  }

  /// Answers all long polls that are under way with no messages, so that a server can stop.
  public func endWaits() { rooms.endAll() }

  /// Looks once, and again at once while a look met only rows that it had to clear away.
  private func look(_ name: QueueName, maximum: Int, timeout: Duration?, waits: Bool, attemptID: String?, _ call: Call?)
    async throws -> Received
  {
    while true {
      try Task.checkCancellation()
      let now = ambient.now
      let sequence = sequences.next(at: now)
      let (gauge, shares) = (inFlight, shares)
      let received = try await commits.run(name) { transaction -> Received in
        let queue = try transaction.existing(name, call)
        guard try gauge.allows(queue, transaction.rows, at: now) else { return Received() }
        let target = try queue.redrive.flatMap { try transaction.queue($0.target) }
        let request = ReceiveRequest(
          maximum: maximum, timeout: timeout ?? queue.visibilityTimeout, now: now,
          attemptID: queue.isFIFO ? attemptID : nil, wantsNextDue: waits,
          noisy: queue.isFIFO ? [:] : shares.noisy(queue.space, at: now),
          sequence: sequence)
        let deadLetters = target.flatMap { $0.isFIFO == queue.isFIFO ? transaction.messages($0) : nil }
        return try transaction.messages(queue).receive(request, deadLetters: deadLetters)
      }
      if !received.leases.isEmpty || !received.mayBeMore { return received }
    }
  }

  /// Messages for a client that has gone in the meantime are made visible again at once.
  private func hand(out received: Received, of name: QueueName) async throws -> [Delivery] {
    if Task.isCancelled {
      let now = ambient.now
      try await commits.run(name) { transaction in
        guard let queue = try transaction.queue(name) else { return }
        for lease in received.leases { try transaction.messages(queue).changeVisibility(lease.receipt, to: .zero, at: now) }
      }
      throw CancellationError()
    }
    return try received.leases.map { lease in
      Delivery(
        message: try Message(lease.body, sequence: lease.receipt.sequence), visibility: lease.visibility, receipt: lease.receipt)
    }
  }

  func receiveMessage(_ input: ReceiveMessageInput, _ call: Call) async throws -> ReceiveMessageOutput {
    let name = try queueName(input.queueUrl, call)
    let maximum = input.maxNumberOfMessages ?? 1
    guard SQSLimits.messagesPerReceive.contains(maximum) else {
      throw SQSError.invalid("MaxNumberOfMessages", maximum, "Must be between 1 and 10, if provided.")
    }
    if let attempt = input.receiveRequestAttemptId {
      guard name.isFIFO else { throw SQSError.notForThisType("ReceiveRequestAttemptId", attempt) }
      try Draft.check("ReceiveRequestAttemptId", attempt)
    }
    let filter = try MessageFilter(input)
    let deliveries = try await receive(
      name, maximum: maximum,
      wait: try Self.seconds("WaitTimeSeconds", input.waitTimeSeconds, SQSLimits.waitSeconds),
      timeout: try Self.seconds("VisibilityTimeout", input.visibilityTimeout, SQSLimits.visibilitySeconds),
      attemptID: input.receiveRequestAttemptId, call)
    var output = ReceiveMessageOutput()
    output.messages = deliveries.isEmpty ? nil : deliveries.map(filter.message)
    return output
  }

  static func seconds(_ parameter: String, _ value: Int?, _ range: ClosedRange<Int>) throws(AWSError) -> Duration? {
    guard let value else { return nil }
    guard range.contains(value) else {
      throw SQSError.invalid(parameter, value, "Must be >= 0 and <= \(range.upperBound), if provided.")
    }
    return .seconds(value)
  }
}

extension InFlightGauge {
  /// Whether more may be handed out. A standard queue at its limit throws OverLimit, a FIFO queue just gives nothing.
  func allows(_ queue: Queue, _ rows: any Reader, at now: Instant) throws -> Bool {
    guard mustCount(queue.space) else { return true }
    let count = try MessageCounts.hidden(rows, queue, at: now, limit: SQSLimits.inFlight).inFlight
    set(queue.space, count)
    guard count >= SQSLimits.inFlight else { return true }
    guard queue.isFIFO else { throw SQSError.tooManyInFlight }
    return false
  }
}

/// Which attributes of messages a receive wants to see.
struct MessageFilter: Sendable {
  private var system: Set<String>
  private var names: Set<String> = []
  private var prefixes: [String] = []
  private var wantsAll = false

  private static let systemNames: Set<String> = [
    "All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "SequenceNumber",
    "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn",
  ]

  init(_ input: ReceiveMessageInput) throws(AWSError) {
    system = Set((input.messageSystemAttributeNames ?? []) + (input.attributeNames ?? []))
    for name in system.sorted() where !Self.systemNames.contains(name) { throw SQSError.unknownAttribute(name) }
    for name in input.messageAttributeNames ?? [] {
      if name == "All" || name == ".*" {
        wantsAll = true
      } else if name.hasSuffix(".*") {
        prefixes.append(String(name.dropLast(2)))
      } else {
        names.insert(name)
      }
    }
  }

  private func wants(_ attribute: MessageAttribute) -> Bool {
    wantsAll || names.contains(attribute.name) || prefixes.contains { attribute.name.hasPrefix($0) }
  }

  func message(_ delivery: Delivery) -> SQSMessage {
    var out = SQSMessage()
    out.messageId = delivery.message.id
    out.receiptHandle = delivery.receipt.handle
    out.body = delivery.message.body
    out.md5OfBody = delivery.message.bodyMD5
    if !system.isEmpty {
      let all = delivery.systemAttributes
      let shown = system.contains("All") ? all : all.filter { system.contains($0.key) }
      out.attributes = shown.isEmpty ? nil : shown
    }
    let shown = delivery.message.attributes.filter(wants)
    guard !shown.isEmpty else { return out }
    // Clients check the digest against the attributes that they were given, so it covers only those.
    out.md5OfMessageAttributes =
      shown.count == delivery.message.attributes.count ? delivery.message.attributesMD5 : MessageDigest.md5(shown)
    out.messageAttributes = Dictionary(shown.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    return out
  }
}
