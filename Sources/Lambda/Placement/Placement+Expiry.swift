import Base
import Fabric

extension Placement {
  /// How long before the end of its keys an environment that is kept ready is replaced.
  private static let renewalMargin = Duration.hours(1)

  /// Stops what has been idle for too long, and renews what is kept ready. Returns when that is due next.
  func expireIdle(at now: Instant) -> Instant? {
    let (effects, next) = state.withLock { state -> ([Effect], Instant?) in
      var effects: [Effect] = []
      var next: Instant?
      func due(_ instant: Instant) { next = min(next ?? instant, instant) }
      for key in state.pools.keys {
        let old = (state.pools[key]?.ready ?? []).filter {
          state.environments[$0]?.environment.isStale(at: now + Self.renewalMargin) == true
        }
        effects += change(key, &state) { pool, newID in
          pool.expire(idleLongerThan: idleLimit, now: now) + old.flatMap { pool.renew($0, now: now, newID: newID) }
        }
        guard let pool = state.pools[key] else { continue }
        if let since = pool.idleSince { due(since + idleLimit) }
        // Looked at now and then instead of each told apart: keys last for hours.
        if pool.provision != nil { due(now + min(Self.renewalMargin / 4, idleLimit)) }
      }
      state.isExpiryPlanned = next != nil
      return (effects, next)
    }
    perform(effects)
    return next
  }

  struct Counts: Sendable {
    var starting = 0
    var busy = 0
    var idle = 0
    /// Environments that are to be kept ready, and those of them that have booted.
    var provisioned = (wanted: 0, booted: 0)
    /// Invocations that wait for an environment.
    var waiting = 0
    /// Invocations that run or wait.
    var invocations = 0
    /// Invocations so far of versions with provisioned concurrency, by what they found.
    var provisionedInvocations = (ready: 0, spilled: 0)
  }
  var counts: Counts {
    state.withLock { state in
      let attached = state.seats.values.reduce(0) { $0 + $1.waiting }
      var all = Counts(waiting: attached, invocations: state.ledger.total)
      all.provisionedInvocations = (state.provisionedInvocations, state.spilledInvocations)
      return state.pools.values.reduce(into: all) { sum, pool in
        let counts = pool.counts
        sum.starting += counts.starting
        sum.busy += counts.busy
        sum.idle += counts.idle
        sum.waiting += pool.waiting
        guard let provision = pool.provision else { return }
        sum.provisioned.wanted += provision.count
        sum.provisioned.booted += pool.booted
      }
    }
  }
}

/// Ends environments that nobody has used for long.
struct IdleWorker: Worker {
  let placement: Placement
  var name: String { "lambda.idle-environments" }
  var nudge: Nudge { placement.idleNudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    placement.expireIdle(at: now).map { .at(max($0, now + .seconds(1))) } ?? .onNudge
  }
}
