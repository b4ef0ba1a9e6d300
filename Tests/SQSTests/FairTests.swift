import Base
import Store
import Testing

@testable import SQS

/// Fair queues: tenants by `MessageGroupId` on a standard queue.
@Suite struct FairTests {
  private func backlog(_ cloud: Cloud, _ counts: KeyValuePairs<String, Int>, received: Int = 0) async throws -> String {
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "600"])
    for (tenant, count) in counts { for n in 0..<count { try await cloud.send("\(tenant)\(n)", to: url, group: tenant) } }
    var rest = received
    while rest > 0 { rest -= try await cloud.receive(url, min(10, rest)).count }
    return url
  }

  @Test(arguments: [(29, false), (30, true)])
  func `whoever has a tenth and thirty in flight lets the others go first`(inFlight: Int, isNoisy: Bool) async throws {
    let cloud = Cloud()
    let url = try await backlog(cloud, ["a": 100], received: inFlight)
    for n in 0..<3 { try await cloud.send("b\(n)", to: url, group: "b") }
    try await cloud.send("none", to: url)
    let got = try await cloud.bodies(url)
    #expect(got.count == 10, "a noisy tenant is not held back while consumers have room")
    #expect(Array(got.prefix(4)) == (isNoisy ? ["b0", "b1", "b2", "none"] : (0..<4).map { "a\(inFlight + $0)" }))
    if isNoisy { #expect(Array(got.dropFirst(4)) == (0..<6).map { "a\(30 + $0)" }) }
  }

  @Test func `without noise messages come in the order of arrival, whoever sent them`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    let tenants = ["a", nil, "b", "b", "a", nil, "c", "a", "b", "c", "a", nil, "a"]
    for (n, tenant) in tenants.enumerated() { try await cloud.send("\(n)", to: url, group: tenant) }
    #expect(try await cloud.bodies(url) + cloud.bodies(url) == tenants.indices.map(String.init))
  }

  @Test func `of several noisy tenants the one with the fewest in flight goes first`() async throws {
    let cloud = Cloud()
    let url = try await backlog(cloud, ["a": 60, "b": 60], received: 30)
    // a has 30 in flight and is noisy, so b comes until it is noisy too; then they take turns.
    for _ in 0..<3 { #expect(try await cloud.bodies(url).allSatisfy { $0.hasPrefix("b") }) }
    let mixed = try await cloud.bodies(url)
    #expect(mixed == (0..<5).flatMap { ["a\(30 + $0)", "b\(30 + $0)"] })
  }

  @Test func `noise ends with the messages in flight, and after five minutes without a message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "600"])
    for n in 0..<50 { try await cloud.send("a\(n)", to: url, group: "a") }
    var handles: [String?] = []
    for _ in 0..<3 { handles += try await cloud.receive(url, 10).map(\.receiptHandle) }
    try await cloud.send("b0", to: url, group: "b")
    #expect(try await cloud.bodies(url, 1) == ["b0"])
    for handle in handles { try await cloud.delete(handle, from: url) }
    try await cloud.send("b1", to: url, group: "b")
    #expect(try await cloud.bodies(url, 1) == ["a30"])
    for _ in 0..<3 { _ = try await cloud.bodies(url, 6) }
    cloud.clock.advance(.seconds(299))
    try await cloud.send("b2", to: url, group: "b")
    #expect(try await cloud.bodies(url, 1) == ["b1"], "long processing is noise too")
    cloud.clock.advance(.seconds(1))
    #expect(try await cloud.bodies(url, 2) == ["a49", "b2"])
  }

  @Test func `a tenant that is slow is noisy with few messages`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["VisibilityTimeout": "600"])
    for n in 0..<4 { try await cloud.send("slow\(n)", to: url, group: "slow") }
    let first = try await cloud.receive(url, 1)
    cloud.clock.advance(.seconds(31))
    try await cloud.delete(first[0].receiptHandle, from: url)
    try await cloud.send("quick", to: url, group: "quick")
    #expect(try await cloud.bodies(url, 2) == ["quick", "slow1"])
    cloud.clock.advance(.minutes(2))
    try await cloud.send("late", to: url, group: "quick")
    #expect(try await cloud.bodies(url, 2).contains("late"))
  }

  @Test func `messages of tenants are redriven, moved back, expired and removed as others are`() async throws {
    let cloud = Cloud()
    let dead = try await cloud.createQueue("dead")
    let url = try await cloud.createQueue("q", ["RedrivePolicy": RedriveTests.policy("1"), "MessageRetentionPeriod": "60"])
    for n in 0..<25 { try await cloud.send("\(n)", to: url, group: "t\(n % 2)") }
    for _ in 0..<3 { _ = try await cloud.receive(url, 10, timeout: 1) }
    cloud.clock.advance(.seconds(1))
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await cloud.counts(dead) == [25, 0, 0])
    let moved = try await cloud.receive(dead, 10, system: ["MessageGroupId"])
    #expect(Set(moved.compactMap { $0.attributes?["MessageGroupId"] }) == ["t0", "t1"])
    for n in 0..<5 { try await cloud.send("new\(n)", to: url, group: "t0") }
    cloud.clock.advance(.seconds(61))
    #expect(try await cloud.counts(url) == [0, 0, 0])
    try await cloud.deleteQueue(dead)
    cloud.clock.advance(.seconds(60))
    try await cloud.work()
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await cloud.rowCount() == 3, "two rows of the queue, and its link to the dead-letter queue")
  }

  @Test func `looking over tenants reads the bodies of what goes out only`() async throws {
    let cloud = Cloud()
    let url = try await backlog(cloud, ["a": 12, "b": 12, "c": 12, "d": 12])
    let name = try QueueName(url: url, region: .usEast1)
    let reads = try await cloud.store.transact { rows in
      let counting = CountingRows(rows)
      let transaction = QueueTransaction(counting, QueueCache(cloud.store))
      let queue = try #require(try transaction.queue(name))
      let request = ReceiveRequest(maximum: 10, timeout: .seconds(30), now: cloud.clock.now())
      let found = try StandardMessages(transaction, queue).find(request, redrive: nil)
      #expect(found.receivable.count == 10 && found.receivable.allSatisfy { $0.body != nil })
      return counting.reads(in: Keys.bodies(queue.space, from: .first(at: .epoch)))
    }
    #expect(reads == 10)
  }

  @Test func `handles from before tenants had lanes stay good`() throws {
    let space = Space(queue: 1, generation: 2)
    let old = Receipt(
      space: space, sequence: MessageSequence(high: 3, node: 4), receiveCount: 5, visibleAt: Instant(milliseconds: 6),
      receivedAt: Instant(milliseconds: 7))
    #expect(old.handle.hasPrefix("AQE") && Receipt(handle: old.handle) == old)
    var new = old
    new.lane = Lane(group: "t")
    #expect(Receipt(handle: new.handle) == new)
  }
}

/// A transaction that knows what was read by key.
private final class CountingRows: Transaction {
  private let rows: any Transaction
  private var keys: [Key] = []
  init(_ rows: any Transaction) { self.rows = rows }

  func reads(in range: KeyRange) -> Int { keys.count { range.contains($0) } }
  func get(_ key: Key) throws -> [UInt8]? {
    keys.append(key)
    return try rows.get(key)
  }
  func scan(_ range: KeyRange, reverse: Bool, _ body: (Key, [UInt8]) throws -> Bool) throws {
    try rows.scan(range, reverse: reverse, body)
  }
  func set(_ key: Key, _ value: [UInt8]) throws { try rows.set(key, value) }
  func delete(_ key: Key) throws { try rows.delete(key) }
  func deleteAll(_ range: KeyRange) throws { try rows.deleteAll(range) }
}
