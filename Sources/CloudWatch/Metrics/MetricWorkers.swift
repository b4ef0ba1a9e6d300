import Base
import Fabric
import Store

/// Writes what services measured, at most once a second.
struct MetricGatherer: Worker {
  let buffer: MetricBuffer
  let clock: any AmbientClock

  var name: String { "metrics.gatherer" }
  var nudge: Nudge { buffer.started }

  func turn(_ now: Instant) async throws -> NextTurn {
    if try await buffer.flush() {
      // Real time: what is measured while the clock stands still is to be seen too.
      try? await clock.sleepReal(for: MetricsLimits.gatherTime)
    }
    return .onNudge
  }
}

/// Removes minutes that are older than the retention, in small transactions.
struct MetricSweeper: Worker {
  let store: any Store
  let nudge = Nudge()
  var name: String { "metrics.sweeper" }

  func turn(_ now: Instant) async throws -> NextTurn {
    var next: Key? = MetricKeys.allSeries
    while let start = next {
      next = try await store.transact {
        try $0.sweepMetrics(from: start, before: now - MetricsLimits.retention, limit: MetricsLimits.sweepSeries)
      }
    }
    return .at(now + MetricsLimits.sweepPause)
  }
}
