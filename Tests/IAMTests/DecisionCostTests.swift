import Base
import Fabric
import Testing

@testable import IAM

/// What a decision costs. The figure is printed and not judged: `swift test -c release --filter DecisionCostTests` on a quiet
/// machine shows about 1.5 µs.
struct DecisionCostTests {
  @Test func `a role with ten statements is decided without the store`() async throws {
    let cloud = Cloud()
    let role = try await cloud.role("worker")
    let statements = (0..<9).map { allow("service\($0):*", on: "arn:aws:service\($0):*:*:thing/*") } + [allow("sqs:Send*", on: queue)]
    try await cloud.put(statements.joined(separator: ","), on: "worker")
    let access = Access("sqs:SendMessage", on: queue, owner: alpha)
    let call = Call.fixture(cloud.session(role), at: cloud.clock.now())
    try await cloud.service.authorise(access, for: call)
    let before = cloud.store.count
    let rounds = 20_000
    let time = try await ContinuousClock().measure {
      for _ in 0..<rounds { try await cloud.service.authorise(access, for: call) }
    }
    print("a decision on a role of ten statements: \(time.inMicroseconds * 1000 / Int64(rounds)) ns")
    #expect(cloud.store.count == before && cloud.service.record.size == 1)
  }
}
