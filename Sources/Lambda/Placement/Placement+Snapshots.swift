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
struct SnapshotRunner: Sendable {
  let control: ControlPlane
  let placement: Placement

  /// Until the task is cancelled. One that takes long keeps no other waiting.
  func run() async {
    let underWay = UnderWay()
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let waiting = (try? await control.store.read { try SnapshotRows($0).waiting() }) ?? []
        for version in waiting {
          let key = Placement.PoolKey(function: version.id, version: version.version)
          guard underWay.begin(key) else { continue }
          group.addTask {
            await finish(version)
            underWay.end(key)
            // One that was published anew under its name meanwhile, or has to be tried again.
            control.snapshotNudge.nudge()
          }
        }
        await control.snapshotNudge.wait()
      }
      group.cancelAll()
    }
  }

  private final class UnderWay: Sendable {
    private let keys = Mutex<Set<Placement.PoolKey>>([])
    func begin(_ key: Placement.PoolKey) -> Bool { keys.withLock { $0.insert(key).inserted } }
    func end(_ key: Placement.PoolKey) { keys.withLock { _ = $0.remove(key) } }
  }

  private func finish(_ version: FunctionVersion) async {
    let outcome = await placement.takeSnapshot(of: version)
    guard let state = Self.state(after: outcome) else {
      try? await control.ambient.clock.sleepReal(for: Self.pause)
      return
    }
    do {
      try await control.store.transact { tx in try SnapshotRows.finish(version, state, in: tx) }
    } catch {
      // Noted by the next turn, with another snapshot.
      try? await control.ambient.clock.sleepReal(for: Self.pause)
    }
    control.functionChanged(.changed(version.id))
  }

  /// Before another try, in real time: it is the host that could not.
  private static let pause = Duration.seconds(1)

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
