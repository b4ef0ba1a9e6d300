import Base
import Fabric
import Store
import Testing
import TestCloud

@testable import Kinesis

@Suite struct StreamTests {
  private let cloud = Cloud()

  @Test func `a stream is made, becomes active, and goes`() async throws {
    try await cloud.call("CreateStream", ["StreamName": "clicks", "ShardCount": 2])
    let made = try await cloud.call("DescribeStream", ["StreamName": "clicks"])["StreamDescription"]
    #expect(made?["StreamStatus"] == "CREATING" && made?["Shards"] == [])
    // Nothing is written to it before.
    #expect(await cloud.failure("PutRecord", ["StreamName": "clicks", "Data": "", "PartitionKey": "k"])?.code == "ResourceNotFoundException")
    #expect(await cloud.failure("CreateStream", ["StreamName": "clicks", "ShardCount": 1])?.message == "Stream clicks under account 000000000000 already exists.")
    try await cloud.cloud.work()
    let active = try await cloud.call("DescribeStream", ["StreamARN": .string(Cloud.arn("clicks"))])["StreamDescription"]
    #expect(active?["StreamStatus"] == "ACTIVE" && active?["Shards"]?.array?.count == 2)
    #expect(active?["RetentionPeriodHours"] == 24 && active?["EncryptionType"] == "NONE")
    let summary = try await cloud.call("DescribeStreamSummary", ["StreamName": "clicks"])["StreamDescriptionSummary"]
    #expect(summary?["OpenShardCount"] == 2 && summary?["ConsumerCount"] == 0 && summary?["MaxRecordSizeInKiB"] == 1024)
    try await cloud.put("x")
    try await cloud.call("DeleteStream", ["StreamName": "clicks"])
    #expect(try await cloud.call("DescribeStreamSummary", ["StreamName": "clicks"])["StreamDescriptionSummary"]?["StreamStatus"] == "DELETING")
    try await cloud.cloud.work()
    let gone = await cloud.failure("DescribeStream", ["StreamName": "clicks"])
    #expect(gone?.code == "ResourceNotFoundException" && gone?.message == "Stream clicks under account 000000000000 not found.")
    #expect(try await cloud.isEmpty())
  }

  @Test func `a stream without a shard count is on demand`() async throws {
    try await cloud.call("CreateStream", ["StreamName": "events"])
    try await cloud.cloud.work()
    let summary = try await cloud.call("DescribeStreamSummary", ["StreamName": "events"])["StreamDescriptionSummary"]
    #expect(summary?["StreamModeDetails"]?["StreamMode"] == "ON_DEMAND" && summary?["OpenShardCount"] == 4)
    #expect(await cloud.failure("UpdateShardCount", ["StreamName": "events", "TargetShardCount": 8, "ScalingType": "UNIFORM_SCALING"])?.code == "ValidationException")
    let both: JSON = ["StreamName": "x", "ShardCount": 1, "StreamModeDetails": ["StreamMode": "ON_DEMAND"]]
    #expect(await cloud.failure("CreateStream", both)?.code == "ValidationException")
    let neither: JSON = ["StreamName": "x", "StreamModeDetails": ["StreamMode": "PROVISIONED"]]
    #expect(await cloud.failure("CreateStream", neither)?.code == "ValidationException")
  }

  @Test func `a busy shard of a stream on demand is split`() async throws {
    try await cloud.call("CreateStream", ["StreamName": "events"])
    try await cloud.cloud.work()
    let records = (0..<500).map { _ in JSON.object(JSONObject([("Data", "eA=="), ("PartitionKey", "same")])) }
    for _ in 0..<3 { try await cloud.call("PutRecords", ["StreamName": "events", "Records": .array(records)]) }
    try await cloud.cloud.work()
    #expect(try await cloud.shards("events").count == 6)
    #expect(try await cloud.call("DescribeStreamSummary", ["StreamName": "events"])["StreamDescriptionSummary"]?["OpenShardCount"] == 5)
  }

