import Base
import Fabric
import Testing

@testable import SQS

@Suite struct HopTests {
  private let root = "1-5759e988-bd862e3fe1be46a994272793"
  private let queue = ARN("sqs", .usEast1, .local, "q")

  private func receive(_ cloud: Cloud) async throws -> QueueMessage? {
    try await cloud.sqs.receive(queue, maximum: 1, wait: .zero, visibilityTimeout: .seconds(1), as: cloud.caller).first
  }

  @Test func `a message goes on under the hop of its send, and a receiver is not told what its sender did not say`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue()
    try await cloud.send("a", to: url)
    let hop = try #require(cloud.hops.all.first)
    #expect(hop.action == "SendMessage" && hop.outcome == .accepted && hop.target == queue.text && hop.parent == nil)
    #expect(hop.source == "arn:aws:iam::000000000000:root")
    let message = try #require(try await receive(cloud))
    #expect(message.trace?.root == hop.trace && message.trace?.parent == hop.id)
    #expect(message.systemAttributes["AWSTraceHeader"] == nil)
  }

  @Test func `a trace header of the message goes before that of the call, and stays as it was sent`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue()
    let header = "Root=\(root);Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1"
    _ = try await cloud.sqs.send(OutgoingMessage(body: "a", traceHeader: header), to: queue, as: cloud.caller)
    let hop = try #require(cloud.hops.all.first)
    #expect(hop.trace == root && hop.parent == "53995c3f42cd8ad8")
    let message = try #require(try await receive(cloud))
    #expect(message.trace == TraceContext(root: root, parent: hop.id, sampled: "1", lineage: "a87bd80c:1"))
    #expect(message.systemAttributes["AWSTraceHeader"] == header)
  }

  @Test func `what a service sends is done by the resource for which it acts`() async throws {
    let cloud = Cloud()
    try await cloud.createQueue()
    var caller = cloud.caller
    caller.principal = .service(ServicePrincipal("sns.amazonaws.com", sourceARN: "arn:aws:sns:us-east-1:000000000000:t"))
    _ = try await cloud.sqs.send(OutgoingMessage(body: "a"), to: queue, as: caller)
    #expect(cloud.hops.all.map(\.source) == ["arn:aws:sns:us-east-1:000000000000:t"])
  }

  @Test(arguments: ["", ".fifo"])
  func `a message that was received too often is a hop, and a move task another one`(suffix: String) async throws {
    let cloud = Cloud()
    let kind = suffix.isEmpty ? [:] : ["FifoQueue": "true"]
    let dead = try await cloud.createQueue("dead\(suffix)", kind)
    let arn = "arn:aws:sqs:us-east-1:000000000000:dead\(suffix)"
    let url = try await cloud.createQueue("q\(suffix)", kind.merging(["RedrivePolicy": RedriveTests.policy("2", target: arn)]) { $1 })
    try await cloud.send("a", to: url, group: suffix.isEmpty ? nil : "g", id: suffix.isEmpty ? nil : "1")
    for _ in 0..<2 {
      #expect(try await cloud.bodies(url, timeout: 1) == ["a"])
      cloud.clock.advance(.seconds(1))
    }
    #expect(try await cloud.bodies(url).isEmpty)
    var input = StartMessageMoveTaskInput()
    (input.sourceArn, input.destinationArn) = (arn, nil)
    _ = try await cloud.run("StartMessageMoveTask", input)
    try await cloud.work()
    #expect(try await cloud.counts(dead) == [0, 0, 0])
    let hops = cloud.hops.all
    #expect(hops.map(\.action) == ["SendMessage", "redrive", "StartMessageMoveTask"])
    #expect(hops[1].outcome == .deadLettered(to: arn) && hops[1].parent == hops[0].id && hops[2].parent == hops[1].id)
    #expect(hops[1].reason == "received 2 times and not deleted; maxReceiveCount is 2")
    #expect(Set(hops.map(\.trace)).count == 1)
  }

  @Test func `a repeated deduplication id says that nothing was added`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q.fifo", ["FifoQueue": "true"])
    for _ in 0..<2 { try await cloud.send("a", to: url, group: "g", id: "1") }
    #expect(cloud.hops.all.map(\.outcome) == [.accepted, .filtered])
  }

  @Test func `what was not sent is no hop`() async throws {
    let cloud = Cloud()
    let url = try await cloud.createQueue("q", ["MaximumMessageSize": "1024"])
    await refused("InvalidParameterValue") { try await cloud.send(String(repeating: "x", count: 2000), to: url) }
    #expect(cloud.hops.count == 0)
  }
}
