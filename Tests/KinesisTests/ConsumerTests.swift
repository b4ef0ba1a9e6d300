import Base
import Fabric
import Testing
import TestCloud
import Wire

@testable import Kinesis

@Suite struct ConsumerTests {
  private let cloud = Cloud()

  private func consumer(_ name: String = "reader") async throws -> JSON {
    let arn = try await cloud.call("RegisterStreamConsumer", ["StreamARN": .string(Cloud.arn("clicks")), "ConsumerName": .string(name)])["Consumer"]?["ConsumerARN"]
    try await cloud.cloud.work()
    return arn ?? .null
  }

  private func subscribe(_ arn: JSON, _ position: JSON = ["Type": "TRIM_HORIZON"], shard: Int = 0) async throws -> EventStreamOutput {
    var input = SubscribeToShardInput()
    (input.consumerARN, input.shardId) = (arn.string ?? "", "\(ShardID(shard))")
    var start = StartingPosition()
    start.type = position["Type"]?.string ?? ""
    start.sequenceNumber = position["SequenceNumber"]?.string
    input.startingPosition = start
    let operation = try #require(cloud.service.apis[0].operations["SubscribeToShard"]?.stream)
    return try await operation(input.record, .test("kinesis", "SubscribeToShard", at: cloud.now))
  }

  @Test func `a consumer is registered, described, listed and goes`() async throws {
    try await cloud.stream()
    let arn = try await consumer()
    #expect(arn == .string(Cloud.arn("clicks") + "/consumer/reader:1700000000"))
    let described = try await cloud.call("DescribeStreamConsumer", ["ConsumerARN": arn])["ConsumerDescription"]
    #expect(described?["ConsumerStatus"] == "ACTIVE" && described?["StreamARN"] == .string(Cloud.arn("clicks")))
    #expect(await cloud.failure("RegisterStreamConsumer", ["StreamARN": .string(Cloud.arn("clicks")), "ConsumerName": "reader"])?.code == "ResourceInUseException")
    for name in ["a", "b", "c"] { _ = try await consumer(name) }
    let page = try await cloud.call("ListStreamConsumers", ["StreamARN": .string(Cloud.arn("clicks")), "MaxResults": 3])
    #expect(page["Consumers"]?.array?.map { $0["ConsumerName"] } == ["a", "b", "c"])
    let rest = try await cloud.call("ListStreamConsumers", ["StreamARN": .string(Cloud.arn("clicks")), "NextToken": page["NextToken"] ?? .null])
    #expect(rest["Consumers"]?.array?.map { $0["ConsumerName"] } == ["reader"] && rest["NextToken"] == nil)
    #expect(await cloud.failure("DeleteStream", ["StreamName": "clicks"])?.code == "ResourceInUseException")
    try await cloud.call("DeregisterStreamConsumer", ["StreamARN": .string(Cloud.arn("clicks")), "ConsumerName": "reader"])
    try await cloud.cloud.work()
    #expect(await cloud.failure("DescribeStreamConsumer", ["ConsumerARN": arn])?.code == "ResourceNotFoundException")
    try await cloud.call("DeleteStream", ["StreamName": "clicks", "EnforceConsumerDeletion": true])
    try await cloud.cloud.work()
    #expect(try await cloud.isEmpty())
  }

  @Test func `a stream has at most twenty consumers`() async throws {
    try await cloud.stream()
    for n in 0..<20 { _ = try await consumer("c\(n)") }
    let failure = await cloud.failure("RegisterStreamConsumer", ["StreamARN": .string(Cloud.arn("clicks")), "ConsumerName": "more"])
    #expect(failure?.code == "LimitExceededException")
  }

