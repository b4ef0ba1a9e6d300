import Base
import Fabric
import TestCloud
import Testing

@testable import SNS

@Suite struct SubscriptionTests {
  @Test(arguments: [
    ("carrier-pigeon", "x", "Invalid parameter: Amazon SNS does not support this protocol string: carrier-pigeon"),
    ("sqs", "http://queue", "Invalid parameter: SQS endpoint ARN"),
    ("lambda", "x", "Invalid parameter: Lambda endpoint ARN"),
    ("http", "https://x.example", "Invalid parameter: Endpoint must match the specified protocol"),
    ("email", "nobody", "Invalid parameter: Email address"),
    ("sms", "abc", "Invalid parameter: Invalid SMS endpoint: abc"),
    (
      "sqs", "arn:aws:sqs:us-east-1:000000000000:q.fifo",
      "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
    ),
  ])
  func `an endpoint that cannot be is refused`(proto: String, endpoint: String, message: String) async throws {
    let world = World()
    let error = await world.failure(
      "Subscribe", ["TopicArn": .string(try await world.topic()), "Protocol": .string(proto), "Endpoint": .string(endpoint)])
    #expect(error?.message == message)
  }

  @Test(arguments: [("application", "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/a/1"), ("firehose", "arn:aws:firehose:us-east-1:000000000000:deliverystream/s")])
  func `what does not exist here is refused, not accepted and ignored`(proto: String, endpoint: String) async throws {
    let world = World()
    let role: JSON = ["SubscriptionRoleArn": "arn:aws:iam::000000000000:role/r"]
    let error = await world.failure("Subscribe", [
      "TopicArn": .string(try await world.topic()), "Protocol": .string(proto), "Endpoint": .string(endpoint),
      "Attributes": proto == "firehose" ? role : [:],
    ])
    #expect(error?.status == 501)
  }

