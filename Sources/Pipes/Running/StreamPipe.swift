import Base
import Fabric
import Logging
import Patterns
import Store
import Synchronization

/// Reads the shards of a pipe's stream, each in its order, parents before their children. How far each shard is done is a row, written
/// after each part of a batch.
struct StreamPipe: Sendable {
  private static let lookAgain = Duration.seconds(10)
  private static let longestPause = Duration.seconds(15)

  let flow: PipeFlow
  let streams: [String: any StreamPort]
  let store: any Store
  let ambient: Ambient
  let logger: Logger

  /// What the readers of one pipe share.
  private struct Reading: Sendable {
    var pipe: Pipe
    var source: ARN
    var port: any StreamPort
    var settings: StreamSettings
    var filter: RecordFilter
    var caller: @Sendable () async throws -> Caller
    /// A shard has come to its end.
    let ended = Nudge()
    let busy = BusyShards()
  }
  /// The shards that are being read.
  private final class BusyShards: Sendable {
    private let names = Mutex<Set<String>>([])
    func take(_ shard: String) -> Bool { names.withLock { $0.insert(shard).inserted } }
    func release(_ shard: String) { names.withLock { _ = $0.remove(shard) } }
  }

  /// Runs until the task is cancelled or the signal comes.
  func run(_ pipe: Pipe, until stop: Nudge, as caller: @escaping @Sendable () async throws -> Caller) async {
    guard let source = ARN(pipe.source), let port = streams[source.service],
      let filter = try? RecordFilter(pipe.filters, contentKey: source.service == "kinesis" ? "data" : nil)
    else {
      logger.error("a pipe cannot be read", metadata: ["pipe": "\(pipe.name.arn)"])
      return await stop.wait()
    }
    let reading = Reading(
      pipe: pipe, source: source, port: port, settings: StreamSettings(pipe.kindParameters), filter: filter, caller: caller)
    await withTaskGroup(of: Void.self) { race in
      race.addTask { await stop.wait() }
      race.addTask { await supervise(reading) }
      await race.next()
      race.cancelAll()
    }
  }

  private func supervise(_ reading: Reading) async {
    await withDiscardingTaskGroup { group in
      var failures = 0
      while !Task.isCancelled {
        do {
          for shard in try await ready(reading) where reading.busy.take(shard) {
            group.addTask {
              await read(shard, reading)
              reading.busy.release(shard)
              reading.ended.nudge()
            }
          }
          failures = 0
          await reading.ended.wait(until: ambient.now + Self.lookAgain, clock: ambient.clock)
        } catch {
          failures += 1
          await pause(after: error, failures, reading.pipe)
        }
      }
    }
  }

  /// The shards that may be read: not finished, and those that they came from are. Shards that are there when the pipe begins are begun
  /// where it was asked to, later ones at their beginning.
  private func ready(_ reading: Reading) async throws -> [String] {
    let name = reading.pipe.name
    let caller = try await reading.caller()
    let stream = try await reading.port.describe(reading.source, as: caller)
    let shards = stream.shards
    let (id, kept) = try await store.read { (try $0.get(Keys.stream(name))?.utf8Text, try $0.shardPlaces(name)) }
    let isOther = id != nil && id != stream.id
    let places = isOther ? [:] : kept
    let position = places.isEmpty && !isOther ? reading.settings.start : .trimHorizon
    var begun: [String: ShardPlace] = [:]
    for shard in shards where places[shard.id] == nil {
      begun[shard.id] = .iterator(try await reading.port.iterator(reading.source, shard: shard.id, at: position, as: caller))
    }
    let known = begun.isEmpty && id == stream.id ? places : try await begin(begun, of: stream.id, replacing: isOther, reading)
    let here = Set(shards.map(\.id))
    return shards.filter { shard in
      known[shard.id] != .finished && shard.parents.allSatisfy { !here.contains($0) || known[$0] == .finished }
    }.map(\.id)
  }

