import Base
import Fabric
import Store
import StoreMemory
import Synchronization
import Testing
import Wire

@testable import CloudWatch

private func lines(_ f: Fixture, _ texts: String...) -> [LogLine] { texts.map { LogLine(time: f.clock.now(), message: $0) } }

@Test func `written lines are seen by the next read, in a group and stream made for them`() async throws {
  let f = Fixture()
  try await f.service.write(lines(f, "START\n", "one\n", "END\n"), group: "/aws/lambda/f", stream: "s", as: f.caller())
  #expect(f.service.buffer.lineCount == 3)
  #expect(try await f.get("/aws/lambda/f", "s").messages == ["START\n", "one\n", "END\n"])
  #expect(f.service.buffer.lineCount == 0)
  try await f.service.write(lines(f, "two\n"), group: "/aws/lambda/f", stream: "s", as: f.caller())
  #expect(try await f.filter("/aws/lambda/f").events?.compactMap(\.message) == ["START\n", "one\n", "END\n", "two\n"])
}

@Test func `flush makes all lines durable in one transaction`() async throws {
  let store = CountingStore()
  let clock = TestClock()
  let service = CloudWatchService(
    store: store, ambient: Ambient(clock: clock, random: SeededRandom(seed: 1)), authoriser: Guardian())
  let f = Fixture()
  for i in 0..<200 { try await service.write(lines(f, "a\(i)", "b\(i)"), group: "g", stream: "s\(i % 7)", as: f.caller()) }
  try await service.flush()
  #expect(store.transactions == 1)
  try await service.flush()
  #expect(store.transactions == 1)
}

@Test func `the gatherer commits after its time, or at once when there are many lines`() async throws {
  let f = Fixture()
  let gatherer = try #require(f.service.workers.first { $0.name == "logs.gatherer" })
  try await f.service.write(lines(f, "one"), group: "g", stream: "s", as: f.caller())
  async let turn = gatherer.turn(f.clock.now())
  while f.clock.sleeperCount == 0 { await Task.yield() }
  #expect(f.service.buffer.lineCount == 1)
  f.clock.advance(LogsLimits.gatherTime)
  #expect(try await turn == .onNudge)
  #expect(f.service.buffer.lineCount == 0)
  let many = (0..<LogsLimits.gatherLines).map { LogLine(time: f.clock.now(), message: "\($0)") }
  try await f.service.write(many, group: "g", stream: "s", as: f.caller())
  _ = try await gatherer.turn(f.clock.now())
  #expect(f.service.buffer.lineCount == 0)
  #expect(try await f.filter("g").events?.count == LogsLimits.gatherLines + 1)
}

@Test func `a full buffer makes the caller wait for a commit and loses nothing`() async throws {
  let f = Fixture()
  try await withThrowingTaskGroup(of: Void.self) { group in
    for writer in 0..<8 {
      group.addTask {
        for i in 0..<1_000 {
          let time = f.clock.now()
          let three = (0..<3).map { LogLine(time: time, message: "\(writer) \(i * 3 + $0)") }
          try await f.service.write(three, group: "g", stream: "s\(writer)", as: f.caller())
          #expect(f.service.buffer.lineCount <= LogsLimits.bufferLines + 8 * 3)
        }
      }
    }
    try await group.waitForAll()
  }
  for writer in 0..<8 {
    let messages = try await f.get("g", "s\(writer)") { $0.startFromHead = true }.messages
    #expect(messages == (0..<3_000).map { "\(writer) \($0)" })
  }
}

