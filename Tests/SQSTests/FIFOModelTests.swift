import Base
import Testing
import Wire

@testable import SQS

/// A FIFO queue as the developer guide describes it, too simple to be wrong.
private struct FIFOModel {
  struct Message {
    var body: String, id: String, group: Int
    var receives = 0
    var inFlightUntil = Instant.epoch
  }
  struct Attempt { var bodies: [String], handles: [String], receives: [Int], until: Instant, expires: Instant }

  static let maximumReceives = 3
  var messages: [Message] = []
  var duplicates: [Int: (id: String, expires: Instant)] = [:]
  var attempts: [Int: Attempt] = [:]
  /// What has been received and neither deleted nor forgotten, by receipt handle.
  var receipts: [(handle: String, body: String, receives: Int)] = []
  var purged: Instant?
  /// Deleted or purged: never to be seen again.
  var gone: Set<String> = []
  /// Exhausted when the queue was purged: perhaps in the dead-letter queue by then.
  var purgedExhausted: Set<String> = []

  func isLocked(_ group: Int, at now: Instant) -> Bool {
    messages.contains { $0.group == group && $0.inFlightUntil > now }
  }
  /// The messages of a group that can still be received, in order. The others belong in the dead-letter queue.
  func living(_ group: Int) -> [Message] { messages.filter { $0.group == group && $0.receives < Self.maximumReceives } }

  func repeatable(_ number: Int, at now: Instant) -> Attempt? {
    guard let attempt = attempts[number], attempt.expires > now, attempt.until > now else { return nil }
    let isUnchanged = zip(attempt.bodies, attempt.receives).allSatisfy { body, receives in
      messages.contains { $0.body == body && $0.receives == receives && $0.inFlightUntil == attempt.until }
    }
    return isUnchanged ? attempt : nil
  }
}

private enum FIFOStep: Sendable {
  case send(group: Int, id: Int)
  case receive(Int, timeout: Int, attempt: Int?)
  case delete(Int)
  case change(Int, seconds: Int)
  case advance(Int64)
  case purge, restart, work

  static func random(_ random: SeededRandom) -> FIFOStep {
    func number(_ below: Int) -> Int { Int(random.number(below: UInt64(below))) }
    switch number(20) {
    case 0...6: return .send(group: number(4), id: number(40))
    case 7...11: return .receive(1 + number(10), timeout: 1 + number(60), attempt: number(3) == 0 ? number(3) : nil)
    case 12...14: return .delete(number(50))
    case 15: return .change(number(50), seconds: number(3) == 0 ? 0 : number(90))
    case 16...17: return .advance(Int64(number(20_000)))
    case 18: return .advance(Int64(number(400_000)))
    default: return [.purge, .restart, .work][number(3)]
    }
  }
}

@Suite struct FIFOModelTests {
  @Test(arguments: 1...24 as ClosedRange<UInt64>)
  func `order in a group and exactly one delivery within the window hold whatever happens`(seed: UInt64) async throws {
    try await checkRandomTraces(seed: seed, salt: 7919, of: 250, draw: FIFOStep.random) { try await Run(seed).perform($0) }
  }
}

private final class Run {
  private var cloud: Cloud
  private var model = FIFOModel()
  private var (url, dead) = ("", "")
  private var sent = 0
  private var lastSequence = ""

  init(_ seed: UInt64) { cloud = Cloud(seed: seed) }
  private var now: Instant { cloud.clock.now() }

  func perform(_ steps: [FIFOStep]) async throws {
    dead = try await cloud.createQueue("dead.fifo", ["FifoQueue": "true"])
    let policy = RedriveTests.policy(
      "\(FIFOModel.maximumReceives)", target: "arn:aws:sqs:us-east-1:000000000000:dead.fifo")
    url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true", "RedrivePolicy": policy])
    for step in steps { try await perform(step) }
    try await drain()
  }

  private func perform(_ step: FIFOStep) async throws {
    switch step {
    case .send(let group, let id): try await send(group, id)
    case .receive(let maximum, let timeout, let attempt): try await receive(maximum, timeout, attempt)
    case .delete(let pick): try await delete(pick)
    case .change(let pick, let seconds): try await change(pick, seconds)
    case .advance(let milliseconds): cloud.clock.advance(.milliseconds(milliseconds))
    case .restart: cloud = cloud.restarted()
    case .work: try await cloud.work()
    case .purge: try await purge()
    }
  }

