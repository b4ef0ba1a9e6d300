import Base
import Fabric
import Store
import Testing
import TestCloud

@testable import Kinesis

@Suite struct RecordTests {
  private let cloud = Cloud()

  @Test func `records come out in the order in which they went in, also after a restart`() async throws {
    try await cloud.stream()
    var numbers: [String] = []
    for text in ["a", "b", "c"] {
      let answer = try await cloud.put(text)
      #expect(answer["ShardId"] == "shardId-000000000000" && answer["EncryptionType"] == nil)
      numbers.append(answer["SequenceNumber"]?.string ?? "")
    }
    #expect(numbers == numbers.sorted() && Set(numbers).count == 3)
    let page = try await cloud.restarted().read(try await cloud.iterator())
    #expect(texts(page) == ["a", "b", "c"] && page["MillisBehindLatest"] == 0)
    #expect(page["Records"]?.array?.map { $0["SequenceNumber"]?.string } == numbers)
    #expect(page["Records"]?[0]?["PartitionKey"] == "k" && page["Records"]?[0]?["ApproximateArrivalTimestamp"] == 1_700_000_000)
    try await cloud.put("d")
    #expect(texts(try await cloud.read(page["NextShardIterator"] ?? .null)) == ["d"])
  }

  @Test func `an iterator of each type begins where it says`() async throws {
    try await cloud.stream()
    var numbers: [JSON] = []
    for text in ["a", "b", "c"] {
      numbers.append(try await cloud.put(text)["SequenceNumber"] ?? .null)
      cloud.clock.advance(.seconds(10))
    }
    let start = 1_700_000_000.0
    let cases: [(String, [(String, JSON)], [String])] = [
      ("TRIM_HORIZON", [], ["a", "b", "c"]), ("LATEST", [], []),
      ("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", numbers[1])], ["b", "c"]),
      ("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", numbers[1])], ["c"]),
      ("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", numbers[2])], []),
      ("AT_TIMESTAMP", [("Timestamp", .double(start - 100))], ["a", "b", "c"]),
      ("AT_TIMESTAMP", [("Timestamp", .double(start + 0.5))], ["b", "c"]),
      ("AT_TIMESTAMP", [("Timestamp", .double(start + 20))], ["c"]), ("AT_TIMESTAMP", [("Timestamp", .double(start + 25))], []),
    ]
    for (type, more, wanted) in cases { #expect(try await cloud.data(type, more) == wanted, "\(type) \(more)"); cloud.clock.advance(.seconds(1)) }
    let first = try await cloud.shards()[0]["SequenceNumberRange"]?["StartingSequenceNumber"] ?? .null
    #expect(try await cloud.data("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", first)]) == ["a", "b", "c"])
    // LATEST stays where it was made.
    let latest = try await cloud.iterator("LATEST")
    try await cloud.put("d")
    #expect(texts(try await cloud.read(latest)) == ["d"])
  }

  @Test func `iterators that cannot be are refused`() async throws {
    try await cloud.stream(shards: 2)
    let number = try await cloud.call("PutRecord", ["StreamName": "clicks", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"])["SequenceNumber"] ?? .null
    func refusal(_ type: String, shard: String = "shardId-000000000000", _ more: [(String, JSON)] = []) async -> AWSError? {
      await cloud.failure("GetShardIterator", .object(JSONObject(
        [("StreamName", "clicks"), ("ShardId", .string(shard)), ("ShardIteratorType", .string(type))] + more)))
    }
    #expect(await refusal("AT_SEQUENCE_NUMBER")?.message.hasSuffix("Request specified AT_SEQUENCE_NUMBER and no StartingSequenceNumber.") == true)
    #expect(await refusal("LATEST", [("StartingSequenceNumber", number)])?.message.hasSuffix("and also a StartingSequenceNumber.") == true)
    #expect(await refusal("AT_TIMESTAMP")?.code == "InvalidArgumentException")
    #expect(await refusal("AT_TIMESTAMP", [("Timestamp", 1_800_000_000)])?.code == "InvalidArgumentException")
    #expect(await refusal("AT_SEQUENCE_NUMBER", [("StartingSequenceNumber", "17")])?.message.hasSuffix("is invalid.") == true)
    #expect(await refusal("AT_SEQUENCE_NUMBER", shard: "shardId-000000000001", [("StartingSequenceNumber", number)])?.message
      == "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000001")
    #expect(await refusal("LATEST", shard: "shardId-000000000005")?.message == "Shard shardId-000000000005 in stream clicks under account 000000000000 does not exist")
    #expect(await refusal("LATEST", shard: "nonsense")?.message == "Could not find shard nonsense in stream clicks under account 000000000000.")
    #expect(await cloud.failure("GetRecords", ["ShardIterator": "hello"])?.message == "Invalid ShardIterator.")
  }

  @Test func `an iterator lives for five minutes`() async throws {
    try await cloud.stream()
    let iterator = try await cloud.iterator()
    cloud.clock.advance(.seconds(300))
    _ = try await cloud.read(iterator)
    cloud.clock.advance(.seconds(1))
    let failure = await cloud.failure("GetRecords", ["ShardIterator": iterator])
    #expect(failure?.code == "ExpiredIteratorException" && failure?.message.hasSuffix("than the tolerated delay of 300000 milliseconds.") == true)
  }

  @Test func `an explicit hash key decides the shard`() async throws {
    try await cloud.stream(shards: 4)
    for (key, shard) in [("0", 0), ("85070591730234615865843651857942052864", 1), ("340282366920938463463374607431768211455", 3)] {
      let answer = try await cloud.call("PutRecord", ["StreamName": "clicks", "Data": "", "PartitionKey": "same", "ExplicitHashKey": .string(key)])
      #expect(answer["ShardId"] == .string("\(ShardID(shard))"))
    }
    let large = await cloud.failure("PutRecord", ["StreamName": "clicks", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "340282366920938463463374607431768211456"])
    #expect(large?.code == "InvalidArgumentException" && large?.message.hasPrefix("Invalid ExplicitHashKey.") == true)
  }

  @Test func `of many records those that the shard cannot take are refused one by one`() async throws {
    try await cloud.stream(shards: 2)
    func records(_ key: String, _ count: Int) -> [JSON] {
      (0..<count).map { .object(JSONObject([("Data", .string(Array("\($0)".utf8).base64)), ("PartitionKey", "k"), ("ExplicitHashKey", .string(key))])) }
    }
    let high = "340282366920938463463374607431768211455"
    for _ in 0..<2 { try await cloud.call("PutRecords", ["StreamName": "clicks", "Records": .array(records("0", 500))]) }
    let mixed = try await cloud.call("PutRecords", ["StreamName": "clicks", "Records": .array(records("0", 2) + records(high, 3))])
    #expect(mixed["FailedRecordCount"] == 2)
    let results = mixed["Records"]?.array ?? []
    #expect(results[0]["ErrorCode"] == "ProvisionedThroughputExceededException" && results[0]["SequenceNumber"] == nil)
    #expect(results[0]["ErrorMessage"] == "Rate exceeded for shard shardId-000000000000 in stream clicks under account 000000000000.")
    #expect(results[2]["ShardId"] == "shardId-000000000001" && results[2]["ErrorCode"] == nil)
    #expect(try await cloud.data(shard: 1) == ["0", "1", "2"])
    let one = await cloud.failure("PutRecord", ["StreamName": "clicks", "Data": "", "PartitionKey": "k", "ExplicitHashKey": "0"])
    #expect(one?.code == "ProvisionedThroughputExceededException")
    cloud.clock.advance(.milliseconds(10))
    try await cloud.call("PutRecords", ["StreamName": "clicks", "Records": .array(records("0", 10))])
    #expect(try await cloud.read(try await cloud.iterator())["Records"]?.array?.count == 1010)
  }

  @Test func `a shard takes a mebibyte a second`() async throws {
    try await cloud.stream()
    let data = JSON.string([UInt8](repeating: 65, count: 700_000).base64)
    let record: JSON = ["StreamName": "clicks", "Data": data, "PartitionKey": "k"]
    try await cloud.call("PutRecord", record)
    #expect(await cloud.failure("PutRecord", record)?.code == "ProvisionedThroughputExceededException")
    cloud.clock.advance(.milliseconds(400))
    try await cloud.call("PutRecord", record)
  }

  @Test func `records have a largest size, which the stream decides`() async throws {
    try await cloud.stream()
    func put(_ size: Int) async -> AWSError? {
      cloud.clock.advance(.seconds(60))
      return await cloud.failure("PutRecord", ["StreamName": "clicks", "Data": .string([UInt8](repeating: 65, count: size).base64), "PartitionKey": "k"])
    }
    #expect(await put((1 << 20) - 1) == nil)
    #expect(await put(1 << 20)?.code == "InvalidArgumentException")
    try await cloud.call("UpdateMaxRecordSize", ["StreamARN": .string(Cloud.arn("clicks")), "MaxRecordSizeInKiB": 4096])
    #expect(await put(3 << 20) == nil)
  }

  @Test func `a shard is read five times a second, and two mebibytes`() async throws {
    try await cloud.stream()
    let iterator = try await cloud.iterator()
    for _ in 0..<5 { _ = try await cloud.read(iterator) }
    let sixth = await cloud.failure("GetRecords", ["ShardIterator": iterator])
    #expect(sixth?.code == "ProvisionedThroughputExceededException")
    for _ in 0..<4 {
      cloud.clock.advance(.seconds(2))
      try await cloud.call("PutRecord", ["StreamName": "clicks", "Data": .string([UInt8](repeating: 65, count: 1_000_000).base64), "PartitionKey": "k"])
    }
    #expect(try await cloud.read(iterator)["Records"]?.array?.count == 4)
    cloud.clock.advance(.milliseconds(300))
    #expect(await cloud.failure("GetRecords", ["ShardIterator": iterator])?.code == "ProvisionedThroughputExceededException")
    cloud.clock.advance(.seconds(2))
    _ = try await cloud.read(iterator)
  }

  @Test func `a page says how far it is behind`() async throws {
    try await cloud.stream()
    for text in ["a", "b", "c"] {
      try await cloud.put(text)
      cloud.clock.advance(.seconds(10))
    }
    let first = try await cloud.read(try await cloud.iterator(), limit: 2)
    #expect(texts(first) == ["a", "b"] && first["MillisBehindLatest"] == 20_000)
    let rest = try await cloud.read(first["NextShardIterator"] ?? .null)
    #expect(texts(rest) == ["c"] && rest["MillisBehindLatest"] == 0)
  }

  @Test func `a closed shard is read to its end, and then names its children`() async throws {
    try await cloud.stream()
    let waiting = try await cloud.iterator("LATEST")
    try await cloud.put("a")
    try await cloud.put("b")
    try await cloud.call("SplitShard", ["StreamName": "clicks", "ShardToSplit": "0", "NewStartingHashKey": "170141183460469231731687303715884105728"])
    try await cloud.cloud.work()
    let first = try await cloud.read(waiting, limit: 1)
    #expect(texts(first) == ["a"] && first["ChildShards"] == nil)
    let last = try await cloud.read(first["NextShardIterator"] ?? .null)
    #expect(texts(last) == ["b"] && last["NextShardIterator"] == nil)
    #expect(last["ChildShards"]?.array?.map { $0["ShardId"] } == ["shardId-000000000001", "shardId-000000000002"])
    #expect(last["ChildShards"]?[0]?["ParentShards"] == ["shardId-000000000000"])
    let end = try await cloud.read(try await cloud.iterator("LATEST"))
    #expect(texts(end) == [] && end["NextShardIterator"] == nil)
    let answer = try await cloud.put("c")
    #expect(answer["ShardId"] != "shardId-000000000000")
  }

  @Test func `records are kept for the retention of the stream`() async throws {
    try await cloud.stream()
    try await cloud.put("old")
    cloud.clock.advance(.hours(12))
    try await cloud.put("new")
    #expect(try await cloud.data() == ["old", "new"])
    cloud.clock.advance(.hours(12) + .milliseconds(1))
    // Whether the worker has run or not.
    #expect(try await cloud.data() == ["new"])
    try await cloud.cloud.work()
    #expect(try await cloud.data() == ["new"])
    let stored = try await cloud.stored()
    try await cloud.put("x")
    cloud.clock.advance(.hours(25))
    try await cloud.cloud.work()
    let left = try await cloud.stored()
    #expect(left < stored)
    #expect(try await cloud.data() == [])
    try await cloud.put("again")
    #expect(try await cloud.data() == ["again"])
  }

  @Test func `shards that are closed go with the last of their records`() async throws {
    try await cloud.stream()
    try await cloud.call("SplitShard", ["StreamName": "clicks", "ShardToSplit": "0", "NewStartingHashKey": "9999"])
    try await cloud.cloud.work()
    cloud.clock.advance(.hours(25))
    #expect(try await cloud.shards().count == 2)
    try await cloud.cloud.work()
    #expect(try await cloud.call("DescribeStream", ["StreamName": "clicks"])["StreamDescription"]?["Shards"]?.array?.count == 2)
  }

  @Test func `a stream that is made anew under its name has other iterators`() async throws {
    try await cloud.stream()
    let iterator = try await cloud.iterator()
    try await cloud.call("DeleteStream", ["StreamName": "clicks"])
    try await cloud.cloud.work()
    try await cloud.stream()
    #expect(await cloud.failure("GetRecords", ["ShardIterator": iterator])?.code == "ResourceNotFoundException")
  }

  @Test func `what is put and read is measured`() async throws {
    try await cloud.stream()
    try await cloud.call("EnableEnhancedMonitoring", ["StreamName": "clicks", "ShardLevelMetrics": ["IncomingRecords"]])
    try await cloud.put("four")
    _ = try await cloud.data()
    let samples = cloud.service.metrics.drain()
    func sum(_ name: String, _ dimensions: [MetricDimension] = [MetricDimension("StreamName", "clicks")]) -> Double? {
      samples.first { $0.series.name == name && $0.series.dimensions == dimensions }?.statistics.sum
    }
    #expect(samples.allSatisfy { $0.series.namespace == "AWS/Kinesis" })
    #expect(sum("IncomingRecords") == 1 && sum("IncomingBytes") == 5 && sum("PutRecord.Success") == 1 && sum("GetRecords.Records") == 1)
    #expect(sum("IncomingRecords", [MetricDimension("ShardId", "shardId-000000000000"), MetricDimension("StreamName", "clicks")]) == 1)
    #expect(sum("IncomingBytes", [MetricDimension("ShardId", "shardId-000000000000"), MetricDimension("StreamName", "clicks")]) == nil)
    #expect(cloud.service.metrics.drain().isEmpty)
  }
}
