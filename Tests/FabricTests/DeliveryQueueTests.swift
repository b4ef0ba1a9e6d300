import Base
import Fabric
import Logging
import Store
import StoreMemory
import Synchronization
import TestCloud
import Testing

/// Targets by name: each answers as told, or holds its deliveries until it is let go.
final class ScriptedTargets: DeliveryPolicy {
  enum Answer: Sendable { case take, fail(AWSError), hold }
  struct Arrival: Sendable, Equatable {
    var target: String, content: String, attempt: Int
  }
  private struct State {
    var answers: [String: [Answer]] = [:]
    var held: [(target: String, release: CheckedContinuation<Void, any Error>)] = []
    var abandonments: [Result<String?, AWSError>] = []
  }
  private let state = Mutex(State())
  let begun = Recorder<Arrival>()
  let taken = Recorder<Arrival>()
  let abandoned = Recorder<String>()
  let retries: Int

  init(retries: Int = 2) { self.retries = retries }

  /// The last answer goes on.
  func answer(_ target: String, _ answers: Answer...) { state.withLock { $0.answers[target] = answers } }
  func abandonments(_ results: Result<String?, AWSError>...) { state.withLock { $0.abandonments = results } }
  var heldCount: Int { state.withLock { $0.held.count } }

  func release(_ target: String) {
    let held = state.withLock { state in
      state.answers[target] = [.take]
      defer { state.held.removeAll { $0.target == target } }
      return state.held.filter { $0.target == target }
    }
    for one in held { one.release.resume() }
  }

  func carry(_ delivery: Delivery) async throws {
    let arrival = Arrival(target: delivery.target, content: delivery.content.utf8Text, attempt: delivery.attempts + 1)
    begun.add(arrival)
    let answer = state.withLock { state -> Answer in
      guard var answers = state.answers[delivery.target], let first = answers.first else { return .take }
      if answers.count > 1 { answers.removeFirst() }
      state.answers[delivery.target] = answers
      return first
    }
    switch answer {
    case .take: break
    case .fail(let error): throw error
    case .hold:
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { release in
          let isCancelled = state.withLock { state in
            if Task.isCancelled { return true }
            state.held.append((delivery.target, release))
            return false
          }
          if isCancelled { release.resume(throwing: CancellationError()) }
        }
      } onCancel: {
        // Which of them does not matter here: a test cancels all or none.
        let one = state.withLock { state in
          state.held.firstIndex { $0.target == delivery.target }.map { state.held.remove(at: $0) }
        }
        one?.release.resume(throwing: CancellationError())
      }
    }
    taken.add(arrival)
  }

  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    delivery.attempts <= retries ? .retry(at: now + .seconds(60)) : .giveUp(reason: "the retries are used up.")
  }

  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? {
    abandoned.add(delivery.content.utf8Text)
    let result = state.withLock { state in
      state.abandonments.isEmpty ? .success("arn:aws:sqs:us-east-1:000000000000:dead") : state.abandonments.removeFirst()
    }
    return try result.get()
  }
}

/// A queue on a memory store, with its worker running.
struct DeliveryWorld {
  let store: MemoryStore
  let clock: TestClock
  let targets: ScriptedTargets
  let hops = RecordedHops()
  let chaos: Chaos
  let queue: DeliveryQueue

