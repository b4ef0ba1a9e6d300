import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import EventBridge

private let bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
private let archiveARN = "arn:aws:events:us-east-1:000000000000:archive/a"

private func replay(_ name: String, _ cloud: EventCloud, from: Int64 = -3600, to: Int64 = 3600, filter: [String]? = nil) -> JSON {
  let now = cloud.cloud.clock.now().seconds
  var destination = JSONObject([("Arn", .string(bus))])
  if let filter { destination["FilterArns"] = .array(filter.map(JSON.string)) }
  return [
    "ReplayName": .string(name), "EventSourceArn": .string(archiveARN), "EventStartTime": .int(now + from), "EventEndTime": .int(now + to),
    "Destination": .object(destination),
  ]
}

@Test func `an archive keeps what its pattern wants, and a replay brings it back with its name`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", [
    "ArchiveName": "a", "EventSourceArn": .string(bus), "EventPattern": #"{"source":["shop"]}"#, "RetentionDays": 3,
  ])
  try await cloud.put(["n": 1])
  try await cloud.put(["n": 2], source: "other")
  try await cloud.put(["n": 3])
  let shown = try await cloud.call("DescribeArchive", ["ArchiveName": "a"])
  #expect(shown["EventCount"]?.int == 2)
  #expect(shown["State"] == "ENABLED")
  try await cloud.rule("first")
  try await cloud.rule("second")
  let filter = ["arn:aws:events:us-east-1:000000000000:rule/second"]
  #expect(try await cloud.call("StartReplay", replay("again", cloud, filter: filter))["State"] == "STARTING")
  try await cloud.cloud.work()
  let messages = await cloud.sent(2)
  let bodies = try messages.map { try JSON.parse($0.message.body) }
  #expect(bodies.map { $0["replay-name"] } == ["again", "again"])
  #expect(Set(bodies.map { $0["detail"]?["n"]?.int }) == [1, 3])
  let names = bodies.first?.object?.names
  #expect(names == ["version", "id", "detail-type", "source", "account", "time", "region", "replay-name", "resources", "detail"])
  let described = try await cloud.call("DescribeReplay", ["ReplayName": "again"])
  #expect(described["State"] == "COMPLETED")
  #expect(described["Destination"]?["FilterArns"]?[0]?.string == filter[0])
  // What was replayed is not archived again.
  #expect(try await cloud.call("DescribeArchive", ["ArchiveName": "a"])["EventCount"]?.int == 2)
  #expect(cloud.queues.sent.count == 2)
}

@Test func `a replay takes the events of its time only`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus)])
  for n in 0..<5 {
    try await cloud.put(["n": .int(Int64(n))])
    cloud.cloud.clock.advance(.minutes(10))
  }
  try await cloud.rule()
  // Now it is 50 minutes later: the events of minutes 10 to 30.
  try await cloud.call("StartReplay", replay("some", cloud, from: -40 * 60, to: -20 * 60))
  try await cloud.cloud.work()
  let found = try await cloud.sent(3).map { try JSON.parse($0.message.body)["detail"]?["n"]?.int }
  #expect(Set(found) == [1, 2, 3])
}

@Test func `events outlive the retention of their archive by nothing`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus), "RetentionDays": 1])
  try await cloud.put()
  cloud.cloud.clock.advance(.hours(23))
  try await cloud.put()
  cloud.cloud.clock.advance(.hours(2))
  try await cloud.cloud.work()
  let shown = try await cloud.call("DescribeArchive", ["ArchiveName": "a"])
  #expect(shown["EventCount"]?.int == 1)
  try await cloud.call("DeleteArchive", ["ArchiveName": "a"])
  try await cloud.cloud.work()
  let left = try await cloud.cloud.store.read { try $0.entries(KeyRange(prefix: Key("events", "kept"))).count }
  #expect(left == 0)
}