  @Test func `the same endpoint is subscribed once, and with the same attributes`() async throws {
    let world = World()
    let topic = try await world.topic()
    let first = try await world.subscribe(topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:q", ["RawMessageDelivery": "true"])
    #expect(try await world.subscribe(topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:q") == first)
    let error = await world.failure("Subscribe", [
      "TopicArn": .string(topic), "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q", "Attributes": ["RawMessageDelivery": "false"],
    ])
    #expect(error?.message == "Invalid parameter: Attributes Reason: Subscription already exists with different attributes")
    let shown = try await world.call("GetTopicAttributes", ["TopicArn": .string(topic)])["Attributes"]
    #expect(shown?["SubscriptionsConfirmed"] == "1")
  }

  static let wrongAttributes: [(JSON, String)] = [
    (["RawMessageDelivery": "yes"] , "RawMessageDelivery: Invalid value [yes]. Must be true or false."),
    (["RedrivePolicy": #"{"deadLetterTargetArn": "x"}"#], "RedrivePolicy: deadLetterTargetArn is an invalid arn"),
    (["FilterPolicyScope": "Headers"], "FilterPolicyScope: Invalid value [Headers]. Please use either MessageBody or MessageAttributes"),
    (["FilterPolicy": #"{"a": []}"#], "FilterPolicy: Empty arrays are not allowed"),
    (["FilterPolicy": #"{"a": {"b": ["x"]}}"#], "Filter policy scope MessageAttributes does not support nested filter policy"),
    (["Colour": "red"], "AttributeName"),
    (["DeliveryPolicy": "{}"], "DeliveryPolicy: only for the protocols http and https"),
    (["ReplayPolicy": #"{"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00Z"}"#], "ReplayPolicy: the topic has no active archive policy"),
  ]
  @Test(arguments: wrongAttributes)
  func `attributes that cannot be are refused at Subscribe and later, each in its words`(attributes: JSON, reason: String) async throws {
    let world = World()
    let topic = try await world.topic()
    let input: JSON = ["TopicArn": .string(topic), "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q", "Attributes": attributes]
    #expect(await world.failure("Subscribe", input)?.message == "Invalid parameter: Attributes Reason: " + reason)
    let arn = try await world.subscribe(topic, "sqs", "arn:aws:sqs:us-east-1:000000000000:q")
    let (name, value) = try #require(attributes.object?.members.first)
    let later = await world.failure("SetSubscriptionAttributes", ["SubscriptionArn": .string(arn), "AttributeName": .string(name), "AttributeValue": value])
    #expect(later?.message == "Invalid parameter: " + reason)
  }

  @Test func `a policy on the body may be nested, and its scope cannot be taken from under it`() async throws {
    let world = World()
    let arn = try await world.subscribe(
      try await world.topic(), "sqs", "arn:aws:sqs:us-east-1:000000000000:q",
      ["FilterPolicyScope": "MessageBody", "FilterPolicy": #"{"a": {"b": ["x"]}}"#])
    let shown = try await world.call("GetSubscriptionAttributes", ["SubscriptionArn": .string(arn)])["Attributes"]
    #expect(shown?["FilterPolicyScope"] == "MessageBody")
    let error = await world.failure(
      "SetSubscriptionAttributes", ["SubscriptionArn": .string(arn), "AttributeName": "FilterPolicyScope", "AttributeValue": "MessageAttributes"])
    #expect(error?.code == "InvalidParameterException")
  }

  @Test func `an HTTP endpoint confirms by its token before it gets anything`() async throws {
    let world = World()
    let topic = try await world.topic()
    let answer = try await world.call("Subscribe", ["TopicArn": .string(topic), "Protocol": "http", "Endpoint": "http://u:secret@h.example/in"])
    #expect(answer["SubscriptionArn"] == "pending confirmation")
    let token = try #require(await world.token(at: 0))
    let request = world.endpoints.seen[0]
    #expect(request.url == "http://h.example/in")
    #expect(request.headers["authorization"] == "Basic " + Array("u:secret".utf8).base64)
    #expect(request.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation")
    #expect(request.headers["content-type"] == "text/plain; charset=UTF-8")
    #expect(request.headers["user-agent"] == "Amazon Simple Notification Service Agent")
    #expect(try JSON.parse(request.body)["SubscribeURL"]?.string?.contains("/?Action=ConfirmSubscription&TopicArn=\(topic)&Token=\(token)") == true)
    try await world.publish(topic, "too early")
    #expect(await world.failure("ConfirmSubscription", ["TopicArn": .string(topic), "Token": "x"])?.message == "Invalid parameter: Token")
    let wrong = String(token.dropLast(2)) + (token.hasSuffix("00") ? "11" : "00")
    #expect(await world.failure("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(wrong)])?.message == "Invalid token")
    let confirm: JSON = ["TopicArn": .string(topic), "Token": .string(token)]
    let arn = try await world.call("ConfirmSubscription", confirm, as: .anonymous)["SubscriptionArn"]
    #expect(try await world.call("ConfirmSubscription", confirm, as: .anonymous)["SubscriptionArn"] == arn)
    let shown = try await world.call("GetSubscriptionAttributes", ["SubscriptionArn": arn ?? ""])["Attributes"]
    #expect(shown?["PendingConfirmation"] == "false" && shown?["ConfirmationWasAuthenticated"] == "false")
    #expect(shown?["Endpoint"] == "http://u:****@h.example/in")
    try await world.publish(topic, "hello")
    await eventually { world.endpoints.seen.count == 2 }
    let second = world.endpoints.seen[1]
    #expect(second.headers["x-amz-sns-message-type"] == "Notification")
    #expect(second.headers["x-amz-sns-subscription-arn"] == arn?.string)
    #expect(try JSON.parse(second.body)["Message"] == "hello")
  }

  @Test func `raw delivery posts the bare message with a header`() async throws {
    let world = World()
    let topic = try await world.topic()
    try await world.subscribe(topic, "http", "http://h.example/", [
      "RawMessageDelivery": "true", "DeliveryPolicy": #"{"requestPolicy": {"headerContentType": "application/json"}}"#,
    ])
    let token = try #require(await world.token(at: 0))
    try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])
    try await world.publish(topic, #"{"a":1}"#)
    await eventually { world.endpoints.seen.count == 2 }
    let request = world.endpoints.seen[1]
    #expect(request.body.utf8Text == #"{"a":1}"#)
    #expect(request.headers["x-amz-sns-rawdelivery"] == "true" && request.headers["content-type"] == "application/json")
  }

  @Test func `what nobody confirms in three days is gone`() async throws {
    let world = World()
    let topic = try await world.topic()
    try await world.subscribe(topic, "email", "a@b.example")
    world.cloud.clock.advance(.hours(71))
    try await world.cloud.work()
    #expect(try await world.call("ListSubscriptionsByTopic", ["TopicArn": .string(topic)])["Subscriptions"]?[0]?["SubscriptionArn"] == "PendingConfirmation")
    world.cloud.clock.advance(.hours(2))
    try await world.cloud.work()
    #expect(try await world.call("ListSubscriptionsByTopic", ["TopicArn": .string(topic)])["Subscriptions"]?.array?.isEmpty ?? true)
  }

  @Test func `whoever leaves by the link is told, and may come back by the link in that`() async throws {
    let world = World()
    let topic = try await world.topic()
    try await world.subscribe(topic, "http", "http://h.example/")
    let token = try #require(await world.token(at: 0))
    let arn = try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])["SubscriptionArn"] ?? ""
    try await world.call("Unsubscribe", ["SubscriptionArn": arn], as: .anonymous)
    #expect(await world.failure("GetSubscriptionAttributes", ["SubscriptionArn": arn])?.message == "Subscription does not exist")
    let back = try #require(await world.token(at: 1))
    #expect(world.endpoints.seen[1].headers["x-amz-sns-message-type"] == "UnsubscribeConfirmation")
    try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(back)], as: .anonymous)
    #expect(await world.failure("GetSubscriptionAttributes", ["SubscriptionArn": arn]) == nil)
  }

  @Test func `whoever left one topic cannot come back to another, nor to its successor, nor after three days`() async throws {
    let world = World()
    let (mine, yours) = (try await world.topic("mine"), try await world.topic("yours"))
    func leave(_ place: Int) async throws -> String {
      try await world.subscribe(mine, "http", "http://h.example/")
      let token = try #require(await world.token(at: place))
      let arn = try await world.call("ConfirmSubscription", ["TopicArn": .string(mine), "Token": .string(token)])["SubscriptionArn"] ?? ""
      try await world.call("Unsubscribe", ["SubscriptionArn": arn], as: .anonymous)
      return try #require(await world.token(at: place + 1))
    }
    func back(_ token: String, to topic: String) async -> String? {
      await world.failure("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])?.message
    }
    let first = try await leave(0)
    #expect(await back(first, to: yours) == "Invalid token")
    #expect(try await world.call("GetTopicAttributes", ["TopicArn": .string(yours)])["Attributes"]?["SubscriptionsConfirmed"] == "0")
    try await world.call("DeleteTopic", ["TopicArn": .string(mine)])
    try await world.topic("mine")
    #expect(await back(first, to: mine) == "Invalid token")
    let second = try await leave(2)
    world.cloud.clock.advance(.hours(73))
    #expect(await back(second, to: mine) == "Invalid token")
    let third = try await leave(4)
    #expect(await back(third, to: mine) == nil)
  }

  @Test func `a subscription that wants a signature for its end does not end by the link`() async throws {
    let world = World()
    let topic = try await world.topic()
    try await world.subscribe(topic, "http", "http://h.example/")
    let token = try #require(await world.token(at: 0))
    let arn = try await world.call(
      "ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token), "AuthenticateOnUnsubscribe": "true"])["SubscriptionArn"] ?? ""
    await #expect(throws: AWSError.self) { try await world.call("Unsubscribe", ["SubscriptionArn": arn], as: .anonymous) }
    try await world.call("Unsubscribe", ["SubscriptionArn": arn])
  }

  @Test func `mail is confirmed by the link in the outbox`() async throws {
    let world = World()
    let topic = try await world.topic("news", ["DisplayName": "The News"])
    try await world.subscribe(topic, "email", "a@b.example")
    let page = try #require(world.cloud.modules.flatMap(\.pages).first { $0.path == "sns/outbox" })
    func items() async -> [JSON] {
      let answer = try? await page.answer(.init(method: "GET", path: "", query: "to=a%40b.example"))
      return answer.flatMap { try? JSON.parse($0.body) }?["items"]?.array ?? []
    }
    await eventually { await items().count == 1 }
    let first = await items()[0]
    #expect(first["subject"] == "AWS Notification - Subscription Confirmation" && first["from"] == "The News")
    let token = try #require(first["link"]?.string?.split(separator: "=").last)
    try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(String(token))], as: .anonymous)
    try await world.publish(topic, "hello", .init([("Subject", "greeting")]))
    await eventually { await items().count == 2 }
    let mail = await items()[0]
    #expect(mail["subject"] == "greeting" && mail["body"] == "hello")
    try await world.call("Publish", ["PhoneNumber": "+4930123456", "Message": "ring"])
    let all = try JSON.parse(try await page.answer(.init(method: "GET", path: "")).body)["items"]?.array
    #expect(all?.count == 3 && all?.contains { $0["type"] == "sms" && $0["body"] == "ring" } == true)
  }
}
