import Base
import Fabric
import Store
import Testing
import TestCloud

@testable import Firehose

@Suite struct DeliveryTests {
  private let cloud = Cloud()

  @Test func `records wait until the time is over, and go together in their order`() async throws {
    try await cloud.create([("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 60]), ("Prefix", "raw/")])
    try await cloud.put("a\n", "b\n")
    try await cloud.wait(.seconds(30))
    try await cloud.put("c\n")
    try await cloud.wait(.seconds(29))
    #expect(cloud.others.objects.isEmpty)
    try await cloud.wait(.seconds(1))
    #expect(cloud.others.objects == ["a\nb\nc\n"])
    #expect(cloud.others.keys[0].hasPrefix("raw/2023/11/14/22/orders-1-2023-11-14-22-13-20-"))
    try await cloud.wait(.hours(1))
    #expect(cloud.others.objects.count == 1)
  }

  @Test func `a full buffer goes at once`() async throws {
    try await cloud.create([("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 900])])
    let part = String(repeating: "x", count: 400_000)
    try await cloud.put(part, part)
    try await cloud.cloud.work()
    #expect(cloud.others.objects.isEmpty)
    try await cloud.put(part)
    try await cloud.cloud.work()
    #expect(cloud.others.objects.map(\.utf8.count) == [800_000])
    try await cloud.wait(.seconds(900))
    #expect(cloud.others.objects.map(\.utf8.count) == [800_000, 400_000])
  }

  @Test func `what was acknowledged is delivered after a restart`() async throws {
    try await cloud.create()
    try await cloud.put("a")
    let again = cloud.restarted()
    try await again.wait(.seconds(300))
    #expect(again.others.objects == ["a"])
  }

  @Test func `a bucket that cannot be written is tried again, with growing pauses`() async throws {
    try await cloud.create([("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0])])
    cloud.others.set { $0.failure = AWSError("NoSuchBucket", "The specified bucket does not exist") }
    try await cloud.put("a")
    for pause in [0, 1, 2] { try await cloud.wait(.seconds(pause)) }
    cloud.others.set { $0.failure = nil }
    try await cloud.wait(.seconds(3))
    #expect(cloud.others.objects.isEmpty)
    try await cloud.wait(.seconds(1))
    #expect(cloud.others.objects == ["a"])
  }

  @Test func `objects are compressed`() async throws {
    try await cloud.create([("CompressionFormat", "GZIP"), ("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0])])
    try await cloud.put("hello ", "hello")
    try await cloud.cloud.work()
    let body = cloud.others.state.withLock { $0.objects[0].body }
    #expect(try Gzip.inflate(body, upTo: 100).utf8Text == "hello hello" && cloud.others.keys[0].hasSuffix(".gz"))
    for format in ["ZIP", "Snappy", "HADOOP_SNAPPY"] {
      let failure = await cloud.failure("CreateDeliveryStream", [
        "DeliveryStreamName": "other", "S3DestinationConfiguration": .object(JSONObject(Cloud.bucket + [("CompressionFormat", .string(format))])),
      ])
      #expect(failure?.message == "CompressionFormat \(format) is not supported by Dewpoint.")
    }
  }

  private static let processing: [(String, JSON)] = [
    ("ProcessingConfiguration", ["Enabled": true, "Processors": [["Type": "Lambda", "Parameters": [
      ["ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:us-east-1:000000000000:function:f"],
      ["ParameterName": "NumberOfRetries", "ParameterValue": "1"],
    ]]]]), ("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0]),
  ]

  @Test func `a function changes, drops and refuses records`() async throws {
    cloud.others.set { state in
      state.function = { event in
        let records = (event["records"]?.array ?? []).map { record -> JSON in
          let text = decodeBase64(Array((record["data"]?.string ?? "").utf8))?.utf8Text ?? ""
          let result: JSON = text == "drop" ? "Dropped" : text == "bad" ? "ProcessingFailed" : "Ok"
          return ["recordId": record["recordId"] ?? .null, "result": result, "data": .string(Array(text.uppercased().utf8).base64)]
        }
        return ["records": .array(records)]
      }
    }
    try await cloud.create(Self.processing)
    try await cloud.put("one ", "drop", "bad", "two")
    try await cloud.cloud.work()
    #expect(cloud.others.objects[0] == "ONE TWO")
    #expect(cloud.others.keys[1].hasPrefix("processing-failed/2023/11/14/22/"))
    let line = try JSON.parse(cloud.others.objects[1])
    #expect(line["rawData"] == "YmFk" && line["errorCode"] == "Lambda.ProcessingFailedStatus" && line["attemptsMade"] == 1)
    #expect(cloud.others.state.withLock { $0.events.count } == 1)
  }

  @Test func `records of a function that fails go to the errors once its retries are used up`() async throws {
    cloud.others.set { $0.function = { _ in throw AWSError("Boom", "boom") } }
    try await cloud.create(Self.processing)
    try await cloud.put("a")
    let cloud = cloud
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await cloud.cloud.work() }
      // The pause before the retry.
      await eventually { cloud.clock.sleeperCount > 0 }
      cloud.clock.advance(.seconds(1))
      try await group.waitForAll()
    }
    #expect(cloud.others.state.withLock { $0.events.count } == 2 && cloud.others.keys.count == 1)
    let line = try JSON.parse(cloud.others.objects[0])
    #expect(line["attemptsMade"] == 2 && line["errorCode"] == "Lambda.FunctionError" && line["rawData"] == "YQ==")
  }

  @Test func `everything that came in is kept where the backup says`() async throws {
    let backup: JSON = .object(JSONObject(Cloud.bucket + [("Prefix", "backup/")]))
    try await cloud.create([
      ("S3BackupMode", "Enabled"), ("S3BackupConfiguration", backup), ("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0]),
    ])
    try await cloud.put("a")
    try await cloud.cloud.work()
    #expect(cloud.others.objects == ["a", "a"] && cloud.others.keys[0].hasPrefix("backup/"))
  }

  private static func endpoint(_ more: [(String, JSON)] = []) -> JSON {
    .object(JSONObject([
      ("EndpointConfiguration", ["Url": "https://example.com/in", "AccessKey": "key"]), ("S3Configuration", .object(JSONObject(Cloud.bucket))),
      ("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0]), ("RetryOptions", ["DurationInSeconds": 10]),
    ] + more))
  }

  @Test func `an endpoint gets batches, and what it does not take goes to the bucket`() async throws {
    try await cloud.call("CreateDeliveryStream", ["DeliveryStreamName": "orders", "HttpEndpointDestinationConfiguration": Self.endpoint()])
    try await cloud.cloud.work()
    try await cloud.put("a", "b")
    try await cloud.cloud.work()
    let post = cloud.others.state.withLock { $0.posts[0] }
    #expect(post["records"]?.array?.count == 2 && cloud.others.objects.isEmpty)
    cloud.others.set { $0.answers = false }
    try await cloud.put("c")
    for _ in 0..<5 { try await cloud.wait(.seconds(5)) }
    #expect(cloud.others.state.withLock { $0.posts.count } >= 3)
    #expect(cloud.others.keys.count == 1 && cloud.others.keys[0].hasPrefix("http-endpoint-failed/"))
    #expect(try JSON.parse(cloud.others.objects[0])["rawData"] == "Yw==")
    let shown = try await cloud.call("DescribeDeliveryStream", ["DeliveryStreamName": "orders"])["DeliveryStreamDescription"]
    #expect(shown?["Destinations"]?[0]?["HttpEndpointDestinationDescription"]?["EndpointConfiguration"] == ["Url": "https://example.com/in"])
  }

  @Test func `a stream is taken over from its end on, shard by shard, each record once`() async throws {
    func record(_ text: String, _ number: Int) -> StreamRecord {
      StreamRecord(sequenceNumber: "\(number)", partitionKey: "k", arrival: cloud.clock.now(), content: .data(Array(text.utf8)))
    }
    cloud.others.set { $0.records["s1"] = [record("old", 0)] }
    cloud.clock.advance(.seconds(1))
    try await cloud.create([("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 60])], [
      ("DeliveryStreamType", "KinesisStreamAsSource"),
      ("KinesisStreamSourceConfiguration", ["KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "RoleARN": "arn:aws:iam::000000000000:role/r"]),
    ])
    cloud.others.set { $0.records["s1"]? += (1...5).map { record("\($0)", $0) } }
    try await cloud.wait(.seconds(1))
    let again = cloud.restarted()
    again.others.set { state in
      state.records["s1"]?.append(record("6", 6))
      state.shards = [StreamShard(id: "s1", isClosed: true), StreamShard(id: "s2", parents: ["s1"])]
      state.records["s2"] = [record("7", 7)]
    }
    try await again.wait(.seconds(1))
    try await again.wait(.seconds(1))
    try await again.wait(.seconds(60))
    #expect(again.others.objects.joined() == "1234567")
    let refused = await cloud.failure("PutRecord", ["DeliveryStreamName": "orders", "Record": ["Data": "eA=="]])
    #expect(refused?.code == "InvalidSourceException")
  }
}

/// What must be the same when a batch is tried again, and what happens when the clock goes back or a destination takes nothing.
@Suite struct RetryTests {
  private let cloud = Cloud()
  private static let outage = AWSError("ServiceUnavailable", "no", status: 503, fault: .server)
  private static let atOnce: (String, JSON) = ("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 0])

  @Test func `an endpoint gets the same request until it has taken it, and its backup everything once`() async throws {
    try await cloud.call("CreateDeliveryStream", [
      "DeliveryStreamName": "orders",
      "HttpEndpointDestinationConfiguration": .object(JSONObject([
        ("EndpointConfiguration", ["Url": "https://example.com/in"]), ("S3Configuration", .object(JSONObject(Cloud.bucket))),
        Self.atOnce, ("RetryOptions", ["DurationInSeconds": 600]), ("S3BackupMode", "AllData"),
      ] as [(String, JSON)]))])
    try await cloud.cloud.work()
    cloud.others.set { $0.answers = false }
    try await cloud.put("a")
    try await cloud.cloud.work()
    try await cloud.put("b")
    try await cloud.wait(.seconds(5))
    let again = cloud.restarted()
    try await again.wait(.seconds(5))
    again.others.set { $0.answers = true }
    for _ in 0..<3 { try await again.wait(.seconds(60)) }
    let posts = again.others.state.withLock { $0.posts }
    let requests = posts.map { ($0["requestId"]?.string ?? "", $0["records"]?.array?.count ?? 0) }
    #expect(requests.count >= 4 && requests.allSatisfy { $0.1 == 1 })
    #expect(Set(requests.dropLast().map(\.0)).count == 1 && requests.last?.0 != requests.first?.0)
    #expect(again.others.objects == ["a", "b"])
  }

  @Test func `a bucket that fails costs no second backup and no second call of the function`() async throws {
    let backup: JSON = .object(JSONObject(Cloud.bucket + [("Prefix", "backup/")]))
    cloud.others.set { state in
      (state.failure, state.failing) = (Self.outage, "main/")
      state.function = { event in
        ["records": .array((event["records"]?.array ?? []).map {
          ["recordId": $0["recordId"] ?? .null, "result": "Ok", "data": $0["data"] ?? .null]
        })]
      }
    }
    try await cloud.create([
      ("Prefix", "main/"), ("S3BackupMode", "Enabled"), ("S3BackupConfiguration", backup), Self.atOnce,
      ("ProcessingConfiguration", ["Enabled": true, "Processors": [["Type": "Lambda", "Parameters": [
        ["ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:us-east-1:000000000000:function:f"],
      ]]]]),
    ])
    try await cloud.put("a")
    for _ in 0..<3 { try await cloud.wait(.seconds(10)) }
    try await cloud.put("b")
    try await cloud.wait(.seconds(60))
    cloud.others.set { $0.failure = nil }
    for _ in 0..<2 { try await cloud.wait(.seconds(120)) }
    #expect(cloud.others.keys.map { String($0.prefix { $0 != "/" }) } == ["backup", "main", "backup", "main"])
    #expect(cloud.others.objects == ["a", "a", "b", "b"])
    #expect(cloud.others.state.withLock { $0.events.count } == 2)
  }

  @Test func `a server that ends gives nothing up`() async throws {
    try await cloud.create([Self.atOnce])
    cloud.others.set { $0.failure = Self.outage }
    try await cloud.put("a")
    try await cloud.cloud.work()
    cloud.clock.advance(.hours(25))
    cloud.others.set { ($0.failure, $0.cancels) = (nil, true) }
    await #expect(throws: CancellationError.self) { try await cloud.cloud.work() }
    cloud.others.set { $0.cancels = false }
    try await cloud.restarted().cloud.work()
    #expect(cloud.others.objects == ["a"])
  }

  @Test func `a clock that is set back holds no records back`() async throws {
    try await cloud.create([("BufferingHints", ["SizeInMBs": 1, "IntervalInSeconds": 60])])
    cloud.clock.advance(.hours(10))
    try await cloud.put("a")
    try await cloud.wait(.seconds(60))
    try await cloud.put("b")
    cloud.others.set { $0.failure = Self.outage }
    try await cloud.wait(.seconds(60))
    cloud.others.set { $0.failure = nil }
    cloud.clock.advance(.hours(-10))
    try await cloud.cloud.work()
    #expect(cloud.others.objects == ["a", "b"])
    try await cloud.put("c")
    try await cloud.wait(.seconds(59))
    #expect(cloud.others.objects.count == 2)
    try await cloud.wait(.seconds(1))
    #expect(cloud.others.objects == ["a", "b", "c"])
  }

  @Test func `records of a stream are taken from the time on at which the delivery stream was made`() async throws {
    func record(_ text: String) -> StreamRecord {
      StreamRecord(sequenceNumber: text, partitionKey: "k", arrival: cloud.clock.now(), content: .data(Array(text.utf8)))
    }
    cloud.others.set { $0.records["s1"] = [record("old")] }
    cloud.clock.advance(.seconds(1))
    try await cloud.call("CreateDeliveryStream", [
      "DeliveryStreamName": "orders", "DeliveryStreamType": "KinesisStreamAsSource",
      "ExtendedS3DestinationConfiguration": .object(JSONObject(Cloud.bucket + [Self.atOnce])),
      "KinesisStreamSourceConfiguration": [
        "KinesisStreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/s", "RoleARN": "arn:aws:iam::000000000000:role/r",
      ]])
    cloud.others.set { $0.records["s1"]?.append(record("new")) }
    try await cloud.cloud.work()
    try await cloud.wait(.seconds(1))
    #expect(cloud.others.objects == ["new"])
  }

  @Test func `a delivery stream whose destination takes nothing does not fill the disk`() async throws {
    try await cloud.create()
    let id = DeliveryStreamID(.local, .usEast1, "orders")
    try await cloud.cloud.store.transact { rows in
      guard let stream = try rows.deliveryStream(id) else { return }
      _ = try Counter(Keys.waiting(stream.id)).add(Int64(FirehoseLimits.heldBytes) - 3, rows)
    }
    let data: (String) -> JSON = { ["Data": .string(Array($0.utf8).base64)] }
    let answer = try await cloud.call("PutRecordBatch", ["DeliveryStreamName": "orders", "Records": [data("ab"), data("cd"), data("")]])
    #expect(answer["FailedPutCount"] == 2)
    #expect(answer["RequestResponses"]?[0]?["RecordId"] != nil && answer["RequestResponses"]?[0]?["ErrorCode"] == nil)
    #expect(answer["RequestResponses"]?[1] == ["ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."])
    let refused = await cloud.failure("PutRecord", ["DeliveryStreamName": "orders", "Record": data("cd")])
    #expect(refused?.code == "ServiceUnavailableException")
    #expect(await cloud.failure("PutRecord", ["DeliveryStreamName": "orders", "Record": data("c")]) == nil)
  }

  @Test func `objects are encrypted with the key of their destination`() async throws {
    let key = "arn:aws:kms:us-east-1:000000000000:key/k"
    let backup: JSON = .object(JSONObject(Cloud.bucket + [("Prefix", "backup/")]))
    try await cloud.create([
      ("EncryptionConfiguration", ["KMSEncryptionConfig": ["AWSKMSKeyARN": .string(key)]]), Self.atOnce,
      ("S3BackupMode", "Enabled"), ("S3BackupConfiguration", backup),
    ])
    try await cloud.put("a")
    try await cloud.cloud.work()
    #expect(cloud.others.state.withLock { $0.encryption } == [nil, key])
  }

  private static func role(_ name: String, _ account: String = "000000000000") -> JSON { .string("arn:aws:iam::\(account):role/\(name)") }
  private static func bucket(_ role: JSON) -> JSON { ["RoleARN": role, "BucketARN": "arn:aws:s3:::lake"] }
  private func passed() -> Set<String> {
    Set(cloud.cloud.authoriser.asked.filter { $0.action == "iam:PassRole" }.map { String($0.resource.split(separator: "/").last ?? "") })
  }

  @Test func `whoever names a role must be allowed to pass it, wherever it stands`() async throws {
    func endpoint(_ a: JSON, _ b: JSON) -> JSON {
      ["EndpointConfiguration": ["Url": "https://example.com/in"], "RoleARN": a, "S3Configuration": Self.bucket(b)]
    }
    func backedUp(_ a: JSON, _ b: JSON) -> JSON {
      ["RoleARN": a, "BucketARN": "arn:aws:s3:::lake", "S3BackupMode": "Enabled", "S3BackupConfiguration": Self.bucket(b)]
    }
    let foreign = Self.role("z", "222222222222")
    let creations: [(String, (JSON, JSON) -> JSON)] = [
      ("HttpEndpointDestinationConfiguration", endpoint), ("ExtendedS3DestinationConfiguration", backedUp),
    ]
    for (name, make) in creations {
      cloud.cloud.authoriser.forget()
      try await cloud.call("CreateDeliveryStream", .object(JSONObject([
        ("DeliveryStreamName", .string(name)), (name, make(Self.role("a"), Self.role("b")))] as [(String, JSON)])))
      #expect(passed() == ["a", "b"], "\(name)")
      for pair in [(foreign, Self.role("b")), (Self.role("a"), foreign)] {
        let failure = await cloud.failure("CreateDeliveryStream", .object(JSONObject([
          ("DeliveryStreamName", "other"), (name, make(pair.0, pair.1))] as [(String, JSON)])))
        #expect(failure?.code == "InvalidArgumentException", "\(name)")
      }
    }
    try await cloud.cloud.work()
    let updates: [(String, String, JSON)] = [
      ("HttpEndpointDestinationConfiguration", "HttpEndpointDestinationUpdate", ["RoleARN": Self.role("c"), "S3Update": ["RoleARN": Self.role("d")]]),
      ("ExtendedS3DestinationConfiguration", "ExtendedS3DestinationUpdate", ["RoleARN": Self.role("c"), "S3BackupUpdate": ["RoleARN": Self.role("d")]]),
    ]
    for (stream, name, update) in updates {
      cloud.cloud.authoriser.forget()
      try await cloud.call("UpdateDestination", .object(JSONObject([
        ("DeliveryStreamName", .string(stream)), ("CurrentDeliveryStreamVersionId", "1"), ("DestinationId", "destinationId-000000000001"),
        (name, update)] as [(String, JSON)])))
      #expect(passed() == ["c", "d"], "\(name)")
    }
  }
}

@Suite struct DeliveryStreamTests {
  private let cloud = Cloud()

  @Test func `a delivery stream is made, shown, changed and goes`() async throws {
    try await cloud.create([("Prefix", "a/")], [("Tags", [["Key": "team", "Value": "a"]])])
    func shown() async throws -> JSON? {
      try await cloud.call("DescribeDeliveryStream", ["DeliveryStreamName": "orders"])["DeliveryStreamDescription"]
    }
    let made = try await shown()
    #expect(made?["DeliveryStreamStatus"] == "ACTIVE" && made?["VersionId"] == "1" && made?["DeliveryStreamType"] == "DirectPut")
    let bucket = made?["Destinations"]?[0]?["ExtendedS3DestinationDescription"]
    #expect(bucket?["BufferingHints"] == ["SizeInMBs": 5, "IntervalInSeconds": 300] && bucket?["CompressionFormat"] == "UNCOMPRESSED")
    #expect(bucket?["Prefix"] == "a/" && bucket?["EncryptionConfiguration"]?["NoEncryptionConfig"] == "NoEncryption")
    let exists = await cloud.failure("CreateDeliveryStream", [
      "DeliveryStreamName": "orders", "S3DestinationConfiguration": .object(JSONObject(Cloud.bucket)),
    ])
    #expect(exists?.message == "Firehose orders under accountId 000000000000 already exists")
    let update: [(String, JSON)] = [
      ("DeliveryStreamName", "orders"), ("DestinationId", "destinationId-000000000001"),
      ("ExtendedS3DestinationUpdate", ["BufferingHints": ["SizeInMBs": 2, "IntervalInSeconds": 10]]),
    ]
    #expect(await cloud.failure("UpdateDestination", .object(JSONObject(update + [("CurrentDeliveryStreamVersionId", "7")])))?.code == "ConcurrentModificationException")
    try await cloud.call("UpdateDestination", .object(JSONObject(update + [("CurrentDeliveryStreamVersionId", "1")])))
    let changed = try await shown()
    #expect(changed?["VersionId"] == "2" && changed?["LastUpdateTimestamp"] != nil)
    #expect(changed?["Destinations"]?[0]?["S3DestinationDescription"]?["BufferingHints"]?["SizeInMBs"] == 2)
    #expect(changed?["Destinations"]?[0]?["S3DestinationDescription"]?["Prefix"] == "a/")
    try await cloud.call("TagDeliveryStream", ["DeliveryStreamName": "orders", "Tags": [["Key": "x", "Value": "y"]]])
    try await cloud.call("UntagDeliveryStream", ["DeliveryStreamName": "orders", "TagKeys": ["team"]])
    #expect(try await cloud.call("ListTagsForDeliveryStream", ["DeliveryStreamName": "orders"])["Tags"] == [["Key": "x", "Value": "y"]])
    try await cloud.call("StartDeliveryStreamEncryption", ["DeliveryStreamName": "orders"])
    #expect(try await shown()?["DeliveryStreamEncryptionConfiguration"]?["Status"] == "ENABLED")
    try await cloud.call("StopDeliveryStreamEncryption", ["DeliveryStreamName": "orders"])
    try await cloud.call("DeleteDeliveryStream", ["DeliveryStreamName": "orders"])
    try await cloud.cloud.work()
    let gone = await cloud.failure("DescribeDeliveryStream", ["DeliveryStreamName": "orders"])
    #expect(gone?.message == "Firehose orders under account 000000000000 not found.")
    #expect(try await cloud.isEmpty())
  }

  @Test func `lists have pages and types`() async throws {
    for name in ["a", "b", "c"] {
      try await cloud.call("CreateDeliveryStream", ["DeliveryStreamName": .string(name), "S3DestinationConfiguration": .object(JSONObject(Cloud.bucket))])
    }
    let page = try await cloud.call("ListDeliveryStreams", ["Limit": 2])
    #expect(page["DeliveryStreamNames"] == ["a", "b"] && page["HasMoreDeliveryStreams"] == true)
    let rest = try await cloud.call("ListDeliveryStreams", ["ExclusiveStartDeliveryStreamName": "b"])
    #expect(rest["DeliveryStreamNames"] == ["c"] && rest["HasMoreDeliveryStreams"] == false)
    #expect(try await cloud.call("ListDeliveryStreams", ["DeliveryStreamType": "KinesisStreamAsSource"])["DeliveryStreamNames"] == [])
    try await cloud.service.removeAll(of: .local)
    #expect(try await cloud.call("ListDeliveryStreams")["DeliveryStreamNames"] == [])
  }

  @Test(arguments: [
    ("IcebergDestinationConfiguration", "IcebergDestinationConfiguration is not supported by Dewpoint."),
    ("SplunkDestinationConfiguration", "SplunkDestinationConfiguration is not supported by Dewpoint."),
  ])
  func `other destinations are refused`(_ name: String, _ message: String) async {
    let role: JSON = "arn:aws:iam::000000000000:role/r"
    let s3: JSON = .object(JSONObject(Cloud.bucket))
    let configuration: JSON =
      name.hasPrefix("Iceberg") ? ["RoleARN": role, "CatalogConfiguration": [:], "S3Configuration": s3]
      : ["HECEndpoint": "https://a", "HECEndpointType": "Raw", "S3Configuration": s3]
    let failure = await cloud.failure("CreateDeliveryStream", .object(JSONObject([("DeliveryStreamName", "x"), (name, configuration)])))
    #expect(failure?.code == "InvalidArgumentException" && failure?.message == message)
  }

  @Test func `a role that Firehose cannot assume is refused, and a batch that is too large`() async throws {
    try await cloud.create()
    cloud.others.set { $0.trust = .notTrusted }
    let failure = await cloud.failure("CreateDeliveryStream", ["DeliveryStreamName": "x", "S3DestinationConfiguration": .object(JSONObject(Cloud.bucket))])
    #expect(failure?.message == "Firehose is unable to assume role arn:aws:iam::000000000000:role/r. Please check the role provided.")
    let data = JSON.string([UInt8](repeating: 65, count: 1000 << 10).base64)
    #expect(await cloud.failure("PutRecord", ["DeliveryStreamName": "orders", "Record": ["Data": data]]) == nil)
    let five = JSON.array(Array(repeating: ["Data": data], count: 5))
    #expect(await cloud.failure("PutRecordBatch", ["DeliveryStreamName": "orders", "Records": five])?.message == "Records size exceeds 4 MB limit")
    let large = JSON.string([UInt8](repeating: 65, count: (1000 << 10) + 1).base64)
    #expect(await cloud.failure("PutRecord", ["DeliveryStreamName": "orders", "Record": ["Data": large]])?.code == "ValidationException")
  }
}
