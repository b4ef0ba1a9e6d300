import Base
import Logging
import StoreMemory
import TestCloud
import Testing

@testable import Fabric

private let rule = ChaosRule.Settings(.fail, service: "test", seed: 1)

@Suite(.timeLimit(.minutes(1))) struct ChaosTests {
  private let world = DeliveryWorld(targets: ScriptedTargets(retries: 1))
  private let target = "arn:aws:sqs:us-east-1:000000000000:orders"

  private func change(_ fault: ChaosFault, count: Int? = nil, delay: Duration = .zero) throws {
    _ = try world.chaos.add(.init(fault, service: "test", count: count, delay: delay, seed: 1))
  }
  private func reasons() -> [String?] { world.hops.all.filter { $0.action == "chaos" }.map(\.reason) }

  @Test func `without rules nothing is struck, and a rule that is stopped strikes no more`() async throws {
    #expect(!world.chaos.isOn)
    let id = try world.chaos.add(rule).id
    #expect(world.chaos.isOn && world.chaos.remove(id)?.id == id && !world.chaos.isOn)
    try await world.send(world.delivery(target, "1"))
    await eventually { world.targets.taken.count == 1 }
    #expect(reasons().isEmpty)
  }

  @Test func `a duplicated delivery is made twice, once`() async throws {
    try change(.duplicate)
    try await world.send(world.delivery(target, "1"))
    await eventually { world.targets.taken.count == 2 && world.hops.count == 2 }
    while try await !world.isEmpty { await Task.yield() }
    #expect(world.targets.taken.values.map(\.attempt) == [1, 1])
    #expect(reasons() == ["chaos rule 1: duplicate test deliver"])
    let hops = world.hops.all
    #expect(hops.last?.outcome == .delivered && hops[0].parent == hops.last?.id)
  }

  @Test func `what goes in order is not made twice`() async throws {
    try change(.duplicate)
    try await world.send(world.delivery(target, "1", lane: "g"), world.delivery(target, "2", lane: "g"))
    await eventually { world.targets.taken.count == 2 }
    while try await !world.isEmpty { await Task.yield() }
    #expect(world.targets.taken.values.map(\.content) == ["1", "2"] && reasons().isEmpty)
  }

  @Test func `an attempt that fails does not reach its target, is tried again, and its dead letter is spared`() async throws {
    try change(.fail)
    try await world.working {
      try await world.send(world.delivery(target, "1"))
      await eventually { world.hops.count == 2 }
      await eventually { world.clock.sleeperCount == 1 }
      world.clock.advance(.seconds(60))
      await eventually { world.targets.abandoned.count == 1 && world.hops.count == 4 }
    }
    #expect(world.targets.begun.count == 0)
    let attempts = world.hops.all.filter { $0.action == "deliver" }
    #expect(attempts[0].reason == "ServiceUnavailable: The request has failed due to a temporary failure of the server.")
    #expect(attempts[1].outcome == .deadLettered(to: "arn:aws:sqs:us-east-1:000000000000:dead"))
    #expect(world.chaos.rules[0].hits == 2)
  }

  @Test func `in what is spared nothing is struck`() async throws {
    _ = try world.chaos.add(rule)
    let point = ChaosPoint(
      service: "test", account: .local, region: .usEast1, source: "a", target: target, trace: .test)
    await #expect(throws: AWSError.self) { try await world.chaos.meet(point, in: .real) }
    try await Chaos.sparing { try await world.chaos.meet(point, in: .real) }
    #expect(world.chaos.rules[0].seen == 1)
  }

  @Test func `a slow delivery waits on the clock that the user moves`() async throws {
    try change(.slow, delay: .minutes(2))
    try await world.send(world.delivery(target, "1"))
    await eventually { world.clock.sleeperCount == 1 }
    world.clock.advance(.seconds(119))
    for _ in 0..<50 { await Task.yield() }
    #expect(world.targets.begun.count == 0)
    world.clock.advance(.seconds(1))
    await eventually { world.targets.taken.count == 1 }
    #expect(reasons() == ["chaos rule 1: slow test deliver by 120000 ms"])
  }

  @Test func `a queue that stops waits for no slow delivery`() async throws {
    try change(.slow, delay: .minutes(2))
    try await world.working {
      try await world.send(world.delivery(target, "1"))
      await eventually { world.hops.count == 1 }
    }
    #expect(try await !world.isEmpty && world.targets.begun.count == 0)
  }

  @Test(arguments: [
    ("arn:aws:dynamodb:us-east-1:1:table/t", "ProvisionedThroughputExceededException"),
    ("arn:aws:lambda:us-east-1:1:function:f", "TooManyRequestsException"),
    ("arn:aws:sqs:us-east-1:1:q", "RequestThrottled"), ("arn:aws:sns:us-east-1:1:t", "Throttling"), ("arn:aws:s3:::b", "SlowDown"),
    ("arn:aws:kinesis:us-east-1:1:stream/s", "ProvisionedThroughputExceededException"), ("https://example.com/", "ThrottlingException"),
  ])
  func `an attempt is throttled as its target throttles`(_ target: String, _ code: String) async throws {
    _ = try world.chaos.add(.init(.throttle, service: "test", seed: 1))
    do {
      try await world.chaos.carry(
        ChaosPoint(service: "test", account: .local, region: .usEast1, source: "a", target: target, trace: .test)
      ) { _ in Issue.record("it was carried") }
    } catch let error as AWSError {
      #expect(error.code == code)
    }
  }
}
