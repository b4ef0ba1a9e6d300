import Base
import Fabric
import TestCloud
import Testing

@testable import EventBridge

private func scheduled(_ cloud: EventCloud, _ expression: String) async throws {
  try await cloud.call("PutRule", ["Name": "s", "ScheduleExpression": .string(expression)])
  try await cloud.call("PutTargets", ["Rule": "s", "Targets": [["Id": "t", "Arn": .string(EventCloud.queue)]]])
}

@Test func `a rule fires when its time has come, with a scheduled event`() async throws {
  let cloud = EventCloud()
  try await scheduled(cloud, "rate(5 minutes)")
  try await cloud.cloud.work()
  #expect(cloud.queues.sent.count == 0)
  cloud.cloud.clock.advance(.minutes(5))
  try await cloud.cloud.work()
  let event = try JSON.parse(await cloud.sent(1)[0].message.body)
  #expect(event["source"] == "aws.events")
  #expect(event["detail-type"] == "Scheduled Event")
  #expect(event["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/s"])
  #expect(event["detail"] == [:])
  #expect(event["time"] == "2023-11-14T22:18:20Z")
  cloud.cloud.clock.advance(.minutes(4))
  try await cloud.cloud.work()
  cloud.cloud.clock.advance(.minutes(1))
  try await cloud.cloud.work()
  #expect(await cloud.sent(2).count == 2)
}

@Test func `what was due while the server was down fires once`() async throws {
  let cloud = EventCloud()
  try await scheduled(cloud, "cron(0 * * * ? *)")
  cloud.cloud.clock.advance(.hours(7))
  let next = cloud.restarted()
  try await next.cloud.work()
  #expect(try JSON.parse(await next.sent(1)[0].message.body)["time"] == "2023-11-14T23:00:00Z")
  try await next.cloud.work()
  #expect(next.queues.sent.count == 1)
  next.cloud.clock.advance(.hours(1))
  try await next.cloud.work()
  #expect(await next.sent(2).count == 2)
}

@Test func `a disabled rule rests, an enabled one counts anew`() async throws {
  let cloud = EventCloud()
  try await scheduled(cloud, "rate(10 minutes)")
  try await cloud.call("DisableRule", ["Name": "s"])
  cloud.cloud.clock.advance(.minutes(30))
  try await cloud.cloud.work()
  #expect(cloud.queues.sent.count == 0)
  try await cloud.call("EnableRule", ["Name": "s"])
  cloud.cloud.clock.advance(.minutes(9))
  try await cloud.cloud.work()
  #expect(cloud.queues.sent.count == 0)
  cloud.cloud.clock.advance(.minutes(1))
  try await cloud.cloud.work()
  #expect(await cloud.sent(1).count == 1)
}

@Test func `a rule may have a pattern and a schedule`() async throws {
  let cloud = EventCloud()
  try await cloud.call("PutRule", ["Name": "s", "ScheduleExpression": "rate(1 hour)", "EventPattern": #"{"source":["shop"]}"#])
  try await cloud.call("PutTargets", ["Rule": "s", "Targets": [["Id": "t", "Arn": .string(EventCloud.queue)]]])
  try await cloud.put()
  _ = await cloud.sent(1)
  cloud.cloud.clock.advance(.hours(1))
  try await cloud.cloud.work()
  let sources = try await cloud.sent(2).map { try JSON.parse($0.message.body)["source"] }
  #expect(sources == ["shop", "aws.events"])
}
