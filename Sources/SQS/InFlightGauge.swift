import Synchronization

/// About how many messages of each space are in flight, so that the limit is counted exactly only when it is near.
///
/// The estimate grows with each lease and shrinks with each delete; time-outs are seen when it is counted anew.
final class InFlightGauge: Sendable {
  private let estimates = Mutex<[Space: Int]>([:])

  /// Whether the true number must be counted before more is handed out: near the limit, or nothing is known yet.
  func mustCount(_ space: Space) -> Bool { estimates.withLock { ($0[space] ?? .max) >= SQSLimits.inFlight } }

  func set(_ space: Space, _ count: Int) {
    estimates.withLock { estimates in
      if estimates.count >= SQSLimits.cachedQueues { estimates.removeAll() }
      estimates[space] = count
    }
  }
  func add(_ changes: [Space: Int]) {
    guard !changes.isEmpty else { return }
    estimates.withLock { estimates in
      for (space, change) in changes {
        if let estimate = estimates[space] { estimates[space] = max(0, estimate + change) }
      }
    }
  }
}