  private func send(_ group: Int, _ id: Int) async throws {
    let body = "m\(sent)"
    sent += 1
    let out = try await cloud.send(body, to: url, group: "g\(group)", id: "d\(id)")
    let messageID = out.messageId ?? ""
    if let known = model.duplicates[id], known.expires > now {
      guard known.id == messageID else { throw Difference("\(body) is a duplicate and has another id") }
      return
    }
    guard let sequence = out.sequenceNumber, sequence > lastSequence else { throw Difference("\(body): sequence numbers grow") }
    lastSequence = sequence
    model.duplicates[id] = (messageID, now + .minutes(5))
    model.messages.append(FIFOModel.Message(body: body, id: messageID, group: group))
  }

  private func receive(_ maximum: Int, _ timeout: Int, _ attempt: Int?) async throws {
    let again = attempt.flatMap { model.repeatable($0, at: now) }
    let got = try await cloud.receive(
      url, maximum, timeout: timeout, attempt: attempt.map { "a\($0)" }, system: ["MessageGroupId", "ApproximateReceiveCount"])
    let bodies = got.compactMap(\.body)
    let until = now + .seconds(timeout)
    if let again, let attempt {
      guard bodies == again.bodies, got.compactMap(\.receiptHandle) == again.handles else {
        throw Difference("the repeated attempt got \(bodies) instead of \(again.bodies)")
      }
      for body in bodies { update(body) { $0.inFlightUntil = until } }
      model.attempts[attempt]?.until = until
      return
    }
    if bodies.isEmpty {
      let groups = Set(model.messages.map(\.group)).filter { !model.isLocked($0, at: now) && !model.living($0).isEmpty }
      guard groups.isEmpty else { throw Difference("nothing received although groups \(groups.sorted()) have messages") }
      return
    }
    guard bodies.count <= maximum else { throw Difference("\(bodies.count) of \(maximum) received") }
    for (group, messages) in Dictionary(grouping: got, by: { $0.attributes?["MessageGroupId"] ?? "" }) {
      guard let group = Int(group.dropFirst()) else { throw Difference("group \(group)") }
      guard !model.isLocked(group, at: now) else { throw Difference("group \(group) is locked and was received") }
      let expected = model.living(group).prefix(messages.count).map(\.body)
      guard messages.compactMap(\.body) == expected else {
        throw Difference("group \(group) gave \(messages.compactMap(\.body)) instead of \(expected)")
      }
    }
    for message in got { try took(message, until) }
    guard let attempt else { return }
    model.attempts[attempt] = FIFOModel.Attempt(
      bodies: bodies, handles: got.compactMap(\.receiptHandle),
      receives: bodies.map { body in model.messages.first { $0.body == body }?.receives ?? 0 }, until: until,
      expires: now + .minutes(5))
  }

  private func took(_ message: SQSMessage, _ until: Instant) throws {
    let body = message.body ?? ""
    update(body) { ($0.receives, $0.inFlightUntil) = ($0.receives + 1, until) }
    let receives = model.messages.first { $0.body == body }?.receives ?? 0
    guard message.attributes?["ApproximateReceiveCount"] == "\(receives)" else { throw Difference("\(body): receive count") }
    model.receipts.append((message.receiptHandle ?? "", body, receives))
  }

  private func update(_ body: String, _ change: (inout FIFOModel.Message) -> Void) {
    for i in model.messages.indices where model.messages[i].body == body { change(&model.messages[i]) }
  }

  /// The message of a receipt as the model has it; valid while this receive's time-out lasts.
  private func picked(_ pick: Int) -> (handle: String, message: FIFOModel.Message?, isValid: Bool)? {
    guard !model.receipts.isEmpty else { return nil }
    let receipt = model.receipts[pick % model.receipts.count]
    let message = model.messages.first { $0.body == receipt.body }
    return (receipt.handle, message, message.map { $0.receives == receipt.receives && $0.inFlightUntil > now } ?? false)
  }

