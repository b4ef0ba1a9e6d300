import Base
import Fabric
import Store

/// A version of which environments are to be kept ready.
struct ProvisionRequest: Sendable, Equatable {
  var version: FunctionVersion
  var count: Int
  /// Of the request: another one begins anew.
  var revision: String
}

extension Placement: Provisioner {
  /// Keeps ready what is asked for, and nothing else.
  func provide(_ wanted: [PoolKey: ProvisionRequest]) {
    let effects = state.withLock { state -> [Effect] in
      guard !state.isStopping else { return [] }
      let obsolete = state.pools.filter { $0.value.provision != nil && wanted[$0.key] == nil }.keys
      var counts = Dictionary(grouping: wanted, by: \.key.function).mapValues { requests in
        Dictionary(uniqueKeysWithValues: requests.map { ($0.key.version, $0.value.count) })
      }
      for key in obsolete where counts[key.function] == nil { counts[key.function] = [:] }
      for (function, counts) in counts { state.ledger.provide(function, counts) }

      var effects = obsolete.flatMap { key in change(key, &state) { pool, _ in pool.withdraw() } }
      for (key, request) in wanted {
        state.functions[key] = request.version
        let revision = request.version.revisionID
        effects += change(key, &state, create: revision) { pool, newID in
          pool.update(to: revision, newID: newID) + pool.provide(request.count, revision: request.revision, newID: newID)
        }
      }
      return effects
    }
    perform(effects)
    // Their keys end some time.
    if !wanted.isEmpty { idleNudge.nudge() }
  }

  func provisioned(_ function: FunctionID, version: String) -> ProvisionReport? {
    state.withLock { state in
      guard let pool = state.pools[PoolKey(function: function, version: version)], let provision = pool.provision else { return nil }
      return ProvisionReport(provision: provision, booted: pool.booted)
    }
  }
}

/// Tells the placement what is to be kept ready: at the start of the server, and after each change that may matter.
struct ProvisionWorker: Worker {
  let store: any Store
  let placement: Placement
  let nudge: Nudge
  var name: String { "lambda.provisioned-concurrency" }

  func turn(_ now: Instant) async throws -> NextTurn {
    placement.provide(try await store.read { try ProvisionedRows($0).requests() })
    return .onNudge
  }
}
