import Base
import Fabric
import Synchronization

/// Hops on their way to the store.
final class HopBuffer: Sendable {
  private struct State {
    var hops: [Hop] = []
    var lost = 0
    var recorded = 0
  }
  private let state = Mutex(State())
  private let limit: Int
  /// The first hop after the buffer was emptied.
  let started = Nudge()
  /// There is enough to write.
  let enough = Nudge()

  init(limit: Int = TracingLimits.buffer) { self.limit = limit }

  func add(_ hop: Hop) {
    let count = state.withLock { state -> Int in
      state.recorded += 1
      guard state.hops.count < limit else {
        state.lost += 1
        return 0
      }
      state.hops.append(hop)
      return state.hops.count
    }
    if count == 1 { started.nudge() }
    if count == TracingLimits.enough { enough.nudge() }
  }

  func take() -> [Hop] {
    state.withLock { state in
      defer { state.hops = [] }
      return state.hops
    }
  }

  /// They could not be written: they wait again, before those that came since, as far as there is room.
  func putBack(_ hops: [Hop]) {
    state.withLock { state in
      let room = max(0, limit - state.hops.count)
      state.lost += max(0, hops.count - room)
      state.hops = hops.suffix(room) + state.hops
    }
  }

  var count: Int { state.withLock { $0.hops.count } }
  var totals: (recorded: Int, lost: Int) { state.withLock { ($0.recorded, $0.lost) } }
}
