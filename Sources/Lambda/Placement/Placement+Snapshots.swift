import Base
import Fabric
import Synchronization

/// What became of an environment that was initialised ahead of its first invocation.
enum SnapshotOutcome: Sendable, Equatable {
  /// It waits to be restored.
  case taken
  /// The function fails while it is initialised.
  case failed(type: String)
  /// It could not be started, or the server stops: it is worth another try.
  case abandoned
}

extension Placement {
  /// Initialises an environment of a version ahead of its first invocation.
  func takeSnapshot(of function: FunctionVersion) async -> SnapshotOutcome {
    await withCheckedContinuation { continuation in
      let key = PoolKey(function: function.id, version: function.version)
      let effects = state.withLock { state -> [Effect] in
        guard !state.isStopping else { return [.tell(continuation, .abandoned)] }
        state.functions[key] = function
        let effects = change(key, &state, create: function.revisionID) { pool, newID in
          pool.update(to: function.revisionID, newID: newID) + pool.startAhead(newID: newID)
        }
        guard case .start(let environment)? = effects.last else { return effects + [.tell(continuation, .abandoned)] }
        state.snapshots[environment.id] = continuation
        return effects
      }
      perform(effects)
    }
  }

  /// Whoever waits for the environment to be initialised is told.
  func told(_ id: EnvironmentID, _ outcome: SnapshotOutcome, _ state: inout State) -> [Effect] {
    state.snapshots.removeValue(forKey: id).map { [.tell($0, outcome)] } ?? []
  }
}

/// Initialises versions that were published with SnapStart: they become active when an environment waits to be restored, or fail.
struct SnapshotWorker: Worker {
  let control: ControlPlane
  let placement: Placement
  var name: String { "lambda.snapshots" }
  var nudge: Nudge { control.snapshotNudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    let waiting = try await control.store.read { try SnapshotRows($0).waiting() }
    await withDiscardingTaskGroup { group in
      for version in waiting { group.addTask { await finish(version) } }
    }
    let left = try await control.store.read { try SnapshotRows($0).waiting() }
    return left.isEmpty ? .onNudge : .at(now + .seconds(1))
  }

  private func finish(_ version: FunctionVersion) async {
    let outcome = await placement.takeSnapshot(of: version)
    guard let state = Self.state(after: outcome) else { return }
    let revision = control.ambient.uuid()
    // What cannot be noted now is noted by the next turn, with another snapshot.
    try? await control.store.transact { tx in
      try SnapshotRows.finish(version, state, revision: revision, in: tx)
    }
    control.functionChanged(.changed(version.id))
  }

  /// Nil when it is to be tried again.
  private static func state(after outcome: SnapshotOutcome) -> FunctionVersion.State? {
    switch outcome {
    case .taken: return .active
    case .abandoned: return nil
    case .failed(let type):
      let code =
        type.hasPrefix("Extension.") ? "ExtensionInitError" : type == "Sandbox.Timedout" ? "InitTimeout" : "RuntimeInitError"
      return .failed(reason: "The function failed to initialize (\(type)); its log says why.", code: "FunctionError.\(code)")
    }
  }
}
