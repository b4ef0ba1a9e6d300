import Base
import Fabric
import Store
import Wire

extension CopyObjectInput: ObjectInput {}

/// CopyObject: the bytes are shared with the source, not copied.
extension S3Service {
  func copyAccess(_ input: CopyObjectInput, _ call: Call) async throws -> [Access] {
    var all = try await sourceAccess(input.copySource, expectedOwner: input.expectedSourceBucketOwner, call)
    all += try await objectAccess({ Self.writeActions($0.record) })(input, call)
    return all
  }

  func sourceAccess(_ text: String, expectedOwner: String?, _ call: Call) async throws -> [Access] {
    let source = try CopySource(text)
    let action = source.versionID == nil ? "GetObject" : "GetObjectVersion"
    let list = try await accessList(of: source.key, source.versionID, in: source.bucket, for: call)
    var asked = try await access(action, bucket: source.bucket, key: source.key, list: list, expectedOwner: expectedOwner, call)
    asked.conditionValues.merge(try await existingTags(of: source.key, source.versionID, in: source.bucket, for: call)) { _, new in new }
    return [asked]
  }

  func copyObject(_ input: CopyObjectInput, _ call: Call) async throws -> CopyObjectOutput {
    let source = try CopySource(input.copySource)
    try ObjectKey.check(input.key)
    let state = try await buckets.existing(input.bucket)
    let conditions = try WriteConditions(ifMatch: input.ifMatch, ifNoneMatch: input.ifNoneMatch)
    let directives = try CopyDirectives(input)
    let named = try input.checksumAlgorithm.map { name throws(AWSError) in try ChecksumAlgorithm.named(name) }
    // A source that changes meanwhile is read again.
    for _ in 0..<5 {
      let ticket = ReadTicket(readers)
      let found = try await findSource(source, input.record, call)
      guard found.facts.size <= S3Limits.objectBytes else {
        throw S3Error.invalidRequest(
          "The specified copy source is larger than the maximum allowable size for a copy source: \(S3Limits.objectBytes)")
      }
      var description = try description(input, in: state, call)
      try directives.complete(&description, from: found.facts.description)
      try directives.checkChange(input, source, of: found.facts)
      var facts = found.facts
      (facts.description, facts.partCount) = (description, nil)
      try await settle(&facts, found, named, ticket)
      var new = newObject(input.bucket, input.key, facts, Content(), conditions, .createdCopy,
        owner: state.owner(ofNewBy: call.principal, acl: input.acl))
      new.facts.content = found.facts.content.map { ContentID(isInFiles: $0.isInFiles, random: new.random) }
      let candidate = new
      let made = try await store.transact { rows -> MadeObject? in
        let now = try rows.version(found.state.bucket, source.key, VersionReference(source.versionID))
        guard let now, now.sequence == found.version.sequence else { return nil }
        var new = candidate
        if let id = now.facts?.content {
          new.content = try rows.content(found.state.bucket, id)
          new.content.parts = []
        }
        return try self.insert(new, call, rows)
      }
      guard let made else { continue }
      finished(made)
      return copied(made, input.key, found)
    }
    throw AWSError("SlowDown", "Please reduce your request rate.", status: 503, fault: .server)
  }

  private func copied(_ made: MadeObject, _ key: String, _ found: Found) -> CopyObjectOutput {
    var output = CopyObjectOutput()
    var result = CopyObjectResult()
    if let facts = made.version.facts {
      result.eTag = EntityTags.quoted(facts.eTag)
      result.record.show(facts.checksum)
      facts.description.encryption.show(in: &output.record)
    }
    result.lastModified = made.version.modified
    output.copyObjectResult = result
    output.versionId = made.version.shownID(in: made.state)
    output.copySourceVersionId = found.version.shownID(in: found.state)
    output.record.show(expirationOf: made.version, key, in: made.state)
    return output
  }

