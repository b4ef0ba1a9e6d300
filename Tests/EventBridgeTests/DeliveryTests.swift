import Base
import Fabric
import HTTPClient
import TestCloud
import Testing

@testable import EventBridge

private let dead: JSON = ["DeadLetterConfig": ["Arn": .string(EventCloud.dead)]]

@Test func `what a missing permission stops goes to the dead-letter queue at once`() async throws {
  let cloud = EventCloud()
  try await cloud.rule(target: ["InputPath": "$.detail", "DeadLetterConfig": ["Arn": .string(EventCloud.dead)]])
  cloud.queues.failures.withLock { $0[EventCloud.queue] = AWSError("AccessDeniedException", "not allowed", status: 403) }
  try await cloud.put(["n": 1])
  let letter = await cloud.sent(1)[0]
  #expect(letter.queue == EventCloud.dead)
  #expect(try JSON.parse(letter.message.body)["detail-type"] == "order")
  #expect(letter.attributes == [
    "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/r", "TARGET_ARN": EventCloud.queue, "ERROR_CODE": "NO_PERMISSIONS",
    "ERROR_MESSAGE": "not allowed", "RETRY_ATTEMPTS": "0",
  ])
}

@Test func `what a queue would not take in the text of an error is replaced in the dead letter`() async throws {
  let cloud = EventCloud()
  try await cloud.rule(target: ["DeadLetterConfig": ["Arn": .string(EventCloud.dead)]])
  let text = "no\u{0} \u{1b}[31mway\u{ffff}\n" + String(repeating: "x", count: 2000)
  cloud.queues.failures.withLock { $0[EventCloud.queue] = AWSError("AccessDeniedException", text, status: 403) }
  try await cloud.put()
  let told = await cloud.sent(1)[0].attributes["ERROR_MESSAGE"]
  #expect(told?.hasPrefix("no\u{fffd} \u{fffd}[31mway\u{fffd}\nxxx") == true && told?.count == 1024)
}

@Test func `a failure is tried again as often as the target wants, then it is a dead letter`() async throws {
  let cloud = EventCloud()
  var target = dead.object ?? JSONObject()
  target["RetryPolicy"] = ["MaximumRetryAttempts": 2]
  try await cloud.rule(target: .object(target))
  cloud.queues.failures.withLock { $0[EventCloud.queue] = AWSError("ServiceUnavailable", "not now", fault: .server) }
  try await cloud.put()
  await eventually {
    cloud.cloud.clock.advance(.seconds(10))
    try? await cloud.cloud.work()
    return cloud.queues.sent.count > 0
  }
  let letter = cloud.queues.sent.values[0]
  #expect(letter.attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumRetryAttempts")
  #expect(letter.attributes["RETRY_ATTEMPTS"] == "2")
  #expect(letter.attributes["ERROR_CODE"] == "INTERNAL_ERROR")
}

@Test func `an event that has become too old is a dead letter`() async throws {
  let cloud = EventCloud()
  var target = dead.object ?? JSONObject()
  target["RetryPolicy"] = ["MaximumEventAgeInSeconds": 60]
  try await cloud.rule(target: .object(target))
  cloud.queues.failures.withLock { $0[EventCloud.queue] = AWSError("ThrottlingException", "slowly", status: 429) }
  try await cloud.put()
  await eventually {
    cloud.cloud.clock.advance(.seconds(20))
    try? await cloud.cloud.work()
    return cloud.queues.sent.count > 0
  }
  #expect(cloud.queues.sent.values[0].attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds")
  #expect(cloud.queues.sent.values[0].attributes["ERROR_CODE"] == "THROTTLING")
}

