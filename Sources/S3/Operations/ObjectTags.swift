import Base
import Fabric
import Store
import Wire

extension GetObjectTaggingInput: ObjectInput {}
extension PutObjectTaggingInput: ObjectInput {}
extension DeleteObjectTaggingInput: ObjectInput {}
extension GetObjectRetentionInput: ObjectInput {}
extension PutObjectRetentionInput: ObjectInput {}
extension GetObjectLegalHoldInput: ObjectInput {}
extension PutObjectLegalHoldInput: ObjectInput {}

/// What of a version can be changed: its tags and what locks it.
extension S3Service {
  var objectChangeOperations: [Operation] {
    [
      Operation("GetObjectTagging", access: versionAccess("GetObjectTagging", "GetObjectVersionTagging"), run: getTags),
      Operation("PutObjectTagging", access: versionAccess("PutObjectTagging", "PutObjectVersionTagging"), run: putTags),
      Operation("DeleteObjectTagging", access: versionAccess("DeleteObjectTagging", "DeleteObjectVersionTagging"), run: deleteTags),
      Operation("GetObjectRetention", access: objectAccess { _ in ["GetObjectRetention"] }, run: getRetention),
      Operation(
        "PutObjectRetention",
        access: objectAccess {
          ["PutObjectRetention"] + ($0.bypassGovernanceRetention == true ? ["BypassGovernanceRetention"] : [])
        }, run: putRetention),
      Operation("GetObjectLegalHold", access: objectAccess { _ in ["GetObjectLegalHold"] }, run: getHold),
      Operation("PutObjectLegalHold", access: objectAccess { _ in ["PutObjectLegalHold"] }, run: putHold),
    ]
  }

  /// A version that is an object. Throws NoSuchKey, NoSuchVersion, MethodNotAllowed.
  private func object(_ key: String, _ versionID: String?, in bucket: Bucket, _ rows: any Reader, method: String) throws -> ObjectVersion {
    guard let version = try rows.version(bucket, key, try VersionReference(versionID)) else {
      throw versionID.map { S3Error.noSuchVersion(key, $0) } ?? S3Error.noSuchKey(key)
    }
    guard !version.isMarker else {
      if versionID == nil { throw S3Error.noSuchKey(key) }
      throw S3Error.methodNotAllowed(method, "DeleteMarker")
    }
    return version
  }

  func read(_ bucket: String, _ key: String, _ versionID: String?, _ call: Call) async throws -> (BucketState, ObjectVersion) {
    let state = try await buckets.existing(bucket)
    do {
      return (state, try await store.read { try self.object(key, versionID, in: state.bucket, $0, method: "GET") })
    } catch let error as AWSError where error.status == 404 {
      throw await missing(error, in: state, call)
    }
  }

  /// Changes what is said of a version, and tells of it.
  func change(
    _ name: String, _ key: String, _ versionID: String?, _ call: Call, event kind: ObjectEvent.Kind? = nil,
    _ body: @escaping @Sendable (inout ObjectDescription, BucketState) throws -> Void
  ) async throws -> (BucketState, ObjectVersion) {
    let (state, version, announced) = try await store.transact { rows -> (BucketState, ObjectVersion, Announced?) in
      let state = try self.buckets.current(name, rows)
      var version = try self.object(key, versionID, in: state.bucket, rows, method: "PUT")
      guard var facts = version.facts else { throw S3Error.noSuchKey(key) }
      try body(&facts.description, state)
      version.kind = .object(facts)
      try rows.update(version, of: key, in: state.bucket)
      guard let kind else { return (state, version, nil) }
      let event = ObjectEvent(kind, key: key, size: nil, eTag: facts.eTag, versionID: version.id)
      return (state, version, try self.announce(event, in: state, by: EventOrigin(call), to: rows))
    }
    if let announced { started(announced) }
    return (state, version)
  }

  // Tags.