  /// The source of a copy, with its content. Throws what a read of it would, in the words of a copy.
  func findSource(_ source: CopySource, _ input: Record, _ call: Call) async throws -> Found {
    let reference = try VersionReference(source.versionID)
    let state = try await buckets.existing(source.bucket)
    let found = try await store.read { rows -> (ObjectVersion, Content?)? in
      guard let version = try rows.version(state.bucket, source.key, reference) else { return nil }
      return (version, try version.facts?.content.map { try rows.content(state.bucket, $0) })
    }
    guard let (version, content) = found else {
      let error = source.versionID.map { S3Error.noSuchVersion(source.key, $0) } ?? S3Error.noSuchKey(source.key)
      throw await missing(error, in: state, call)
    }
    guard let facts = version.facts else {
      guard reference == .current else {
        throw S3Error.invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.")
      }
      throw await missing(S3Error.noSuchKey(source.key), in: state, call)
    }
    let conditions = ReadConditions(
      ifMatch: input["CopySourceIfMatch"]?.string, ifNoneMatch: input["CopySourceIfNoneMatch"]?.string,
      ifModifiedSince: input["CopySourceIfModifiedSince"]?.timestamp, ifUnmodifiedSince: input["CopySourceIfUnmodifiedSince"]?.timestamp)
    switch conditions.judge(eTag: facts.eTag, modified: version.modified) {
    case .holds: break
    case .failed(let condition): throw S3Error.preconditionFailed("x-amz-copy-source-\(condition)")
    case .notModified:
      let name = input["CopySourceIfNoneMatch"] == nil ? "If-Modified-Since" : "If-None-Match"
      throw S3Error.preconditionFailed("x-amz-copy-source-\(name)")
    }
    try facts.description.encryption.check(customerKeyMD5: try ObjectEncryption.customerKey(input, prefix: "CopySource"))
    try facts.description.checkReadable(at: call.now)
    return Found(state: state, key: source.key, version: version, facts: facts, content: content, parts: content?.parts ?? [])
  }

  /// The entity tag and checksum of a copy are those of one piece: of a source of parts, and for another algorithm, they are computed.
  private func settle(
    _ facts: inout ObjectFacts, _ found: Found, _ named: ChecksumAlgorithm?, _ ticket: ReadTicket
  ) async throws {
    let algorithm = named ?? found.facts.checksum?.algorithm ?? .standard
    let hasChecksum = found.facts.checksum.map { $0.algorithm == algorithm && $0.kind == .fullObject } ?? false
    if hasChecksum, found.facts.partCount == nil { return }
    let digests = Digests([algorithm])
    if let content = found.content { try await read(content, 0..<found.facts.size, ticket, into: digests) }
    let result = digests.result
    facts.eTag = result.md5.hex
    facts.checksum = ObjectChecksum(algorithm: algorithm, kind: .fullObject, value: result.checksum(algorithm).base64)
  }
}

/// What a copy takes from its source, and what from the request.
struct CopyDirectives: Sendable {
  private var replacesMetadata: Bool
  private var replacesTags: Bool

  init(_ input: CopyObjectInput) throws(AWSError) {
    replacesMetadata = try Self.replaces(input.metadataDirective, "metadata")
    replacesTags = try Self.replaces(input.taggingDirective, "tagging")
    if !replacesTags, input.tagging != nil, input.taggingDirective != nil {
      throw S3Error.invalidArgument("The tagging directive COPY cannot be used with tags.", "x-amz-tagging-directive", "COPY")
    }
  }

  private static func replaces(_ directive: String?, _ what: String) throws(AWSError) -> Bool {
    switch directive {
    case nil, "COPY"?: return false
    case "REPLACE"?: return true
    case let other?: throw S3Error.invalidArgument("Unknown \(what) directive.", "x-amz-\(what)-directive", other)
    }
  }

  /// - Parameter description: of the request.
  func complete(_ description: inout ObjectDescription, from source: ObjectDescription) throws(AWSError) {
    if !replacesMetadata {
      (description.contentType, description.contentEncoding) = (source.contentType, source.contentEncoding)
      (description.contentDisposition, description.contentLanguage) = (source.contentDisposition, source.contentLanguage)
      (description.cacheControl, description.expires) = (source.cacheControl, source.expires)
      description.metadata = source.metadata
    }
    if !replacesTags { description.tags = source.tags }
  }

  /// A copy onto itself must change something.
  func checkChange(_ input: CopyObjectInput, _ source: CopySource, of facts: ObjectFacts) throws(AWSError) {
    guard source.bucket == input.bucket, source.key.isExactly(input.key), source.versionID == nil, !replacesMetadata else { return }
    let members = ["StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption", "SSECustomerKey", "ChecksumAlgorithm"]
    guard members.contains(where: { input.record[$0] != nil }) else { throw S3Error.copyOntoItself }
  }
}