  @Test func `records are pushed as they come, until five minutes are over`() async throws {
    try await cloud.stream()
    let arn = try await consumer()
    try await cloud.put("a")
    let output = try await subscribe(arn)
    let seen = Recorder<SubscribeToShardEvent>()
    let cloud = cloud
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await output.events? { name, event in
        #expect(name == "SubscribeToShardEvent")
        seen.add(SubscribeToShardEvent(event))
      } }
      await eventually { seen.values.contains { $0.records.first?.data == Array("a".utf8) } }
      try await cloud.put("b")
      await eventually { seen.values.contains { $0.records.first?.data == Array("b".utf8) } }
      for _ in 0..<60 {
        await eventually { cloud.clock.sleeperCount > 0 }
        cloud.clock.advance(.seconds(5))
      }
      try await group.waitForAll()
    }
    #expect(seen.values.contains { $0.records.isEmpty && $0.millisBehindLatest == 0 })
    let last = try #require(seen.values.last?.continuationSequenceNumber)
    #expect(try await cloud.data("AFTER_SEQUENCE_NUMBER", [("StartingSequenceNumber", .string(last))]) == [])
    #expect(cloud.service.subscriptions.count == 0)
  }

  @Test func `there is one subscription for a consumer and a shard, and not a new one within five seconds`() async throws {
    try await cloud.stream()
    let arn = try await consumer()
    let first = try await subscribe(arn)
    await #expect(throws: AWSError.self) { _ = try await subscribe(arn) }
    cloud.clock.advance(.seconds(5))
    let second = try await subscribe(arn)
    // The first ends, since the second has taken its place.
    try await first.events? { _, _ in }
    cloud.service.endWaits()
    try await second.events? { _, _ in }
  }

  @Test func `the last event of a closed shard names its children`() async throws {
    try await cloud.stream()
    let arn = try await consumer()
    try await cloud.put("a")
    try await cloud.call("SplitShard", ["StreamName": "clicks", "ShardToSplit": "0", "NewStartingHashKey": "99999"])
    try await cloud.cloud.work()
    let seen = Recorder<SubscribeToShardEvent>()
    try await subscribe(arn).events? { _, event in seen.add(SubscribeToShardEvent(event)) }
    #expect(seen.values.last?.childShards?.count == 2)
    let continuation: String? = seen.values.last?.record.optional(1)
    #expect(continuation == nil)
  }
}

@Suite struct PortTests {
  private let cloud = Cloud()
  private var stream: ARN { ARN(Cloud.arn("clicks")) ?? ARN("kinesis", .usEast1, .local, "stream/clicks") }
  private var caller: Caller { Call.test("kinesis", "GetRecords", at: cloud.now).caller }

