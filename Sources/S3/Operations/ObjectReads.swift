import Base
import Fabric
import Store
import Wire

extension GetObjectInput: ObjectInput {}
extension HeadObjectInput: ObjectInput {}

/// GetObject and HeadObject.
extension S3Service {
  var objectReadOperations: [Operation] {
    [
      Operation("GetObject", access: versionAccess("GetObject", "GetObjectVersion"), transfer: getObject),
      Operation("HeadObject", access: versionAccess("GetObject", "GetObjectVersion"), transfer: headObject),
    ]
  }

  private func getObject(_ input: GetObjectInput, _ body: IncomingBytes, _ call: Call) async throws -> TransferOutput {
    try await read(input, call)
  }

  func read(_ input: GetObjectInput, _ call: Call) async throws -> TransferOutput {
    let ticket = ReadTicket(readers)
    let found = try await find(input.record, method: "GET", call)
    try found.facts.description.checkReadable(at: call.now)
    let answer = try answer(GetObjectOutput.shape, input.record, found, call)
    let range = answer.range
    var output = TransferOutput(answer.output, status: answer.status)
    if let content = found.content, !range.isEmpty { output.bytes = try await outgoing(content, range, ticket) }
    return output
  }

  private func headObject(_ input: HeadObjectInput, _ body: IncomingBytes, _ call: Call) async throws -> TransferOutput {
    let found = try await find(input.record, method: "HEAD", call)
    let answer = try answer(HeadObjectOutput.shape, input.record, found, call)
    return TransferOutput(answer.output, status: answer.status)
  }

  private func answer(_ shape: StructureShape, _ input: Record, _ found: Found, _ call: Call) throws(AWSError) -> ReadAnswer {
    let selection = try selection(input, found)
    var answer = ReadAnswer(shape, found, selection, at: call.now)
    if input["ChecksumMode"]?.string == "ENABLED" { answer.showChecksum(found.facts, selection) }
    try answer.override(input, call)
    return answer
  }

  /// A version that a read has found.
  struct Found: Sendable {
    var state: BucketState
    var key: String
    var version: ObjectVersion
    var facts: ObjectFacts
    /// Nil when there are no bytes, or they were not asked for.
    var content: Content?
    /// It is the newest version of its key.
    var isCurrent = false
    /// Of the range that a part number means, and how many there are.
    var parts: [PartFacts] = []
  }

  /// Finds what a read means and checks its conditions and key.
  /// - Parameter input: of GetObject, HeadObject or GetObjectAttributes, which name these members alike.
  func find(_ input: Record, method: String, _ call: Call) async throws -> Found {
    let (bucket, key) = (input["Bucket"]?.string ?? "", input["Key"]?.string ?? "")
    let reference = try VersionReference(input["VersionId"]?.string)
    let state = try await buckets.existing(bucket)
    let needsContent = method == "GET" || input["PartNumber"] != nil
    let found = try await store.read { rows -> (ObjectVersion, Content?, Bool)? in
      guard let version = try rows.version(state.bucket, key, reference) else { return nil }
      let isCurrent = try reference == .current || state.lifecycle != nil && rows.newest(state.bucket, key)?.sequence == version.sequence
      guard needsContent, let id = version.facts?.content else { return (version, nil, isCurrent) }
      return (version, try rows.content(state.bucket, id), isCurrent)
    }
    guard let (version, content, isCurrent) = found else {
      if reference != .current { throw await missing(S3Error.noSuchVersion(key, input["VersionId"]?.string ?? ""), in: state, call) }
      throw await missing(S3Error.noSuchKey(key), in: state, call)
    }
    guard let facts = version.facts else { throw await marker(version, key, reference, method, state, call) }
    let conditions = ReadConditions(
      ifMatch: input["IfMatch"]?.string, ifNoneMatch: input["IfNoneMatch"]?.string,
      ifModifiedSince: input["IfModifiedSince"]?.timestamp, ifUnmodifiedSince: input["IfUnmodifiedSince"]?.timestamp)
    switch conditions.judge(eTag: facts.eTag, modified: version.modified) {
    case .holds: break
    case .failed(let condition): throw S3Error.preconditionFailed(condition)
    case .notModified:
      var error = S3Error.notModified
      error.headers = [("etag", EntityTags.quoted(facts.eTag)), ("last-modified", version.modified.httpDate)]
      if let id = version.shownID(in: state) { error.headers.append(("x-amz-version-id", id)) }
      throw error
    }
    try facts.description.encryption.check(customerKeyMD5: try ObjectEncryption.customerKey(input))
    return Found(
      state: state, key: key, version: version, facts: facts, content: content, isCurrent: isCurrent, parts: content?.parts ?? [])
  }

  /// A delete marker: the object is not there, or, when asked for by its id, no object.
  private func marker(
    _ version: ObjectVersion, _ key: String, _ reference: VersionReference, _ method: String, _ state: BucketState, _ call: Call
  ) async -> AWSError {
    var error = reference == .current
      ? await missing(S3Error.noSuchKey(key), in: state, call) : S3Error.methodNotAllowed(method, "DeleteMarker")
    error.headers.append(("x-amz-delete-marker", "true"))
    if reference != .current {
      error.headers += [("allow", "DELETE"), ("last-modified", version.modified.httpDate)]
    }
    if let id = version.shownID(in: state) { error.headers.append(("x-amz-version-id", id)) }
    return error
  }

  /// Which bytes a read asks for. Throws InvalidRange, InvalidPartNumber and InvalidRequest.
  private func selection(_ input: Record, _ found: Found) throws(AWSError) -> ReadAnswer.Selection {
    let size = found.facts.size
    if let number = input["PartNumber"]?.integer {
      if input["Range"] != nil { throw S3Error.invalidRequest("Cannot specify both Range header and partNumber query parameter") }
      guard S3Limits.partNumbers.contains(number) else {
        throw S3Error.invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", "\(number)")
      }
      guard let count = found.facts.partCount else {
        guard number == 1 else { throw S3Error.invalidPartNumber(number, of: 1) }
        return .part(0..<size, of: nil, checksum: nil)
      }
      guard number <= found.parts.count else { throw S3Error.invalidPartNumber(number, of: count) }
      let start = found.parts[..<(number - 1)].reduce(0) { $0 + $1.size }
      let part = found.parts[number - 1]
      return .part(start..<(start + part.size), of: count, checksum: part.checksum)
    }
    guard let text = input["Range"]?.string else { return .all }
    switch ByteRange(text, size: size) {
    case nil: return .all
    case .range(let range): return .range(range)
    case .unsatisfiable: throw S3Error.invalidRange(text, size: size)
    }
  }
}