  init(store: MemoryStore = MemoryStore(), clock: TestClock = TestClock(), targets: ScriptedTargets = ScriptedTargets()) {
    (self.store, self.clock, self.targets) = (store, clock, targets)
    chaos = Chaos(ambient: .test(clock: clock), hops: hops)
    queue = DeliveryQueue(
      "test", store: store, ambient: .test(clock: clock), policy: targets, hops: hops, chaos: chaos,
      logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
  }

  func delivery(_ target: String, _ content: String, lane: String? = nil, account: AccountID = .local) -> Delivery {
    var trace = TraceContext.test
    trace.parent = "cause"
    return Delivery(
      source: "arn:aws:sns:us-east-1:000000000000:t", target: target, sender: .service(ServicePrincipal("sns.amazonaws.com")),
      account: account, region: .usEast1, content: Array(content.utf8), trace: trace, acceptedAt: clock.now(), lane: lane)
  }

  func add(_ deliveries: [Delivery]) async throws -> [Delivery] {
    try await store.transact { [queue] in try queue.add(deliveries, to: $0) }
  }
  func send(_ deliveries: Delivery...) async throws { queue.started(try await add(deliveries)) }

  /// Nothing of the queue is left but the last number.
  var isEmpty: Bool {
    get async throws { try await store.read { try $0.entries(KeyRange(prefix: Key("deliveries", "test"))).count } <= 1 }
  }

  /// Runs the worker meanwhile, then stops the queue.
  func working(_ body: () async throws -> Void) async throws {
    let running = Task { try await WorkerGroup([queue.worker], clock: clock).run() }
    try await body()
    running.cancel()
    try await running.value
  }
}

private let broken = AWSError("ServiceUnavailable", "It is broken.", status: 503, fault: .server)
private let denied = AWSError("AccessDeniedException", "No policy allows it.", status: 403)

@Suite(.timeLimit(.minutes(1))) struct DeliveryQueueTests {
  @Test func `the first attempt begins at once after the commit, and nothing is left of what was taken`() async throws {
    let world = DeliveryWorld()
    try await world.send(world.delivery("q", "1"), world.delivery("q", "2"), world.delivery("r", "3"))
    await eventually { world.targets.taken.count == 3 }
    while try await !world.isEmpty { await Task.yield() }
    #expect(world.hops.all.map(\.outcome) == [.delivered, .delivered, .delivered])
    #expect(world.hops.all.allSatisfy { $0.parent == "cause" && $0.service == "test" && $0.attempt == 1 })
  }

  @Test func `what a transaction that fails had added is not delivered`() async throws {
    let world = DeliveryWorld()
    let lost = world.delivery("q", "lost")
    _ = try? await world.store.transact { [queue = world.queue] tx in
      _ = try queue.add([lost], to: tx)
      throw AWSError("Refused", "No.")
    }
    try await world.working {
      try await world.send(world.delivery("q", "kept"))
      await eventually { world.targets.taken.count == 1 }
    }
    #expect(world.targets.taken.values.map(\.content) == ["kept"])
  }

  @Test func `a failed attempt is repeated when its time has come, and each attempt is a hop`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("q", .fail(broken), .fail(denied), .take)
    try await world.working {
      try await world.send(world.delivery("q", "1"))
      for attempt in 1...2 {
        await eventually { world.targets.begun.count == attempt && world.hops.count == attempt }
        await eventually { world.clock.sleeperCount == 1 }
        world.clock.advance(.seconds(59))
        for _ in 0..<50 { await Task.yield() }
        #expect(world.targets.begun.count == attempt)
        // The worker may still be on its way to sleep again.
        world.clock.advance(.seconds(1))
      }
      await eventually { world.targets.taken.count == 1 }
    }
    let hops = world.hops.all
    #expect(hops.map(\.attempt) == [1, 2, 3])
    #expect(hops[0].reason == "ServiceUnavailable: It is broken.")
    #expect(hops[1].reason == "AccessDeniedException: No policy allows it.")
    #expect(hops.allSatisfy { $0.parent == "cause" } && hops[2].outcome == .delivered)
    #expect(Set(hops.map(\.id)).count == 3)
  }

  @Test func `what is given up goes to its dead letter, and the hop tells where and why`() async throws {
    let world = DeliveryWorld(targets: ScriptedTargets(retries: 0))
    world.targets.answer("q", .fail(broken))
    try await world.send(world.delivery("q", "1"))
    await eventually { world.hops.count == 1 }
    #expect(world.hops.all[0].outcome == .deadLettered(to: "arn:aws:sqs:us-east-1:000000000000:dead"))
    #expect(world.hops.all[0].reason == "the retries are used up. ServiceUnavailable: It is broken.")
    while try await !world.isEmpty { await Task.yield() }
  }

  @Test func `without a dead letter it is dropped, or denied when a policy was the reason`() async throws {
    let world = DeliveryWorld(targets: ScriptedTargets(retries: 0))
    world.targets.answer("q", .fail(broken))
    world.targets.answer("r", .fail(denied))
    world.targets.abandonments(.success(nil), .success(nil))
    try await world.send(world.delivery("q", "1"))
    await eventually { world.hops.count == 1 }
    try await world.send(world.delivery("r", "2"))
    await eventually { world.hops.count == 2 }
    #expect(world.hops.all.map(\.outcome) == [.dropped, .denied])
  }