private let inputs: [(JSON, String)] = [
  (["Input": #"{"fixed": 1}"#], #"{"fixed": 1}"#),
  (["InputPath": "$.detail.name"], #""ann""#),
  (["InputPath": "$.detail"], #"{"name":"ann"}"#),
  (["InputPath": "$.detail.missing"], "null"),
  (["InputTransformer": ["InputPathsMap": ["n": "$.detail.name"], "InputTemplate": "\"Hello <n> of <aws.events.rule-name>\""]], #""Hello ann of r""#),
]

@Test(arguments: inputs)
func `a target gets what it asks for`(target: JSON, body: String) async throws {
  let cloud = EventCloud()
  try await cloud.rule(target: target)
  try await cloud.put(["name": "ann"])
  #expect(await cloud.sent(1)[0].message.body == body)
}

@Test func `a FIFO queue gets the group, a target with a role is called as the role`() async throws {
  let cloud = EventCloud()
  try await cloud.rule(target: [
    "Arn": .string(EventCloud.queue + ".fifo"), "SqsParameters": ["MessageGroupId": "g"], "RoleArn": "arn:aws:iam::000000000000:role/sender",
  ])
  try await cloud.put()
  let message = await cloud.sent(1)[0]
  #expect(message.message.groupID == "g")
  #expect(message.principal.hasPrefix("arn:aws:sts::000000000000:assumed-role/sender/"))
}

@Test func `an event goes from bus to bus, and not to a third one`() async throws {
  let cloud = EventCloud()
  for name in ["b", "c"] { try await cloud.call("CreateEventBus", ["Name": .string(name)]) }
  func bus(_ name: String) -> JSON {
    ["Arn": .string("arn:aws:events:us-east-1:000000000000:event-bus/\(name)"), "RoleArn": "arn:aws:iam::000000000000:role/r"]
  }
  try await cloud.rule("first", target: bus("b"))
  try await cloud.rule("second", bus: "b", target: bus("c"))
  try await cloud.rule("seen", bus: "b")
  try await cloud.rule("never", bus: "c")
  let id = try await cloud.put()["Entries"]?[0]?["EventId"]?.string
  let message = await cloud.sent(1)[0]
  #expect(try JSON.parse(message.message.body)["id"]?.string == id)
  try await cloud.put(bus: "c")
  #expect(await cloud.sent(2).count == 2)
}

@Test func `what is forwarded needs a permission on the other bus`() async throws {
  let cloud = EventCloud()
  try await cloud.call("CreateEventBus", ["Name": "b"])
  try await cloud.rule("first", target: [
    "Arn": "arn:aws:events:us-east-1:000000000000:event-bus/b", "RoleArn": "arn:aws:iam::000000000000:role/r",
    "DeadLetterConfig": ["Arn": .string(EventCloud.dead)],
  ])
  try await cloud.rule("seen", bus: "b")
  cloud.cloud.authoriser.deny("events:PutEvents arn:aws:events:us-east-1:000000000000:event-bus/b")
  try await cloud.put()
  #expect(await cloud.sent(1)[0].attributes["ERROR_CODE"] == "NO_PERMISSIONS")
}

/// A connection, an API destination and a rule that sends there.
private func destination(_ cloud: EventCloud, _ auth: JSON, type: String, rate: Int = 300, target: JSON = [:]) async throws {
  let connection = try await cloud.call("CreateConnection", ["Name": "c", "AuthorizationType": .string(type), "AuthParameters": auth])
  let made = try await cloud.call("CreateApiDestination", [
    "Name": "d", "ConnectionArn": connection["ConnectionArn"] ?? .null, "InvocationEndpoint": "https://api.example.com/orders/*",
    "HttpMethod": "POST", "InvocationRateLimitPerSecond": .int(Int64(rate)),
  ])
  var members = target.object ?? JSONObject()
  members["Arn"] = made["ApiDestinationArn"]
  members["RoleArn"] = "arn:aws:iam::000000000000:role/r"
  try await cloud.rule(target: .object(members))
}

@Test func `an API destination is called with the credentials of its connection`() async throws {
  let cloud = EventCloud()
  try await destination(
    cloud, ["ApiKeyAuthParameters": ["ApiKeyName": "x-key", "ApiKeyValue": "secret"]], type: "API_KEY",
    target: ["HttpParameters": ["PathParameterValues": ["$.detail.id"], "HeaderParameters": ["x-type": "$.detail-type"]]])
  try await cloud.put(["id": "o 1"])
  await eventually { cloud.http.requests.count == 1 }
  let request = cloud.http.requests.values[0]
  #expect(request.url == "https://api.example.com/orders/o%201")
  #expect(request.headers["x-key"] == "secret")
  #expect(request.headers["x-type"] == "order")
  #expect(request.limit == .seconds(5))
  let shown = try await cloud.call("DescribeConnection", ["Name": "c"])
  #expect(shown["AuthParameters"] == ["ApiKeyAuthParameters": ["ApiKeyName": "x-key"]])
  #expect(shown.text.contains("\"secret\"") == false)
  let row = try await cloud.cloud.store.read { try $0.connection(ResourceName(.connection, "c", .local, .usEast1))?.row ?? [] }
  #expect(!row.utf8Text.contains("secret"+"x") && !row.hex.contains(Array("secret".utf8).hex + "00"))
}

@Test func `a token is fetched once, and again when it has ended`() async throws {
  let cloud = EventCloud()
  let token = { (text: String) in IncomingAnswer(status: 200, body: Array(#"{"access_token":"\#(text)","expires_in":3600}"#.utf8)) }
  cloud.http.answers.withLock { $0 = [token("one"), .init(status: 200), .init(status: 200), token("two"), .init(status: 200)] }
  try await destination(
    cloud, [
      "OAuthParameters": [
        "ClientParameters": ["ClientID": "id", "ClientSecret": "s"], "AuthorizationEndpoint": "https://auth.example.com/token",
        "HttpMethod": "POST",
      ]
    ], type: "OAUTH_CLIENT_CREDENTIALS")
  #expect(try await cloud.call("DescribeConnection", ["Name": "c"])["ConnectionState"] == "AUTHORIZING")
  #expect(try await cloud.call("DescribeApiDestination", ["Name": "d"])["ApiDestinationState"] == "INACTIVE")
  try await cloud.cloud.work()
  #expect(try await cloud.call("DescribeConnection", ["Name": "c"])["ConnectionState"] == "AUTHORIZED")
  for count in [2, 3] {
    try await cloud.put()
    await eventually { cloud.http.requests.count == count }
  }
  cloud.cloud.clock.advance(.hours(1))
  try await cloud.put()
  await eventually { cloud.http.requests.count == 5 }
  #expect(cloud.http.requests.values.map { $0.headers["authorization"] } == [nil, "Bearer one", "Bearer one", nil, "Bearer two"])
}

private let statuses: [(Int, String?)] = [(200, nil), (204, nil), (429, "THROTTLING"), (500, "ERROR_FROM_TARGET"), (409, "ERROR_FROM_TARGET"), (404, "INVALID_PARAMETER"), (301, "INVALID_PARAMETER")]

@Test(arguments: statuses)
func `an answer is a success, worth another try, or the end`(status: Int, code: String?) {
  do {
    try HTTPDelivery.check(IncomingAnswer(status: status))
    #expect(code == nil)
  } catch {
    #expect(error.code == code)
  }
}
