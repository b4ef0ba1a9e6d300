import Base
import Fabric
import Logging
import Synchronization
import TestCloud
import Wire

@testable import Lambda

/// A stream in memory that a test fills, splits and closes.
final class ScriptedStream: StreamPort {
  private struct Shard {
    var shard: StreamShard
    var records: [StreamRecord] = []
    var changed = Nudge()
  }
  private struct State {
    var shards: [Shard] = []
    var isMissing = false
    var isDenied = false
  }
  private let state = Mutex(State())
  private let clock: any AmbientClock
  let actions = ["GetRecords", "GetShardIterator", "DescribeStream", "ListShards"]

  init(clock: any AmbientClock, shards: [StreamShard]) {
    self.clock = clock
    state.withLock { $0.shards = shards.map { Shard(shard: $0) } }
  }

  func lose() { state.withLock { $0.isMissing = true } }
  func deny(_ isDenied: Bool) { state.withLock { $0.isDenied = isDenied } }
  func put(_ records: StreamRecord..., to shard: String = "s1") { change(shard) { $0.records += records } }
  /// Nothing more comes to a shard; others come from it.
  func close(_ shard: String, children: [String] = []) {
    state.withLock { $0.shards += children.map { Shard(shard: StreamShard(id: $0, parents: [shard])) } }
    change(shard) { $0.shard.isClosed = true }
  }
  private func change(_ id: String, _ body: (inout Shard) -> Void) {
    state.withLock { state in
      for place in state.shards.indices where state.shards[place].shard.id == id {
        body(&state.shards[place])
        state.shards[place].changed.nudge()
      }
    }
  }

  private func check(_ stream: ARN) throws {
    try state.withLock { state in
      if state.isMissing { throw AWSError("ResourceNotFoundException", "Stream \(stream) not found.") }
      if state.isDenied { throw AWSError("AccessDeniedException", "denied") }
    }
  }
  private func shard(_ id: String) throws -> Shard {
    guard let found = state.withLock({ $0.shards.first { $0.shard.id == id } }) else {
      throw AWSError("ResourceNotFoundException", "no shard \(id)")
    }
    return found
  }

  func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription {
    try check(stream)
    return StreamDescription(shards: state.withLock { $0.shards.map(\.shard) })
  }

  func iterator(_ stream: ARN, shard id: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    try check(stream)
    let records = try shard(id).records
    let place = switch position {
    case .trimHorizon: 0
    case .latest: records.count
    case .timestamp(let time): records.firstIndex { $0.arrival >= time } ?? records.count
    case .after(let number): (records.firstIndex { $0.sequenceNumber == number } ?? -1) + 1
    }
    return "\(id):\(place)"
  }

  func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    let parts = iterator.split(separator: ":")
    guard parts.count == 2, let place = Int(parts[1]) else { throw AWSError("InvalidArgumentException", "bad iterator") }
    let id = String(parts[0])
    if try shard(id).records.count <= place, !(try shard(id).shard.isClosed) {
      try await shard(id).changed.wait(until: clock.now() + wait, clock: clock)
      try Task.checkCancellation()
    }
    try check(stream)
    let found = try shard(id)
    let page = Array(found.records.dropFirst(place).prefix(limit))
    let isEnd = found.shard.isClosed && place + page.count >= found.records.count
    return StreamPage(records: page, next: isEnd ? nil : "\(id):\(place + page.count)")
  }
}

/// Answers events as a test says, and remembers them.
final class ScriptedFunction: FunctionInvoker {
  private let answer: @Sendable (JSON) async throws -> InvocationOutcome
  let events = Recorder<JSON>()
  init(_ answer: @escaping @Sendable (JSON) async throws -> InvocationOutcome = { _ in .success([]) }) { self.answer = answer }

  func invoke(_ resolved: ResolvedFunction, payload: [UInt8], invokedARN: String, trace: TraceContext) async throws
    -> (requestID: String, result: InvocationResult)
  {
    let event = try JSON.parse(payload)
    events.add(event)
    return (
      "request", InvocationResult(outcome: try await answer(event), executedVersion: "$LATEST", logTail: [], duration: .milliseconds(1))
    )
  }

  /// The data of the records of each event.
  var data: [[String]] {
    events.values.map { event in
      (event["Records"]?.array ?? []).map { decodeBase64($0["kinesis"]?["data"]?.string ?? "")?.utf8Text ?? "" }
    }
  }
}

/// A control plane with the function `orders` and the stream `clicks`, and a reader of its mapping.
struct StreamCloud {
  let test: TestPlane
  let stream: ScriptedStream
  let function: ScriptedFunction
  let metrics = FunctionMetrics()
  let chaos: Chaos

  init(_ shards: [StreamShard] = [StreamShard(id: "s1")], function: ScriptedFunction = ScriptedFunction()) async throws {
    let clock = TestClock()
    chaos = Chaos(ambient: .test(clock: clock), hops: EmptyHops())
    let stream = ScriptedStream(clock: clock, shards: shards)
    test = TestPlane(clock: clock, streams: ["kinesis": stream])
    (self.stream, self.function) = (stream, function)
    _ = try await test.create()
  }

  static func creation(_ change: (inout CreateEventSourceMappingInput) -> Void = { _ in }) -> CreateEventSourceMappingInput {
    input {
      ($0.functionName, $0.eventSourceArn, $0.startingPosition) = ("orders", streamARN.text, "TRIM_HORIZON")
      change(&$0)
    }
  }

  func map(_ change: (inout CreateEventSourceMappingInput) -> Void = { _ in }) async throws -> EventSourceMapping {
    let made = EventSourceMappingConfiguration(try await test.run(Self.creation(change)))
    try await test.plane.setMappingState(made.uuid ?? "", from: .creating, to: .enabled)
    return try await test.plane.mapping(made.uuid ?? "").orThrow(LambdaError.noSuchResource())
  }

  var poller: StreamPoller {
    StreamPoller(
      delivery: StreamDelivery(
        control: test.plane, invoker: function,
        targets: ReportTargets(
          TargetCarriers(door: NoDoor(), queues: test.queues, roles: test.identity), test.objects, test.plane.ambient),
        roles: test.identity, metrics: metrics, hops: InvocationHops(port: EmptyHops(), ambient: test.plane.ambient), chaos: chaos,
        ambient: test.plane.ambient,
        logger: Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }))
  }

  /// Reads the stream while the body runs, and to the end of what runs then.
  func reading(_ mapping: EventSourceMapping, _ body: @escaping @Sendable () async throws -> Void) async throws {
    let stop = Nudge()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await poller.run(mapping, until: stop) }
      group.addTask {
        defer { stop.nudge() }
        try await body()
      }
      try await group.waitForAll()
    }
  }

  func answer(_ mapping: EventSourceMapping) async throws -> EventSourceMappingConfiguration {
    EventSourceMappingConfiguration(try await test.run(input(GetEventSourceMappingInput.self) { $0.uuid = mapping.uuid }))
  }
  func position(_ mapping: EventSourceMapping, _ shard: String = "s1") async throws -> ShardRow.Position? {
    try await test.store.read { try ShardRows.all(of: mapping.uuid, $0)[shard]?.position }
  }
}

/// Leads to no service.
struct NoDoor: Door {
  func model(_ service: String) -> ServiceModel? { nil }
  func call(_ service: String, _ operation: String, _ input: Record, as caller: Caller) async throws -> Record? {
    throw AWSError("NotImplemented", "no service \(service)", status: 501, fault: .server)
  }
}
