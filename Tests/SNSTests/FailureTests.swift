import Base
import Fabric
import TestCloud
import Testing

@testable import SNS

@Suite struct FailureTests {
  private func confirmed(_ world: World, _ topic: String, _ attributes: JSON = [:]) async throws -> String {
    try await world.subscribe(topic, "http", "http://h.example/", attributes)
    let token = try #require(await world.token(at: 0))
    return try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])["SubscriptionArn"]?.string ?? ""
  }

  @Test func `an endpoint that fails is tried by its policy, then the message is in the dead-letter queue`() async throws {
    let world = World()
    let topic = try await world.topic()
    let dead = try await world.queue("dead")
    _ = try await confirmed(world, topic, ["RedrivePolicy": .string(#"{"deadLetterTargetArn": "\#(dead)"}"#)])
    world.endpoints.answer(500, 0, 429, 503)
    try await world.publish(topic, "hard")
    for attempt in 2...4 {
      await eventually { world.endpoints.seen.count == attempt }
      await eventually { world.hops.all.count { if case .retried = $0.outcome { true } else { false } } == attempt - 1 }
      // Twenty seconds, and up to a tenth more.
      world.cloud.clock.advance(.seconds(22))
      try await world.cloud.work()
    }
    let letter = try #require(try await world.receive(dead, 1).first)
    #expect(world.endpoints.seen.count == 5)
    #expect(try JSON.parse(letter["Body"]?.string ?? "")["Message"] == "hard")
    #expect(letter["MessageAttributes"]?["ErrorCode"]?["StringValue"] == "503")
    await eventually { world.hops.all.contains { $0.outcome == .deadLettered(to: dead) } }
    let sums = world.metrics.sums
    #expect(sums["NumberOfNotificationsFailed"] == 1 && sums["NumberOfNotificationsRedrivenToDlq"] == 1)
  }

  @Test(arguments: [400, 404, 301])
  func `an endpoint that refuses is not asked again`(status: Int) async throws {
    let world = World()
    let topic = try await world.topic()
    _ = try await confirmed(world, topic)
    world.endpoints.answer(status)
    try await world.publish(topic, "no")
    await eventually { world.hops.all.contains { $0.outcome == .dropped } }
    #expect(world.endpoints.seen.count == 2)
  }

  @Test func `a queue that is gone sends its messages to the dead-letter queue at once`() async throws {
    let world = World()
    let topic = try await world.topic()
    let dead = try await world.queue("dead")
    try await world.subscribe(
      topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:gone",
      ["RedrivePolicy": .string(#"{"deadLetterTargetArn": "\#(dead)"}"#), "RawMessageDelivery": "true"])
    try await world.publish(topic, "lost")
    #expect(try await world.receive(dead, 1).first?["Body"] == "lost")
  }

  @Test func `more attributes than a queue takes are a client's error with raw delivery`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    let attributes = JSONObject((0..<11).map { ("a\($0)", ["DataType": "String", "StringValue": "x"]) })
    try await world.publish(topic, "many", .init([("MessageAttributes", .object(attributes))]))
    await eventually { world.hops.all.contains { $0.outcome == .dropped } }
    #expect(try await world.isEmpty(queue))
  }

  @Test func `a subscription that is gone gets nothing that was still on its way`() async throws {
    let world = World()
    let topic = try await world.topic()
    let arn = try await confirmed(world, topic)
    world.endpoints.answer(503)
    try await world.publish(topic, "late")
    await eventually { world.hops.all.contains { if case .retried = $0.outcome { true } else { false } } }
    try await world.call("Unsubscribe", ["SubscriptionArn": .string(arn)])
    world.cloud.clock.advance(.seconds(30))
    try await world.cloud.work()
    await eventually { world.hops.all.contains { $0.outcome == .dropped } }
    #expect(world.endpoints.seen.count { $0.body.utf8Text.contains("late") } == 1)
  }

  @Test func `the status of deliveries is written as the role of the topic`() async throws {
    let world = World()
    let topic = try await world.topic("news", [
      "HTTPSuccessFeedbackRoleArn": "arn:aws:iam::000000000000:role/good", "HTTPSuccessFeedbackSampleRate": "100",
      "HTTPFailureFeedbackRoleArn": "arn:aws:iam::000000000000:role/bad",
    ])
    _ = try await confirmed(world, topic)
    try await world.publish(topic, "one")
    await eventually { world.hops.all.count { $0.outcome == .delivered } == 2 }
    world.endpoints.answer(404)
    try await world.publish(topic, "two")
    await eventually { world.hops.all.contains { $0.outcome == .dropped } }
    try await world.cloud.work()
    await eventually { world.logs.all.count == 2 }
    let good = try #require(world.logs.all.first { $0.group == "sns/us-east-1/000000000000/news" })
    #expect(good.principal.contains("/good/"))
    let line = try JSON.parse(good.text)
    #expect(line["status"] == "SUCCESS" && line["delivery"]?["statusCode"] == 200 && line["delivery"]?["attempts"] == 1)
    #expect(line["notification"]?["topicArn"] == .string(topic))
    let bad = try #require(world.logs.all.first { $0.group == "sns/us-east-1/000000000000/news/Failure" })
    #expect(try JSON.parse(bad.text)["status"] == "FAILURE")
  }

  @Test func `a slow subscription is paced, and nothing is lost`() async throws {
    let world = World()
    let topic = try await world.topic()
    _ = try await confirmed(world, topic, ["DeliveryPolicy": #"{"throttlePolicy": {"maxReceivesPerSecond": 1}}"#])
    for number in 0..<3 { try await world.publish(topic, "m\(number)") }
    await eventually { world.endpoints.seen.count == 2 }
    for count in 3...4 {
      world.cloud.clock.advance(.seconds(1))
      await eventually { world.endpoints.seen.count == count }
    }
  }
}
