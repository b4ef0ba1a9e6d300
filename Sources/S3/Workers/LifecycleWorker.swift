import Base
import Fabric
import Store

/// Acts on the lifecycles of buckets: once a day after midnight of UTC, when everything becomes due, and when one was changed.
///
/// Whatever it finds it judges again in the transaction that acts on it, so that it can be stopped and repeated anywhere.
struct LifecycleWorker: Worker {
  let s3: S3Service
  var name: String { "lifecycles of buckets" }
  var nudge: Nudge { s3.lifecycleNudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    var last: String?
    repeat {
      let after = last
      let names = try await s3.store.read { rows in
        try rows.entries(Keys.lifecycles(after: after), limit: S3Limits.bucketsPerSweep).map { try Keys.lifecycleName($0.key) }
      }
      for name in names { try await sweep(name, now) }
      last = names.count == S3Limits.bucketsPerSweep ? names.last : nil
    } while last != nil
    return .at(LifecycleRule.due(1, after: now - .milliseconds(now.milliseconds % Self.day)))
  }
  private static let day: Int64 = 86_400_000
  /// Expiry, removal, removal of the marker.
  private static let steps = 3

  private func sweep(_ name: String, _ now: Instant) async throws {
    guard let state = try await s3.buckets.find(name), let lifecycle = state.lifecycle else { return }
    var place: LifecycleScan.Place?
    repeat {
      try Task.checkCancellation()
      let from = place
      let page = try await s3.store.read { rows in try LifecycleScan(rows, state.bucket, from: from, lifecycle, now) }
      if !page.due.isEmpty { try await act(on: page.due, in: name, now) }
      place = page.next
    } while place != nil
    var upload: Key?
    repeat {
      let from = upload
      let page = try await s3.store.read { rows in try UploadScan(rows, state.bucket, from: from, lifecycle, now) }
      if !page.due.isEmpty { try await abort(page.due, in: name, now) }
      upload = page.next
    } while upload != nil
  }

  /// Judges these versions again and does what is due.
  private func act(on places: [VersionsPlace], in name: String, _ now: Instant) async throws {
    let random = places.map { _ in s3.ambient.random.bytes(16) }
    let done = try await s3.store.transact { rows -> [(Announced, Bool)] in
      guard let state = try? s3.buckets.current(name, rows), let lifecycle = state.lifecycle else { return [] }
      var done: [(Announced, Bool)] = []
      for (place, random) in zip(places, random) {
        let key = place.key
        // What one step leaves may be due itself: a marker whose last version has gone.
        for _ in 0..<Self.steps {
          let due = try KeyVersions(rows, state.bucket, key, after: place.after).all.compactMap { version, view in
            lifecycle.action(for: view, at: now).map { (version, $0) }
          }
          let changes = try due.compactMap { try perform($1, on: $0, key, state, random, now, rows) }
          done += changes
          if changes.isEmpty { break }
        }
      }
      return done
    }
    for (announced, isReleased) in done {
      s3.started(announced)
      if isReleased { s3.collector.nudge.nudge() }
    }
  }

  /// Nil when a lock keeps the version.
  private func perform(
    _ action: Lifecycle.Action, on version: ObjectVersion, _ key: String, _ state: BucketState, _ random: [UInt8], _ now: Instant,
    _ rows: any Transaction
  ) throws -> (Announced, Bool)? {
    func delete(_ reference: VersionReference) throws -> (Announced, Bool)? {
      let origin = EventOrigin(lifecycle: "Lifecycle Expiration", of: state.bucket, s3.ambient)
      let deletion = S3Service.Deletion(key: key, reference: reference, ifMatch: nil, bypasses: false, random: random)
      do {
        let deleted = try s3.delete(deletion, from: state.bucket.name, at: now, origin, rows)
        return (deleted.announced ?? .none, deleted.isReleased)
      } catch let error as AWSError where error.code == "AccessDenied" { return nil }
    }
    switch action {
    case .expire: return try delete(.current)
    case .remove: return try delete(try VersionReference(version.shownID))
    case .transition(let storageClass, _):
      guard case .object(var facts) = version.kind else { return nil }
      var version = version
      facts.description.storageClass = storageClass
      version.kind = .object(facts)
      try rows.update(version, of: key, in: state.bucket)
      var event = ObjectEvent(.transitioned, key: key, size: facts.size, eTag: facts.eTag, versionID: version.id)
      event.storageClass = storageClass
      let origin = EventOrigin(lifecycle: "Lifecycle Transition", of: state.bucket, s3.ambient)
      return (try s3.announce(event, in: state, by: origin, to: rows), false)
    }
  }

  private func abort(_ uploads: [(key: String, id: String)], in name: String, _ now: Instant) async throws {
    let isReleased = try await s3.store.transact { rows -> Bool in
      guard let state = try? s3.buckets.current(name, rows), let lifecycle = state.lifecycle else { return false }
      var isReleased = false
      for (key, id) in uploads {
        guard let upload = try? rows.upload(state.bucket, key, id), lifecycle.aborts(key, initiated: upload.initiated, at: now) != nil
        else { continue }
        isReleased = try rows.remove(upload, in: state.bucket) || isReleased
      }
      return isReleased
    }
    if isReleased { s3.collector.nudge.nudge() }
  }
}
