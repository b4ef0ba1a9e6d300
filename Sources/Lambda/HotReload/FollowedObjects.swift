import Base
import Fabric
import Store
import Synchronization

/// What is known of the objects that functions were deployed from, where functions follow them (`reload-from-s3`).
final class FollowedObjects: Sendable {
  /// As many functions are remembered; when full, all are looked at again.
  private static let capacity = 10_000

  private struct State {
    /// The revision of the object that a function's code was compared with last.
    var seen: [FunctionID: String] = [:]
    /// Functions whose code is being exchanged; whoever comes meanwhile waits.
    var busy: [FunctionID: [CheckedContinuation<Void, Never>]] = [:]
  }
  private let state = Mutex(State())

  func hasSeen(_ revision: String, of id: FunctionID) -> Bool { state.withLock { $0.seen[id] == revision } }

  func see(_ revision: String, of id: FunctionID) {
    state.withLock { state in
      if state.seen.count >= Self.capacity { state.seen = [:] }
      state.seen[id] = revision
    }
  }

  /// One after another for each function.
  func alone<T>(_ id: FunctionID, _ body: () async -> T) async -> T {
    while true {
      let isMine = state.withLock { state in
        if state.busy[id] != nil { return false }
        state.busy[id] = []
        return true
      }
      if isMine { break }
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          state.busy[id]?.append(continuation)
          return state.busy[id] == nil
        }
        if isOver { continuation.resume() }
      }
    }
    let value = await body()
    for waiting in state.withLock({ $0.busy.removeValue(forKey: id) ?? [] }) { waiting.resume() }
    return value
  }
}

extension ControlPlane {
  /// Exchanges the code of `$LATEST` when its object has changed, so that the invocation that asks runs it. Versions stay as they are.
  ///
  /// Never throws: with an object that is gone, cannot be read or is no package, the function goes on with its code, and the log says
  /// why, once for each change.
  /// - Returns: whether the function is to be looked up again.
  func follow(_ object: ObjectName, _ version: FunctionVersion) async -> Bool {
    guard let revision = try? await objects.revision(of: object), !followed.hasSeen(revision, of: version.id) else { return false }
    return await followed.alone(version.id) {
      // Another one did it meanwhile.
      guard !followed.hasSeen(revision, of: version.id) else { return true }
      do {
        guard try await takeCode(of: object, version) else { return true }
      } catch {
        logger.warning("a function keeps its code: what lies in S3 cannot take its place", metadata: [
          "function": "\(version.id.arn)", "object": "\(object.bucket)/\(object.key)", "error": "\(error)",
        ])
        // What is no fault of the object may be over the next time.
        guard (error as? AWSError)?.fault == .client else { return true }
      }
      followed.see(revision, of: version.id)
      return true
    }
  }

  /// - Returns: false when the function is being changed by somebody, and is to be looked at again.
  private func takeCode(of object: ObjectName, _ version: FunctionVersion) async throws -> Bool {
    let id = version.id
    // As the account: who deployed the function could read the object, and the operator lets it follow.
    let caller = Caller(principal: .root(id.account), account: id.account, region: id.region, trace: TraceContext(ambient))
    let zip = try await objects.read(object, maximum: LambdaLimits.unzippedBytes, as: caller)
    guard try await packages.check(zip: zip).hash != version.codeHash else { return true }
    try await storage.admit(max(0, zip.count - version.codeSize), id.account, id.region)
    var used = version
    let added = try await use(.zip(zip, from: object), in: &used)
    defer { if let added { packages.release(added) } }
    _ = try await packages.directory(for: used.codeHash)
    let (new, now, revision) = (used, ambient.now, ambient.uuid())
    let isDone = try await keepingPackage(used.codeHash, at: now) { tx -> Bool in
      let rows = FunctionRows(tx)
      guard let old = try rows.function(id) else { return true }
      guard old.obstacle == nil, old.serving == nil else { return false }
      // Deployed from elsewhere meanwhile.
      guard old.latest.codeObject == object, old.latest.codeHash == version.codeHash else { return true }
      var function = old
      function.latest.takeCode(of: new)
      try function.latest.checkSize()
      (function.latest.lastModified, function.latest.revisionID) = (now, revision)
      try FunctionRows.save(function, replacing: old, in: tx, at: now)
      return true
    }
    functionChanged(.changed(id))
    collector.nudge.nudge()
    return isDone
  }
}
