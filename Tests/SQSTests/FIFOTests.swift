import Base
import Testing
import Wire

@testable import SQS

@Suite struct FIFOTests {
  static let content = ["FifoQueue": "true", "ContentBasedDeduplication": "true"]

  @Test func `a FIFO queue has the name and the attributes of one`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    let all = try await cloud.attributes(url)
    #expect(all["FifoQueue"] == "true" && all["ContentBasedDeduplication"] == "false")
    #expect(all["DeduplicationScope"] == "queue" && all["FifoThroughputLimit"] == "perQueue")
    await refused("InvalidParameterValue") { try await cloud.createQueue("q", ["FifoQueue": "true"]) }
    await refused(
      "InvalidAttributeValue", "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported."
    ) {
      try await cloud.set(["FifoQueue": "false"], of: url)
    }
    #expect(try await cloud.createQueue("q.fifo", ["FifoQueue": "true"]) == url)
  }

  @Test func `group and deduplication id are asked for in AWS's words`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    let standard = try await cloud.createQueue("q")
    await refused("MissingParameter", "The request must contain the parameter MessageGroupId.") {
      try await cloud.send("a", to: url)
    }
    await refused("InvalidParameterValue", "The request must contain the parameter MessageGroupId.") {
      _ = try await cloud.sendBatch([cloud.entry("1", "a"), cloud.entry("2", "b", group: "g")], to: url)
    }
    #expect(try await cloud.counts(url) == [0, 0, 0], "the whole batch is refused")
    await refused(
      "InvalidParameterValue",
      "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
    ) { try await cloud.send("a", to: url, group: "g") }
    await refused(
      "InvalidParameterValue",
      "Value 2 for parameter DelaySeconds is invalid. Reason: The request include parameter that is not valid for this queue type."
    ) { try await cloud.send("a", to: url, delay: 2, group: "g", id: "1") }
    for queue in [url, standard] {
      await refused(
        "InvalidParameterValue",
        "Value a b for parameter MessageGroupId is invalid. Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
      ) { try await cloud.send("a", to: queue, group: "a b", id: "1") }
    }
    try await cloud.send("a", to: standard, group: "tenant")
    #expect(try await cloud.receive(standard, system: ["All"])[0].attributes?["MessageGroupId"] == "tenant")
  }

  @Test(arguments: [(299, 1), (300, 2)])
  func `a duplicate within five minutes is accepted and not delivered`(seconds: Int, delivered: Int) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    let first = try await cloud.send("a", to: url, group: "g")
    try await cloud.delete(try await cloud.receive(url)[0].receiptHandle, from: url)
    cloud.clock.advance(.seconds(seconds))
    let second = try await cloud.send("a", to: url, group: "other")
    #expect((first.messageId == second.messageId) == (delivered == 1))
    #expect((first.sequenceNumber == second.sequenceNumber) == (delivered == 1))
    #expect(try await cloud.bodies(url).count == delivered - 1)
  }

  @Test func `with the scope of a group the same id counts once in each group`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue(
      "q.fifo", ["FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"])
    for group in ["a", "b", "a"] { try await cloud.send(group, to: url, group: group, id: "1") }
    #expect(try await cloud.bodies(url).sorted() == ["a", "b"])
  }

  @Test func `a group is locked while a message of it is in flight`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for body in ["a1", "a2", "a3"] { try await cloud.send(body, to: url, group: "a") }
    try await cloud.send("b1", to: url, group: "b")
    let first = try await cloud.receive(url, 1, system: ["All"])
    #expect(first[0].body == "a1")
    #expect(first[0].attributes?["MessageGroupId"] == "a" && first[0].attributes?["SequenceNumber"]?.utf8.count == 20)
    #expect(try await cloud.bodies(url) == ["b1"])
    #expect(try await cloud.counts(url) == [2, 2, 0])
    try await cloud.delete(first[0].receiptHandle, from: url)
    #expect(try await cloud.bodies(url) == ["a2", "a3"])
    #expect(try await cloud.bodies(url).isEmpty)
  }

  @Test func `after the time-out a group goes on with its first message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...4 { try await cloud.send("\(n)", to: url, group: "g") }
    let got = try await cloud.receive(url, 3)
    try await cloud.delete(got[1].receiptHandle, from: url)
    #expect(try await cloud.bodies(url).isEmpty)
    cloud.clock.advance(.seconds(30))
    await refused(
      "InvalidParameterValue",
      "Value \(got[0].receiptHandle ?? "") for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
    ) { try await cloud.delete(got[0].receiptHandle, from: url) }
    #expect(try await cloud.bodies(url) == ["1", "3", "4"])
  }

  @Test func `giving a message back unlocks the group once nothing of it is in flight`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...3 { try await cloud.send("\(n)", to: url, group: "g") }
    let got = try await cloud.receive(url, 2)
    try await cloud.changeVisibility(got[0].receiptHandle, of: url, to: 0)
    #expect(try await cloud.bodies(url).isEmpty)
    try await cloud.changeVisibility(got[1].receiptHandle, of: url, to: 0)
    #expect(try await cloud.bodies(url) == ["1", "2", "3"])
  }

  @Test func `a waiting receiver gets the next message of a group when it unlocks`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...2 { try await cloud.send("\(n)", to: url, group: "g") }
    let first = try await cloud.receive(url)
    async let next = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    try await cloud.delete(first[0].receiptHandle, from: url)
    #expect(try await next.first?.body == "2")
  }

  @Test func `a repeated attempt gets the same messages, unless they have gone on`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...3 { try await cloud.send("\(n)", to: url, group: "g") }
    let first = try await cloud.receive(url, 2, attempt: "x")
    cloud.clock.advance(.seconds(29))
    let again = try await cloud.receive(url, 2, attempt: "x", system: ["ApproximateReceiveCount"])
    #expect(again.map(\.messageId) == first.map(\.messageId))
    #expect(again.map(\.receiptHandle) == first.map(\.receiptHandle))
    #expect(again[0].attributes == ["ApproximateReceiveCount": "1"])
    cloud.clock.advance(.seconds(29))
    #expect(try await cloud.bodies(url).isEmpty, "the time-out began anew")
    try await cloud.delete(again[0].receiptHandle, from: url)
    try await cloud.delete(again[1].receiptHandle, from: url)
    #expect(try await cloud.receive(url, 2, attempt: "x").map(\.body) == ["3"])
  }

  @Test func `an attempt whose messages were changed is a new receive, and so is one after five minutes`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...2 { try await cloud.send("\(n)", to: url, group: "g\(n)") }
    let first = try await cloud.receive(url, 1, timeout: 400, attempt: "x")
    try await cloud.changeVisibility(first[0].receiptHandle, of: url, to: 400)
    #expect(try await cloud.receive(url, 1, timeout: 600, attempt: "x").map(\.body) == ["1"], "the same end, so unchanged")
    try await cloud.changeVisibility(first[0].receiptHandle, of: url, to: 500)
    #expect(try await cloud.receive(url, 1, timeout: 600, attempt: "x").map(\.body) == ["2"])
    cloud.clock.advance(.seconds(299))
    #expect(try await cloud.receive(url, 1, timeout: 600, attempt: "x").map(\.body) == ["2"])
    cloud.clock.advance(.seconds(1))
    #expect(try await cloud.receive(url, 1, timeout: 600, attempt: "x").isEmpty)
  }

  @Test func `attempt ids are for FIFO queues and have a form`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    let standard = try await cloud.createQueue("q")
    await refused(
      "InvalidParameterValue",
      "Value x for parameter ReceiveRequestAttemptId is invalid. Reason: The request include parameter that is not valid for this queue type."
    ) { _ = try await cloud.receive(standard, attempt: "x") }
    for id in ["", "a b", String(repeating: "a", count: 129)] {
      await refused("InvalidParameterValue") { _ = try await cloud.receive(url, attempt: id) }
    }
    #expect(try await cloud.receive(url, attempt: String(repeating: "~", count: 128)).isEmpty)
  }

  @Test func `high throughput needs deduplication in each group, whichever is set first`() async throws {
    let cloud = Cloud()
    let text =
      "Invalid value for the parameter FifoThroughputLimit. Reason: FifoThroughputLimit can be set to perMessageGroupId only when DeduplicationScope is messageGroup."
    let high = ["FifoThroughputLimit": "perMessageGroupId"]
    await refused("InvalidAttributeValue", text) { try await cloud.createQueue("q.fifo", ["FifoQueue": "true"].merging(high) { $1 }) }
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    await refused("InvalidAttributeValue", text) { try await cloud.set(high, of: url) }
    try await cloud.set(["DeduplicationScope": "messageGroup"], of: url)
    try await cloud.set(high, of: url)
    await refused("InvalidAttributeValue", text) { try await cloud.set(["DeduplicationScope": "queue"], of: url) }
  }

  @Test func `the order holds over a restart while the clock stands still`() async throws {
    var cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    var numbers: [String] = []
    for n in 1...6 {
      numbers.append(try await cloud.send("\(n)", to: url, group: "g").sequenceNumber ?? "")
      if n % 2 == 0 { cloud = cloud.restarted() }
    }
    #expect(numbers == numbers.sorted() && Set(numbers).count == 6)
    #expect(try await cloud.bodies(url) == (1...6).map(String.init))
  }

  @Test func `the delay of the queue holds for each message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content.merging(["DelaySeconds": "10"]) { $1 })
    try await cloud.send("1", to: url, group: "g")
    cloud.clock.advance(.seconds(5))
    try await cloud.send("2", to: url, group: "g")
    #expect(try await cloud.counts(url) == [0, 0, 2])
    cloud.clock.advance(.seconds(5))
    let got = try await cloud.receive(url, 10)
    #expect(got.map(\.body) == ["1"])
    try await cloud.delete(got[0].receiptHandle, from: url)
    #expect(try await cloud.bodies(url).isEmpty)
    cloud.clock.advance(.seconds(5))
    #expect(try await cloud.bodies(url) == ["2"])
  }

  @Test func `a FIFO dead-letter queue takes messages over in order, as new ones`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead.fifo", ["FifoQueue": "true"])
    let policy = RedriveTests.policy("1", target: "arn:aws:sqs:us-east-1:000000000000:dead.fifo")
    let url = try await cloud.createQueue("q.fifo", Self.content.merging(["RedrivePolicy": policy]) { $1 })
    await refused(
      "InvalidParameterValue",
      "Value \(policy) for parameter RedrivePolicy is invalid. Reason: Dead-letter queue must be same type of queue as the source."
    ) {
      try await cloud.createQueue("standard", ["RedrivePolicy": policy])
    }
    for n in 1...3 { try await cloud.send("\(n)", to: url, group: "g") }
    _ = try await cloud.receive(url, 2)
    cloud.clock.advance(.seconds(30))
    #expect(try await cloud.bodies(url) == ["3"])
    let moved = try await cloud.receive(dead, 10, system: ["All"])
    #expect(moved.map(\.body) == ["1", "2"])
    #expect(moved[0].attributes?["SentTimestamp"] == "1700000030000")
    #expect(moved[0].attributes?["MessageDeduplicationId"] == moved[0].messageId, "so that two with one id both find room")
    #expect(moved[0].attributes?["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:q.fifo")
    #expect(try await cloud.counts(url) == [0, 1, 0])
  }

  @Test func `what is remembered for a while is forgotten, and an emptied queue leaves nothing behind`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content)
    for n in 1...20 { try await cloud.send("\(n)", to: url, group: "g\(n % 3)") }
    while case let got = try await cloud.receive(url, 10, attempt: "x"), !got.isEmpty {
      for message in got { try await cloud.delete(message.receiptHandle, from: url) }
    }
    #expect(try await cloud.counts(url) == [0, 0, 0])
    cloud.clock.advance(.seconds(301))
    try await cloud.work()
    #expect(try await cloud.rowCount() == 2)
  }

  @Test func `messages of a FIFO queue expire`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", Self.content.merging(["MessageRetentionPeriod": "60"]) { $1 })
    try await cloud.send("1", to: url, group: "g")
    _ = try await cloud.receive(url, timeout: 5)
    cloud.clock.advance(.seconds(30))
    try await cloud.send("2", to: url, group: "g")
    cloud.clock.advance(.seconds(31))
    #expect(try await cloud.counts(url) == [1, 0, 0])
    try await cloud.work()
    #expect(try await cloud.counts(url) == [1, 0, 0])
    #expect(try await cloud.bodies(url) == ["2"])
  }

  private struct Group { var bodies: [String] = [], inFlight: [String: (handle: String?, until: Instant)] = [:] }

  @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
  func `every group is received in order, by one consumer at a time, and completely`(seed: UInt64) async throws {
    var cloud = Cloud(seed: seed)
    let random = SeededRandom(seed: seed &* 31)
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    var groups: [String: Group] = [:]
    for step in 0..<400 {
      let now = cloud.clock.now()
      switch random.number(below: 9) {
      case 0...2:
        let group = "g\(random.number(below: 4))"
        try await cloud.send("\(step)", to: url, group: group, id: "\(step)")
        if random.number(below: 3) == 0 { try await cloud.send("again", to: url, group: group, id: "\(step)") }
        groups[group, default: Group()].bodies.append("\(step)")
      case 3...5:
        let timeout = 1 + Int(random.number(below: 30))
        let got = try await cloud.receive(url, 1 + Int(random.number(below: 10)), timeout: timeout, system: ["MessageGroupId"])
        if got.isEmpty {
          #expect(
            !groups.values.contains { !$0.bodies.isEmpty && !$0.inFlight.values.contains { $0.until > now } }, "step \(step)")
        }
        for (group, messages) in Dictionary(grouping: got, by: { $0.attributes?["MessageGroupId"] ?? "" }) {
          let state = try #require(groups[group])
          #expect(!state.inFlight.values.contains { $0.until > now }, "\(group) is locked at step \(step)")
          #expect(messages.compactMap(\.body) == Array(state.bodies.prefix(messages.count)))
          groups[group]?.inFlight = [:]
          for message in messages {
            groups[group]?.inFlight[message.body ?? ""] = (message.receiptHandle, now + .seconds(timeout))
          }
        }
      case 6...7:
        let held = groups.sorted { $0.key < $1.key }.flatMap { group, state in
          state.inFlight.sorted { $0.key < $1.key }.filter { $0.value.until > now }.map { (group, $0.key, $0.value.handle) }
        }
        guard !held.isEmpty else { continue }
        let (group, body, handle) = held[Int(random.number(below: UInt64(held.count)))]
        if random.number(below: 3) == 0 {
          try await cloud.changeVisibility(handle, of: url, to: 0)
          groups[group]?.inFlight[body]?.until = now
        } else {
          try await cloud.delete(handle, from: url)
          groups[group]?.bodies.removeAll { $0 == body }
          groups[group]?.inFlight[body] = nil
        }
      default:
        cloud.clock.advance(.milliseconds(Int64(random.number(below: 12_000))))
        if random.number(below: 4) == 0 { cloud = cloud.restarted() }
        if random.number(below: 4) == 0 { try await cloud.work() }
      }
    }
    #expect(try await cloud.counts(url).reduce(0, +) == groups.values.reduce(0) { $0 + $1.bodies.count })
  }
}
