import Base
import Fabric
import Store

/// Tells of restorations that are ready, and ends those whose days are over.
struct RestorationWorker: Worker {
  let s3: S3Service
  var name: String { "restorations of archived objects" }
  var nudge: Nudge { s3.restorationNudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    let done = try await s3.store.transact { rows -> (announced: Announced, next: Instant?) in
      var announced = Announced.none
      for (key, value) in try rows.entries(Keys.restorations, limit: S3Limits.rowsPerSweep) {
        let due = try Keys.restoration(key)
        guard due.time <= now else { return (announced, due.time) }
        try rows.delete(key)
        announced = announced + (try end(due, in: value.utf8Text, now, rows))
      }
      return (announced, try rows.first(Keys.restorations).map { try Keys.restoration($0.key).time })
    }
    s3.started(done.announced)
    return done.next.map { $0 <= now ? .soon : .at($0) } ?? .onNudge
  }

  /// A row of a version that is gone, or of a restoration that was changed since, means nothing.
  private func end(_ due: Keys.DueRestoration, in name: String, _ now: Instant, _ rows: any Transaction) throws -> Announced {
    guard let state = try? s3.buckets.current(name, rows), state.bucket.id == due.bucket,
      var version = try rows.version(state.bucket, due.key, sequence: due.sequence), var facts = version.facts,
      let restoration = facts.description.restoration
    else { return .none }
    func event(_ kind: ObjectEvent.Kind) -> ObjectEvent {
      var event = ObjectEvent(kind, key: due.key, size: facts.size, eTag: facts.eTag, versionID: version.id)
      event.storageClass = facts.description.storageClass
      return event
    }
    if due.time == restoration.readyAt {
      var event = event(.restored)
      event.restoreExpiry = restoration.expiresAt
      let origin = EventOrigin(lifecycle: "Restore Completed", of: state.bucket, s3.ambient)
      return try s3.announce(event, in: state, by: origin, to: rows)
    }
    guard due.time == restoration.expiresAt else { return .none }
    facts.description.restoration = nil
    version.kind = .object(facts)
    try rows.update(version, of: due.key, in: state.bucket)
    let origin = EventOrigin(lifecycle: "Restore Expired", of: state.bucket, s3.ambient)
    return try s3.announce(event(.restoredExpired), in: state, by: origin, to: rows)
  }
}
