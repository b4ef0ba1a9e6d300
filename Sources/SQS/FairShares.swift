import Base
import Synchronization

/// The shares of the tenants of each queue that has tenants; other queues cost nothing here.
final class FairShares: Sendable {
  private let shares = Mutex<[Space: FairShare]>([:])

  func noisy(_ space: Space, at now: Instant) -> [Lane: Int] { shares.withLock { $0[space]?.noisy(at: now) ?? [:] } }

  func note(_ events: [(space: Space, event: FairShare.Event)]) {
    guard !events.isEmpty else { return }
    shares.withLock { shares in
      for (space, event) in events {
        if shares[space] == nil {
          guard case .began(let lane, _, _, _) = event, lane != .none else { continue }
          // Estimates only: forgotten ones are made again.
          if shares.count >= SQSLimits.fairQueues { shares.removeAll() }
          shares[space] = FairShare()
        }
        shares[space]?.note(event)
      }
    }
  }
}
