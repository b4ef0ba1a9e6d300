import Base
import Fabric
import TestCloud
import Testing

@testable import SQS

@Suite struct ChaosTests {
  private let cloud = Cloud()

  private func strike(_ fault: ChaosFault, rate: Double = 1, count: Int? = nil, seed: UInt64 = 1) throws {
    _ = try cloud.chaos.add(.init(fault, service: "sqs", rate: rate, count: count, seed: seed))
  }
  private func chaosHops() -> [Hop] { cloud.hops.all.filter { $0.action == "chaos" } }

  @Test func `a duplicated message comes once more, also after it was deleted, and that can be deleted again`() async throws {
    let url = try await cloud.createQueue()
    try strike(.duplicate)
    try await cloud.send("a", to: url)
    let first = try #require(try await cloud.receive(url, system: ["All"]).first)
    try await cloud.delete(first.receiptHandle, from: url)
    let second = try #require(try await cloud.receive(url, system: ["All"]).first)
    #expect(second.messageId == first.messageId && second.body == "a")
    #expect(first.attributes?["ApproximateReceiveCount"] == "1" && second.attributes?["ApproximateReceiveCount"] == "2")
    try await cloud.delete(second.receiptHandle, from: url)
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(try await cloud.counts(url) == [0, 0, 0])
    let hop = try #require(chaosHops().first)
    #expect(chaosHops().count == 1 && hop.reason == "chaos rule 1: duplicate sqs deliver")
    #expect(hop.trace == cloud.hops.all[0].trace && hop.parent == cloud.hops.all[0].id)
  }

  @Test func `what comes of the second time is below the fault in the trace`() async throws {
    try await cloud.createQueue()
    try strike(.duplicate)
    let queue = ARN("sqs", .usEast1, .local, "q")
    _ = try await cloud.sqs.send(OutgoingMessage(body: "a"), to: queue, as: cloud.caller)
    func receive() async throws -> QueueMessage? {
      try await cloud.sqs.receive(queue, maximum: 10, wait: .zero, visibilityTimeout: nil, as: cloud.caller).first
    }
    let (first, second) = (try await receive(), try await receive())
    #expect(first?.trace?.parent == cloud.hops.all[0].id && second?.trace?.parent == chaosHops()[0].id)
    #expect(first?.trace?.root == second?.trace?.root)
  }

  @Test func `a copy that is never deleted takes nothing away from the message`() async throws {
    let url = try await cloud.createQueue()
    try strike(.duplicate, count: 1)
    try await cloud.send("a", to: url)
    #expect(try await cloud.bodies(url, timeout: 30) == ["a"])
    #expect(try await cloud.bodies(url) == ["a"])
    #expect(try await cloud.bodies(url).isEmpty)
    cloud.clock.advance(.seconds(30))
    #expect(try await cloud.bodies(url) == ["a"])
  }

  @Test func `a rule strikes a long poll that is older`() async throws {
    let url = try await cloud.createQueue()
    async let first = cloud.receive(url, wait: 20)
    try await cloud.waiters(1, at: url)
    try strike(.duplicate)
    try await cloud.send("a", to: url)
    #expect(try await first.map(\.body) == ["a"])
    #expect(try await cloud.bodies(url) == ["a"])
  }

  @Test func `no more come than were asked for, and none after a purge or when the queue is gone`() async throws {
    let url = try await cloud.createQueue()
    try strike(.duplicate)
    for body in ["a", "b", "c"] { try await cloud.send(body, to: url) }
    #expect(try await cloud.bodies(url, 3).count == 3)
    #expect(try await cloud.bodies(url, 2).count == 2)
    try await cloud.purge(url)
    #expect(try await cloud.bodies(url).isEmpty)
    try await cloud.send("d", to: url)
    #expect(try await cloud.bodies(url) == ["d"])
    try await cloud.deleteQueue(url)
    await #expect(throws: AWSError.self) { try await cloud.receive(url) }
  }

  @Test func `a FIFO queue is never struck`() async throws {
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    try strike(.duplicate)
    try strike(.reorder)
    for n in 0..<5 { try await cloud.send("\(n)", to: url, group: "g", id: "\(n)") }
    #expect(try await cloud.bodies(url) == ["0", "1", "2", "3", "4"])
    #expect(try await cloud.bodies(url).isEmpty)
    #expect(cloud.chaos.rules.allSatisfy { $0.seen == 0 })
  }

  @Test func `another order has the same messages, and each of them tells of it`() async throws {
    let url = try await cloud.createQueue()
    try strike(.reorder)
    for n in 0..<5 { try await cloud.send("\(n)", to: url) }
    let found = try await cloud.bodies(url)
    #expect(found != ["0", "1", "2", "3", "4"] && found.sorted() == ["0", "1", "2", "3", "4"])
    #expect(chaosHops().count == 5 && Set(chaosHops().map(\.trace)).count == 5 && cloud.chaos.rules[0].hits == 1)
  }

  @Test func `a seed chooses the same messages each time`() async throws {
    func chosen() async throws -> [String] {
      let cloud = Cloud()
      let url = try await cloud.createQueue()
      _ = try cloud.chaos.add(.init(.duplicate, service: "sqs", rate: 0.3, seed: 42))
      for n in 0..<20 { try await cloud.send("\(n)", to: url) }
      var all: [String] = []
      while case let bodies = try await cloud.bodies(url), !bodies.isEmpty { all += bodies }
      return all
    }
    let first = try await chosen()
    #expect(try await chosen() == first && (21...35).contains(first.count))
  }
}
