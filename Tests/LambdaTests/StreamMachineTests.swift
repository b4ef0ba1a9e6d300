import Base
import Fabric
import Testing

@testable import Lambda

let streamARN = ARN("kinesis", .usEast1, .one, "stream/clicks")

/// A mapping of the stream `clicks` to the function `orders`.
func streamMapping(
  batchSize: Int = 100, window: Duration = .zero, reports: Bool = false, of source: ARN = streamARN,
  _ change: (inout StreamSettings) -> Void = { _ in }
) -> EventSourceMapping {
  var settings = StreamSettings(start: .trimHorizon)
  change(&settings)
  return EventSourceMapping(
    uuid: "11111111-1111-4111-8111-111111111111", account: .one, region: .usEast1, source: source,
    function: FunctionID(account: .one, region: .usEast1, name: "orders"), batchSize: batchSize, batchingWindow: window,
    reportsBatchItemFailures: reports, state: .enabled, lastModified: start, stream: settings)
}

private let start = Instant(seconds: 1_700_000_000)

func record(_ number: Int, at time: Instant = Instant(seconds: 1_700_000_000), key: String = "k", _ data: String = "x") -> StreamRecord {
  StreamRecord(sequenceNumber: String(number), partitionKey: key, arrival: time, content: .data(Array(data.utf8)))
}
private func records(_ range: ClosedRange<Int>) -> [StreamRecord] { range.map { record($0) } }
private let failed = StreamResponse(requestID: "r", executedVersion: "$LATEST", isFunctionError: true)
private let answered = StreamResponse(requestID: "r", executedVersion: "$LATEST", isFunctionError: false)

private func numbers(_ records: [StreamRecord]) -> String { records.map(\.sequenceNumber).joined(separator: ",") }

@Suite struct StreamRetryTests {
  /// Records, bisects, maximum retries, failures before, first failed record → done | tried again | given up.
  private static let cases: [(ClosedRange<Int>, Bool, Int?, Int, Int, String)] = [
    (1...4, false, nil, 0, 0, "|1,2,3,4 f1|"), (1...4, false, nil, 99, 0, "|1,2,3,4 f100|"),
    (1...4, false, 2, 1, 0, "|1,2,3,4 f2|"), (1...4, false, 2, 2, 0, "||1,2,3,4"), (1...4, false, 0, 0, 0, "||1,2,3,4"),
    // Halves use up no retry; what cannot be halved does.
    (1...4, true, 0, 0, 0, "|1,2 f0 3,4 f0|"), (1...5, true, 3, 1, 0, "|1,2 f1 3,4,5 f1|"), (1...1, true, 1, 0, 0, "|1 f1|"),
    (1...1, true, 1, 1, 0, "||1"),
    // What was named as failed goes on from there.
    (1...4, false, 5, 3, 2, "1,2|3,4 f1|"), (1...4, true, 5, 3, 2, "1,2|3,4 f1|"), (1...4, false, 0, 0, 2, "1,2||3,4"),
    (1...4, true, 5, 0, 0, "|1,2 f0 3,4 f0|"),
  ]
  @Test(arguments: cases)
  func `a batch that failed is tried again, split or given up`(
    range: ClosedRange<Int>, bisects: Bool, maximum: Int?, failures: Int, first: Int, expected: String
  ) {
    var settings = StreamSettings(start: .latest)
    (settings.bisectsOnError, settings.maximumRetryAttempts) = (bisects, maximum)
    let batch = StreamBatch(records: records(range), runs: failures, failures: failures)
    let verdict = StreamRetry.afterFailure(of: batch, from: first, failed, settings, now: start)
    let retries = verdict.retries.map { "\(numbers($0.records)) f\($0.failures)" }.joined(separator: " ")
    #expect("\(numbers(verdict.done))|\(retries)|\(numbers(verdict.discard?.batch.records ?? []))" == expected)
    #expect(verdict.retries.allSatisfy { $0.runs == failures + 1 && $0.due == start + .seconds(1) })
    #expect(verdict.discard.map { $0.batch.runs == failures + 1 && $0.condition == .attemptsExhausted } ?? true)
  }

  @Test(arguments: [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (40, 60)])
  func `the pause doubles from a second to a minute`(setbacks: Int, seconds: Int) {
    let batch = StreamRetry.afterRefusal(of: StreamBatch(records: records(1...2), setbacks: setbacks), now: start)
    #expect(batch.due == start + .seconds(seconds) && batch.failures == 0 && batch.runs == 0)
  }