  /// Keeps where new shards begin. What readers have saved by now stays, unless it is of another stream of this name.
  private func begin(
    _ begun: [String: ShardPlace], of stream: String, replacing isOther: Bool, _ reading: Reading
  ) async throws -> [String: ShardPlace] {
    let name = reading.pipe.name
    return try await store.transact { t in
      guard try t.pipe(name) != nil else { return [:] }
      if isOther { try t.deleteAll(KeyRange(prefix: Keys.shards(name))) }
      try t.set(Keys.stream(name), Array(stream.utf8))
      for (shard, place) in begun where try t.get(Keys.shard(name, shard)) == nil { try t.set(Keys.shard(name, shard), place.row) }
      return try t.shardPlaces(name)
    }
  }

  private func read(_ shard: String, _ reading: Reading) async {
    var failures = 0
    while !Task.isCancelled {
      do {
        guard try await turn(shard, reading) else { return }
        failures = 0
      } catch is CancellationError {
        return
      } catch {
        failures += 1
        await pause(after: error, failures, reading.pipe)
        try? await restart(shard, after: error, reading)
      }
    }
  }

  /// What lies at the place of a shard is no longer kept, or the place is one of another stream that had this name: reading goes on with
  /// the oldest record that there is.
  private func restart(_ shard: String, after error: any Error, _ reading: Reading) async throws {
    guard let code = (error as? AWSError)?.code, ["ExpiredIteratorException", "ResourceNotFoundException"].contains(code) else { return }
    let caller = try await reading.caller()
    // Of a stream or shard that is gone there is none.
    let oldest = try await reading.port.iterator(reading.source, shard: shard, at: .trimHorizon, as: caller)
    try await save(.iterator(oldest), shard, reading)
  }

  /// One batch. False: there is no more.
  private func turn(_ shard: String, _ reading: Reading) async throws -> Bool {
    let caller = try await reading.caller()
    guard var iterator = try await iterator(shard, reading, caller) else { return false }
    var records: [StreamRecord] = []
    var (deadline, isEnd): (Instant?, Bool) = (nil, false)
    let most = reading.settings.batchSize * reading.settings.parallelism
    while records.count < most, !isEnd {
      let wait = deadline.map { max(.zero, $0 - ambient.now) } ?? PipesLimits.longestPoll
      if deadline != nil, wait == .zero { break }
      let page = try await reading.port.read(
        reading.source, iterator: iterator, limit: most - records.count, wait: wait, as: caller)
      records += page.records
      if let next = page.next { iterator = next } else { isEnd = true }
      guard !records.isEmpty, reading.settings.window > .zero else { break }
      deadline = deadline ?? ambient.now + reading.settings.window
    }
    let lanes = reading.settings.lanes(records)
    if lanes.count > 1 {
      let batch = reading.settings.batchSize
      try await withThrowingTaskGroup(of: Void.self) { group in
        for lane in lanes {
          group.addTask {
            for start in stride(from: 0, to: lane.count, by: batch) {
              try await move(Array(lane[start..<min(start + batch, lane.count)]), shard, reading, caller, savesParts: false)
            }
          }
        }
        try await group.waitForAll()
      }
    } else {
      for start in stride(from: 0, to: records.count, by: reading.settings.batchSize) {
        try await move(
          Array(records[start..<min(start + reading.settings.batchSize, records.count)]), shard, reading, caller, savesParts: true)
      }
    }
    try Task.checkCancellation()
    try await save(isEnd ? .finished : .iterator(iterator), shard, reading)
    return !isEnd
  }

  private func iterator(_ shard: String, _ reading: Reading, _ caller: Caller) async throws -> String? {
    switch try await store.read({ try $0.shardPlaces(reading.pipe.name)[shard] }) {
    case .iterator(let text): text
    case .after(let number):
      try await reading.port.iterator(reading.source, shard: shard, at: .after(sequenceNumber: number), as: caller)
    case .finished, nil: nil
    }
  }