  private func getTags(_ input: GetObjectTaggingInput, _ call: Call) async throws -> GetObjectTaggingOutput {
    let (state, version) = try await read(input.bucket, input.key, input.versionId, call)
    var output = GetObjectTaggingOutput()
    output.versionId = version.shownID(in: state)
    output.tagSet = (version.facts?.description.tags ?? []).map { tag in
      var shape = S3Tag()
      shape.key = tag.key
      shape.value = tag.value
      return shape
    }
    return output
  }

  private func putTags(_ input: PutObjectTaggingInput, _ call: Call) async throws -> PutObjectTaggingOutput {
    let tags = input.tagging.tagSet.map { ObjectTag(key: $0.key, value: $0.value) }
    try ObjectTag.check(tags)
    let (state, version) = try await change(input.bucket, input.key, input.versionId, call, event: .tagged) { about, _ in
      about.tags = tags
    }
    var output = PutObjectTaggingOutput()
    output.versionId = version.shownID(in: state)
    return output
  }

  private func deleteTags(_ input: DeleteObjectTaggingInput, _ call: Call) async throws -> DeleteObjectTaggingOutput {
    let (state, version) = try await change(input.bucket, input.key, input.versionId, call, event: .untagged) { about, _ in
      about.tags = []
    }
    var output = DeleteObjectTaggingOutput()
    output.versionId = version.shownID(in: state)
    return output
  }

  // Locks.

  private func getRetention(_ input: GetObjectRetentionInput, _ call: Call) async throws -> GetObjectRetentionOutput {
    let (state, version) = try await read(input.bucket, input.key, input.versionId, call)
    guard state.bucket.isObjectLockEnabled else { throw S3Error.noObjectLock }
    guard let retention = version.facts?.description.lock.retention else { throw S3Error.noObjectLockConfiguration }
    var output = GetObjectRetentionOutput()
    var shape = ObjectLockRetention()
    shape.mode = retention.mode.rawValue
    shape.retainUntilDate = retention.until
    output.retention = shape
    return output
  }

  private func putRetention(_ input: PutObjectRetentionInput, _ call: Call) async throws -> PutObjectRetentionOutput {
    let now = ambient.now
    // An empty element takes the retention away.
    var wanted: ObjectLock.Retention?
    if input.retention?.mode != nil || input.retention?.retainUntilDate != nil {
      guard let mode = input.retention?.mode, let until = input.retention?.retainUntilDate else { throw S3Error.malformedXML }
      guard ObjectLock.Mode(rawValue: mode) != nil else { throw S3Error.malformedXML }
      wanted = try ObjectLock.retention(mode, until, now)
    }
    let (new, bypasses) = (wanted, input.bypassGovernanceRetention == true)
    _ = try await change(input.bucket, input.key, input.versionId, call) { about, state in
      guard state.bucket.isObjectLockEnabled else { throw S3Error.noObjectLock }
      switch about.lock.change(to: new, at: now) {
      case .free: break
      case .governed: guard bypasses else { throw S3Error.protected }
      case .locked: throw S3Error.protected
      }
      about.lock.retention = new
    }
    return PutObjectRetentionOutput()
  }

  private func getHold(_ input: GetObjectLegalHoldInput, _ call: Call) async throws -> GetObjectLegalHoldOutput {
    let (state, version) = try await read(input.bucket, input.key, input.versionId, call)
    guard state.bucket.isObjectLockEnabled else { throw S3Error.noObjectLock }
    guard let isHeld = version.facts?.description.lock.legalHold else { throw S3Error.noObjectLockConfiguration }
    var output = GetObjectLegalHoldOutput()
    var shape = ObjectLockLegalHold()
    shape.status = isHeld ? "ON" : "OFF"
    output.legalHold = shape
    return output
  }

  private func putHold(_ input: PutObjectLegalHoldInput, _ call: Call) async throws -> PutObjectLegalHoldOutput {
    guard let status = input.legalHold?.status, ["ON", "OFF"].contains(status) else { throw S3Error.malformedXML }
    let isHeld = status == "ON"
    _ = try await change(input.bucket, input.key, input.versionId, call) { about, state in
      guard state.bucket.isObjectLockEnabled else { throw S3Error.noObjectLock }
      about.lock.legalHold = isHeld
    }
    return PutObjectLegalHoldOutput()
  }
}