  private func delete(_ pick: Int) async throws {
    guard let (handle, message, isValid) = picked(pick) else { return }
    // In the dead-letter queue since: as if gone. Whether it is there already is not the model's business.
    let mayHaveMoved = message.map { $0.receives >= FIFOModel.maximumReceives && !isValid } ?? false
    do {
      try await cloud.delete(handle, from: url)
      guard message == nil || isValid || mayHaveMoved else { throw Difference("an expired handle deleted \(message?.body ?? "")") }
      if isValid, let message {
        model.messages.removeAll { $0.body == message.body }
        model.gone.insert(message.body)
      }
    } catch let error as AWSError {
      guard error.code == "InvalidParameterValue", message != nil, !isValid else { throw error }
    }
  }

  private func change(_ pick: Int, _ seconds: Int) async throws {
    guard let (handle, message, isValid) = picked(pick) else { return }
    do {
      try await cloud.changeVisibility(handle, of: url, to: seconds)
      guard isValid, let message else { throw Difference("an expired handle changed \(message?.body ?? "a message that is gone")") }
      update(message.body) { $0.inFlightUntil = now + .seconds(seconds) }
    } catch let error as AWSError {
      guard error.code == "InvalidParameterValue", !isValid else { throw error }
    }
  }

  private func purge() async throws {
    do {
      try await cloud.purge(url)
      if let purged = model.purged, now < purged + .seconds(60) { throw Difference("two purges within a minute") }
      // Exhausted messages may have moved before: those are looked for in both places at the end.
      for message in model.messages where message.receives < FIFOModel.maximumReceives { model.gone.insert(message.body) }
      model.messages.removeAll { $0.receives < FIFOModel.maximumReceives }
      model.purgedExhausted.formUnion(model.messages.map(\.body))
      model.messages = []
      (model.purged, model.duplicates, model.attempts) = (now, [:], [:])
      lastSequence = ""  // the sequence begins anew, and may under a clock that stands still
    } catch let error as AWSError {
      guard error.code == "PurgeQueueInProgress", let purged = model.purged, now < purged + .seconds(60) else { throw error }
    }
  }

  /// Whatever is left comes out once: of the queue in the order of each group, or of the dead-letter queue.
  private func drain() async throws {
    cloud.clock.advance(.hours(1))
    var rest = model.messages
    while case let got = try await cloud.receive(url, 10, system: ["MessageGroupId"]), !got.isEmpty {
      for message in got {
        let group = message.attributes?["MessageGroupId"] ?? ""
        let expected = rest.first { "g\($0.group)" == group && $0.receives < FIFOModel.maximumReceives }?.body
        guard message.body == expected else { throw Difference("at the end \(message.body ?? "") came instead of \(expected ?? "-")") }
        rest.removeAll { $0.body == message.body }
        try await cloud.delete(message.receiptHandle, from: url)
      }
    }
    let counts = try await cloud.counts(url)
    guard counts == [0, 0, 0] else { throw Difference("at the end the queue counts \(counts)") }
    var last: [String: Int] = [:]
    var moved: Set<String> = []
    while case let got = try await cloud.receive(dead, 10, system: ["All"]), !got.isEmpty {
      for message in got {
        let (body, group) = (message.body ?? "", message.attributes?["MessageGroupId"] ?? "")
        guard message.attributes?["MessageDeduplicationId"] == message.messageId else { throw Difference("\(body): its new id") }
        guard let number = Int(body.dropFirst()), number > last[group] ?? -1 else { throw Difference("\(body) moved out of order") }
        guard moved.insert(body).inserted, !model.gone.contains(body) else { throw Difference("\(body) is there twice") }
        last[group] = number
        try await cloud.delete(message.receiptHandle, from: dead)
      }
    }
    let missing = Set(rest.map(\.body)).subtracting(moved)
    guard missing.isEmpty else { throw Difference("lost: \(missing.sorted())") }
    let surplus = moved.subtracting(rest.map(\.body)).subtracting(model.purgedExhausted)
    guard surplus.isEmpty else { throw Difference("moved though not exhausted: \(surplus.sorted())") }
  }
}