@Test func `a replay that was cut off goes on where it was`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus)])
  for n in 0..<25 {
    let entries = (0..<10).map { JSON.object(JSONObject([
      ("Source", "shop"), ("DetailType", "t"), ("Detail", .string(#"{"n":\#(n * 10 + $0)}"#))])) }
    try await cloud.call("PutEvents", ["Entries": .array(entries)])
  }
  try await cloud.rule()
  try await cloud.call("StartReplay", replay("long", cloud))
  _ = try await cloud.service.replays.turn(cloud.cloud.clock.now())
  _ = try await cloud.service.replays.turn(cloud.cloud.clock.now())
  _ = await cloud.sent(100)
  let next = cloud.restarted()
  try await next.cloud.work()
  let found = try await next.sent(250).map { try JSON.parse($0.message.body)["detail"]?["n"]?.int }
  #expect(Set(found).count == 250)
}

@Test func `a replay can be cancelled, and ten run at the same time at most`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus)])
  for n in 0..<10 { try await cloud.call("StartReplay", replay("r\(n)", cloud)) }
  let limit = await cloud.refusal("StartReplay", replay("r", cloud))
  #expect(limit == "LimitExceededException: The requested resource exceeds the maximum number allowed.")
  #expect(try await cloud.call("CancelReplay", ["ReplayName": "r0"])["State"] == "CANCELLING")
  try await cloud.cloud.work()
  #expect(try await cloud.call("DescribeReplay", ["ReplayName": "r0"])["State"] == "CANCELLED")
  #expect(
    await cloud.refusal("CancelReplay", ["ReplayName": "r1"])
      == "IllegalStatusException: Replay r1 is not in a valid state for this operation.")
  #expect(try await cloud.call("ListReplays", ["State": "COMPLETED"])["Replays"]?.array?.count == 9)
}

@Test func `replays that cannot be are refused in AWS's words`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateEventBus", ["Name": "b"])
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": "arn:aws:events:us-east-1:000000000000:event-bus/b"])
  #expect(
    await cloud.refusal("StartReplay", replay("r", cloud))
      == "ValidationException: Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.")
  #expect(
    await cloud.refusal("StartReplay", replay("r", cloud, from: 5, to: 5))
      == "ValidationException: Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.")
  try await cloud.call("DeleteArchive", ["ArchiveName": "a"])
  #expect(
    await cloud.refusal("StartReplay", replay("r", cloud))
      == "ValidationException: Parameter EventSourceArn is not valid. Reason: Archive a does not exist.")
  #expect(await cloud.refusal("DescribeReplay", ["ReplayName": "r"]) == "ResourceNotFoundException: Replay r does not exist.")
  #expect(await cloud.refusal("DescribeArchive", ["ArchiveName": "a"]) == "ResourceNotFoundException: Archive a does not exist.")
}

@Test func `the rule of an archive is shown and is nobody's to change`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus)])
  let rule = try await cloud.call("DescribeRule", ["Name": "Events-Archive-a"])
  #expect(rule["ManagedBy"] == "prod.vhs.events.aws.internal")
  #expect(rule["EventPattern"] == #"{"replay-name":[{"exists":false}]}"#)
  for operation in ["DisableRule", "DeleteRule"] {
    #expect(await cloud.refusal(operation, ["Name": "Events-Archive-a"])?.hasPrefix("ManagedRuleException") == true)
  }
}

@Test func `an archive does not take the rule of a user away`() async throws {
  let cloud = EventCloud()
  try await cloud.rule("Events-Archive-a")
  #expect(
    await cloud.refusal("CreateArchive", ["ArchiveName": "a", "EventSourceArn": .string(bus)])
      == "ResourceAlreadyExistsException: Rule Events-Archive-a already exists.")
  #expect(try await cloud.call("DescribeRule", ["Name": "Events-Archive-a"])["EventPattern"] == #"{"source":["shop"]}"#)
  #expect(try await cloud.call("ListTargetsByRule", ["Rule": "Events-Archive-a"])["Targets"]?.array?.count == 1)
}

@Test func `an archive goes on with the next bus of the name`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateEventBus", ["Name": "b"])
  try await cloud.call("CreateArchive", ["ArchiveName": "a", "EventSourceArn": "arn:aws:events:us-east-1:000000000000:event-bus/b"])
  try await cloud.call("DeleteEventBus", ["Name": "b"])
  #expect(try await cloud.call("DescribeArchive", ["ArchiveName": "a"])["State"] == "DISABLED")
  try await cloud.call("CreateEventBus", ["Name": "b"])
  try await cloud.put(bus: "b")
  try await cloud.cloud.work()
  let archive = try await cloud.call("DescribeArchive", ["ArchiveName": "a"])
  #expect(archive["State"] == "ENABLED" && archive["EventCount"] == 1)
}
