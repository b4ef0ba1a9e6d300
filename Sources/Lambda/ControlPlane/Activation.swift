import Base
import Fabric
import Store

/// Ends the creations and updates that are under way: makes sure that the code is on disk and the runtime is there, and marks
/// the function ready or failed. A crash in between is mended by the first turn after the start.
struct Activation: Worker {
  let store: any Store
  let ambient: Ambient
  let packages: PackageStore
  let catalog: any RuntimeCatalog
  let resolver: Resolver
  let changes: FunctionChanges
  /// Nudged when an update has freed the old package.
  let collection: Nudge
  /// Nudged when a version may have to be initialised ahead of its first invocation.
  let snapshots: Nudge
  /// Nudged when a version may now be run.
  let provisioning: Nudge

  let name = "lambda activation"
  let nudge = Nudge()

  private enum Outcome: Sendable {
    case ready
    case failed(reason: String, code: String)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    var failure: (any Error)?
    for id in try await store.read({ try FunctionRows($0).inProgress() }) {
      // One function that cannot be prepared must not hold up the others.
      do { try await finish(id, at: now) } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
    return .onNudge
  }

  private func finish(_ id: FunctionID, at now: Instant) async throws {
    guard let function = try await store.read({ try FunctionRows($0).function(id) }) else { return }
    let outcome = try await prepare(function.latest)
    let revision = ambient.uuid()
    try await store.transact { tx in
      guard let current = try FunctionRows(tx).function(id), current.isInProgress,
        current.latest.revisionID == function.latest.revisionID
      else { return }
      try Self.apply(outcome, to: current, revision: revision, in: tx, at: now)
    }
    resolver.forget(id)
    changes.send(.changed(id))
    snapshots.nudge()
    collection.nudge()
    provisioning.nudge()
  }

  private func prepare(_ version: FunctionVersion) async throws -> Outcome {
    do {
      for hash in version.packages { _ = try await packages.directory(for: hash) }
    } catch let missing as PackageStore.PackageMissing {
      return .failed(reason: "The code of the function or of a layer (\(missing.hash)) is lost.", code: "InvalidZipFileException")
    }
    switch catalog.support(for: version.runtime) {
    case .exact, .nearest: return .ready
    case .missing(let reason): return .failed(reason: reason, code: "InvalidRuntime")
    }
  }

  private static func apply(
    _ outcome: Outcome, to old: StoredFunction, revision: String, in tx: any Transaction, at now: Instant
  ) throws {
    var function = old
    switch outcome {
    case .ready: function.becomeReady(revisionID: revision)
    case .failed(let reason, let code): function.becomeFailed(reason: reason, code: code)
    }
    try FunctionRows.save(function, replacing: old, in: tx, at: now)
    guard let number = old.versionInProgress, var version = try FunctionRows(tx).version(old.id, number) else { return }
    (version.state, version.updateStatus) = (function.latest.state, function.latest.updateStatus)
    if case .ready = outcome, version.isSnapshotted {
      version.state = .pending
      try SnapshotRows.begin(version, in: tx)
    }
    try FunctionRows.save(version, number: number, in: tx)
  }
}