  @Test(arguments: [(59, "", "1,2,3"), (60, "", "1,2,3"), (61, "1", "2,3"), (81, "1,2,3", "")])
  func `records that are too old are taken out of their batch`(age: Int, old: String, left: String) {
    var settings = StreamSettings(start: .latest)
    settings.maximumRecordAge = .seconds(60)
    var batch = StreamBatch(records: (1...3).map { record($0, at: start + .seconds(10 * ($0 - 1))) })
    let discard = StreamRetry.expired(of: &batch, settings, now: start + .seconds(age))
    #expect(numbers(discard?.batch.records ?? []) == old && numbers(batch.records) == left)
    #expect(discard.map { $0.condition == .ageExceeded } ?? old.isEmpty)
    settings.maximumRecordAge = nil
    #expect(StreamRetry.expired(of: &batch, settings, now: .distantFuture) == nil)
  }
}

@Suite struct ShardLaneTests {
  private func lane(
    _ mapping: EventSourceMapping = streamMapping(), _ records: [StreamRecord] = [], now: Instant = start
  ) -> ShardLane {
    var lane = ShardLane(mapping, mapping.stream ?? StreamSettings(start: .latest))
    lane.add(records, now: now)
    return lane
  }
  /// What a lane does next: `run 1,2`, `discard 1`, `wait 5`, `wait`, `ended`.
  private func shown(_ lane: inout ShardLane, at seconds: Int = 0) -> String {
    switch lane.next(now: start + .seconds(seconds)) {
    case .run(let call): "run \(numbers(call.batch.records))" + (call.isFinal ? "final \(call.window?.state.utf8Text ?? "")" : "")
    case .discard(let discard): "discard \(numbers(discard.batch.records)) \(discard.condition.rawValue)"
    case .wait(nil): "wait"
    case .wait(let until?): "wait \((until - start).components.seconds)"
    case .ended: "ended"
    }
  }
  private func succeed(_ lane: inout ShardLane, _ answer: String = "", at seconds: Int = 0) -> String {
    numbers(lane.settle(.succeeded(Array(answer.utf8), answered), now: start + .seconds(seconds)).done)
  }

  @Test func `one batch of a lane runs at a time, in order, as large as it may be`() {
    var lane = lane(streamMapping(batchSize: 2), records(1...5))
    #expect(shown(&lane) == "run 1,2" && shown(&lane) == "wait")
    #expect(succeed(&lane) == "1,2")
    #expect(shown(&lane) == "run 3,4")
    lane.add(records(6...6), now: start)
    #expect(succeed(&lane) == "3,4" && shown(&lane) == "run 5,6" && succeed(&lane) == "5,6" && shown(&lane) == "wait")
    lane.end()
    #expect(shown(&lane) == "ended")
  }

  @Test func `a batch waits for its window unless it is full or the shard ends`() {
    var lane = lane(streamMapping(batchSize: 3, window: .seconds(10)), records(1...2))
    #expect(shown(&lane) == "wait 10" && shown(&lane, at: 10) == "run 1,2")
    _ = succeed(&lane, at: 10)
    lane.add(records(3...6), now: start + .seconds(11))
    #expect(shown(&lane, at: 11) == "run 3,4,5")
    _ = succeed(&lane, at: 12)
    #expect(shown(&lane, at: 12) == "wait 21")
    lane.end()
    #expect(shown(&lane, at: 12) == "run 6")
  }

  @Test func `a batch is closed before its event is larger than six megabytes`() {
    let large = String(repeating: "x", count: 1 << 20)
    var lane = lane(streamMapping(window: .seconds(60)), (1...6).map { record($0, large) })
    guard case .run(let call) = lane.next(now: start) else { Issue.record("no batch"); return }
    #expect(call.batch.records.count == 4)
    let event = StreamEvent(source: streamARN, shard: "s", role: "r").payload(call)
    #expect(event.count <= 6 << 20)
  }

