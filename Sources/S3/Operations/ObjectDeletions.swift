import Base
import Fabric
import Store
import Wire

extension DeleteObjectInput: ObjectInput {}
extension DeleteObjectsInput: BucketInput {}

/// DeleteObject and DeleteObjects.
extension S3Service {
  var objectDeletionOperations: [Operation] {
    [
      Operation("DeleteObject", access: deletionAccess, run: deleteObject),
      // Each object is asked for by itself: what may not be deleted fails alone.
      Operation("DeleteObjects", access: { (_: DeleteObjectsInput, _) in [] }, run: deleteObjects),
    ]
  }

  private func deletionAccess(_ input: DeleteObjectInput, _ call: Call) async throws -> [Access] {
    let access: @Sendable (DeleteObjectInput, Call) async throws -> [Access] = objectAccess { input in
      [input.versionId == nil ? "DeleteObject" : "DeleteObjectVersion"]
        + (input.bypassGovernanceRetention == true ? ["BypassGovernanceRetention"] : [])
    }
    return try await access(input, call)
  }

  private func deleteObject(_ input: DeleteObjectInput, _ call: Call) async throws -> DeleteObjectOutput {
    if input.ifMatchLastModifiedTime != nil { throw S3Error.notImplementedHeader("x-amz-if-match-last-modified-time") }
    if input.ifMatchSize != nil { throw S3Error.notImplementedHeader("x-amz-if-match-size") }
    try checkMFA(input.mfa)
    let deletion = Deletion(
      key: input.key, reference: try VersionReference(input.versionId), ifMatch: input.ifMatch,
      bypasses: input.bypassGovernanceRetention == true, random: ambient.random.bytes(16))
    let bucket = input.bucket, now = ambient.now
    let result = try await store.transact { rows in try self.delete(deletion, from: bucket, at: now, EventOrigin(call), rows) }
    finished(result)
    var output = DeleteObjectOutput()
    output.versionId = result.versionID
    if result.isMarker { output.deleteMarker = true }
    return output
  }

  /// MFA delete can only be switched on by the root with a device.
  private func checkMFA(_ text: String?) throws(AWSError) {
    if text != nil { throw S3Error.notImplementedHeader("x-amz-mfa") }
  }

  struct Deletion: Sendable {
    var key: String
    var reference: VersionReference
    var ifMatch: String?
    /// The caller may pass by retention of mode GOVERNANCE, and says so.
    var bypasses: Bool
    /// For the id of a delete marker.
    var random: [UInt8]
  }

  struct Deleted: Sendable {
    /// Of the version that is gone, or of the delete marker that was made.
    var versionID: String?
    /// It is, or was, a delete marker.
    var isMarker = false
    var announced: Announced?
    var isReleased = false
  }

  func finished(_ deleted: Deleted) {
    if let announced = deleted.announced { started(announced) }
    if deleted.isReleased { collector.nudge.nudge() }
  }

  /// Within a transaction. A refusal leaves nothing behind, so that others in it may go on.
  func delete(
    _ deletion: Deletion, from bucketName: String, at now: Instant, _ origin: EventOrigin, _ rows: any Transaction
  ) throws -> Deleted {
    let state = try buckets.current(bucketName, rows)
    let newest = try rows.newest(state.bucket, deletion.key)
    if let ifMatch = deletion.ifMatch {
      guard let facts = newest?.facts else { throw S3Error.noSuchKey(deletion.key) }
      guard EntityTags.contains(facts.eTag, in: ifMatch) else { throw S3Error.preconditionFailed("If-Match") }
    }
    if deletion.reference == .current, state.bucket.versioning != .off {
      return try mark(deletion, newest, in: state, at: now, origin, rows)
    }
    guard let version = try rows.version(state.bucket, deletion.key, deletion.reference) else {
      // Nothing to do is no failure.
      return Deleted(versionID: deletion.reference == .current ? nil : deletion.reference.text)
    }
    switch version.facts?.description.lock.deletion(at: now) ?? .free {
    case .free: break
    case .governed: guard deletion.bypasses else { throw S3Error.protected }
    case .locked: throw S3Error.protected
    }
    var deleted = Deleted(isMarker: version.isMarker)
    deleted.isReleased = try rows.remove(version, of: deletion.key, in: state.bucket)
    if deletion.reference != .current { deleted.versionID = version.shownID }
    let sequence = ObjectVersion(
      sequence: sequences.next(after: newest, at: now), id: nil, modified: now, owner: version.owner, kind: .marker)
    let event = ObjectEvent(.removed, key: deletion.key, versionID: version.id, sequencer: sequence.sequencer)
    deleted.announced = try announce(event, in: state, by: origin, to: rows)
    return deleted
  }

