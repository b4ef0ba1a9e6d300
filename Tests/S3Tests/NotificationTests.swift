import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import S3

@Suite struct NotificationTests {
  let hops = RecordedHops()
  let cloud: TestCloud

  init() async throws {
    cloud = TestCloud.s3(hops: hops)
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    try await cloud.call("sqs", "CreateQueue", ["QueueName": "q"])
  }

  private static let queue = "arn:aws:sqs:us-east-1:000000000000:q"

  private func rule(
    _ events: [String] = ["s3:ObjectCreated:*"], _ filters: [(String, String)] = [], id: String? = nil, queue: String = queue
  ) -> QueueConfiguration {
    var rule = QueueConfiguration()
    (rule.id, rule.queueArn, rule.events) = (id, queue, events)
    if !filters.isEmpty {
      var filter = NotificationConfigurationFilter(), key = S3KeyFilter()
      key.filterRules = filters.map { name, value in
        var part = FilterRuleShape()
        (part.name, part.value) = (name, value)
        return part
      }
      filter.key = key
      rule.filter = filter
    }
    return rule
  }

  private func put(_ rules: QueueConfiguration..., skips: Bool = false, bus: Bool = false) async throws -> AWSError? {
    try await cloud.failure(of: "PutBucketNotificationConfiguration") { (input: inout PutBucketNotificationConfigurationInput) in
      input.bucket = "abc"
      var configuration = NotificationConfiguration()
      configuration.queueConfigurations = rules.isEmpty ? nil : rules
      if bus { configuration.eventBridgeConfiguration = EventBridgeConfiguration() }
      (input.notificationConfiguration, input.skipDestinationValidation) = (configuration, skips)
    }
  }

  private func received() async throws -> [JSON] {
    let answer = try await cloud.call(
      "sqs", "ReceiveMessage", ["QueueUrl": "http://localhost/000000000000/q", "MaxNumberOfMessages": 10, "VisibilityTimeout": 600])
    return try (answer["Messages"]?.array ?? []).compactMap { try $0["Body"]?.string.map { try JSON.parse($0) } }
  }

  /// As an operation would change an object.
  private func raise(_ event: ObjectEvent, operation: String = "PutObject") async throws {
    let s3 = cloud.s3
    let call = Call.test("s3", operation, at: cloud.clock.now())
    let announced = try await cloud.store.transact { rows in
      try s3.announce(event, in: try s3.buckets.current("abc", rows), by: EventOrigin(call), to: rows)
    }
    s3.started(announced)
  }