  @Test func `a record carries the trace of a put that is a step of one, and no other`() async throws {
    try await cloud.stream()
    let door = cloud.cloud.dispatcher
    let model = try #require(door.model("kinesis")?.operations["PutRecord"]?.input)
    var input = Record(model)
    input["StreamName"] = .string("clicks")
    input["PartitionKey"] = .string("k")
    input["Data"] = .blob([1])
    try await cloud.put("from a client without a trace")
    let trace = TraceContext(root: "1-00000000-0000000000000000000000ab", parent: "cause", lineage: "l")
    _ = try await door.call(
      "kinesis", "PutRecord", input,
      as: Caller(principal: .root(.local), account: .local, region: .usEast1, trace: trace))
    let begin = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .trimHorizon, as: caller)
    let page = try await cloud.service.read(stream, iterator: begin, limit: 10, wait: .zero, as: caller)
    #expect(page.records.map { $0.trace?.root } == [nil, trace.root])
    #expect(page.records.trace?.parent != nil && page.records.trace?.lineage == nil)
  }

  @Test func `a reader sees shards, waits for records and goes on where it was`() async throws {
    try await cloud.stream()
    let described = try await cloud.service.describe(stream, as: caller)
    #expect(described.shards == [StreamShard(id: "shardId-000000000000")])
    let place = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .latest, as: caller)
    let (cloud, stream, caller) = (cloud, stream, caller)
    async let waiting = cloud.service.read(stream, iterator: place, limit: 10, wait: .seconds(20), as: caller)
    await eventually { cloud.clock.sleeperCount > 0 }
    try await cloud.put("a")
    let page = try await waiting
    #expect(page.records.map(\.content) == [.data(Array("a".utf8))] && page.records[0].partitionKey == "k")
    let after = try await cloud.service.iterator(
      stream, shard: "shardId-000000000000", at: .after(sequenceNumber: page.records[0].sequenceNumber), as: caller)
    try await cloud.put("b")
    // A place does not age, unlike the iterators of clients.
    cloud.clock.advance(.hours(1))
    let next = try await cloud.restarted().service.read(stream, iterator: after, limit: 10, wait: .zero, as: caller)
    #expect(next.records.map(\.content) == [.data(Array("b".utf8))])
    let none = try await cloud.service.read(stream, iterator: next.next ?? "", limit: 10, wait: .zero, as: caller)
    #expect(none.records.isEmpty && none.next == next.next)
  }

  @Test func `a closed shard ends, and what is no longer kept is told`() async throws {
    try await cloud.stream()
    try await cloud.put("a")
    try await cloud.put("b")
    let begin = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .trimHorizon, as: caller)
    let first = try await cloud.service.read(stream, iterator: begin, limit: 1, wait: .zero, as: caller)
    cloud.clock.advance(.hours(25))
    try await cloud.put("c")
    await #expect(throws: AWSError.self) {
      _ = try await cloud.service.read(stream, iterator: first.next ?? "", limit: 1, wait: .zero, as: caller)
    }
    try await cloud.call("SplitShard", ["StreamName": "clicks", "ShardToSplit": "0", "NewStartingHashKey": "99999"])
    let oldest = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .trimHorizon, as: caller)
    let end = try await cloud.service.read(stream, iterator: oldest, limit: 10, wait: .zero, as: caller)
    #expect(end.records.count == 1 && end.next == nil)
    #expect(try await cloud.service.describe(stream, as: caller).shards.map(\.parents) == [[], ["shardId-000000000000"], ["shardId-000000000000"]])
  }

  @Test func `a reader needs the actions of its role`() async throws {
    try await cloud.stream()
    cloud.cloud.authoriser.deny("kinesis:ListShards")
    await #expect(throws: AWSError.self) { _ = try await cloud.service.describe(stream, as: caller) }
    cloud.cloud.authoriser.deny("kinesis:GetRecords")
    _ = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .latest, as: caller)
    let place = try await cloud.service.iterator(stream, shard: "shardId-000000000000", at: .latest, as: caller)
    await #expect(throws: AWSError.self) {
      _ = try await cloud.service.read(stream, iterator: place, limit: 1, wait: .zero, as: caller)
    }
  }

  @Test func `the policy of a stream counts for what it may grant`() async throws {
    try await cloud.stream()
    let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
    try await cloud.call("PutResourcePolicy", ["ResourceARN": .string(Cloud.arn("clicks")), "Policy": .string(policy)])
    #expect(try await cloud.call("GetResourcePolicy", ["ResourceARN": .string(Cloud.arn("clicks"))])["Policy"] == .string(policy))
    let (own, other) = (
      try await cloud.service.access("PutRecord", StreamName(.local, .usEast1, "clicks"), isShared: true, by: .test(9)),
      try await cloud.service.access("DeleteStream", StreamName(.local, .usEast1, "clicks"), by: .test(9))
    )
    #expect(own.resourcePolicy == policy && other.resourcePolicy == nil)
    try await cloud.call("DeleteResourcePolicy", ["ResourceARN": .string(Cloud.arn("clicks"))])
    #expect(await cloud.failure("DeleteResourcePolicy", ["ResourceARN": .string(Cloud.arn("clicks"))])?.code == "ResourceNotFoundException")
    #expect(await cloud.failure("PutResourcePolicy", ["ResourceARN": .string(Cloud.arn("clicks")), "Policy": "nonsense"])?.code == "InvalidArgumentException")
  }
}