  @Test func `a failed batch holds up its lane until it is done or given up`() {
    var lane = lane(streamMapping(batchSize: 2) { $0.maximumRetryAttempts = 1 }, records(1...4))
    #expect(shown(&lane) == "run 1,2")
    #expect(lane.settle(.functionFailed(failed), now: start) == ShardLane.Settled())
    #expect(shown(&lane) == "wait 1" && shown(&lane, at: 1) == "run 1,2")
    let settled = lane.settle(.functionFailed(failed), now: start + .seconds(1))
    #expect(settled.discard?.batch.runs == 2 && numbers(settled.discard?.batch.records ?? []) == "1,2")
    #expect(shown(&lane, at: 1) == "run 3,4")
  }

  @Test func `bisection finds the one bad record`() {
    var lane = lane(
      streamMapping {
        ($0.bisectsOnError, $0.maximumRetryAttempts) = (true, 0)
      }, records(1...8))
    var done: [String] = [], given: [String] = [], seconds = 0
    while given.count + done.count < 8, seconds < 1000 {
      guard case .run(let call) = lane.next(now: start + .seconds(seconds)) else { seconds += 1; continue }
      let isBad = call.batch.sequenceNumbers.contains("6")
      let settled = lane.settle(isBad ? .functionFailed(failed) : .succeeded([], answered), now: start + .seconds(seconds))
      done += settled.done.map(\.sequenceNumber)
      given += settled.discard?.batch.sequenceNumbers ?? []
    }
    #expect(done == ["1", "2", "3", "4", "5", "7", "8"] && given == ["6"])
  }

  @Test func `a reported failure goes on from the lowest sequence number`() {
    var lane = lane(streamMapping(reports: true), records(1...5))
    _ = shown(&lane)
    let answer = #"{"batchItemFailures":[{"itemIdentifier":"4"},{"itemIdentifier":"3"}]}"#
    #expect(succeed(&lane, answer) == "1,2")
    #expect(shown(&lane, at: 1) == "run 3,4,5")
    #expect(succeed(&lane, #"{"batchItemFailures":[{"itemIdentifier":"nine"}]}"#, at: 1) == "")
    #expect(shown(&lane, at: 3) == "run 3,4,5")
    #expect(succeed(&lane, "null", at: 3) == "3,4,5")
  }

