import Base
import Fabric
import Logging
import Store
import Synchronization

/// Gathers what services measure and writes it, all of it together.
///
/// `flush` returns when everything that was measured before is durable. Writes come one after the other. What could not be
/// written waits for the next time, up to a limit.
final class MetricBuffer: MetricPort {
  private struct Point: Hashable {
    var series: MetricSeries
    var unit: String
    var time: Instant
  }
  private struct State {
    var sources: [any MetricSource] = []
    var waiting: [Point: MetricStatistics] = [:]
    var dropped: UInt64 = 0
    /// Nil: nobody flushes now. Else who waits for his turn.
    var queue: [CheckedContinuation<Void, Never>]?
  }
  private let state = Mutex(State())
  private let store: any Store
  private let ambient: Ambient
  private let logger: Logger?
  /// A source has measured for the first time since it was asked.
  let started = Nudge()

  init(store: any Store, ambient: Ambient, logger: Logger?) { (self.store, self.ambient, self.logger) = (store, ambient, logger) }

  func gather(from source: any MetricSource) -> Nudge {
    state.withLock { $0.sources.append(source) }
    return started
  }

  var counts: (waiting: Int, dropped: UInt64) { state.withLock { ($0.waiting.count, $0.dropped) } }

  /// - Returns: whether there was something.
  @discardableResult
  func flush() async throws -> Bool {
    await enter()
    defer { leave() }
    drain()
    var hasWritten = false
    while let batch = takeBatch() {
      hasWritten = true
      do { try await write(batch) } catch {
        for sample in batch { keep(sample) }
        throw error
      }
    }
    return hasWritten
  }

  /// Returns when the samples are durable.
  func write(_ samples: [MetricSample]) async throws {
    // Ids are drawn outside: a transaction may run again.
    let numbered = samples.map { ($0, ambient.logID()) }
    try await store.transact { tx in for (sample, id) in numbered { try tx.add(sample, newID: id) } }
  }

  /// What is measured and not yet written of an account goes with the account.
  func forget(_ account: AccountID) async {
    await enter()
    defer { leave() }
    drain()
    state.withLock { state in state.waiting = state.waiting.filter { $0.key.series.account != account } }
  }

  private func drain() {
    for source in state.withLock({ $0.sources }) {
      for sample in source.drain() { keep(sample) }
    }
  }

  private func keep(_ sample: MetricSample) {
    let point = Point(series: sample.series, unit: sample.unit, time: sample.time)
    let isFirstDrop = state.withLock { state -> Bool in
      if state.waiting[point] == nil, state.waiting.count >= MetricsLimits.waiting {
        state.dropped += 1
        return state.dropped == 1
      }
      state.waiting[point, default: MetricStatistics()].merge(sample.statistics)
      return false
    }
    if isFirstDrop { logger?.warning("metrics are dropped: too many wait for the store") }
  }

  private func takeBatch() -> [MetricSample]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else { return nil }
      let points = state.waiting.prefix(MetricsLimits.batch).map { $0 }
      if points.count == state.waiting.count {
        state.waiting = [:]
      } else {
        for (point, _) in points { state.waiting[point] = nil }
      }
      return points.map { MetricSample($0.key.series, unit: $0.key.unit, time: $0.key.time, $0.value) }
    }
  }

  private func enter() async {
    await withCheckedContinuation { continuation in
      let isFree = state.withLock { state -> Bool in
        guard state.queue != nil else { state.queue = []; return true }
        state.queue?.append(continuation)
        return false
      }
      if isFree { continuation.resume() }
    }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.queue?.isEmpty == false else { state.queue = nil; return nil }
      return state.queue?.removeFirst()
    }
    next?.resume()
  }
}
