import Base
import Fabric
import TestCloud
import Testing

@testable import SNS

@Suite struct FIFOTests {
  private func publish(_ world: World, _ topic: String, _ text: String, group: String = "g", id: String? = nil) async throws -> JSON {
    var more = JSONObject([("MessageGroupId", .string(group))])
    if let id { more["MessageDeduplicationId"] = .string(id) }
    return try await world.publish(topic, text, more)
  }

  @Test func `a group keeps its order on its way to a FIFO queue`() async throws {
    let world = World()
    let topic = try await world.topic("t.fifo", ["FifoTopic": "true", "ContentBasedDeduplication": "true"])
    let queue = try await world.queue("q.fifo", ["FifoQueue": "true"])
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    for number in 0..<30 { _ = try await publish(world, topic, "\(number)", group: "g\(number % 3)") }
    let got = try await world.receive(queue, 30)
    for group in 0..<3 {
      let texts = got.filter { $0["Attributes"]?["MessageGroupId"] == .string("g\(group)") }.compactMap { $0["Body"]?.string.flatMap { Int($0) } }
      #expect(texts == (0..<30).filter { $0 % 3 == group })
    }
  }

  @Test func `sequence numbers grow and stand in the envelope`() async throws {
    let world = World()
    let topic = try await world.topic("t.fifo", ["FifoTopic": "true"])
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue)
    let first = try await publish(world, topic, "a", id: "1")["SequenceNumber"]?.string ?? ""
    let second = try await publish(world, topic, "b", id: "2")["SequenceNumber"]?.string ?? ""
    #expect(first.utf8.count == 20 && first < second)
    let envelopes = try await world.receive(queue, 2).map { try JSON.parse($0["Body"]?.string ?? "") }
    #expect(Set(envelopes.compactMap { $0["SequenceNumber"]?.string }) == [first, second])
  }

  @Test func `a duplicate within five minutes is accepted and not delivered`() async throws {
    let world = World()
    let topic = try await world.topic("t.fifo", ["FifoTopic": "true"])
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    let first = try await publish(world, topic, "a", id: "1")
    #expect(try await publish(world, topic, "other", group: "h", id: "1") == first)
    world.cloud.clock.advance(.minutes(5))
    #expect(try await publish(world, topic, "b", id: "1") != first)
    #expect(try await world.receive(queue, 2).compactMap { $0["Body"]?.string }.sorted() == ["a", "b"])
    try await world.cloud.work()
    #expect(try await world.isEmpty(queue))
  }

  @Test func `with the scope MessageGroup each group has its own duplicates`() async throws {
    let world = World()
    let topic = try await world.topic("t.fifo", ["FifoTopic": "true", "FifoThroughputScope": "MessageGroup"])
    let first = try await publish(world, topic, "a", group: "g", id: "1")
    #expect(try await publish(world, topic, "a", group: "h", id: "1") != first)
    #expect(try await publish(world, topic, "a", group: "g", id: "1") == first)
  }

  static let lacking: [(JSON, String)] = [
    ([:] , "Invalid parameter: The MessageGroupId parameter is required for FIFO topics"),
    (["MessageGroupId": "g"], "Invalid parameter: The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"),
  ]
  @Test(arguments: lacking)
  func `what a FIFO topic needs is asked for`(more: JSON, message: String) async throws {
    let world = World()
    var input = more.object ?? .init()
    input["TopicArn"] = .string(try await world.topic("t.fifo", ["FifoTopic": "true"]))
    input["Message"] = "x"
    #expect(await world.failure("Publish", .object(input))?.message == message)
  }

  @Test func `a FIFO topic has only queues, and a FIFO dead-letter queue`() async throws {
    let world = World()
    let topic = try await world.topic("t.fifo", ["FifoTopic": "true"])
    let http = await world.failure("Subscribe", ["TopicArn": .string(topic), "Protocol": "http", "Endpoint": "http://h.example/"])
    #expect(http?.message == "Invalid parameter: Invalid parameter: Endpoint Reason: Please use FIFO SQS queue")
    let dead = await world.failure("Subscribe", [
      "TopicArn": .string(topic), "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q.fifo",
      "Attributes": ["RedrivePolicy": #"{"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}"#],
    ])
    #expect(dead?.message.hasSuffix("must use a FIFO queue as DLQ for a FIFO subscription") == true)
  }

  @Test func `archived messages are replayed with their ids, then new ones go on`() async throws {
    let world = World()
    let topic = try await world.topic(
      "t.fifo", ["FifoTopic": "true", "ContentBasedDeduplication": "true", "ArchivePolicy": #"{"MessageRetentionPeriod": "2"}"#])
    var ids: [String] = []
    for number in 0..<5 { ids.append(try await publish(world, topic, "m\(number)")["MessageId"]?.string ?? "") }
    let queue = try await world.queue("q")
    let start = world.cloud.clock.now().iso8601
    let arn = try await world.subscribe(topic, "sqs", queue, [
      "ReplayPolicy": .string(#"{"PointType": "Timestamp", "StartingPoint": "\#(start)"}"#), "FilterPolicyScope": "MessageBody",
    ])
    try await world.cloud.work()
    let replayed = try await world.receive(queue, 5).map { try JSON.parse($0["Body"]?.string ?? "") }
    #expect(Set(replayed.compactMap { $0["MessageId"]?.string }) == Set(ids))
    #expect(replayed.allSatisfy { $0["Replayed"] == "true" })
    let shown = try await world.call("GetSubscriptionAttributes", ["SubscriptionArn": .string(arn)])["Attributes"]
    #expect(shown?["ReplayStatus"] == "Completed")
    _ = try await publish(world, topic, "new")
    let last = try await world.receive(queue, 1).map { try JSON.parse($0["Body"]?.string ?? "") }
    #expect(last.first?["Message"] == "new" && last.first?["Replayed"] == nil)
    world.cloud.clock.advance(.days(3))
    try await world.cloud.work()
    try await world.call("SetSubscriptionAttributes", [
      "SubscriptionArn": .string(arn), "AttributeName": "ReplayPolicy",
      "AttributeValue": .string(#"{"PointType": "Timestamp", "StartingPoint": "\#(start)"}"#),
    ])
    try await world.cloud.work()
    #expect(try await world.isEmpty(queue))
  }
}
