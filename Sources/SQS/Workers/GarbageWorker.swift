import Base
import Fabric
import Store

/// Empties the spaces that a purge or the deletion of a queue has left behind, a bounded part at a time.
struct GarbageWorker: Worker {
  let name = "sqs-garbage"
  let nudge = Nudge()
  private let store: any Store

  init(_ store: any Store) { self.store = store }

  func turn(_ now: Instant) async throws -> NextTurn {
    let isDone = try await store.transact { rows -> Bool in
      guard let next = try rows.first(Keys.allGarbage) else { return true }
      var budget = SQSLimits.rowsPerSweep
      for range in Keys.everything(try Keys.garbageSpace(next.key)) {
        let keys = try rows.entries(range, limit: budget).map(\.key)
        for key in keys { try rows.delete(key) }
        budget -= keys.count
        guard budget > 0 else { return false }
      }
      try rows.delete(next.key)
      return false
    }
    return isDone ? .onNudge : .soon
  }
}
