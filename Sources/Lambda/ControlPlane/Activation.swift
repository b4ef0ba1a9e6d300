import Base
import Fabric
import Store

/// Ends the creations and updates that are under way: makes sure that the code is on disk and the runtime is there, and marks
/// the function ready or failed. A crash in between is mended by the first turn after the start.
///
/// There are two: unpacking an image may take long, and zips do not wait for it.
struct Activation: Worker {
  enum Kind: Sendable { case zips, images }
  let kind: Kind
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

  var name: String { kind == .zips ? "lambda activation" : "lambda images" }
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
    guard (function.latest.image != nil) == (kind == .images) else { return }
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
    if let image = version.image { return await prepare(image, version.codeHash) }
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

  /// Nothing is tried again: what is wrong with an image stays wrong, and each try would read it all.
  private func prepare(_ image: ImageSource, _ digest: String) async -> Outcome {
    do {
      _ = try await packages.directory(for: image, digest: digest)
      return .ready
    } catch let error as ImageError {
      return switch error {
      case .accessDenied:
        .failed(
          reason: "Lambda does not have permission to access the ECR image. Check the ECR permissions.", code: "ImageAccessDenied")
      case .notFound, .invalidReference: .failed(reason: "Source image \(image.uri) does not exist any more.", code: "ImageDeleted")
      case .unsupportedMediaType(let type): .failed(reason: "The media type \(type) is not supported.", code: "InvalidImage")
      case .defect(let reason): .failed(reason: "The image is invalid: \(reason).", code: "InvalidImage")
      }
    } catch {
      return .failed(reason: "The image could not be unpacked: \(error)", code: "InternalError")
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
