import Base
import Fabric
import Store
import Wire

extension RestoreObjectInput: ObjectInput {}

/// RestoreObject: copies of archived objects for some days. A restoration is a time in the facts of its version, so that reads judge
/// by the clock alone; `RestorationWorker` tells when it is ready and when it is over.
extension S3Service {
  var restorationOperations: [Operation] {
    [Operation("RestoreObject", access: objectAccess { _ in ["RestoreObject"] }, run: restore)]
  }

  private func restore(_ input: RestoreObjectInput, _ call: Call) async throws -> RestoreObjectOutput {
    guard let request = input.restoreRequest else { throw S3Error.malformedXML }
    if request.type != nil || request.selectParameters != nil || request.outputLocation != nil {
      throw S3Error.notImplemented("S3 Select in a restoration")
    }
    if let days = request.days, days < 1 { throw S3Error.invalidArgument("Days must be a positive integer", "Days", "\(days)") }
    let name = request.tier ?? request.glacierJobParameters?.tier
    guard let tier = name.map({ Restoration.Tier(rawValue: $0) }) ?? .standard else { throw S3Error.malformedXML }
    let (now, bucket, key) = (call.now, input.bucket, input.key)
    let reference = try VersionReference(input.versionId)
    let random = input.versionId
    let (isNew, announced) = try await store.transact { rows -> (Bool, Announced) in
      let state = try self.buckets.current(bucket, rows)
      guard var version = try rows.version(state.bucket, key, reference), !(version.isMarker && reference == .current) else {
        throw random.map { S3Error.noSuchVersion(key, $0) } ?? S3Error.noSuchKey(key)
      }
      guard var facts = version.facts else { throw S3Error.methodNotAllowed("POST", "DeleteMarker") }
      let present = facts.description.presentRestoration(at: now)
      let restoration = try Self.restoration(facts.description, present, tier, request.days, now)
      facts.description.restoration = restoration
      version.kind = .object(facts)
      try rows.update(version, of: key, in: state.bucket)
      for time in [restoration.readyAt, restoration.expiresAt] where time > now {
        try rows.set(Keys.restoration(at: time, state.bucket.id, key, version.sequence), Array(bucket.utf8))
      }
      guard present == nil else { return (false, .none) }
      var event = ObjectEvent(.restoreBegun, key: key, size: facts.size, eTag: facts.eTag, versionID: version.id)
      event.storageClass = facts.description.storageClass
      return (true, try self.announce(event, in: state, by: EventOrigin(call), to: rows))
    }
    started(announced)
    restorationNudge.nudge()
    var output = RestoreObjectOutput()
    output.statusCode = isNew ? 202 : 200
    return output
  }

  /// Throws InvalidObjectState, RestoreAlreadyInProgress and InvalidArgument.
  private static func restoration(
    _ description: ObjectDescription, _ present: Restoration?, _ tier: Restoration.Tier, _ days: Int?, _ now: Instant
  ) throws(AWSError) -> Restoration {
    let storageClass = description.storageClass ?? "STANDARD"
    guard description.isInArchive else { throw S3Error.notArchived(storageClass) }
    guard let delay = Restoration.delay(tier, of: storageClass) else {
      throw S3Error.invalidArgument("Retrieval option is not supported by this storage class", "Tier", tier.rawValue)
    }
    if let present, present.isUnderWay(at: now) {
      // The one change that is allowed: to a faster tier.
      guard days == nil, now + delay < present.readyAt else { throw S3Error.restoreInProgress }
      return Restoration(readyAt: now + delay, days: present.days)
    }
    guard let days else { throw S3Error.malformedXML }
    // What is there already stays for so many days from now.
    if let present { return Restoration(readyAt: present.readyAt, expiresAt: LifecycleRule.due(days, after: now), days: days) }
    return Restoration(readyAt: now + delay, days: days)
  }
}
