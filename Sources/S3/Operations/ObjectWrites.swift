import Base
import Fabric
import Store
import Wire

extension PutObjectInput: ObjectInput {}

/// PutObject, and what all that make an object have in common.
extension S3Service {
  var objectWriteOperations: [Operation] {
    [
      Operation("PutObject", access: objectAccess { Self.writeActions($0.record) }, transfer: putObject),
      Operation("CopyObject", access: copyAccess, run: copyObject),
    ]
  }

  private func putObject(_ input: PutObjectInput, _ body: IncomingBytes, _ call: Call) async throws -> TransferOutput {
    let state = try await buckets.existing(input.bucket)
    if input.writeOffsetBytes != nil { throw S3Error.notImplementedHeader("x-amz-write-offset-bytes") }
    let description = try description(input, in: state, call)
    let conditions = try WriteConditions(ifMatch: input.ifMatch, ifNoneMatch: input.ifNoneMatch)
    let declared = try DeclaredBytes(input.record, facts(of: body, call))
    let locks = input.objectLockMode != nil || input.objectLockLegalHoldStatus != nil
    if locks, declared.md5 == nil, !declared.isChosen, call.sourceIP != nil {
      throw S3Error.invalidRequest(
        "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters")
    }
    let received = try await receive(body, declared)
    let checksum = ObjectChecksum(algorithm: declared.algorithm, kind: .fullObject, value: received.checksum(declared.algorithm))
    let facts = ObjectFacts(size: received.size, eTag: received.eTag, checksum: checksum, description: description)
    let new = newObject(input.bucket, input.key, facts, received.content, conditions, .createdPut,
      owner: state.owner(ofNewBy: call.principal, acl: input.acl))
    let made = try await commit(received) { rows in try self.insert(new, call, rows) }
    finished(made)
    var output = PutObjectOutput()
    output.eTag = EntityTags.quoted(received.eTag)
    output.versionId = made.version.shownID(in: made.state)
    output.record.show(checksum)
    description.encryption.show(in: &output.record)
    output.record.show(expirationOf: made.version, input.key, in: made.state)
    return TransferOutput(output.record)
  }

  func facts(of body: IncomingBytes, _ call: Call) -> IncomingBytesFacts {
    IncomingBytesFacts(length: body.length, trailing: body.trailingChecksum, isInside: call.sourceIP == nil)
  }

  /// Throws what is wrong with what the request says of the object.
  func description<Input: ObjectInput & AccessListInput>(
    _ input: Input, in state: BucketState, _ call: Call
  ) throws(AWSError) -> ObjectDescription {
    var description = try ObjectDescription(input.record, in: state, now: ambient.now)
    let owner = state.owner(ofNewBy: call.principal, acl: input.acl)
    description.acl = try accessList(input, of: input.key, owner: owner, in: state, call)
    return description
  }

  // What makes an object.

  struct NewObject: Sendable {
    var bucket: String
    var key: String
    var facts: ObjectFacts
    var content: Content
    var conditions: WriteConditions
    var kind: ObjectEvent.Kind
    var modified: Instant
    /// For the id of the version.
    var random: [UInt8]
    var owner: AccountID
  }

  struct MadeObject: Sendable {
    var state: BucketState
    var version: ObjectVersion
    /// Nil when nothing was changed.
    var announced: Announced?
    /// There is something to collect.
    var isReleased: Bool
  }

  func newObject(
    _ bucket: String, _ key: String, _ facts: ObjectFacts, _ content: Content, _ conditions: WriteConditions, _ kind: ObjectEvent.Kind,
    owner: AccountID
  ) -> NewObject {
    var facts = facts
    facts.content = facts.size > 0 || !content.parts.isEmpty ? newContentID(content) : nil
    return NewObject(
      bucket: bucket, key: key, facts: facts, content: content, conditions: conditions, kind: kind, modified: ambient.now,
      random: ambient.random.bytes(16), owner: owner)
  }

  /// Within a transaction: the version, its content and its event.
  func insert(_ new: NewObject, _ call: Call, _ rows: any Transaction) throws -> MadeObject {
    let state = try buckets.current(new.bucket, rows)
    let bucket = state.bucket
    let newest = try rows.newest(bucket, new.key)
    try new.conditions.check(newest?.facts, key: new.key)
    let sequence = sequences.next(after: newest, at: new.modified)
    let id = bucket.versioning == .enabled ? VersionID(sequence: sequence, random: new.random).text : nil
    let version = ObjectVersion(
      sequence: sequence, id: id, modified: Instant(seconds: new.modified.seconds), owner: new.owner, kind: .object(new.facts))
    if let content = new.facts.content { try rows.keep(new.content, as: content, in: bucket) }
    let isReleased = try rows.insert(version, of: new.key, in: bucket)
    let event = ObjectEvent(
      new.kind, key: new.key, size: new.facts.size, eTag: new.facts.eTag, versionID: id, sequencer: version.sequencer)
    let announced = try announce(event, in: state, by: EventOrigin(call), to: rows)
    return MadeObject(state: state, version: version, announced: announced, isReleased: isReleased)
  }

  /// After the commit.
  func finished(_ made: MadeObject) {
    if let announced = made.announced { started(announced) }
    if made.isReleased { collector.nudge.nudge() }
  }
}

extension ObjectVersion {
  /// As answers name it: not at all in a bucket that never had versions.
  func shownID(in state: BucketState) -> String? { state.bucket.versioning == .off ? nil : shownID }
}

extension Record {
  /// Writes the value, and its type where there is a place for it.
  mutating func show(_ checksum: ObjectChecksum?) {
    guard let checksum, shape.place(of: checksum.algorithm.memberName) != nil else { return }
    self[checksum.algorithm.memberName] = .string(checksum.value)
    if shape.place(of: "ChecksumType") != nil { self["ChecksumType"] = .string(checksum.kind.rawValue) }
  }
}
