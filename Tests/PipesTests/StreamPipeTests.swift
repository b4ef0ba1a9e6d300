import Base
import Fabric
import Store
import Synchronization
import TestCloud
import Testing
import Wire

@testable import Pipes

/// A stream in memory whose records a test puts and trims.
private final class TestStream: StreamPort {
  private struct State {
    var id = 1
    var shards = [StreamShard(id: "s1")]
    var records: [String: [StreamRecord]] = [:]
    var oldest = 0
    var iterators = 0
    var beforeIterator: (@Sendable (String) async -> Void)?
  }
  private let state = Mutex(State())
  private let arrived = Nudge()
  let actions: [String] = []

  func put(_ texts: String..., to shard: String = "s1") {
    state.withLock { state in
      for text in texts {
        let number = state.records[shard, default: []].count
        state.records[shard, default: []].append(
          StreamRecord(sequenceNumber: "\(number)", partitionKey: "k", arrival: .epoch, content: .data(Array(text.utf8))))
      }
    }
    arrived.nudge()
  }
  /// Keeps nothing of what is there.
  func trim() { state.withLock { $0.oldest = $0.records["s1"]?.count ?? 0 } }
  /// Another stream takes the name.
  func remake() {
    state.withLock { state in
      state.id += 1
      (state.records, state.oldest, state.shards) = ([:], 0, [StreamShard(id: "s1")])
    }
    arrived.nudge()
  }
  func add(_ shard: String) { state.withLock { $0.shards.append(StreamShard(id: shard)) } }
  func close(_ shard: String) {
    state.withLock { state in
      for place in state.shards.indices where state.shards[place].id == shard { state.shards[place].isClosed = true }
    }
    arrived.nudge()
  }
  func beforeIterator(_ body: @escaping @Sendable (String) async -> Void) { state.withLock { $0.beforeIterator = body } }

  func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription {
    state.withLock { StreamDescription(shards: $0.shards, id: "\($0.id)") }
  }
  func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    await state.withLock { $0.beforeIterator }?(shard)
    return state.withLock { state in
      let place =
        switch position {
        case .trimHorizon: state.oldest
        case .after(let number): (Int(number) ?? 0) + 1
        default: state.records[shard]?.count ?? 0
        }
      return "\(state.id):\(shard):\(place)"
    }
  }
  func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    let parts = iterator.split(separator: ":").map(String.init)
    let place = Int(parts[2]) ?? 0
    while true {
      let page = try state.withLock { state throws -> StreamPage? in
        guard parts[0] == "\(state.id)" else { throw AWSError("ResourceNotFoundException", "no such shard", status: 400) }
        guard parts[1] != "s1" || place >= state.oldest else { throw AWSError("ExpiredIteratorException", "trimmed", status: 400) }
        let found = Array((state.records[parts[1]] ?? []).dropFirst(place).prefix(limit))
        let isEnd = state.shards.contains { $0.id == parts[1] && $0.isClosed } && found.isEmpty
        return found.isEmpty && !isEnd ? nil : StreamPage(records: found, next: isEnd ? nil : "\(parts[0]):\(parts[1]):\(place + found.count)")
      }
      if let page { return page }
      await arrived.wait()
      try Task.checkCancellation()
    }
  }
}