  @Test func `a throttled batch is tried until its records are too old`() {
    var lane = lane(
      streamMapping { ($0.maximumRecordAge, $0.maximumRetryAttempts) = (.seconds(60), 0) }, records(1...2))
    var seconds = 0, runs = 0
    while true {
      let step = shown(&lane, at: seconds)
      if step.hasPrefix("discard") { #expect(step == "discard 1,2 RecordAgeExceeded"); break }
      if step == "run 1,2" {
        runs += 1
        #expect(lane.settle(.notRun, now: start + .seconds(seconds)) == ShardLane.Settled())
      }
      seconds += 1
    }
    #expect(runs == 6 && seconds > 60 && shown(&lane, at: seconds) == "wait")
  }

  @Test func `a tumbling window hands its state on and ends with a call of its own`() {
    let time = Instant(seconds: 1_700_000_040)  // the beginning of a minute
    var lane = lane(streamMapping(batchSize: 2) { $0.tumblingWindow = .seconds(60) })
    lane.add([record(1, at: time), record(2, at: time), record(3, at: time + .seconds(59)), record(4, at: time + .seconds(60))], now: time)
    #expect(shown(&lane, at: 40) == "run 1,2")
    #expect(succeed(&lane, #"{"state":{"n":2}}"#) == "1,2")
    #expect(shown(&lane, at: 40) == "run 3" && lane.window?.state.utf8Text == #"{"n":2}"#)
    _ = succeed(&lane, #"{"state":{"n":3}}"#)
    #expect(shown(&lane, at: 40) == #"run final {"n":3}"#)
    #expect(succeed(&lane) == "" && lane.window == nil)
    #expect(shown(&lane, at: 100) == "run 4" && lane.window?.start == time + .seconds(60) && lane.window?.state.utf8Text == "{}")
    _ = succeed(&lane, "null")
    #expect(shown(&lane, at: 101) == "wait 160")
    // The end of the shard closes what is open.
    lane.end()
    #expect(shown(&lane, at: 101) == "run final {}")
    _ = lane.settle(.functionFailed(failed), now: start + .seconds(101))
    #expect(shown(&lane, at: 102) == "run final {}")
    _ = succeed(&lane)
    #expect(shown(&lane, at: 102) == "ended")
  }

  @Test func `a window ends when the clock is set back before it`() {
    let ahead = start + .hours(1)
    var lane = lane(streamMapping { $0.tumblingWindow = .seconds(60) }, [record(1, at: ahead)], now: ahead)
    #expect(shown(&lane, at: 3600) == "run 1")
    _ = succeed(&lane, #"{"state":{"n":1}}"#)
    #expect(shown(&lane, at: 3601).hasPrefix("wait"))
    #expect(shown(&lane, at: 5) == #"run final {"n":1}"#)
  }

  @Test func `a state that is too large ends its window early`() {
    var lane = lane(streamMapping { $0.tumblingWindow = .seconds(60) }, [record(1)])
    _ = shown(&lane)
    let state = #"{"state":{"x":"\#(String(repeating: "x", count: 1 << 20))"}}"#
    _ = succeed(&lane, state)
    guard case .run(let call) = lane.next(now: start) else { Issue.record("no end"); return }
    #expect(call.isFinal && call.window?.isTooLarge == true)
    let event = try? JSON.parse(StreamEvent(source: streamARN, shard: "s", role: "r").payload(call))
    #expect(event?["isWindowTerminatedEarly"]?.bool == true && event?["isFinalInvokeForWindow"]?.bool == true)
  }
}

@Suite struct ShardProgressTests {
  @Test func `the checkpoint is the last record before which everything is done`() {
    var progress = ShardProgress(checkpoint: "0")
    /// Whether the checkpoint moves, and where it is then.
    func done(_ numbers: String...) -> String {
      let hasMoved = progress.done(numbers)
      return "\(hasMoved) \(progress.checkpoint ?? "") \(progress.outstandingCount)"
    }
    progress.read(["1", "2", "3"])
    #expect(done("2") == "false 0 3")
    #expect(done("1") == "true 2 1")
    progress.read(["4", "5"])
    #expect(done("5", "unknown") == "false 2 3")
    #expect(done("4", "3") == "true 5 0")
  }
}

@Suite struct ShardPlanTests {
  private let shards = [
    StreamShard(id: "a", isClosed: true), StreamShard(id: "b", parents: ["a"]), StreamShard(id: "c", parents: ["a", "gone"]),
  ]

  @Test func `from the beginning, parents come before their children`() {
    var plan = ShardPlan(shards, known: [:], start: .trimHorizon)
    #expect(plan.beginnings.map(\.shard) == ["a", "b", "c"] && plan.readable == ["a"] && plan.skipped.isEmpty)
    plan = ShardPlan(shards, known: ["a": false, "b": false, "c": false], start: .trimHorizon)
    #expect(plan.beginnings.isEmpty && plan.readable == ["a"])
    plan = ShardPlan(shards, known: ["a": true, "b": false, "c": true], start: .trimHorizon)
    #expect(plan.readable == ["b"])
  }

  @Test func `from the latest, closed shards are passed over, and shards that come later are read whole`() {
    let plan = ShardPlan(shards, known: [:], start: .latest)
    #expect(plan.skipped == ["a"] && plan.readable == ["b", "c"] && plan.beginnings.allSatisfy { $0.position == .latest })
    let later = ShardPlan(
      shards + [StreamShard(id: "d", parents: ["b"])], known: ["a": true, "b": true, "c": false], start: .latest)
    #expect(later.beginnings.map(\.shard) == ["d"] && later.beginnings[0].position == .trimHorizon && later.readable == ["c", "d"])
  }
}

@Suite struct StreamEventTests {
  @Test func `a record of Kinesis has the members of AWS`() throws {
    let call = ShardLane.Call(batch: StreamBatch(records: [record(7, at: Instant(milliseconds: 1_545_084_650_987), key: "1", "Hello")]))
    let event = try JSON.parse(StreamEvent(source: streamARN, shard: "shardId-000000000006", role: "arn:aws:iam::1:role/r").payload(call))
    #expect(
      event == [
        "Records": [
          [
            "kinesis": [
              "kinesisSchemaVersion": "1.0", "partitionKey": "1", "sequenceNumber": "7", "data": "SGVsbG8=",
              "approximateArrivalTimestamp": .double(1_545_084_650.987),
            ],
            "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": "shardId-000000000006:7",
            "eventName": "aws:kinesis:record", "invokeIdentityArn": "arn:aws:iam::1:role/r", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:111111111111:stream/clicks",
          ]
        ]
      ])
  }

  @Test func `a change of a table is handed on as it is, and a window says where it stands`() throws {
    let change = StreamRecord(
      sequenceNumber: "1", partitionKey: "k", arrival: start,
      content: .change(eventID: "e1", eventName: "INSERT", image: Array(#"{"Keys":{"id":{"S":"1"}}}"#.utf8)))
    let window = TumblingWindow(of: Instant(seconds: 1_596_128_430), length: .minutes(5))
    let call = ShardLane.Call(batch: StreamBatch(records: [change]), window: window)
    let source = ARN("dynamodb", .usEast1, .one, "table/t/stream/2020")
    let event = try JSON.parse(StreamEvent(source: source, shard: "shard-1", role: "r").payload(call))
    #expect(event["Records"]?[0]?["dynamodb"] == ["Keys": ["id": ["S": "1"]]] && event["Records"]?[0]?["eventSource"] == "aws:dynamodb")
    #expect(event["window"] == ["start": "2020-07-30T17:00:00Z", "end": "2020-07-30T17:05:00Z"])
    #expect(event["state"] == [:] && event["shardId"] == "shard-1" && event["eventSourceARN"] == .string(source.text))
    #expect(event["isFinalInvokeForWindow"]?.bool == false && event["isWindowTerminatedEarly"]?.bool == false)
  }

  private func told(_ condition: StreamDiscard.Condition, _ response: StreamResponse?, of source: ARN = streamARN) throws -> JSON {
    let batch = StreamBatch(
      records: [record(3, at: Instant(milliseconds: 1_573_691_884_835)), record(5, at: Instant(milliseconds: 1_573_691_900_000))],
      runs: 2, response: response)
    return try JSON.parse(
      StreamFailureRecord(
        discard: StreamDiscard(batch: batch, condition: condition), mapping: streamMapping(of: source), shard: "s1", requestID: "new",
        time: Instant(milliseconds: 1_573_691_909_648)
      ).json)
  }

  @Test func `the destination of discarded records is told where they were`() throws {
    #expect(
      try told(.attemptsExhausted, failed) == [
        "requestContext": [
          "requestId": "r", "functionArn": "arn:aws:lambda:us-east-1:111111111111:function:orders",
          "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 2,
        ],
        "responseContext": ["statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"],
        "version": "1.0", "timestamp": "2019-11-14T00:38:29.648Z",
        "KinesisBatchInfo": [
          "shardId": "s1", "startSequenceNumber": "3", "endSequenceNumber": "5",
          "approximateArrivalOfFirstRecord": "2019-11-14T00:38:04.835Z",
          "approximateArrivalOfLastRecord": "2019-11-14T00:38:20.000Z", "batchSize": 2, "streamArn": .string(streamARN.text),
        ],
      ])
    let old = try told(.ageExceeded, nil, of: ARN("dynamodb", .usEast1, .one, "table/t/stream/2020"))
    #expect(old["responseContext"] == nil && old["requestContext"]?["requestId"] == "new" && old["DDBStreamBatchInfo"]?["batchSize"] == 2)
  }

  @Test(arguments: [
    (#"{"data":{"kind":["order"]}}"#, #"{"kind":"order"}"#, true), (#"{"data":{"kind":["order"]}}"#, "order", false),
    (#"{"data":["order"]}"#, "order", true), (#"{"partitionKey":["k"]}"#, "x", true), (#"{"partitionKey":["other"]}"#, "x", false),
  ])
  func `a filter looks into the data of a record`(pattern: String, data: String, isWanted: Bool) throws {
    #expect(try EventFilter([pattern], of: .kinesis).wants(record(1, data), from: streamARN) == isWanted)
  }

  @Test func `a filter of a table looks at the change`() throws {
    let change = StreamRecord(
      sequenceNumber: "1", partitionKey: "k", arrival: start,
      content: .change(eventID: "e1", eventName: "INSERT", image: Array(#"{"NewImage":{"n":{"N":"5"}}}"#.utf8)))
    for (pattern, isWanted) in [
      (#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"n":{"N":["5"]}}}}"#, true), (#"{"eventName":["REMOVE"]}"#, false),
    ] {
      #expect(try EventFilter([pattern], of: .dynamoDB).wants(change, from: streamARN) == isWanted)
    }
  }
}
