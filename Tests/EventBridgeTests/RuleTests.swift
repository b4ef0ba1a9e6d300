import Base
import Fabric
import TestCloud
import Testing

@testable import EventBridge

private let refused: [(String, JSON, String)] = [
  ("PutRule", ["Name": "r"], "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified."),
  ("PutRule", ["Name": "r", "EventPattern": "{}"], "ValidationException: Parameter(s) EventPattern or ScheduleExpression must be specified."),
  ("PutRule", ["Name": "r", "ScheduleExpression": "rate(1 minutes)"], "ValidationException: Parameter ScheduleExpression is not valid."),
  (
    "PutRule", ["Name": "r", "EventBusName": "b", "ScheduleExpression": "rate(1 minute)"],
    "ValidationException: ScheduleExpression is supported only on the default event bus."
  ),
  (
    "PutRule", ["Name": "r", "EventPattern": #"{"source":"x"}"#],
    #"InvalidEventPatternException: Event pattern is not valid. Reason: "source" must be an object or an array"#
  ),
  (
    "PutRule", ["Name": "r", "EventBusName": "none", "EventPattern": #"{"source":["x"]}"#],
    "ResourceNotFoundException: Event bus none does not exist."
  ),
  (
    "PutRule", ["Name": "r", "EventPattern": #"{"source":["x"]}"#, "RoleArn": "arn:aws:iam::000000000000:role/untrusted"],
    "ValidationException: Provided role 'arn:aws:iam::000000000000:role/untrusted' cannot be assumed by principal 'events.amazonaws.com'."
  ),
  ("DescribeRule", ["Name": "none"], "ResourceNotFoundException: Rule none does not exist on EventBus default."),
  ("EnableRule", ["Name": "none", "EventBusName": "b"], "ResourceNotFoundException: Rule none does not exist on EventBus b."),
  ("ListRules", ["EventBusName": "none"], "ResourceNotFoundException: Event bus none does not exist."),
  ("CreateEventBus", ["Name": "b"], "ResourceAlreadyExistsException: Event bus b already exists."),
  ("CreateEventBus", ["Name": "default"], "ResourceAlreadyExistsException: Event bus default already exists."),
  ("CreateEventBus", ["Name": "a/b"], "ValidationException: Event bus name must not contain '/'."),
  (
    "CreateEventBus", ["Name": "aws.partner/x.com/y", "EventSourceName": "aws.partner/x.com/y"],
    "ResourceNotFoundException: Event source aws.partner/x.com/y does not exist."
  ),
  ("DeleteEventBus", ["Name": "default"], "ValidationException: Cannot delete event bus default."),
  ("DescribeEventBus", ["Name": "none"], "ResourceNotFoundException: Event bus none does not exist."),
  ("RemovePermission", ["StatementId": "x"], "ResourceNotFoundException: Statement with the provided id does not exist."),
  ("TestEventPattern", ["EventPattern": #"{"a":["b"]}"#, "Event": "[]"], "ValidationException: Parameter Event is not valid."),
  (
    "TestEventPattern", ["EventPattern": #"{"a":[]}"#, "Event": "{}"],
    "InvalidEventPatternException: Event pattern is not valid. Reason: Empty arrays are not allowed"
  ),
]

@Test(arguments: refused)
func `what AWS refuses is refused in its words`(operation: String, input: JSON, text: String) async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateEventBus", ["Name": "b"])
  #expect(await cloud.refusal(operation, input) == text)
}

private let region = "us-east-1"
private let targets: [(JSON, String)] = [
  (["Arn": "nonsense"], "Parameter nonsense is not valid. Reason: Provided Arn is not in correct format."),
  (["Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c"], "Dewpoint has no targets of this kind."),
  (["Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "RoleArn": "arn:aws:iam::000000000000:role/r"], "Dewpoint does not implement the service kinesis."),
  (["Arn": "arn:aws:sqs:eu-west-1:000000000000:q"], "Only an event bus may be in another Region."),
  (["Arn": "arn:aws:sqs:us-east-1:111111111111:q"], "RoleArn is required for target arn:aws:sqs:us-east-1:111111111111:q."),
  (
    ["Arn": "arn:aws:events:us-east-1:000000000000:event-bus/b"],
    "RoleArn is required for target arn:aws:events:us-east-1:000000000000:event-bus/b."
  ),
  (["Arn": "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/x"], "Dewpoint does not implement the service logs."),
  (["Input": "{}", "InputPath": "$"], "Only one of Input, InputPath, or InputTransformer must be provided for target t."),
  (["Input": "{"], "JSON syntax error in input for target t"),
  (["InputPath": "detail"], "Invalid InputPath for target t."),
  (
    ["InputTransformer": ["InputTemplate": "\"<x>\""]], "InputTemplate for target t contains invalid placeholder x."
  ),
  (["Arn": "arn:aws:sqs:us-east-1:000000000000:q.fifo"], "Parameter(s) SqsParameters must be specified for target: t."),
  (["KinesisParameters": ["PartitionKeyPath": "$.id"]], "Parameter(s) KinesisParameters are not valid for target: t."),
  (["RunCommandParameters": ["RunCommandTargets": [["Key": "a", "Values": ["b"]]]]], "Parameter(s) RunCommandParameters are not valid for target: t."),
  (["DeadLetterConfig": ["Arn": "arn:aws:sqs:us-east-1:000000000000:d.fifo"]], "FIFO queues are not supported as dead-letter queues."),
  (["DeadLetterConfig": ["Arn": "arn:aws:sns:us-east-1:000000000000:d"]], "Parameter DeadLetterConfig.Arn is not valid."),
]

@Test(arguments: targets)
func `a target that cannot be is refused`(target: JSON, text: String) async throws {
  let cloud = EventCloud()
  try await cloud.call("PutRule", ["Name": "r", "EventPattern": #"{"source":["shop"]}"#])
  var given = JSONObject([("Id", "t"), ("Arn", .string(EventCloud.queue))])
  for (name, value) in target.object ?? JSONObject() { given[name] = value }
  let refusal = await cloud.refusal("PutTargets", ["Rule": "r", "Targets": [.object(given)]])
  #expect(refusal?.hasPrefix("ValidationException: ") == true && refusal?.contains(text) == true, "\(refusal ?? "accepted")")
}

@Test func `targets are shown as they were given`() async throws {
  let cloud = EventCloud()
  try await cloud.call("PutRule", ["Name": "r", "EventPattern": #"{"source":["shop"]}"#])
  let all: JSON = [
    ["Id": "a", "Arn": .string(EventCloud.queue + ".fifo"), "Input": "{\"a\": 1}", "SqsParameters": ["MessageGroupId": "g"]],
    [
      "Id": "b", "Arn": .string(EventCloud.queue), "RoleArn": "arn:aws:iam::000000000000:role/r",
      "InputTransformer": ["InputPathsMap": ["x": "$.detail.x"], "InputTemplate": "{\"x\": <x>}"],
      "DeadLetterConfig": ["Arn": .string(EventCloud.dead)],
      "RetryPolicy": ["MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60],
    ],
    ["Id": "c", "Arn": .string(EventCloud.queue), "InputPath": "$.detail"],
  ]
  let answer = try await cloud.call("PutTargets", ["Rule": "r", "Targets": all])
  #expect(answer == ["FailedEntryCount": 0, "FailedEntries": []])
  #expect(try await cloud.call("ListTargetsByRule", ["Rule": "r"])["Targets"] == all)
  let page = try await cloud.call("ListTargetsByRule", ["Rule": "r", "Limit": 2])
  #expect(page["Targets"]?.array?.count == 2)
  let rest = try await cloud.call("ListTargetsByRule", ["Rule": "r", "Limit": 2, "NextToken": page["NextToken"] ?? .null])
  #expect(rest["Targets"]?.array?.map { $0["Id"]?.string } == ["c"])
  #expect(rest["NextToken"] == nil)
  let removed = try await cloud.call("RemoveTargets", ["Rule": "r", "Ids": ["a", "x"]])
  #expect(removed["FailedEntryCount"]?.int == 1)
  #expect(removed["FailedEntries"]?[0]?["TargetId"] == "x")
  #expect(await cloud.refusal("DeleteRule", ["Name": "r"]) == "ValidationException: Rule can't be deleted since it has targets.")
}

@Test func `a rule has five targets at most, a bus 300 rules, 30 of them with wildcards`() async throws {
  let cloud = EventCloud()
  for n in 0..<30 { try await cloud.call("PutRule", ["Name": .string("w\(n)"), "EventPattern": #"{"source":[{"wildcard":"a*b"}]}"#]) }
  let limit = "LimitExceededException: The requested resource exceeds the maximum number allowed."
  #expect(await cloud.refusal("PutRule", ["Name": "w", "EventPattern": #"{"source":[{"wildcard":"a*b"}]}"#]) == limit)
  try await cloud.call("PutRule", ["Name": "w0", "EventPattern": #"{"source":[{"wildcard":"c*d"}]}"#])
  for n in 30..<300 { try await cloud.call("PutRule", ["Name": .string("r\(n)"), "EventPattern": #"{"source":["a"]}"#]) }
  #expect(await cloud.refusal("PutRule", ["Name": "r", "EventPattern": #"{"source":["a"]}"#]) == limit)
  let targets = (0..<6).map { JSON.object(JSONObject([("Id", .string("t\($0)")), ("Arn", .string(EventCloud.queue))])) }
  #expect(await cloud.refusal("PutTargets", ["Rule": "r30", "Targets": .array(targets)]) == limit)
  try await cloud.call("PutTargets", ["Rule": "r30", "Targets": .array(Array(targets.prefix(5)))])
  let page = try await cloud.call("ListRules", ["Limit": 100, "NamePrefix": "r"])
  #expect(page["Rules"]?.array?.count == 100)
  let names = try await cloud.call("ListRuleNamesByTarget", ["TargetArn": .string(EventCloud.queue)])
  #expect(names["RuleNames"] == ["r30"])
}

@Test func `a policy ties users and lets others in`() async throws {
  let cloud = EventCloud()
  let policy = #"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:user/ann"},"Action":"events:PutEvents","Resource":"*"}]}"#
  try await cloud.call("PutPermission", ["Policy": .string(policy)])
  #expect(try await cloud.call("DescribeEventBus")["Policy"]?.string == policy)
  let kept = try await cloud.cloud.store.read { try $0.existingBus(BusName(account: .local, region: .usEast1)).policy }
  #expect(kept?.contains(":id/AIDAANN") == true)
  try await cloud.call("RemovePermission", ["RemoveAllPermissions": true])
  #expect(try await cloud.call("DescribeEventBus")["Policy"] == nil)
}

@Test func `a bus with rules cannot be deleted, one that is gone can`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateEventBus", ["Name": "b", "Tags": [["Key": "k", "Value": "v"]]])
  try await cloud.call("PutRule", ["Name": "r", "EventBusName": "b", "EventPattern": #"{"source":["shop"]}"#])
  #expect(await cloud.refusal("DeleteEventBus", ["Name": "b"]) == "ValidationException: EventBus can't be deleted since it has rules.")
  try await cloud.call("DeleteRule", ["Name": "r", "EventBusName": "b"])
  try await cloud.call("DeleteEventBus", ["Name": "b"])
  try await cloud.call("DeleteEventBus", ["Name": "b"])
  let buses = try await cloud.call("ListEventBuses")["EventBuses"]?.array?.map { $0["Name"]?.string }
  #expect(buses == ["default"])
}

@Test func `a page of buses holds no more than was asked for`() async throws {
  let cloud = EventCloud()
  for name in ["a", "b", "z"] { try await cloud.call("CreateEventBus", ["Name": .string(name)]) }
  for limit in 1...5 {
    var (names, token): ([String], JSON?) = ([], nil)
    repeat {
      var input = JSONObject([("Limit", JSON(limit))])
      input["NextToken"] = token
      let page = try await cloud.call("ListEventBuses", .object(input))
      let found = page["EventBuses"]?.array?.compactMap { $0["Name"]?.string } ?? []
      #expect(found.count <= limit && !found.isEmpty)
      names += found
      token = page["NextToken"]
    } while token != nil
    #expect(names == ["default", "a", "b", "z"])
  }
}

@Test func `an account that is emptied has nothing left`() async throws {
  let cloud = EventCloud()
  try await cloud.rule()
  try await cloud.call("CreateEventBus", ["Name": "b"])
  try await cloud.call("PutRule", ["Name": "s", "ScheduleExpression": "rate(1 minute)"])
  try await cloud.service.removeAll(of: .local)
  #expect(try await cloud.call("ListRules")["Rules"] == [])
  try await cloud.put()
  cloud.cloud.clock.advance(.minutes(5))
  try await cloud.cloud.work()
  #expect(cloud.queues.sent.count == 0)
}
