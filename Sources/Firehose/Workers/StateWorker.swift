import Base
import Fabric
import Store

/// Finishes what operations have begun: delivery streams become active or go away. What waits in one that goes is not delivered.
struct StateWorker: Worker {
  let name = "firehose-states"
  let nudge = Nudge()
  private let store: any Store
  private let feed: StreamFeed

  init(_ store: any Store, _ feed: StreamFeed) { (self.store, self.feed) = (store, feed) }

  func turn(_ now: Instant) async throws -> NextTurn {
    let isDone = try await store.transact { rows in
      let pending = try rows.entries(Keys.allPending, limit: FirehoseLimits.rowsPerSweep)
      for (key, _) in pending {
        try rows.delete(key)
        guard var stream = try rows.deliveryStream(try Keys.pendingName(key)) else { continue }
        switch stream.status {
        case .deleting: try rows.remove(stream)
        case .creating, .active:
          stream.status = .active
          try rows.put(stream)
        }
      }
      return pending.count < FirehoseLimits.rowsPerSweep
    }
    feed.nudge.nudge()
    return isDone ? .onNudge : .soon
  }
}
