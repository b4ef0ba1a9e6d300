import Base
import Fabric
import Crypto
import TestCloud
import Testing
import X509
import _CryptoExtras

@testable import SNS

@Suite struct PublishTests {
  @Test(arguments: ["1", "2"])
  func `an endpoint gets the message in an envelope whose signature the served certificate verifies`(version: String) async throws {
    let world = World()
    let topic = try await world.topic("news", ["SignatureVersion": .string(version)])
    try await world.subscribe(topic, "http", "http://h.example/")
    let token = try #require(await world.token(at: 0))
    let subscription = try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])["SubscriptionArn"]
    let id = try await world.publish(topic, "hello\n\"you\"", .init([("Subject", "greeting")]))["MessageId"]
    await eventually { world.endpoints.seen.count == 2 }
    let text = world.endpoints.seen[1].body.utf8Text
    let envelope = try JSON.parse(text)
    #expect(envelope.object?.names == [
      "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL",
    ])
    #expect(text.hasPrefix("{\n  \"Type\" : \"Notification\",\n  \"MessageId\" : "))
    #expect(envelope["MessageId"] == id && envelope["Message"] == "hello\n\"you\"")
    #expect(envelope["UnsubscribeURL"]?.string?.hasSuffix("/?Action=Unsubscribe&SubscriptionArn=" + (subscription?.string ?? "-")) == true)
    let names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    let signed = Array(names.map { "\($0)\n\(envelope[$0]?.string ?? "")\n" }.joined().utf8)
    let page = try #require(world.cloud.modules.flatMap(\.pages).first { $0.path == "sns/" })
    let path = try #require(envelope["SigningCertURL"]?.string?.split(separator: "4566").last)
    let certificate = try Certificate(pemEncoded: try await page.answer(.init(method: "GET", path: String(path))).body.utf8Text)
    let key = try #require(_RSA.Signing.PublicKey(certificate.publicKey))
    let signature = _RSA.Signing.RSASignature(rawRepresentation: decodeBase64(envelope["Signature"]?.string ?? "") ?? [])
    let isGood =
      version == "1"
      ? key.isValidSignature(signature, for: Insecure.SHA1.hash(data: signed), padding: .insecurePKCS1v1_5)
      : key.isValidSignature(signature, for: SHA256.hash(data: signed), padding: .insecurePKCS1v1_5)
    #expect(isGood)
  }

  @Test func `raw delivery gives a queue the bare message, attributes and all`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    try await world.publish(topic, "bare", .init([
      ("MessageAttributes", ["n": ["DataType": "Number", "StringValue": "7"], "b": ["DataType": "Binary", "BinaryValue": "AQI="]]),
      ("MessageGroupId", "tenant"),
    ]))
    let message = try #require(try await world.receive(queue, 1).first)
    #expect(message["Body"] == "bare")
    #expect(message["MessageAttributes"]?["n"] == ["StringValue": "7", "DataType": "Number"])
    #expect(message["MessageAttributes"]?["b"]?["DataType"] == "Binary")
    // A standard queue takes the group for its fair share.
    #expect(message["Attributes"]?["MessageGroupId"] == "tenant")
  }

  @Test func `attributes stand in the envelope with type and text`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue)
    try await world.publish(topic, "x", .init([("MessageAttributes", ["b": ["DataType": "Binary", "BinaryValue": "AQI="], "a": ["DataType": "String", "StringValue": "v"]])]))
    let text = try #require(try await world.receive(queue, 1).first?["Body"]?.string)
    #expect(text.hasSuffix(",\n  \"MessageAttributes\" : {\n    \"a\" : {\"Type\":\"String\",\"Value\":\"v\"},\n    \"b\" : {\"Type\":\"Binary\",\"Value\":\"AQI=\"}\n  }\n}"))
  }

  @Test func `each protocol has the message of its own when there is one`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    let message = #"{"default": "for all", "sqs": "for queues", "http": 1}"#
    try await world.publish(topic, message, .init([("MessageStructure", "json")]))
    #expect(try await world.receive(queue, 1).first?["Body"] == "for queues")
    try await world.publish(topic, #"{"default": "for all"}"#, .init([("MessageStructure", "json")]))
    #expect(try await world.receive(queue, 1).first?["Body"] == "for all")
  }

  static let unpublishable: [(JSON, String)] = [
    (["Message": ""] , "Invalid parameter: Empty message"),
    (["Message": "x", "Subject": "a\nb"], "Invalid parameter: Subject"),
    (["Message": "x", "Subject": ""], "Invalid parameter: Subject"),
    (["Message": "no", "MessageStructure": "json"], "Invalid parameter: Message Structure - JSON message body failed to parse"),
    (["Message": "{}", "MessageStructure": "json"], "Invalid parameter: Message Structure - No default entry in JSON message body"),
    (["Message": "x", "MessageDeduplicationId": "a"], "Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type"),
    (["Message": "x", "MessageAttributes": ["a": ["DataType": "String", "StringValue": ""]]], "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'."),
    (["Message": "x", "MessageAttributes": ["a": ["DataType": "Binary", "StringValue": "x"]]], "The message attribute 'a' with type 'Binary' must use field 'Binary'."),
    (["Message": "x", "MessageAttributes": ["a": ["DataType": "Text", "StringValue": "x"]]], "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."),
  ]
  @Test(arguments: unpublishable)
  func `a message that cannot be published is refused`(input: JSON, message: String) async throws {
    let world = World()
    var object = input.object ?? .init()
    object["TopicArn"] = .string(try await world.topic())
    #expect(await world.failure("Publish", .object(object))?.message == message)
  }

  @Test func `the size limit is the topic's`() async throws {
    let world = World()
    let small = try await world.topic("small", ["MaximumMessageSize": "1024"])
    let large = try await world.topic("large", ["MaximumMessageSize": "1048576"])
    let text = String(repeating: "x", count: 1_000_000)
    func input(_ topic: String, _ text: String) -> JSON { ["TopicArn": .string(topic), "Message": .string(text)] }
    #expect(await world.failure("Publish", input(small, String(repeating: "x", count: 1025)))?.message == "Invalid parameter: Message too long")
    #expect(await world.failure("Publish", input(small, String(repeating: "x", count: 1024))) == nil)
    #expect(await world.failure("Publish", input(try await world.topic(), text))?.message == "Invalid parameter: Message too long")
    #expect(await world.failure("Publish", input(large, text)) == nil)
    let mail = await world.failure("Subscribe", ["TopicArn": .string(large), "Protocol": "email", "Endpoint": "a@b.example"])
    #expect(mail?.code == "InvalidParameterException")
  }

  @Test func `an endpoint of a device is not there, and nothing is no target`() async {
    let endpoint: JSON = ["TargetArn": "arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/1", "Message": "x"]
    #expect(await World().failure("Publish", endpoint)?.message == "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified")
    #expect(await World().failure("Publish", ["Message": "x"])?.message == "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter")
    #expect(await World().failure("Publish", ["Message": "x", "PhoneNumber": "+a"])?.message == "Invalid parameter: PhoneNumber Reason: +a is not valid to publish to")
  }

  @Test func `a batch has a result for each entry`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true"])
    let answer = try await world.call("PublishBatch", [
      "TopicArn": .string(topic),
      "PublishBatchRequestEntries": [["Id": "a", "Message": "1"], ["Id": "b", "Message": ""], ["Id": "c", "Message": "3"]],
    ])
    #expect(answer["Successful"]?.array?.compactMap { $0["Id"]?.string } == ["a", "c"])
    #expect(answer["Failed"]?[0]?["Code"] == "InvalidParameter")
    #expect(Set(try await world.receive(queue, 2).compactMap { $0["Body"]?.string }) == ["1", "3"])
  }

  static let wrongBatches: [(JSON, String)] = [
    ([] , "EmptyBatchRequestException"), (.array((0..<11).map { ["Id": .string("\($0)"), "Message": "x"] }), "TooManyEntriesInBatchRequestException"),
    ([["Id": "a", "Message": "x"], ["Id": "a", "Message": "y"]], "BatchEntryIdsNotDistinctException"),
    ([["Id": "a b", "Message": "x"]], "InvalidBatchEntryIdException"),
    (.array((0..<10).map { ["Id": .string("\($0)"), "Message": .string(String(repeating: "x", count: 30_000))] }), "BatchRequestTooLongException"),
  ]
  @Test(arguments: wrongBatches)
  func `a batch that is wrong as a whole is refused`(entries: JSON, code: String) async throws {
    let world = World()
    let input: JSON = ["TopicArn": .string(try await world.topic()), "PublishBatchRequestEntries": entries]
    #expect(await world.failure("PublishBatch", input)?.code == code)
  }

  @Test func `a filter policy keeps messages out, and metrics and trace say so`() async throws {
    let world = World()
    let topic = try await world.topic()
    let queue = try await world.queue("q")
    try await world.subscribe(topic, "sqs", queue, ["RawMessageDelivery": "true", "FilterPolicy": #"{"kind": ["good"]}"#])
    func publish(_ kind: String) async throws {
      try await world.publish(topic, kind, .init([("MessageAttributes", ["kind": ["DataType": "String", "StringValue": .string(kind)]])]))
    }
    try await publish("bad")
    try await publish("good")
    #expect(try await world.receive(queue, 1).first?["Body"] == "good")
    await eventually { world.hops.all.contains { $0.outcome == .delivered } }
    let filtered = try #require(world.hops.all.first { $0.outcome == .filtered })
    #expect(filtered.reason == #"The message attributes do not match the filter policy: {"kind": ["good"]}"#)
    let accepted = world.hops.all.filter { $0.outcome == .accepted }
    #expect(accepted.map(\.action) == ["Publish", "Publish"])
    #expect(filtered.parent == accepted[0].id)
    let sums = world.metrics.sums
    #expect(sums["NumberOfMessagesPublished"] == 2)
    #expect(sums["NumberOfNotificationsFilteredOut-MessageAttributes"] == 1)
    #expect(sums["NumberOfNotificationsDelivered"] == 1)
  }

  @Test func `more subscriptions than one transaction takes all get the message, also after a restart`() async throws {
    let world = World()
    let topic = try await world.topic()
    for number in 0..<(SNSLimits.directDeliveries + 50) { try await world.subscribe(topic, "sms", "+4930\(100_000 + number)") }
    try await world.publish(topic, "all")
    let again = world.restarted()
    try await again.cloud.work()
    let page = try #require(again.cloud.modules.flatMap(\.pages).first { $0.path == "sns/outbox" })
    await eventually {
      let answer = try? await page.answer(.init(method: "GET", path: "", query: "limit=1000"))
      return (answer.flatMap { try? JSON.parse($0.body) }?["items"]?.array?.count ?? 0) == SNSLimits.directDeliveries + 50
    }
  }

  @Test func `topics with many subscriptions take turns, and one with too much to do is throttled`() async throws {
    let world = World()
    let sns = try #require(world.cloud.modules.lazy.compactMap { $0 as? SNSService }.first)
    func name(_ arn: String) throws -> TopicName { try TopicName(arn, in: .usEast1) }
    let (a, b) = (try await world.topic("a"), try await world.topic("b"))
    for topic in [a, b] {
      for number in 0..<(SNSLimits.directDeliveries + 50) { try await world.subscribe(topic, "sms", "+4930\(100_000 + number)") }
    }
    for topic in [a, a, b] { try await world.publish(topic, "all") }
    func waiting(_ arn: String) async throws -> Int64 {
      let name = try name(arn)
      return try await world.cloud.store.read { try $0.fanouts(of: name) }
    }
    #expect(try await (waiting(a), waiting(b)) == (2, 1))
    // Two pages each.
    for _ in 0..<4 { _ = try await sns.fanouts.turn(world.cloud.clock.now()) }
    #expect(try await (waiting(a), waiting(b)) == (1, 0))
    let full = try name(a)
    try await world.cloud.store.transact { try $0.set(Keys.fanoutCount(full), NumberRow.int(SNSLimits.fanoutsOfTopic)) }
    let refused = await world.failure("Publish", ["TopicArn": .string(a), "Message": "more"])
    #expect((refused?.code, refused?.message) == ("ThrottledException", "Rate exceeded"))
    try await world.publish(b, "more")
  }

  @Test func `what was accepted before a crash is delivered after it`() async throws {
    let world = World()
    let topic = try await world.topic()
    try await world.subscribe(topic, "http", "http://nobody.example/")
    let token = try #require(await world.token(at: 0))
    try await world.call("ConfirmSubscription", ["TopicArn": .string(topic), "Token": .string(token)])
    world.endpoints.answer(503)
    try await world.publish(topic, "kept")
    await eventually { world.hops.all.contains { if case .retried = $0.outcome { true } else { false } } }
    let again = world.restarted()
    again.cloud.clock.advance(.seconds(30))
    try await again.cloud.work()
    await eventually { again.endpoints.seen.count { $0.body.utf8Text.contains("kept") } == 2 }
  }
}

extension World {
  /// The token of a confirmation that an endpoint has got.
  func token(at place: Int) async -> String? {
    await eventually { endpoints.seen.count > place }
    return (try? JSON.parse(endpoints.seen[place].body))?["Token"]?.string
  }
}