  private func mark(
    _ deletion: Deletion, _ newest: ObjectVersion?, in state: BucketState, at now: Instant, _ origin: EventOrigin, _ rows: any Transaction
  ) throws -> Deleted {
    let sequence = sequences.next(after: newest, at: now)
    let id = state.bucket.versioning == .enabled ? VersionID(sequence: sequence, random: deletion.random).text : nil
    let marker = ObjectVersion(
      sequence: sequence, id: id, modified: Instant(seconds: now.seconds), owner: state.bucket.owner, kind: .marker)
    var deleted = Deleted(versionID: marker.shownID, isMarker: true)
    // With versioning suspended the version `null` goes.
    if id == nil, let replaced = try rows.version(state.bucket, deletion.key, .null), let facts = replaced.facts {
      guard facts.description.lock.deletion(at: now) == .free else { throw S3Error.protected }
    }
    deleted.isReleased = try rows.insert(marker, of: deletion.key, in: state.bucket)
    let event = ObjectEvent(.markedDeleted, key: deletion.key, versionID: id, sequencer: marker.sequencer)
    deleted.announced = try announce(event, in: state, by: origin, to: rows)
    return deleted
  }

  private func deleteObjects(_ input: DeleteObjectsInput, _ call: Call) async throws -> DeleteObjectsOutput {
    try checkMFA(input.mfa)
    let wanted = input.delete.objects
    guard !wanted.isEmpty, wanted.count <= S3Limits.deletedKeys else { throw S3Error.malformedXML }
    var results: [Result<Deletion, AWSError>] = []
    for object in wanted { results.append(await deletion(object, input, call)) }
    let (requested, bucket, now) = (results, input.bucket, ambient.now)
    let done = try await store.transact { rows in
      _ = try self.buckets.current(bucket, rows)
      return try requested.map { deletion -> Result<Deleted, AWSError> in
        do {
          return .success(try self.delete(try deletion.get(), from: bucket, at: now, EventOrigin(call), rows))
        } catch let error as AWSError {
          return .failure(error)
        }
      }
    }
    var output = DeleteObjectsOutput()
    var (deleted, failed): ([DeletedObjectShape], [DeleteFailureShape]) = ([], [])
    for (object, result) in zip(wanted, done) {
      switch result {
      case .success(let gone):
        finished(gone)
        if input.delete.quiet != true { deleted.append(Self.told(object, gone)) }
      case .failure(let error): failed.append(Self.told(object, error))
      }
    }
    if !deleted.isEmpty { output.deleted = deleted }
    if !failed.isEmpty { output.errors = failed }
    return output
  }

  /// What one entry asks for, if its sender may.
  private func deletion(_ object: ObjectIdentifierShape, _ input: DeleteObjectsInput, _ call: Call) async -> Result<Deletion, AWSError> {
    do {
      let reference = try VersionReference(object.versionId)
      var actions = [object.versionId == nil ? "DeleteObject" : "DeleteObjectVersion"]
      if input.bypassGovernanceRetention == true { actions.append("BypassGovernanceRetention") }
      let tags = try await existingTags(of: object.key, object.versionId, in: input.bucket, for: call)
      for action in actions {
        var access = try await access(
          action, bucket: input.bucket, key: object.key, expectedOwner: input.expectedBucketOwner, payer: input.statedPayer, call)
        access.conditionValues.merge(tags) { _, new in new }
        if let version = object.versionId { access.conditionValues["s3:versionid"] = [version] }
        try await neighbours.authoriser.authorise(access, for: call)
      }
      return .success(
        Deletion(
          key: object.key, reference: reference, ifMatch: object.eTag, bypasses: input.bypassGovernanceRetention == true,
          random: ambient.random.bytes(16)))
    } catch let error as AWSError {
      return .failure(error)
    } catch {
      return .failure(
        AWSError("InternalError", "We encountered an internal error. Please try again.", status: 500, fault: .server, cause: error))
    }
  }

  private static func told(_ object: ObjectIdentifierShape, _ deleted: Deleted) -> DeletedObjectShape {
    var shape = DeletedObjectShape()
    shape.key = object.key
    shape.versionId = object.versionId
    if deleted.isMarker {
      shape.deleteMarker = true
      shape.deleteMarkerVersionId = deleted.versionID
    }
    return shape
  }
  private static func told(_ object: ObjectIdentifierShape, _ error: AWSError) -> DeleteFailureShape {
    var shape = DeleteFailureShape()
    shape.key = object.key
    shape.versionId = object.versionId
    shape.code = error.code == "AccessDeniedException" ? "AccessDenied" : error.code
    shape.message = error.message
    return shape
  }
}

extension VersionReference {
  /// As requests name it; nil for the current version.
  var text: String? {
    switch self {
    case .current: nil
    case .null: VersionID.nullText
    case .version(let id): id.text
    }
  }
}