  @Test func `a queue is told of a test and of what its rule wants`() async throws {
    #expect(try await put(rule(["s3:ObjectCreated:*"], [("prefix", "in/"), ("Suffix", ".csv")], id: "mine")) == nil)
    let test = try await received()
    #expect(test.map { $0["Event"]?.string } == ["s3:TestEvent"] && test[0]["Records"] == nil)
    try await raise(ObjectEvent(.createdPut, key: "in/a b+c@.csv", size: 3, eTag: "e", versionID: "v", sequencer: "0A"))
    try await raise(ObjectEvent(.createdPut, key: "out/a.csv"))
    try await raise(ObjectEvent(.removed, key: "in/a.csv"))
    var records: [JSON] = []
    await eventually { records += (try? await received()) ?? []; return !records.isEmpty }
    #expect(records.count == 1)
    let record = try #require(records[0]["Records"]?.array?.first)
    #expect(record["eventName"]?.string == "ObjectCreated:Put" && record["eventVersion"]?.string == "2.1")
    #expect(record["eventSource"]?.string == "aws:s3" && record["awsRegion"]?.string == "us-east-1")
    #expect(record["s3"]?["configurationId"]?.string == "mine" && record["s3"]?["bucket"]?["arn"]?.string == "arn:aws:s3:::abc")
    #expect(
      record["s3"]?["object"]
        == ["key": "in/a+b%2Bc%40.csv", "size": 3, "eTag": "e", "versionId": "v", "sequencer": "0A"])
    #expect(hops.all.map(\.outcome).contains(.filtered) && hops.all.map(\.outcome).contains(.accepted))
  }

  @Test func `a bucket without notifications raises nothing`() async throws {
    try await raise(ObjectEvent(.createdPut, key: "a"))
    #expect(hops.all.isEmpty)
  }

  @Test func `an event is part of the transaction that raised it`() async throws {
    #expect(try await put(rule(), skips: true) == nil)
    let s3 = cloud.s3
    let origin = EventOrigin(Call.test("s3", "PutObject"))
    struct Undone: Error {}
    await #expect(throws: Undone.self) {
      try await cloud.store.transact { rows in
        _ = try s3.announce(ObjectEvent(.createdPut, key: "a"), in: try s3.buckets.current("abc", rows), by: origin, to: rows)
        throw Undone()
      }
    }
    // Committed, and its caller never came to start it: the worker finds it.
    _ = try await cloud.store.transact { rows in
      try s3.announce(ObjectEvent(.createdPut, key: "b"), in: try s3.buckets.current("abc", rows), by: origin, to: rows)
    }
    try await cloud.work()
    var bodies: [JSON] = []
    await eventually { bodies += (try? await received()) ?? []; return !bodies.isEmpty }
    #expect(bodies.map { $0["Records"]?[0]?["s3"]?["object"]?["key"]?.string } == ["b"])
  }

  @Test(arguments: [
    (["s3:ObjectCreated:*"], ["s3:ObjectCreated:Put"], [("prefix", "a")], [("prefix", "ab")], false),
    (["s3:ObjectCreated:*"], ["s3:ObjectRemoved:*"], [], [], true),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Copy"], [], [], true),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Put"], [("prefix", "a")], [("prefix", "b")], true),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Put"], [("prefix", "a"), ("suffix", "x")], [("prefix", "a"), ("suffix", "y")], true),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Put"], [("prefix", "a")], [("suffix", "y")], false),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Put"], [], [], false),
    (["s3:ObjectCreated:Put"], ["s3:ObjectCreated:Put"], [("prefix", "a%2F")], [("prefix", "a/b")], false),
  ] as [([String], [String], [(String, String)], [(String, String)], Bool)])
  func `no event goes by two rules`(
    _ first: [String], _ second: [String], _ one: [(String, String)], _ other: [(String, String)], _ isAllowed: Bool
  ) async throws {
    let failure = try await put(rule(first, one, id: "1"), rule(second, other, id: "2"))
    #expect(failure?.code == (isAllowed ? nil : "InvalidArgument"))
  }

  @Test(arguments: [
    ("in+tray%2F", "", "in tray/x", true), ("in+tray%2F", "", "in+tray%2Fx", false), ("100%", "", "100% of it", true),
    ("", "%C3%BC", "gr\u{fc}", true), ("e", "", "e\u{301}t", true), ("", "\u{301}", "te\u{301}", true), ("\u{e9}", "", "e\u{301}t", false),
  ])
  func `the prefix and suffix of a rule are URL-encoded, and count by their bytes`(
    _ prefix: String, _ suffix: String, _ key: String, _ isAdmitted: Bool
  ) throws {
    var configuration = NotificationConfiguration()
    configuration.queueConfigurations = [rule(["s3:ObjectCreated:*"], [("prefix", prefix), ("suffix", suffix)])]
    #expect(try #require(NotificationRules(configuration).rules.first).admits(key) == isAdmitted)
  }

  @Test func `destinations and rules are checked`() async throws {
    for (queue, text) in [
      ("nonsense", "The ARN could not be parsed"), ("arn:aws:sns:us-east-1:000000000000:q", "The ARN could not be parsed"),
      ("arn:aws:sqs:us-east-1:000000000000:gone", "Unable to validate the following destination configurations"),
      ("arn:aws:sqs:us-east-1:000000000000:q.fifo", "Unable to validate the following destination configurations"),
      (
        "arn:aws:sqs:eu-west-1:000000000000:q",
        "The notification destination service region is not valid for the bucket location constraint"
      ),
    ] { #expect(try await put(rule(queue: queue))?.message == text) }
    #expect(try await put(rule(["s3:Nonsense"]))?.code == "InvalidArgument")
    #expect(try await put(rule(["s3:ObjectCreated:*"], [("infix", "a")]))?.code == "InvalidArgument")
    #expect(try await put(rule(["s3:ObjectCreated:*"], [("prefix", "a"), ("Prefix", "b")]))?.code == "InvalidArgument")
    #expect(try await put(rule(["s3:ObjectCreated:*"], [("prefix", String(repeating: "a", count: 1025))]))?.code == "InvalidArgument")
    cloud.authoriser.deny("sqs:SendMessage")
    let denied = try await put(rule())
    #expect(denied?.message == "Unable to validate the following destination configurations")
    #expect(try await put(rule(), skips: true) == nil)
    let asked = cloud.authoriser.asked.last { $0.action == "sqs:SendMessage" }
    #expect(asked?.principal == "s3.amazonaws.com" && asked?.resource == Self.queue)
  }

  @Test func `a configuration gets ids and is shown as it was put`() async throws {
    #expect(try await put(rule()) == nil)
    let shown = try await cloud.run("GetBucketNotificationConfiguration", NotificationConfiguration.self) {
      (input: inout GetBucketNotificationConfigurationInput) in input.bucket = "abc"
    }
    #expect(shown.queueConfigurations?.first?.id?.isEmpty == false && shown.topicConfigurations == nil)
    #expect(try await put() == nil)
    try await raise(ObjectEvent(.createdPut, key: "a"))
    #expect(hops.all.isEmpty)
  }

  @Test func `a filter is bytes, whatever characters they make with those beside`() {
    let rule = NotificationRules.Rule(
      id: "r", service: .queue, target: Self.queue, events: ["s3:ObjectCreated:*"], prefix: "e", suffix: "\u{301}")
    #expect(rule.admits("e\u{301}") && !rule.admits("\u{e9}"))
  }

  @Test func `EventBridge is told in its own form`() throws {
    let bucket = Bucket(name: "abc", id: 1, owner: .local, region: .usEast1, created: .epoch)
    let origin = EventOrigin(Call.test("s3", "DeleteObject"))
    let told = EventRecord.serviceEvent(ObjectEvent(.removed, key: "a b", sequencer: "0A"), of: bucket, by: origin, under: "hop")
    #expect(told.source == "aws.s3" && told.detailType == "Object Deleted" && told.trace.parent == "hop")
    #expect(told.resources == ["arn:aws:s3:::abc"] && told.account == .local && told.region == .usEast1)
    let detail = try JSON.parse(told.detail)
    #expect(
      detail == [
        "version": "0", "bucket": ["name": "abc"], "object": ["key": "a b", "sequencer": "0A"], "request-id": "test",
        "requester": "000000000000", "source-ip-address": "127.0.0.1", "reason": "DeleteObject", "deletion-type": "Permanently Deleted",
      ])
    let created = EventRecord.serviceEvent(
      ObjectEvent(.createdPut, key: "a", size: 5, eTag: "e", versionID: "v", sequencer: "0B"), of: bucket,
      by: EventOrigin(Call.test("s3", "PutObject")), under: "hop")
    let facts = try JSON.parse(created.detail)
    #expect(facts["object"] == ["key": "a", "size": 5, "etag": "e", "version-id": "v", "sequencer": "0B"])
    #expect(facts["reason"]?.string == "PutObject")
  }
}
