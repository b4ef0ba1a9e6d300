import Base
import Store
import StoreMemory
import Synchronization
import Testing

@testable import SQS

@Suite struct WaitingTests {
  @Test func `a send wakes a waiting receiver at once`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    async let got = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    try await cloud.send("a", to: url)
    #expect(try await got.first?.body == "a")
    try await cloud.waiters(0, at: url)
  }

  @Test func `each of many sends serves one of the waiting receivers`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for n in 0..<5 {
        group.addTask { try await cloud.receive(url, wait: 20).count }
        try await cloud.waiters(n + 1, at: url)
      }
      for n in 0..<5 {
        try await cloud.send("\(n)", to: url)
        try await cloud.waiters(4 - n, at: url)
      }
      for try await count in group { #expect(count == 1) }
    }
  }

  @Test func `one batch of messages serves several receivers that take one each`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await withThrowingTaskGroup(of: String?.self) { group in
      for _ in 0..<3 { group.addTask { try await cloud.receive(url, wait: 20).first?.body } }
      try await cloud.waiters(3, at: url)
      _ = try await cloud.sendBatch([("1", "a"), ("2", "b"), ("3", "c")], to: url)
      var bodies: [String] = []
      for try await body in group { bodies.append(body ?? "-") }
      #expect(bodies.sorted() == ["a", "b", "c"])
    }
  }

  @Test func `everybody who waits is sent home when the server stops`() async throws {
    let cloud = Cloud()
    let (one, other) = (try await cloud.createQueue("one"), try await cloud.createQueue("other"))
    async let first = cloud.receive(one, wait: 20)
    async let second = cloud.receive(other, wait: 20)
    try await cloud.waiters(1, at: one)
    try await cloud.waiters(1, at: other)
    cloud.sqs.endWaits()
    let counts = try await [first.count, second.count]
    #expect(counts == [0, 0])
  }

  @Test func `a wait ends empty when its time is over`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["ReceiveMessageWaitTimeSeconds": "7"])
    async let got = cloud.receive(url)
    try await cloud.waiters(1, at: url)
    while cloud.clock.sleeperCount == 0 { await Task.yield() }
    cloud.clock.advance(.seconds(7))
    #expect(try await got.isEmpty)
  }

  @Test(arguments: [true, false])
  func `a wait ends when a message becomes visible by itself`(isDelayed: Bool) async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    if isDelayed {
      try await cloud.send("a", to: url, delay: 5)
    } else {
      try await cloud.send("a", to: url)
      _ = try await cloud.receive(url, timeout: 5)
    }
    async let got = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    while cloud.clock.sleeperCount == 0 { await Task.yield() }
    cloud.clock.advance(.seconds(5))
    #expect(try await got.first?.body == "a")
  }

  @Test func `a deadline that comes up while somebody waits already counts too`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    async let got = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    try await cloud.send("a", to: url, delay: 5)
    let name = try QueueName(url: url, region: .usEast1)
    while cloud.sqs.rooms.alarm(name) == nil { await Task.yield() }
    cloud.clock.advance(.seconds(5))
    #expect(try await got.first?.body == "a")
  }

  @Test func `a message that its consumer gives back goes to who waits`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let handle = try await cloud.receive(url)[0].receiptHandle
    async let got = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    try await cloud.changeVisibility(handle, of: url, to: 0)
    #expect(try await got.first?.body == "a")
  }

  @Test func `a client that has gone gets no message`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    let client = Task { try await cloud.receive(url, wait: 20) }
    try await cloud.waiters(1, at: url)
    client.cancel()
    await #expect(throws: CancellationError.self) { try await client.value }
    try await cloud.waiters(0, at: url)
    try await cloud.send("a", to: url)
    #expect(try await cloud.counts(url) == [1, 0, 0])
  }

  @Test func `a message leased to a client that went meanwhile is visible again`() async throws {
    let store = HookedStore()
    let clock = TestClock()
    let sqs = SQSService(
      store: store, ambient: Ambient(clock: clock, random: SeededRandom(seed: 1)), authoriser: OpenAuthoriser())
    let plain = Cloud(store: store.inner, clock: clock)
    let url = try await plain.createQueue()
    try await plain.send("a", to: url)
    let name = try QueueName(url: url, region: .usEast1)
    let (start, starter) = AsyncStream.makeStream(of: Void.self)
    let client = Task {
      for await _ in start {}
      return try await sqs.receive(name, maximum: 1, wait: .seconds(1), timeout: nil, nil)
    }
    store.onNextCommit.withLock { $0 = { client.cancel() } }
    starter.finish()
    await #expect(throws: CancellationError.self) { try await client.value }
    #expect(try await plain.counts(url) == [1, 0, 0])
  }

  @Test func `a queue that is deleted refuses those who wait`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    let client = Task { try await cloud.receive(url, wait: 20) }
    try await cloud.waiters(1, at: url)
    try await cloud.deleteQueue(url)
    await refused("QueueDoesNotExist") { _ = try await client.value }
  }

  // The line alone, event by event.

  @Test func `who leaves with a call that it did not follow passes it on`() {
    var line = WaitingLine()
    for id in 1...3 as ClosedRange<UInt64> { _ = line.handle(.joined(id)) }
    _ = line.handle(.looks(1))
    _ = line.handle(.foundNothing(1, nextDue: nil))
    #expect(line.handle(.arrived) == [.call(1)])
    #expect(line.handle(.arrived) == [.call(2)])
    #expect(line.handle(.left(1)) == [.call(3)])
  }

  @Test func `only the first in line watches the clock, and hands the watch on`() {
    var line = WaitingLine()
    let due = Instant(seconds: 5), deadline = Instant(seconds: 20)
    for id in 1...2 as ClosedRange<UInt64> {
      _ = line.handle(.joined(id))
      _ = line.handle(.looks(id))
      _ = line.handle(.foundNothing(id, nextDue: due))
    }
    #expect(line.alarm(for: 1, deadline: deadline) == due)
    #expect(line.alarm(for: 2, deadline: deadline) == deadline)
    #expect(line.handle(.left(1)) == [.watch(2)])
    #expect(line.alarm(for: 2, deadline: deadline) == due)
  }

  @Test func `a deadline reported while the first looks is not lost`() {
    var line = WaitingLine()
    _ = line.handle(.joined(1))
    _ = line.handle(.looks(1))
    _ = line.handle(.due(Instant(seconds: 3)))
    _ = line.handle(.foundNothing(1, nextDue: Instant(seconds: 9)))
    #expect(line.alarm(for: 1, deadline: Instant(seconds: 20)) == Instant(seconds: 3))
  }

  @Test func `when the first leaves in the middle of a look the next one looks`() {
    var line = WaitingLine()
    for id in 1...2 as ClosedRange<UInt64> { _ = line.handle(.joined(id)) }
    _ = line.handle(.looks(1))
    #expect(line.handle(.left(1)) == [.call(2)])
  }
}

/// Does something once the next transaction is committed, before its callers know: a client may hang up just then.
final class HookedStore: Store {
  let inner = MemoryStore()
  let onNextCommit = Mutex<(@Sendable () -> Void)?>(nil)

  func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T { try await inner.read(body) }
  func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    inner.transact(body) { outcome in
      let hook = self.onNextCommit.withLock { hook in
        defer { hook = nil }
        return hook
      }
      hook?()
      done(outcome)
    }
  }
  func watch(_ prefix: Key) -> AsyncStream<Void> { inner.watch(prefix) }
  func close() async { await inner.close() }
}