  @Test func `lists of streams have pages, and their tokens live for five minutes`() async throws {
    for name in ["a", "b", "c", "d", "e"] { try await cloud.call("CreateStream", ["StreamName": .string(name), "ShardCount": 1]) }
    var names: [JSON] = [], input: JSON = ["Limit": 2], pages = 0
    while true {
      let page = try await cloud.call("ListStreams", input)
      names += page["StreamNames"]?.array ?? []
      pages += 1
      guard let token = page["NextToken"] else { #expect(page["HasMoreStreams"] == false); break }
      #expect(page["HasMoreStreams"] == true)
      input = ["Limit": 2, "NextToken": token]
    }
    #expect(names == ["a", "b", "c", "d", "e"] && pages == 3)
    let after = try await cloud.call("ListStreams", ["ExclusiveStartStreamName": "c"])
    #expect(after["StreamNames"] == ["d", "e"])
    #expect(after["StreamSummaries"]?[0]?["StreamARN"] == .string(Cloud.arn("d")))
    let token = try await cloud.call("ListStreams", ["Limit": 1])["NextToken"] ?? .null
    cloud.clock.advance(.seconds(301))
    #expect(await cloud.failure("ListStreams", ["NextToken": token])?.code == "ExpiredNextTokenException")
    #expect(await cloud.failure("ListStreams", ["NextToken": "hello"])?.code == "InvalidArgumentException")
  }

  @Test func `shards are split, merged and listed`() async throws {
    try await cloud.stream()
    try await cloud.call(
      "SplitShard",
      ["StreamName": "clicks", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "170141183460469231731687303715884105728"])
    let busy = await cloud.failure("MergeShards", ["StreamName": "clicks", "ShardToMerge": "shardId-000000000001", "AdjacentShardToMerge": "shardId-000000000002"])
    #expect(busy?.code == "ResourceInUseException" && busy?.message == "Stream clicks under account 000000000000 not ACTIVE, instead in state UPDATING")
    try await cloud.cloud.work()
    let shards = try await cloud.shards()
    #expect(shards.map { $0["ShardId"]?.string } == (0...2).map { "\(ShardID($0))" })
    #expect(shards[0]["SequenceNumberRange"]?["EndingSequenceNumber"] != nil && shards[1]["SequenceNumberRange"]?["EndingSequenceNumber"] == nil)
    #expect(shards[2]["ParentShardId"] == "shardId-000000000000" && shards[2]["HashKeyRange"]?["StartingHashKey"] == "170141183460469231731687303715884105728")
    let again = await cloud.failure("SplitShard", ["StreamName": "clicks", "ShardToSplit": "shardId-000000000000", "NewStartingHashKey": "99"])
    #expect(again?.message.contains("has already been merged or split") == true)
    let outside = await cloud.failure("SplitShard", ["StreamName": "clicks", "ShardToSplit": "shardId-000000000001", "NewStartingHashKey": "1"])
    #expect(outside?.code == "InvalidArgumentException" && outside?.message.contains("is not both greater than one plus") == true)
    try await cloud.call("MergeShards", ["StreamName": "clicks", "ShardToMerge": "shardId-000000000001", "AdjacentShardToMerge": "shardId-000000000002"])
    try await cloud.cloud.work()
    let merged = try await cloud.shards("clicks", ["Type": "AT_LATEST"])
    #expect(merged.count == 1 && merged[0]["AdjacentParentShardId"] == "shardId-000000000002")
    let missing = await cloud.failure("SplitShard", ["StreamName": "clicks", "ShardToSplit": "shardId-000000000009", "NewStartingHashKey": "99"])
    #expect(missing?.message == "Could not find shard shardId-000000000009 in stream clicks under account 000000000000.")
    var ids: [JSON] = []
    var page = try await cloud.call("ListShards", ["StreamName": "clicks", "MaxResults": 3])
    ids += page["Shards"]?.array ?? []
    let token = page["NextToken"] ?? .null
    if let west = Region("eu-west-1") {
      let elsewhere = await cloud.cloud.failure("kinesis", "ListShards", ["NextToken": token], region: west)
      #expect(elsewhere?.code == "InvalidArgumentException")
    }
    page = try await cloud.call("ListShards", ["NextToken": token])
    #expect(ids.count == 3 && page["Shards"]?.array?.count == 1 && page["NextToken"] == nil)
    #expect(await cloud.failure("ListShards")?.message == "Either NextToken or StreamName should be provided.")
  }

  @Test func `the number of shards is changed by at most a factor of two, ten times a day`() async throws {
    try await cloud.stream(shards: 2)
    func update(_ count: Int) async -> AWSError? {
      let failure = await cloud.failure("UpdateShardCount", ["StreamName": "clicks", "TargetShardCount": JSON(count), "ScalingType": "UNIFORM_SCALING"])
      try? await cloud.cloud.work()
      return failure
    }
    #expect(await update(5)?.message.contains("cannot scale up over double") == true)
    let answer = try await cloud.call("UpdateShardCount", ["StreamName": "clicks", "TargetShardCount": 4, "ScalingType": "UNIFORM_SCALING"])
    #expect(answer["CurrentShardCount"] == 2 && answer["TargetShardCount"] == 4)
    try await cloud.cloud.work()
    #expect(await update(1)?.message.contains("cannot scale down below half") == true)
    for count in [3, 4, 3, 4, 3, 4, 3, 4, 3] { #expect(await update(count) == nil) }
    #expect(await update(4)?.code == "LimitExceededException")
    cloud.clock.advance(.hours(25))
    #expect(await update(4) == nil)
    #expect(try await cloud.shards("clicks", ["Type": "AT_LATEST"]).count == 4)
  }

  @Test func `retention is kept within its limits, and only ever moved the right way`() async throws {
    try await cloud.stream()
    func set(_ operation: String, _ hours: Int) async -> AWSError? {
      let failure = await cloud.failure(operation + "StreamRetentionPeriod", ["StreamName": "clicks", "RetentionPeriodHours": JSON(hours)])
      try? await cloud.cloud.work()
      return failure
    }
    #expect(await set("Increase", 48) == nil)
    #expect(await set("Increase", 36)?.message == "Requested retention period (36 hours) for stream clicks can not be shorter than existing retention period (48 hours). Use DecreaseRetentionPeriod API.")
    #expect(await set("Decrease", 72)?.message == "Requested retention period (72 hours) for stream clicks can not be longer than existing retention period (48 hours). Use IncreaseRetentionPeriod API.")
    #expect(await set("Increase", 8761)?.message == "Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.")
    #expect(await set("Decrease", 23)?.message == "Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.")
    #expect(await set("Decrease", 24) == nil)
  }

  @Test func `mode, sizes, encryption and monitoring are shown as they were set`() async throws {
    try await cloud.stream()
    let arn = JSON.string(Cloud.arn("clicks"))
    try await cloud.call("StartStreamEncryption", ["StreamName": "clicks", "EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"])
    try await cloud.cloud.work()
    #expect(try await cloud.put("x")["EncryptionType"] == "KMS")
    let monitored = try await cloud.call("EnableEnhancedMonitoring", ["StreamName": "clicks", "ShardLevelMetrics": ["ALL"]])
    #expect(monitored["CurrentShardLevelMetrics"] == [] && monitored["DesiredShardLevelMetrics"]?.array?.count == 7)
    let less = try await cloud.call("DisableEnhancedMonitoring", ["StreamName": "clicks", "ShardLevelMetrics": ["OutgoingBytes"]])
    #expect(less["CurrentShardLevelMetrics"]?.array?.count == 7 && less["DesiredShardLevelMetrics"]?.array?.count == 6)
    try await cloud.call("UpdateMaxRecordSize", ["StreamARN": arn, "MaxRecordSizeInKiB": 2048])
    #expect(await cloud.failure("UpdateStreamWarmThroughput", ["StreamARN": arn, "WarmThroughputMiBps": 8])?.code == "ValidationException")
    try await cloud.call("UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
    try await cloud.cloud.work()
    try await cloud.call("UpdateStreamWarmThroughput", ["StreamARN": arn, "WarmThroughputMiBps": 8])
    let summary = try await cloud.call("DescribeStreamSummary", ["StreamName": "clicks"])["StreamDescriptionSummary"]
    #expect(summary?["KeyId"] == "alias/aws/kinesis" && summary?["EncryptionType"] == "KMS" && summary?["MaxRecordSizeInKiB"] == 2048)
    #expect(summary?["WarmThroughput"]?["TargetMiBps"] == 8 && summary?["StreamModeDetails"]?["StreamMode"] == "ON_DEMAND")
    #expect(summary?["EnhancedMonitoring"]?[0]?["ShardLevelMetrics"]?.array?.count == 6)
    try await cloud.call("UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "PROVISIONED"]])
    try await cloud.cloud.work()
    let third = await cloud.failure("UpdateStreamMode", ["StreamARN": arn, "StreamModeDetails": ["StreamMode": "ON_DEMAND"]])
    #expect(third?.code == "LimitExceededException")
  }

  @Test func `tags are set and taken away, by both kinds of operations`() async throws {
    try await cloud.stream()
    let arn = JSON.string(Cloud.arn("clicks"))
    try await cloud.call("AddTagsToStream", ["StreamName": "clicks", "Tags": ["a": "1", "b": "2"]])
    try await cloud.call("TagResource", ["ResourceARN": arn, "Tags": ["c": "3"]])
    try await cloud.call("UntagResource", ["ResourceARN": arn, "TagKeys": ["b"]])
    let page = try await cloud.call("ListTagsForStream", ["StreamName": "clicks", "Limit": 1])
    #expect(page["Tags"] == [["Key": "a", "Value": "1"]] && page["HasMoreTags"] == true)
    let rest = try await cloud.call("ListTagsForStream", ["StreamName": "clicks", "ExclusiveStartTagKey": "a"])
    #expect(rest["Tags"] == [["Key": "c", "Value": "3"]] && rest["HasMoreTags"] == false)
    #expect(try await cloud.call("ListTagsForResource", ["ResourceARN": arn])["Tags"]?.array?.count == 2)
    #expect(await cloud.failure("AddTagsToStream", ["StreamName": "clicks", "Tags": ["aws:x": "1"]])?.code == "InvalidArgumentException")
    let many = JSON.object(JSONObject((0..<51).map { ("k\($0)", "v") }))
    #expect(await cloud.failure("AddTagsToStream", ["StreamName": "clicks", "Tags": many])?.code == "InvalidArgumentException")
  }

  @Test func `limits count what is there, and the commitment lasts a day`() async throws {
    try await cloud.stream(shards: 3)
    try await cloud.call("CreateStream", ["StreamName": "x"])
    let limits = try await cloud.call("DescribeLimits")
    #expect(limits["OpenShardCount"] == 3 && limits["OnDemandStreamCount"] == 1 && limits["ShardLimit"] == 20_000)
    let many = await cloud.failure("CreateStream", ["StreamName": "y", "ShardCount": 20_000])
    #expect(many?.code == "LimitExceededException" && many?.message.contains("Current shard count for the account: 3.") == true)
    func status() async throws -> JSON? { try await cloud.call("DescribeAccountSettings")["MinimumThroughputBillingCommitment"]?["Status"] }
    #expect(try await status() == "DISABLED")
    try await cloud.call("UpdateAccountSettings", ["MinimumThroughputBillingCommitment": ["Status": "ENABLED"]])
    #expect(try await status() == "ENABLED")
    try await cloud.call("UpdateAccountSettings", ["MinimumThroughputBillingCommitment": ["Status": "DISABLED"]])
    #expect(try await status() == "ENABLED_UNTIL_EARLIEST_ALLOWED_END")
    cloud.clock.advance(.hours(24))
    #expect(try await status() == "DISABLED")
  }

  @Test func `an input names its stream, and no two`() async throws {
    try await cloud.stream()
    let cases: [(JSON, String)] = [
      ([:], "Either StreamName or StreamARN must be provided."),
      (["StreamName": "other", "StreamARN": .string(Cloud.arn("clicks"))], "StreamName and StreamARN do not match."),
      (["StreamName": "clicks", "StreamId": "aaaaaaaaaaaaaaaaaaaa-aaa"], "StreamId is not supported: it is reserved for future use."),
    ]
    for (input, message) in cases { #expect(await cloud.failure("DescribeStream", input)?.message == message) }
    let elsewhere = "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks"
    #expect(await cloud.failure("DescribeStream", ["StreamARN": .string(elsewhere)])?.code == "InvalidArgumentException")
  }

  @Test func `everything of an account can be removed`() async throws {
    try await cloud.stream()
    try await cloud.stream("other")
    try await cloud.put("x")
    try await cloud.call("RegisterStreamConsumer", ["StreamARN": .string(Cloud.arn("clicks")), "ConsumerName": "c"])
    try await cloud.call("UpdateAccountSettings", ["MinimumThroughputBillingCommitment": ["Status": "ENABLED"]])
    try await cloud.service.removeAll(of: .local)
    #expect(try await cloud.isEmpty())
    #expect(await cloud.failure("DescribeStream", ["StreamName": "clicks"])?.code == "ResourceNotFoundException")
  }
}