  @Test func `a dead letter that fails because of ourselves is tried again, one that is refused is dropped`() async throws {
    let world = DeliveryWorld(targets: ScriptedTargets(retries: 0))
    world.targets.answer("q", .fail(broken))
    world.targets.abandonments(.failure(broken), .failure(denied))
    try await world.working {
      try await world.send(world.delivery("q", "1"))
      await eventually { world.hops.count == 1 }
      await eventually {
        world.clock.advance(.seconds(10))
        for _ in 0..<50 { await Task.yield() }
        return world.hops.count == 2
      }
      while try await !world.isEmpty { await Task.yield() }
    }
    #expect(world.targets.abandoned.count == 2)
    #expect(world.hops.all[1].outcome == .dropped)
    #expect(world.hops.all[1].reason?.contains("the dead letter failed: AccessDeniedException") == true)
  }

  @Test func `deliveries of a lane go one after the other, and a retry holds up those behind it but no other lane`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("q", .fail(broken), .take)
    try await world.working {
      try await world.send(world.delivery("q", "a1", lane: "a"), world.delivery("q", "a2", lane: "a"))
      try await world.send(world.delivery("q", "a3", lane: "a"), world.delivery("q", "b1", lane: "b"))
      await eventually { world.targets.taken.values.map(\.content) == ["b1"] }
      await eventually {
        world.clock.advance(.seconds(10))
        for _ in 0..<50 { await Task.yield() }
        return world.targets.taken.count == 4
      }
      while try await !world.isEmpty { await Task.yield() }
    }
    #expect(world.targets.taken.values.map(\.content) == ["b1", "a1", "a2", "a3"])
  }

  @Test func `a target that does not answer holds nobody else up, and little of it is in memory`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("dead", .hold)
    try await world.working {
      for batch in 0..<20 {
        world.queue.started(try await world.add((0..<100).map { world.delivery("dead", "\(batch)-\($0)") }))
      }
      let others = (0..<500).map { world.delivery("alive-\($0 % 50)", "\($0)") }
      world.queue.started(try await world.add(others))
      await eventually { world.targets.taken.count == 500 }
      #expect(world.targets.heldCount <= 8)
      // Those that were taken are in memory until their end is committed.
      await eventually { world.queue.measurements.filter { $0.kind == .gauge }.reduce(0) { $0 + $1.value } <= 8 + 16 + 1 }
      world.targets.release("dead")
      await eventually { world.targets.taken.count == 2500 }
      while try await !world.isEmpty { await Task.yield() }
    }
    #expect(Set(world.targets.taken.values.map { "\($0.target) \($0.content)" }).count == 2500)
  }

  @Test func `what a crash left is delivered by the next life`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("q", .hold)
    world.targets.answer("r", .fail(broken), .take)
    try await world.send(world.delivery("q", "running"), world.delivery("r", "waits for its retry"))
    // Accepted, and the server died before it could say so.
    _ = try await world.add([world.delivery("s", "never begun"), world.delivery("q", "l1", lane: "l"), world.delivery("q", "l2", lane: "l")])
    await eventually { world.targets.heldCount == 1 && world.hops.count == 1 }
    while try await world.store.read({ try $0.first(KeyRange(prefix: Key("deliveries", "test", "d"))) }) == nil { await Task.yield() }

    let next = DeliveryWorld(store: world.store, clock: world.clock)
    try await next.working {
      await eventually { next.targets.taken.count == 4 }
      await eventually {
        next.clock.advance(.seconds(10))
        for _ in 0..<50 { await Task.yield() }
        return next.targets.taken.count == 5
      }
      while try await !next.isEmpty { await Task.yield() }
    }
    #expect(next.targets.taken.values.first { $0.content == "waits for its retry" }?.attempt == 2)
    let lane = next.targets.taken.values.map(\.content).filter { $0.hasPrefix("l") }
    #expect(lane == ["l1", "l2"])
    world.targets.release("q")
  }

  @Test func `a stop cancels what runs, and the next life delivers it`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("q", .hold)
    try await world.working {
      try await world.send(world.delivery("q", "1"), world.delivery("q", "2"))
      await eventually { world.targets.heldCount == 2 }
    }
    #expect(world.targets.heldCount == 0)
    #expect(world.hops.count == 0)
    let next = DeliveryWorld(store: world.store, clock: world.clock)
    try await next.working { await eventually { next.targets.taken.count == 2 } }
  }

  @Test func `an account that is emptied has no deliveries, running or waiting, and others keep theirs`() async throws {
    let world = DeliveryWorld()
    world.targets.answer("q", .hold)
    world.targets.answer("f", .fail(broken))
    try await world.working {
      try await world.send(world.delivery("q", "runs", account: .test(1)), world.delivery("f", "later", account: .test(1)))
      try await world.send(world.delivery("f", "mine", account: .test(2)))
      try await world.send(world.delivery("q", "l1", lane: "l", account: .test(1)), world.delivery("q", "l2", lane: "l", account: .test(1)))
      await eventually { world.targets.heldCount == 2 && world.hops.count == 2 }
      try await world.queue.removeAll(of: .test(1))
      #expect(world.targets.heldCount == 0)
      world.targets.release("q")
      world.targets.answer("f", .take)
      await eventually {
        world.clock.advance(.seconds(10))
        for _ in 0..<50 { await Task.yield() }
        return world.targets.taken.count == 1
      }
      while try await !world.isEmpty { await Task.yield() }
    }
    #expect(world.targets.taken.values.map(\.content) == ["mine"])
  }

  @Test(arguments: 0..<8) func `whatever fails and restarts, everything arrives and lanes keep their order`(_ seed: Int) async throws {
    let random = SeededRandom(seed: UInt64(seed))
    let store = MemoryStore()
    let clock = TestClock()
    let arrived = Recorder<String>()
    var sent: [String] = []
    for life in 0..<3 {
      let targets = FlakyTargets(random: SeededRandom(seed: UInt64(seed * 10 + life)), failures: life == 2 ? 0 : 30, arrived: arrived)
      let queue = DeliveryQueue(
        "test", store: store, ambient: .test(seed: UInt64(life), clock: clock), policy: targets, hops: EmptyHops(),
        logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
      let world = DeliveryWorld(store: store, clock: clock)
      let running = Task { try await WorkerGroup([queue.worker], clock: clock).run() }
      for _ in 0..<40 {
        let batch = (0..<Int(random.number(below: 8))).map { _ -> Delivery in
          let lane = random.number(below: 3) == 0 ? nil : "lane-\(random.number(below: 4))"
          let content = "\(lane ?? "none") \(sent.count)"
          sent.append(content)
          return world.delivery("target-\(lane.map { $0.utf8.count % 2 } ?? Int(random.number(below: 3)))", content, lane: lane)
        }
        let added = try await world.add(batch)
        // Some callers die before they say so.
        if random.number(below: 10) > 0 { queue.started(added) }
        clock.advance(.seconds(Int64(random.number(below: 40))))
      }
      if life == 2 {
        await eventually {
          clock.advance(.minutes(1))
          for _ in 0..<20 { await Task.yield() }
          return Set(arrived.values).count == sent.count
        }
      }
      running.cancel()
      try await running.value
    }
    #expect(Set(arrived.values) == Set(sent))
    // At least once: the first arrivals of each lane are in its order.
    var seen: Set<String> = []
    let firsts = arrived.values.filter { seen.insert($0).inserted }
    for lane in (0..<4).map({ "lane-\($0) " }) {
      #expect(firsts.filter { $0.hasPrefix(lane) } == sent.filter { $0.hasPrefix(lane) })
    }
  }
}

/// Fails now and then, sometimes after it has taken the delivery.
private struct FlakyTargets: DeliveryPolicy {
  let random: SeededRandom
  let failures: UInt64
  let arrived: Recorder<String>

  func carry(_ delivery: Delivery) async throws {
    if random.number(below: 100) < failures { throw broken }
    arrived.add(delivery.content.utf8Text)
  }
  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    .retry(at: now + .seconds(Int64(self.random.number(below: 90))))
  }
  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? { nil }
}