  /// - Parameter savesParts: how far it came is a row after each part; not while other lanes are under way, of which nobody knows how far
  ///   they are: after a crash these begin again.
  private func move(
    _ records: [StreamRecord], _ shard: String, _ reading: Reading, _ caller: Caller, savesParts: Bool
  ) async throws {
    var lane = StreamLane(reading.settings)
    lane.load(records)
    while lane.next != nil {
      let old = lane.expired(at: ambient.now)
      if !old.isEmpty { try await giveUp(old, .age, shard, reading, caller, saves: savesParts) }
      guard let part = lane.next else { break }
      let events = part.map { PipeEvent($0, shard: shard, from: reading.source, role: reading.pipe.role) }
      let wanted = events.indices.filter { reading.filter.wants(events[$0].filtered, contentIsObject: events[$0].contentIsObject) }
      let failed =
        wanted.isEmpty
        ? []
        : await flow.move(
          wanted.map { events[$0] }, ids: wanted.map { part[$0].sequenceNumber }, trace: wanted.map { part[$0] }.trace,
          of: reading.pipe, as: caller)
      try Task.checkCancellation()
      guard let place = part.firstIndex(where: { failed.contains($0.sequenceNumber) }) else {
        lane.succeeded()
        if savesParts, let last = part.last, lane.next != nil { try await save(.after(last.sequenceNumber), shard, reading) }
        continue
      }
      let given = lane.failed(from: place)
      if savesParts, place > 0 { try await save(.after(part[place - 1].sequenceNumber), shard, reading) }
      if !given.isEmpty {
        try await giveUp(given, .retries, shard, reading, caller, saves: savesParts)
      } else {
        try await ambient.clock.sleepReal(for: min(Self.longestPause, .milliseconds(200 << min(lane.attempts, 7))))
      }
    }
  }

  private func save(_ place: ShardPlace, _ shard: String, _ reading: Reading) async throws {
    let name = reading.pipe.name
    try await store.transact { t in
      // A pipe that is gone keeps no places.
      if try t.pipe(name) != nil { try t.set(Keys.shard(name, shard), place.row) }
    }
  }

  private func giveUp(
    _ records: [StreamRecord], _ condition: StreamLane.Condition, _ shard: String, _ reading: Reading, _ caller: Caller,
    saves: Bool
  ) async throws {
    await flow.giveUp(records, condition, shard: shard, to: reading.settings.deadLetter, of: reading.pipe, as: caller)
    if saves, let last = records.last { try await save(.after(last.sequenceNumber), shard, reading) }
  }

  private func pause(after error: any Error, _ failures: Int, _ pipe: Pipe) async {
    if failures == 1 { logger.warning("a pipe cannot read its source", metadata: ["pipe": "\(pipe.name.arn)", "error": "\(error)"]) }
    try? await ambient.clock.sleepReal(for: min(Self.longestPause, .milliseconds(250 << min(failures, 6))))
  }
}

extension PipeFlow {
  /// Tells the dead-letter queue or topic which records were given up. What cannot be told is lost, as on AWS; the hop says so.
  func giveUp(
    _ records: [StreamRecord], _ condition: StreamLane.Condition, shard: String, to deadLetter: String?, of pipe: Pipe, as caller: Caller
  ) async {
    guard let first = records.first, let last = records.last else { return }
    var outcome = HopOutcome.dropped
    if let deadLetter, let arn = ARN(deadLetter) {
      let source = ARN(pipe.source)?.service == "kinesis" ? "KinesisBatchInfo" : "DDBStreamBatchInfo"
      let batch: JSON = [
        "shardId": .string(shard), "startSequenceNumber": .string(first.sequenceNumber),
        "endSequenceNumber": .string(last.sequenceNumber), "approximateArrivalOfFirstRecord": .string(first.arrival.iso8601Milliseconds),
        "approximateArrivalOfLastRecord": .string(last.arrival.iso8601Milliseconds), "batchSize": JSON(records.count),
        "streamArn": .string(pipe.source),
      ]
      let context: JSON = ["partnerResourceArn": .string(pipe.name.arn), "condition": .string(condition.rawValue)]
      let letter = JSON.object(
        JSONObject([
          ("context", context), ("version", "1.0"), ("timestamp", .string(ambient.now.iso8601Milliseconds)), (source, batch),
        ]))
      if (try? await Chaos.sparing({ try await targets.tell(letter.text, arn, caller) })) != nil { outcome = .deadLettered(to: deadLetter) }
    }
    hops.record(
      Hop(
        id: hops.newID(), parent: nil, trace: caller.trace.root, at: ambient.now, account: pipe.name.account, region: pipe.name.region,
        service: "pipes", action: "discard", source: pipe.name.arn, target: pipe.target, outcome: outcome,
        reason: condition.rawValue))
  }
}
