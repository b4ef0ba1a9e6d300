import Base
import Fabric
import Logging
import Synchronization

/// Reads one shard for a mapping and feeds its records to the function: performs what the lanes decide.
final class ShardRunner: Sendable {
  /// The longest wait of one read.
  private static let longestRead = Duration.seconds(20)
  /// Records of one read (Kinesis: 10,000).
  private static let largestRead = 10_000
  /// Records are not read ahead while so many bytes wait.
  private static let bufferBytes = 32 << 20

  private struct State {
    var lanes: [ShardLane]
    var progress: ShardProgress
    /// As they were saved last.
    var savedWindows: [TumblingWindow?]
    /// Another reader has the shard, or the mapping is gone.
    var isLost = false
  }

  private let mapping: EventSourceMapping
  private let settings: StreamSettings
  private let shard: String
  private let begun: ShardRow
  private let filter: EventFilter
  private let delivery: StreamDelivery
  private let state: Mutex<State>
  /// A lane has something new to do.
  private let laneNudges: [Nudge]
  /// There is room for more records.
  private let room = Nudge()

  /// - Parameter row: as it was taken over.
  init(
    _ mapping: EventSourceMapping, _ settings: StreamSettings, shard: String, row: ShardRow, filter: EventFilter,
    delivery: StreamDelivery
  ) {
    (self.mapping, self.settings, self.shard, begun) = (mapping, settings, shard, row)
    (self.filter, self.delivery) = (filter, delivery)
    let factor = settings.parallelizationFactor
    // Windows are those of lanes: with another number of lanes their records would be in others.
    let areKept = settings.tumblingWindow != nil && row.windows.count == factor
    let windows = areKept ? row.windows : [TumblingWindow?](repeating: nil, count: factor)
    let checkpoint: String? = if case .after(let number) = row.position { number } else { nil }
    state = Mutex(
      State(
        lanes: windows.map { ShardLane(mapping, settings, window: $0) }, progress: ShardProgress(checkpoint: checkpoint),
        savedWindows: windows))
    laneNudges = (0..<factor).map { _ in Nudge() }
  }

  /// Works until the shard has ended and everything in it is done, or the task is cancelled; batches that run are finished.
  /// - Returns: whether the shard is finished.
  func run() async -> Bool {
    await withTaskGroup(of: Void.self) { group in
      for lane in laneNudges.indices { group.addTask { await self.work(lane) } }
      group.addTask { await self.read() }
    }
    guard !Task.isCancelled, !isLost else { return false }
    return await save(isFinished: true)
  }

  private var isLost: Bool { state.withLock { $0.isLost } }

  // MARK: Reading

  private func read() async {
    var iterator: String?
    var failures = 0
    while !Task.isCancelled, !isLost {
      let free = state.withLock { state in
        let waiting = state.lanes.reduce(0) { $0 + $1.pendingBytes }
        let most = min(Self.largestRead, mapping.batchSize * settings.parallelizationFactor * 2)
        return waiting >= Self.bufferBytes ? 0 : most - state.progress.outstandingCount
      }
      guard free > 0 else { await room.wait(); continue }
      do {
        let place: String
        if let iterator { place = iterator } else { place = try await delivery.iterator(mapping, shard, begunPosition) }
        iterator = place
        let page = try await delivery.read(mapping, place, limit: free, wait: Self.longestRead)
        failures = 0
        await take(page.records)
        guard let next = page.next else { return end() }
        iterator = next
      } catch is CancellationError {
        return
      } catch {
        failures += 1
        // What lies at the iterator is no longer kept: reading goes on with what is.
        if (error as? AWSError)?.code == "ExpiredIteratorException" { iterator = try? await delivery.oldest(mapping, shard) }
        await delivery.cannotRead(mapping, shard, error, failures)
      }
    }
  }

  private var begunPosition: ShardRow.Position {
    let checkpoint = state.withLock { $0.progress.checkpoint }
    return checkpoint.map { .after($0) } ?? begun.position
  }

  /// Gives records to their lanes; those that the mapping does not want are done.
  private func take(_ records: [StreamRecord]) async {
    guard !records.isEmpty else { return }
    let wanted = records.filter { filter.wants($0, from: mapping.source) }
    let unwanted = Set(records.map(\.sequenceNumber)).subtracting(wanted.map(\.sequenceNumber))
    delivery.count(.polled, records.count, mapping)
    delivery.count(.filteredOut, unwanted.count, mapping)
    let now = delivery.now
    let hasMoved = state.withLock { state in
      state.progress.read(records.map(\.sequenceNumber))
      for (lane, part) in Dictionary(grouping: wanted, by: { lane(of: $0) }) { state.lanes[lane].add(part, now: now) }
      return state.progress.done(Array(unwanted))
    }
    for nudge in laneNudges { nudge.nudge() }
    if hasMoved { _ = await save(isFinished: false) }
  }

  private func end() {
    state.withLock { state in
      for lane in state.lanes.indices { state.lanes[lane].end() }
    }
    for nudge in laneNudges { nudge.nudge() }
  }

  /// Records of one key are all in one lane (FNV-1a of the key).
  private func lane(of record: StreamRecord) -> Int {
    let hash = record.partitionKey.utf8.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    return Int(hash % UInt64(settings.parallelizationFactor))
  }

  // MARK: Working

  private func work(_ lane: Int) async {
    while !Task.isCancelled, !isLost {
      let step = state.withLock { state in state.lanes[lane].next(now: delivery.now) }
      switch step {
      case .ended: return
      case .wait(let until?): await delivery.wait(laneNudges[lane], until: until)
      case .wait(nil): await laneNudges[lane].wait()
      case .discard(let discard): await settle(ShardLane.Settled(discard: discard))
      case .run(let call):
        let outcome = await delivery.invoke(call, mapping, shard)
        let settled = state.withLock { state in state.lanes[lane].settle(outcome, now: delivery.now) }
        await settle(settled)
      }
    }
    // One that gives up must not leave the reader waiting for room.
    room.nudge()
  }

  /// What is done or given up counts only once its destination was told and the position is saved.
  private func settle(_ settled: ShardLane.Settled) async {
    if let discard = settled.discard { await delivery.discard(discard, mapping, shard) }
    let numbers = settled.done.map(\.sequenceNumber) + (settled.discard?.batch.sequenceNumbers ?? [])
    let mustSave = state.withLock { state in
      let hasMoved = state.progress.done(numbers)
      // A window that has ended is a change as well: its last call must not come again.
      return hasMoved || state.lanes.map(\.window) != state.savedWindows
    }
    if mustSave { _ = await save(isFinished: false) }
    room.nudge()
  }

  /// - Returns: whether the shard is still this reader's and the position is durable.
  private func save(isFinished: Bool) async -> Bool {
    let (row, windows) = state.withLock { state -> (ShardRow, [TumblingWindow?]) in
      let windows = state.lanes.map(\.window)
      var row = begun
      if let number = state.progress.checkpoint { row.position = .after(number) }
      if isFinished { row.position = .finished }
      row.windows = settings.tumblingWindow == nil ? [] : windows
      return (row, windows)
    }
    let isOurs = await delivery.save(row, mapping, shard)
    if isOurs == true { state.withLock { $0.savedWindows = windows } }
    if isOurs == false {
      state.withLock { $0.isLost = true }
      for nudge in laneNudges + [room] { nudge.nudge() }
    }
    return isOurs == true
  }
}
