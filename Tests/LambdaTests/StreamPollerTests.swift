import Base
import Fabric
import Synchronization
import TestCloud
import Testing

@testable import Lambda

private let failure = InvocationOutcome.functionError(FunctionError(body: Array(#"{"errorMessage":"no"}"#.utf8)))

/// Fails for events whose first record says so.
private func failing(_ bad: String) -> ScriptedFunction {
  ScriptedFunction { event in
    let data = event["Records"]?[0]?["kinesis"]?["data"]?.string ?? ""
    return decodeBase64(data)?.utf8Text == bad ? failure : .success([])
  }
}

/// How many run at the same time, in all and of each key.
private final class Gauge: Sendable {
  private let state = Mutex((running: [String: Int](), most: 0))
  var most: Int { state.withLock { $0.most } }
  func enter(_ key: String) -> Int {
    state.withLock { state in
      state.running[key, default: 0] += 1
      state.most = max(state.most, state.running.values.reduce(0, +))
      return state.running[key] ?? 0
    }
  }
  func leave(_ key: String) { state.withLock { $0.running[key, default: 1] -= 1 } }
}

@Suite(.timeLimit(.minutes(1))) struct StreamPollerTests {
  @Test func `records are handled in order, once, and reading goes on where it was`() async throws {
    let cloud = try await StreamCloud()
    cloud.stream.put(record(1, "a"), record(2, "b"), record(3, "c"))
    let mapping = try await cloud.map { $0.batchSize = 2 }
    #expect(try await cloud.answer(mapping).lastProcessingResult == "No records processed")
    try await cloud.reading(mapping) { await eventually { cloud.function.data.count == 2 } }
    #expect(cloud.function.data == [["a", "b"], ["c"]])
    #expect(try await cloud.position(mapping) == .after("3"))
    #expect(try await cloud.answer(mapping).lastProcessingResult == "OK")
    cloud.stream.put(record(4, "d"))
    try await cloud.reading(mapping) { await eventually { cloud.function.data.count == 3 } }
    #expect(cloud.function.data.last == ["d"])
  }

  @Test func `from the latest means from when the mapping began, also when it was stopped before the first record`() async throws {
    let cloud = try await StreamCloud()
    cloud.stream.put(record(1, "old"))
    let mapping = try await cloud.map { $0.startingPosition = "LATEST" }
    try await cloud.reading(mapping) { await eventually { (try? await cloud.position(mapping)) == .iterator("s1:1") } }
    cloud.stream.put(record(2, "new"))
    try await cloud.reading(mapping) { await eventually { !cloud.function.data.isEmpty } }
    #expect(cloud.function.data == [["new"]])
  }

  @Test func `a batch that fails for good is reported and passed over`() async throws {
    let cloud = try await StreamCloud(function: failing("bad"))
    let dead = "arn:aws:sqs:us-east-1:111111111111:dead"
    cloud.test.queues.queues.withLock { $0[dead] = (.seconds(30), false) }
    cloud.stream.put(record(1, at: cloud.test.clock.now(), "bad"), record(2, at: cloud.test.clock.now(), "good"))
    let mapping = try await cloud.map {
      ($0.batchSize, $0.maximumRetryAttempts) = (1, 1)
      $0.destinationConfig = input { $0.onFailure = input { $0.destination = dead } }
      $0.metricsConfig = input { $0.metrics = ["EventCount"] }
    }
    try await cloud.reading(mapping) {
      await eventually { (try? await cloud.answer(mapping).lastProcessingResult) == "PROBLEM: Function call failed" }
      await eventually { cloud.test.clock.sleeperCount > 0 }
      #expect(cloud.function.data == [["bad"]])
      while cloud.function.data.count < 3 {
        cloud.test.clock.advance(.seconds(1))
        await Task.yield()
      }
      await eventually { (try? await cloud.position(mapping)) == .after("2") }
    }
    #expect(cloud.function.data == [["bad"], ["bad"], ["good"]])
    let told = try #require(cloud.test.queues.sent.values.first)
    #expect(told.queue == dead && cloud.test.queues.sent.count == 1)
    let json = try JSON.parse(told.message.body)
    #expect(json["requestContext"]?["condition"] == "RetryAttemptsExhausted" && json["requestContext"]?["approximateInvokeCount"] == 2)
    #expect(json["KinesisBatchInfo"]?["startSequenceNumber"] == "1" && json["responseContext"]?["functionError"] == "Unhandled")
    let sums = Dictionary(
      cloud.metrics.drain().filter { $0.series.dimensions.first?.name == "EventSourceMappingUUID" }.map { ($0.series.name, $0.statistics.sum) },
      uniquingKeysWith: +)
    #expect(
      sums == [
        "PolledEventCount": 2, "InvokedEventCount": 3, "FailedInvokeEventCount": 2, "DroppedEventCount": 1,
        "OnFailureDestinationDeliveredEventCount": 1,
      ])
  }

  @Test func `children are read when their parent is exhausted`() async throws {
    let cloud = try await StreamCloud()
    cloud.stream.put(record(1, "parent"))
    let mapping = try await cloud.map()
    try await cloud.reading(mapping) {
      cloud.stream.close("s1", children: ["s2", "s3"])
      cloud.stream.put(record(2, "left"), to: "s2")
      cloud.stream.put(record(3, "right"), to: "s3")
      await eventually { cloud.function.data.count == 3 }
    }
    #expect(cloud.function.data.first == ["parent"] && Set(cloud.function.data.dropFirst()) == [["left"], ["right"]])
    #expect(try await cloud.position(mapping) == .finished)
  }

  @Test func `batches of a shard run side by side, those of one key one after the other`() async throws {
    let gauge = Gauge()
    let function = ScriptedFunction { event in
      let key = event["Records"]?[0]?["kinesis"]?["partitionKey"]?.string ?? ""
      #expect(gauge.enter(key) == 1)
      for _ in 0..<100 { await Task.yield() }
      gauge.leave(key)
      return .success([])
    }
    let cloud = try await StreamCloud(function: function)
    for number in 0..<40 { cloud.stream.put(record(number, key: "k\(number % 8)", "\(number)")) }
    let mapping = try await cloud.map { ($0.batchSize, $0.parallelizationFactor) = (1, 4) }
    try await cloud.reading(mapping) { await eventually { (try? await cloud.position(mapping)) == .after("39") } }
    let order = cloud.function.data.flatMap { $0 }.compactMap { Int($0) }
    #expect(order.count == 40 && gauge.most > 1)
    for key in 0..<8 {
      let ofKey = order.filter { $0 % 8 == key }
      #expect(ofKey == ofKey.sorted())
    }
  }

  @Test func `unwanted records are passed over`() async throws {
    let cloud = try await StreamCloud()
    let mapping = try await cloud.map { $0.filterCriteria = input { $0.filters = [input { $0.pattern = #"{"data":["yes"]}"# }] } }
    cloud.stream.put(record(1, "no"), record(2, "yes"), record(3, "no"))
    try await cloud.reading(mapping) { await eventually { (try? await cloud.position(mapping)) == .after("3") } }
    #expect(cloud.function.data == [["yes"]])
  }

  @Test func `a stream that cannot be read for a while is read again`() async throws {
    let cloud = try await StreamCloud()
    let mapping = try await cloud.map()
    cloud.stream.deny(true)
    try await cloud.reading(mapping) {
      await eventually { (try? await cloud.answer(mapping).lastProcessingResult)?.hasPrefix("PROBLEM: Cannot access stream") == true }
      cloud.stream.deny(false)
      cloud.stream.put(record(1, "a"))
      while cloud.function.data.isEmpty {
        cloud.test.clock.advance(.seconds(1))
        await Task.yield()
      }
    }
    #expect(cloud.function.data == [["a"]])
  }

  @Test func `two readers of a shard do not both move its position`() async throws {
    let cloud = try await StreamCloud()
    let mapping = try await cloud.map()
    let store = cloud.test.store
    try await store.transact { try ShardRows.begin(["s1": ShardRow(position: .iterator("s1:0"), owner: "")], of: mapping.uuid, in: $0) }
    var row = try #require(try await store.transact { try ShardRows.takeOver("s1", of: mapping.uuid, by: "first", in: $0) })
    _ = try await store.transact { try ShardRows.takeOver("s1", of: mapping.uuid, by: "second", in: $0) }
    row.position = .after("9")
    let isSaved = try await store.transact { [row] in try ShardRows.save(row, "s1", of: mapping.uuid, in: $0) }
    #expect(!isSaved)
    #expect(try await cloud.position(mapping) == .iterator("s1:0"))
  }

  @Test func `the last call of a window is not made again after a restart`() async throws {
    let cloud = try await StreamCloud()
    let begin = Instant(seconds: cloud.test.clock.now().seconds / 60 * 60)
    cloud.stream.put(record(1, at: begin, "a"))
    let mapping = try await cloud.map { $0.tumblingWindowInSeconds = 60 }
    @Sendable func windows() async -> [TumblingWindow?]? {
      try? await cloud.test.store.read { try ShardRows.all(of: mapping.uuid, $0)["s1"]?.windows }
    }
    try await cloud.reading(mapping) {
      await eventually { (await windows())?.first??.hasRun == true }
      cloud.test.clock.advance(.seconds(120))
      await eventually { cloud.function.events.count == 2 }
      await eventually { await windows() == [nil] }
    }
    try await cloud.reading(mapping) {
      cloud.stream.put(record(2, at: cloud.test.clock.now(), "b"))
      await eventually { cloud.function.data.contains(["b"]) }
    }
    #expect(cloud.function.data == [["a"], [], ["b"]])
  }

  @Test func `a mapping that is changed while its function runs has one reader`() async throws {
    let gate = Nudge()
    let function = ScriptedFunction { event in
      // As a function does that runs: it is not ended with its reader.
      if event["Records"]?.array?.count == 1 { await Task { await gate.wait() }.value }
      return .success([])
    }
    let cloud = try await StreamCloud(function: function)
    cloud.stream.put(record(1, "a"))
    let mapping = try await cloud.map { $0.batchSize = 1 }
    let plane = cloud.test.plane
    let runner = MappingRunner(
      control: plane,
      poller: QueuePoller(
        control: plane, invoker: function, queues: cloud.test.queues, roles: cloud.test.identity, metrics: cloud.metrics,
        hops: InvocationHops(port: EmptyHops(), ambient: plane.ambient), chaos: cloud.chaos, ambient: plane.ambient,
        logger: .init(label: "test")),
      streams: cloud.poller, ambient: plane.ambient, logger: .init(label: "test"))
    let running = Task { await runner.run() }
    await eventually { function.events.count == 1 }
    try await cloud.test.run(input(UpdateEventSourceMappingInput.self) { ($0.uuid, $0.batchSize) = (mapping.uuid, 2) })
    await eventually { (try? await plane.mapping(mapping.uuid))??.state == .enabled }
    cloud.stream.put(record(2, "b"), record(3, "c"))
    for _ in 0..<2000 { await Task.yield() }
    #expect(function.data == [["a"]])
    gate.nudge()
    await eventually { function.data.count == 2 }
    running.cancel()
    await running.value
    #expect(function.data == [["a"], ["b", "c"]])
  }

  @Test func `a mapping that is deleted leaves no positions`() async throws {
    let cloud = try await StreamCloud()
    cloud.stream.put(record(1, "a"))
    let mapping = try await cloud.map()
    try await cloud.reading(mapping) { await eventually { (try? await cloud.position(mapping)) == .after("1") } }
    try await cloud.test.run(input(DeleteEventSourceMappingInput.self) { $0.uuid = mapping.uuid })
    try await cloud.test.plane.removeMapping(mapping.uuid)
    #expect(try await cloud.position(mapping) == nil)
  }
}

@Suite struct StreamMappingTests {
  @Test func `a mapping of a stream echoes its defaults`() async throws {
    let cloud = try await StreamCloud()
    let made = EventSourceMappingConfiguration(try await cloud.test.run(StreamCloud.creation()))
    #expect(made.batchSize == 100 && made.parallelizationFactor == 1 && made.maximumRecordAgeInSeconds == -1)
    #expect(made.maximumRetryAttempts == -1 && made.bisectBatchOnFunctionError == false && made.tumblingWindowInSeconds == 0)
    #expect(made.stateTransitionReason == "User action" && made.lastProcessingResult == "No records processed")
    #expect(made.destinationConfig?.onFailure != nil && made.destinationConfig?.onFailure?.destination == nil)
    #expect(made.startingPosition == "TRIM_HORIZON" && made.functionResponseTypes == [])
  }

  @Test func `everything that a stream has is kept, changed and taken away`() async throws {
    let cloud = try await StreamCloud()
    let queue = "arn:aws:sqs:us-east-1:111111111111:dead"
    let past = cloud.test.clock.now() - .hours(1)
    let mapping = try await cloud.map {
      ($0.startingPosition, $0.startingPositionTimestamp, $0.batchSize) = ("AT_TIMESTAMP", past, 10_000)
      ($0.parallelizationFactor, $0.maximumRecordAgeInSeconds, $0.maximumRetryAttempts) = (10, 60, 5)
      ($0.bisectBatchOnFunctionError, $0.tumblingWindowInSeconds) = (true, 900)
      $0.destinationConfig = input { $0.onFailure = input { $0.destination = queue } }
    }
    let kept = try await cloud.answer(mapping)
    #expect(kept.startingPosition == "AT_TIMESTAMP" && kept.startingPositionTimestamp == past && kept.batchSize == 10_000)
    #expect(kept.parallelizationFactor == 10 && kept.maximumRecordAgeInSeconds == 60 && kept.maximumRetryAttempts == 5)
    #expect(kept.bisectBatchOnFunctionError == true && kept.tumblingWindowInSeconds == 900)
    #expect(kept.destinationConfig?.onFailure?.destination == queue)
    let update = input(UpdateEventSourceMappingInput.self) {
      ($0.uuid, $0.maximumRecordAgeInSeconds, $0.maximumRetryAttempts, $0.tumblingWindowInSeconds) = (mapping.uuid, -1, -1, 0)
      $0.destinationConfig = input { $0.onFailure = input { $0.destination = "" } }
    }
    let changed = EventSourceMappingConfiguration(try await cloud.test.run(update))
    #expect(changed.state == "Updating" && changed.maximumRecordAgeInSeconds == -1 && changed.maximumRetryAttempts == -1)
    #expect(changed.tumblingWindowInSeconds == 0 && changed.destinationConfig?.onFailure?.destination == nil)
    #expect(changed.parallelizationFactor == 10 && changed.bisectBatchOnFunctionError == true)
  }

  private static let refused: [(String, @Sendable (inout CreateEventSourceMappingInput) -> Void, String)] = [
    (
      "no position", { $0.startingPosition = nil },
      "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
    ),
    ("no time", { $0.startingPosition = "AT_TIMESTAMP" }, "StartingPositionTimestamp must be specified"),
    (
      "a time to come", { ($0.startingPosition, $0.startingPositionTimestamp) = ("AT_TIMESTAMP", Instant(seconds: 1_800_000_000)) },
      "StartingPositionTimestamp cannot be in the future."
    ),
    (
      "a table by time",
      {
        ($0.eventSourceArn, $0.startingPosition) = ("arn:aws:dynamodb:us-east-1:111111111111:table/t/stream/l", "AT_TIMESTAMP")
      }, "Unsupported starting position for arn type: arn:aws:dynamodb:us-east-1:111111111111:table/t/stream/l"
    ),
    (
      "a table", { $0.eventSourceArn = "arn:aws:dynamodb:us-east-1:111111111111:table/t/stream/l" },
      "An event source of the service dynamodb is not supported"
    ),
    ("no stream of a table", { $0.eventSourceArn = "arn:aws:dynamodb:us-east-1:111111111111:table/t" }, "Unrecognized event source."),
    ("Kafka", { $0.eventSourceArn = "arn:aws:kafka:us-east-1:111111111111:cluster/c/1" }, "An event source of the service kafka"),
    ("MQ", { $0.eventSourceArn = "arn:aws:mq:us-east-1:111111111111:broker:b:1" }, "An event source of the service mq"),
    ("DocumentDB", { $0.eventSourceArn = "arn:aws:rds:us-east-1:111111111111:cluster:c" }, "An event source of the service rds"),
    ("11 lanes", { $0.parallelizationFactor = 11 }, "1 validation error detected: Value '11' at 'parallelizationFactor'"),
    ("age 59", { $0.maximumRecordAgeInSeconds = 59 }, "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800."),
    ("age 0", { $0.maximumRecordAgeInSeconds = 0 }, "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800."),
    ("10001 retries", { $0.maximumRetryAttempts = 10_001 }, "1 validation error detected: Value '10001' at 'maximumRetryAttempts'"),
    ("window 901", { $0.tumblingWindowInSeconds = 901 }, "1 validation error detected: Value '901' at 'tumblingWindowInSeconds'"),
    (
      "bucket", { $0.destinationConfig = input { $0.onFailure = input { $0.destination = "arn:aws:s3:::b/c" } } },
      "The destination ARN arn:aws:s3:::b/c is invalid."
    ),
    (
      "FIFO queue",
      { $0.destinationConfig = input { $0.onFailure = input { $0.destination = "arn:aws:sqs:us-east-1:111111111111:q.fifo" } } },
      "The destination ARN arn:aws:sqs:us-east-1:111111111111:q.fifo is invalid."
    ),
    (
      "success", { $0.destinationConfig = input { $0.onSuccess = input { $0.destination = "arn:aws:sqs:us-east-1:111111111111:q" } } },
      "Unsupported OnSuccess destination for given event source mapping type."
    ),
    (
      "concurrency", { $0.scalingConfig = input { $0.maximumConcurrency = 5 } },
      "Unsupported ScalingConfig parameter for given event source mapping type."
    ),
    (
      "pollers", { $0.provisionedPollerConfig = input { $0.minimumPollers = 5 } },
      "Unsupported ProvisionedPollerConfig parameter for given event source mapping type."
    ),
  ]
  @Test(arguments: refused)
  func `a mapping of a stream that cannot be is refused`(
    what: String, change: @Sendable (inout CreateEventSourceMappingInput) -> Void, text: String
  ) async throws {
    let refusal = await (try StreamCloud()).test.refusal(StreamCloud.creation(change))
    #expect(
      refusal.hasPrefix("InvalidParameterValueException: " + text) || refusal.hasPrefix("ValidationException: " + text),
      "\(what): \(refusal)")
  }

  @Test func `the stream must exist, the role may read it and tell the destination, and a source feeds a function once`() async throws {
    let cloud = try await StreamCloud()
    let mapping = try await cloud.map()
    #expect(
      await cloud.test.refusal(StreamCloud.creation())
        == "ResourceConflictException: The event source arn (\" \(streamARN) \") and function (\" orders \") provided mapping already "
        + "exists. Please update or delete the existing mapping with UUID \(mapping.uuid)")
    cloud.stream.deny(true)
    #expect(
      await cloud.test.refusal(StreamCloud.creation()).hasPrefix(
        "InvalidParameterValueException: Cannot access stream \(streamARN). Please ensure the role can perform the GetRecords, "))
    cloud.stream.deny(false)
    cloud.test.identity.denied.withLock { $0 = ["sqs:SendMessage"] }
    let destination = StreamCloud.creation {
      $0.destinationConfig = input { $0.onFailure = input { $0.destination = "arn:aws:sqs:us-east-1:111111111111:q" } }
    }
    #expect(await cloud.test.refusal(destination).contains("does not have permissions to call SendMessage on SQS"))
    cloud.stream.lose()
    #expect(await cloud.test.refusal(StreamCloud.creation()) == "InvalidParameterValueException: Stream not found: \(streamARN)")
  }
}
