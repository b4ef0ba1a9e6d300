import Base
import Fabric

/// One line of work on a shard: makes batches of its records and sees each through before the next. Decides; does nothing itself.
///
/// A shard has as many lanes as the mapping's parallelisation factor; records of one partition key are all in one lane, so they
/// keep their order.
struct ShardLane: Sendable {
  /// What the function is to be called with.
  struct Call: Sendable, Equatable {
    var batch: StreamBatch
    var window: TumblingWindow?
    /// The end of the window, without records.
    var isFinal = false
  }
  enum Step: Sendable, Equatable {
    case run(Call)
    /// These records are given up; whoever waits for them may be told.
    case discard(StreamDiscard)
    /// Until then, or until records come.
    case wait(until: Instant?)
    /// The shard has ended, and everything is done.
    case ended
  }
  /// What a run came to.
  struct Settled: Sendable, Equatable {
    var done: [StreamRecord] = []
    var discard: StreamDiscard?
  }

  /// gathering may become running; running becomes gathering when the run is settled.
  private enum Phase: Sendable, Equatable {
    case gathering
    case running(Call)
  }

  private let settings: StreamSettings
  private let batchSize: Int
  private let batchingWindow: Duration
  private let reportsFailures: Bool
  private var phase = Phase.gathering
  private var pending: [StreamRecord] = []
  private(set) var pendingBytes = 0
  private var retries: [StreamBatch] = []
  /// When the batch that is being gathered closes.
  private var closesAt: Instant?
  private(set) var window: TumblingWindow?
  private var isEnding = false

  init(_ mapping: EventSourceMapping, _ settings: StreamSettings, window: TumblingWindow? = nil) {
    (self.settings, self.window) = (settings, window)
    (batchSize, batchingWindow, reportsFailures) = (mapping.batchSize, mapping.batchingWindow, mapping.reportsBatchItemFailures)
  }

  mutating func add(_ records: [StreamRecord], now: Instant) {
    guard !records.isEmpty else { return }
    if pending.isEmpty { closesAt = now + batchingWindow }
    pending += records
    pendingBytes += records.reduce(0) { $0 + StreamEvent.size(of: $1) }
  }

  /// No more records come.
  mutating func end() { isEnding = true }

  /// What is to be done now. After `run` the next question is asked when the run is settled.
  mutating func next(now: Instant) -> Step {
    guard phase == .gathering else { return .wait(until: nil) }
    if !retries.isEmpty { return retry(now) }
    if let window, window.isTooLarge || isOver(window, now) {
      return run(Call(batch: StreamBatch(records: []), window: window, isFinal: true))
    }
    guard isComplete(now) else {
      if pending.isEmpty { return isEnding ? .ended : .wait(until: window?.end) }
      return .wait(until: closing)
    }
    var batch = StreamBatch(records: takeBatch(now))
    let old = StreamRetry.expired(of: &batch, settings, now: now)
    if !batch.records.isEmpty { retries = [batch] }
    return old.map { .discard($0) } ?? next(now: now)
  }

  private mutating func retry(_ now: Instant) -> Step {
    if let due = retries[0].due, due > now { return .wait(until: due) }
    if let old = StreamRetry.expired(of: &retries[0], settings, now: now) {
      if retries[0].records.isEmpty { retries.removeFirst() }
      return .discard(old)
    }
    let batch = retries.removeFirst()
    guard let length = settings.tumblingWindow, let first = batch.records.first else {
      return run(Call(batch: batch, window: window, isFinal: batch.records.isEmpty))
    }
    if !(window?.contains(first.arrival) ?? false) { window = TumblingWindow(of: first.arrival, length: length) }
    return run(Call(batch: batch, window: window))
  }

  private mutating func run(_ call: Call) -> Step {
    phase = .running(call)
    return .run(call)
  }

  /// The time of an open window has passed, or the next record lies in another, or none comes any more.
  private func isOver(_ window: TumblingWindow, _ now: Instant) -> Bool {
    guard window.hasRun else { return false }
    if let next = pending.first { return !window.contains(next.arrival) }
    // Before its beginning: the clock was set back, and the end would be as far away as it was ahead.
    return isEnding || now >= window.end || now < window.start
  }

  /// When the batch that is being gathered closes: no later than its window ends.
  private var closing: Instant? {
    guard let closesAt, let first = pending.first else { return nil }
    return settings.tumblingWindow.map { min(closesAt, TumblingWindow(of: first.arrival, length: $0).end) } ?? closesAt
  }

  private func isComplete(_ now: Instant) -> Bool {
    guard let closing else { return false }
    return isEnding || now >= closing || pending.count >= batchSize || pendingBytes >= Batcher.maximumPayload
      || !isOneWindow(pending[0], pending[pending.count - 1])
  }

  private func isOneWindow(_ a: StreamRecord, _ b: StreamRecord) -> Bool {
    guard let length = settings.tumblingWindow else { return true }
    return TumblingWindow(of: a.arrival, length: length).contains(b.arrival)
  }

  /// As many records as a batch may have: of one window, and no more than 6 MB.
  private mutating func takeBatch(_ now: Instant) -> [StreamRecord] {
    var count = 0, bytes = 0
    for record in pending.prefix(batchSize) {
      let size = StreamEvent.size(of: record)
      guard count == 0 || bytes + size <= Batcher.maximumPayload, isOneWindow(pending[0], record) else { break }
      count += 1
      bytes += size
    }
    defer {
      pending.removeFirst(count)
      pendingBytes -= bytes
      closesAt = pending.isEmpty ? nil : now + batchingWindow
    }
    return Array(pending[..<count])
  }

  /// The run has ended.
  mutating func settle(_ outcome: StreamOutcome, now: Instant) -> Settled {
    guard case .running(let call) = phase else { return Settled() }
    phase = .gathering
    let batch = call.batch
    switch outcome {
    case .notRun:
      retries.insert(StreamRetry.afterRefusal(of: batch, now: now), at: 0)
      return Settled()
    case .functionFailed(let response): return fail(call, from: 0, response, now)
    case .succeeded(let answer, let response):
      let ids = batch.sequenceNumbers
      switch BatchResponse.parse(answer, reportsFailures: reportsFailures, itemIDs: Set(ids)) {
      case .allFailed: return fail(call, from: 0, response, now)
      case .failed(let failed):
        let first = ids.firstIndex { failed.contains($0) } ?? 0
        if first > 0 { window?.note(answer) }
        return fail(call, from: first, response, now)
      case .allSucceeded:
        if call.isFinal { window = nil } else { window?.note(answer) }
        return Settled(done: batch.records)
      }
    }
  }

  private mutating func fail(_ call: Call, from first: Int, _ response: StreamResponse, _ now: Instant) -> Settled {
    let verdict = StreamRetry.afterFailure(of: call.batch, from: first, response, settings, now: now)
    retries.insert(contentsOf: verdict.retries, at: 0)
    guard call.isFinal, verdict.discard != nil else { return Settled(done: verdict.done, discard: verdict.discard) }
    // The window is lost; there are no records to tell of.
    window = nil
    return Settled()
  }
}