@Suite(.timeLimit(.minutes(1))) struct StreamPipeTests {
  private let stream = TestStream()
  private static let source: JSON = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"

  private func cloud(_ parameters: [(String, JSON)] = []) async throws -> PipesCloud {
    let cloud = try await PipesCloud(streams: ["kinesis": stream])
    let own: [(String, JSON)] = [("StartingPosition", "TRIM_HORIZON")] + parameters
    try await cloud.create([
      "Source": Self.source, "SourceParameters": ["KinesisStreamParameters": .object(JSONObject(own))],
      "TargetParameters": ["InputTemplate": "<$.data>"],
    ])
    return cloud
  }

  private func place(_ cloud: PipesCloud, _ shard: String = "s1") async throws -> ShardPlace? {
    let name = PipeName(account: .local, region: .usEast1, name: "p")
    return try await cloud.cloud.store.read { try $0.shardPlaces(name)[shard] }
  }
  private func reached(_ cloud: PipesCloud, _ place: String, _ shard: String = "s1") async {
    await eventually {
      cloud.cloud.clock.advance(.seconds(1))
      return (try? await self.place(cloud, shard)) == .iterator(place)
    }
  }

  @Test func `nothing of a stream is sent past a record that failed`() async throws {
    let cloud = try await cloud([("OnPartialBatchItemFailure", "AUTOMATIC_BISECT"), ("MaximumRetryAttempts", 0)])
    // A queue does not take an empty message.
    stream.put("a", "", "c")
    let bodies = try await cloud.running {
      await reached(cloud, "1:s1:3")
      try await cloud.send("end", to: "target")
      return try await cloud.bodies(3)
    }
    #expect(bodies == ["a", "c", "end"])
  }

  @Test func `a new shard does not put the others back`() async throws {
    let cloud = try await cloud()
    stream.put("a")
    try await cloud.running {
      await reached(cloud, "1:s1:1")
      stream.beforeIterator { shard in
        guard shard == "s2" else { return }
        stream.put("b")
        await eventually { (try? await place(cloud)) == .iterator("1:s1:2") }
      }
      stream.add("s2")
      await eventually {
        cloud.cloud.clock.advance(.seconds(1))
        return (try? await place(cloud, "s2")) != nil
      }
    }
    #expect(try await place(cloud) == .iterator("1:s1:2"))
  }

  @Test func `a pipe whose place is no longer kept goes on with what there is`() async throws {
    let cloud = try await cloud()
    stream.put("a")
    try await cloud.running { await reached(cloud, "1:s1:1") }
    stream.put("lost")
    stream.trim()
    stream.put("z")
    try await cloud.running { await reached(cloud, "1:s1:3") }
    #expect(try await cloud.bodies(2) == ["a", "z"])
  }

  @Test(arguments: [false, true])
  func `a stream that was made anew under its name is read from its beginning`(wasFinished: Bool) async throws {
    let cloud = try await cloud()
    stream.put("a", "b")
    try await cloud.running {
      await reached(cloud, "1:s1:2")
      guard wasFinished else { return }
      stream.close("s1")
      await eventually { (try? await place(cloud)) == .finished }
    }
    stream.remake()
    stream.put("z")
    try await cloud.running { await reached(cloud, "2:s1:1") }
    #expect(try await cloud.bodies(3) == ["a", "b", "z"])
  }

  @Test func `an update does not forget where the stream is to be read from`() async throws {
    let cloud = try await PipesCloud(streams: ["kinesis": stream])
    let began: JSON = ["BatchSize": 1, "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_000]
    try await cloud.create([
      "Source": Self.source, "DesiredState": "STOPPED", "SourceParameters": ["KinesisStreamParameters": began],
    ])
    let before = try await cloud.cloud.call("pipes", "DescribePipe", ["Name": "p"])["SourceParameters"]?["KinesisStreamParameters"]
    try await cloud.running {
      await eventually { (try? await cloud.state()) == "STOPPED" }
      try await cloud.cloud.call("pipes", "UpdatePipe", [
        "Name": "p", "RoleArn": .string(PipesCloud.role), "SourceParameters": ["KinesisStreamParameters": ["BatchSize": 7]],
      ])
    }
    let shown = try await cloud.cloud.call("pipes", "DescribePipe", ["Name": "p"])["SourceParameters"]?["KinesisStreamParameters"]
    #expect(shown?["BatchSize"] == 7 && shown?["StartingPosition"] == "AT_TIMESTAMP")
    #expect(shown?["StartingPositionTimestamp"] != nil && shown?["StartingPositionTimestamp"] == before?["StartingPositionTimestamp"])
  }
}

@Suite struct BusTargetTests {
  /// A bus that refuses some details.
  private final class Bus: Door {
    private static let events: ServiceModel = .parse(
      #"""
      service events signing=events endpoint=events version=2015-10-07 protocols=awsJson11 target=AWSEvents namespace=com.amazonaws.eventbridge validation=model
      o PutEvents POST / 200 PutEventsRequest PutEventsResponse - -
      s PutEventsRequest Entries:Entries
      l Entries Entry
      s Entry EventBusName:$s Source:$s DetailType:$s Detail:$s
      s PutEventsResponse FailedEntryCount:$i Entries:Results
      l Results Result
      s Result EventId:$s ErrorCode:$s ErrorMessage:$s
      """#)
    let taken = Recorder<String>()
    let refused: Set<String>
    init(refusing refused: Set<String>) { self.refused = refused }

    func model(_ service: String) -> ServiceModel? { service == "events" ? Self.events : nil }
    func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record? {
      let details = (input["Entries"]?.list ?? []).map { $0.record?["Detail"]?.string ?? "" }
      let results = details.map { detail -> JSON in
        if refused.contains(detail) { return ["ErrorCode": "InternalFailure", "ErrorMessage": .string(detail)] }
        taken.add(detail)
        return ["EventId": "1"]
      }
      return try Self.events.operations[operation]?.output.map { try Record($0, json: ["Entries": .array(results)]) }
    }
  }

  private func send(_ count: Int, _ bus: Bus, from source: String) async throws -> PipeTargets.Result {
    let sqs = try await PipesCloud().cloud.modules.lazy.compactMap { $0 as? any QueuePort }.first
    let targets = PipeTargets(
      carriers: TargetCarriers(door: bus, queues: try #require(sqs), roles: TestRoles()), ambient: .test())
    let pipe = Pipe(
      name: PipeName(account: .local, region: .usEast1, name: "p"), createdAt: .epoch, modifiedAt: .epoch, isWanted: true, state: .running,
      source: "arn:aws:\(source)", target: "arn:aws:events:us-east-1:000000000000:event-bus/b", role: PipesCloud.role, tags: [:])
    let events = (0..<count).map { PipeEvent(["n": JSON($0)]) }
    let caller = Caller(principal: .root(.local), account: .local, region: .usEast1, trace: TraceContext(.test()))
    return try await targets.send(events, ids: (0..<count).map { "\($0)" }, of: pipe, as: caller)
  }

  @Test func `only the entries that a bus refuses have failed, and later ones go on`() async throws {
    let bus = Bus(refusing: [#"{"n":3}"#])
    let result = try await send(25, bus, from: "sqs:us-east-1:000000000000:q")
    #expect(result.places == [3] && result.error?.code == "InternalFailure")
    #expect(bus.taken.count == 24)
  }

  @Test func `of a stream nothing is put behind the call that had a failure`() async throws {
    let bus = Bus(refusing: [#"{"n":3}"#])
    let result = try await send(25, bus, from: "kinesis:us-east-1:000000000000:stream/s")
    #expect(result.places == Set([3] + Array(10..<25)))
    #expect(bus.taken.count == 9)
  }
}