@Test func `lines that could not be committed are kept and written before later ones`() async throws {
  let store = CountingStore()
  let clock = TestClock()
  let service = CloudWatchService(
    store: store, ambient: Ambient(clock: clock, random: SeededRandom(seed: 1)), authoriser: Guardian())
  let f = Fixture()
  store.fail(true)
  try await service.write(lines(f, "one"), group: "g", stream: "s", as: f.caller())
  await #expect(throws: StoreError.self) { try await service.flush() }
  try await service.write(lines(f, "two"), group: "g", stream: "s", as: f.caller())
  await service.flushForReading()
  #expect(service.buffer.lineCount == 2)
  store.fail(false)
  try await service.flush()
  let page = try await store.read { r in
    let group = try r.existingLogGroup(LogScope(.local, .usEast1), "g")
    let stream = try r.existingLogStream(group, "s")
    return try EventScan(
      group: group.id, streams: .one(stream.id), from: .epoch, through: .distantFuture, start: .after(nil)
    ).page(r)
  }
  #expect(page.events.map(\.message.utf8Text) == ["one", "two"])
}

@Test func `the caller's permissions are asked once a minute and lines without them are dropped`() async throws {
  let f = Fixture()
  f.guardian.deny("logs:PutLogEvents")
  let role = Principal.role(RoleSession(account: .local, roleName: "r", roleID: "AROA", sessionName: "s"))
  for _ in 0..<5 { try await f.service.write(lines(f, "x"), group: "g", stream: "s", as: f.caller(role)) }
  #expect(f.service.buffer.lineCount == 0)
  #expect(f.guardian.asked.map(\.action).sorted() == ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
  #expect(f.guardian.asked.first?.resource == "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:s")
  f.guardian.deny()
  try await f.service.write(lines(f, "x"), group: "g", stream: "s", as: f.caller(role))
  #expect(f.service.buffer.lineCount == 0)
  f.clock.advance(.seconds(61))
  try await f.service.write(lines(f, "x"), group: "g", stream: "s", as: f.caller(role))
  #expect(f.service.buffer.lineCount == 1)
}

@Test func `a caller that may not create writes only where group and stream exist`() async throws {
  let f = Fixture()
  f.guardian.deny("logs:CreateLogGroup")
  try await f.service.write(lines(f, "lost"), group: "g", stream: "s", as: f.caller())
  try await f.service.flush()
  await expectError("ResourceNotFoundException", "The specified log group does not exist.") { _ = try await f.get("g", "s") }
  try await f.createGroup("g")
  try await f.service.write(lines(f, "kept"), group: "g", stream: "s", as: f.caller())
  #expect(try await f.get("g", "s").messages == ["kept"])
}

@Test func `empty lines are no events, long ones are cut at a character, unordered ones are put in order`() async throws {
  let f = Fixture()
  let long = String(repeating: "ü", count: 600_000)
  try await f.service.write(
    [
      LogLine(time: f.clock.now() + .milliseconds(5), message: "late"), LogLine(time: f.clock.now(), message: ""),
      LogLine(time: f.clock.now(), message: long), LogLine(time: f.clock.now() + .milliseconds(5), message: "later"),
    ], group: "g", stream: "s", as: f.caller())
  let first = try await f.get("g", "s") { $0.startFromHead = true; $0.limit = 1 }
  #expect(first.messages.map(\.utf8.count) == [1_048_550])
  #expect(try await f.get("g", "s") { $0.nextToken = first.forward }.messages == ["late", "later"])
}

/// Counts transactions and fails them when told to.
private final class CountingStore: Store {
  private let inner = MemoryStore()
  private let state = Mutex((count: 0, fails: false))
  var transactions: Int { state.withLock { $0.count } }
  func fail(_ fails: Bool) { state.withLock { $0.fails = fails } }

  func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T { try await inner.read(body) }
  func transact<T: Sendable>(_ body: @escaping @Sendable (any Transaction) throws -> T) async throws -> T {
    let fails = state.withLock { $0.count += 1; return $0.fails }
    if fails { throw StoreError.unavailable("disk full") }
    return try await inner.transact(body)
  }
  func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) { inner.transact(body, then: done) }
  func watch(_ prefix: Key) -> AsyncStream<Void> { inner.watch(prefix) }
  func close() async { await inner.close() }
}
