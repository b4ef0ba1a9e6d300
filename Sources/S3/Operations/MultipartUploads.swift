import Base
import Fabric
import Store
import Wire

extension CreateMultipartUploadInput: ObjectInput {}
extension UploadPartInput: ObjectInput {}
extension UploadPartCopyInput: ObjectInput {}
extension AbortMultipartUploadInput: ObjectInput {}

/// Uploads in parts: their beginning, their parts and their abortion.
extension S3Service {
  var uploadOperations: [Operation] {
    [
      Operation("CreateMultipartUpload", access: objectAccess { Self.writeActions($0.record) }, run: createUpload),
      Operation("UploadPart", access: objectAccess { _ in ["PutObject"] }, transfer: uploadPart),
      Operation("UploadPartCopy", access: partCopyAccess, run: uploadPartCopy),
      Operation("AbortMultipartUpload", access: objectAccess { _ in ["AbortMultipartUpload"] }, run: abortUpload),
      Operation("CompleteMultipartUpload", access: objectAccess { _ in ["PutObject"] }, run: completeUpload),
      Operation("ListParts", access: objectAccess { _ in ["ListMultipartUploadParts"] }, run: listParts),
      Operation("ListMultipartUploads", access: listAccess("ListBucketMultipartUploads"), run: listUploads),
    ]
  }

  private func createUpload(_ input: CreateMultipartUploadInput, _ call: Call) async throws -> CreateMultipartUploadOutput {
    let state = try await buckets.existing(input.bucket)
    let algorithm = try input.checksumAlgorithm.map { name throws(AWSError) in try ChecksumAlgorithm.named(name) }
    let kind = try MultipartUpload.kind(input.checksumType, of: algorithm)
    let description = try description(input, in: state, call)
    let now = ambient.now
    let upload = MultipartUpload(
      key: input.key, id: MultipartUpload.makeID(at: now, random: ambient.random.bytes(26)), initiated: now,
      owner: state.owner(ofNewBy: call.principal, acl: input.acl),
      initiator: call.principal.arn, algorithm: algorithm, kind: kind, description: description)
    let bucket = input.bucket
    try await store.transact { rows in try rows.put(upload, in: try self.buckets.current(bucket, rows).bucket) }
    var output = CreateMultipartUploadOutput()
    output.bucket = input.bucket
    output.key = input.key
    output.uploadId = upload.id
    if let algorithm {
      output.checksumAlgorithm = algorithm.s3Name
      output.checksumType = kind.rawValue
    }
    description.encryption.show(in: &output.record)
    output.record.show(abortionOf: upload, in: state)
    return output
  }

  private func checkPartNumber(_ number: Int) throws(AWSError) {
    guard S3Limits.partNumbers.contains(number) else {
      throw S3Error.invalidArgument("Part number must be an integer between 1 and 10000, inclusive", "partNumber", "\(number)")
    }
  }

  private func uploadPart(_ input: UploadPartInput, _ body: IncomingBytes, _ call: Call) async throws -> TransferOutput {
    let state = try await buckets.existing(input.bucket)
    try checkPartNumber(input.partNumber)
    let upload = try await store.read { try $0.upload(state.bucket, input.key, input.uploadId) }
    try upload.description.encryption.checkPart(customerKeyMD5: try ObjectEncryption.customerKey(input.record))
    var declared = try DeclaredBytes(input.record, facts(of: body, call))
    if let algorithm = upload.algorithm, declared.isChosen || call.sourceIP != nil {
      let actual = declared.isChosen ? declared.algorithm.rawValue : "null"
      guard declared.isChosen && declared.algorithm == algorithm || !declared.isChosen && upload.kind == .fullObject else {
        throw S3Error.invalidRequest(
          "Checksum Type mismatch occurred, expected checksum Type: \(algorithm.rawValue), actual checksum Type: \(actual)")
      }
    }
    if !declared.isChosen { declared.algorithm = upload.partAlgorithm }
    // A checksum that the upload does not keep is only checked.
    let received = try await receive(body, declared, and: upload.partAlgorithm, mayInline: false)
    let part = UploadPart(
      number: input.partNumber, size: received.size, eTag: received.eTag, checksum: received.checksum(upload.partAlgorithm),
      modified: Instant(seconds: ambient.now.seconds), content: received.content)
    let isReleased = try await commit(received) { rows in try self.put(part, input.bucket, input.key, input.uploadId, rows) }
    if isReleased { collector.nudge.nudge() }
    var output = UploadPartOutput()
    output.eTag = EntityTags.quoted(part.eTag)
    if declared.isChosen {
      let value = received.checksum(declared.algorithm)
      output.record.show(ObjectChecksum(algorithm: declared.algorithm, kind: .fullObject, value: value))
    }
    upload.description.encryption.show(in: &output.record)
    return TransferOutput(output.record)
  }

  /// Within a transaction, since the upload may be gone by now.
  private func put(_ part: UploadPart, _ name: String, _ key: String, _ id: String, _ rows: any Transaction) throws -> Bool {
    let bucket = try buckets.current(name, rows).bucket
    _ = try rows.upload(bucket, key, id)
    return try rows.put(part, of: id, in: bucket)
  }

  private func partCopyAccess(_ input: UploadPartCopyInput, _ call: Call) async throws -> [Access] {
    try await sourceAccess(input.copySource, expectedOwner: input.expectedSourceBucketOwner, call)
      + objectAccess({ _ in ["PutObject"] })(input, call)
  }

  /// The part shares the bytes of the source; they are only read for its entity tag.
  private func uploadPartCopy(_ input: UploadPartCopyInput, _ call: Call) async throws -> UploadPartCopyOutput {
    let source = try CopySource(input.copySource)
    let state = try await buckets.existing(input.bucket)
    try checkPartNumber(input.partNumber)
    let upload = try await store.read { try $0.upload(state.bucket, input.key, input.uploadId) }
    let ticket = ReadTicket(readers)
    let found = try await findSource(source, input.record, call)
    let range = try input.copySourceRange.map { text throws(AWSError) in try ByteRange.copySource(text, size: found.facts.size) }
      ?? 0..<found.facts.size
    guard range.count <= S3Limits.partBytes.upperBound else {
      throw S3Error.invalidRequest(
        "The specified copy source is larger than the maximum allowable size for a copy source: \(S3Limits.partBytes.upperBound)")
    }
    let digests = Digests([upload.partAlgorithm])
    if let content = found.content { try await read(content, range, ticket, into: digests) }
    let result = digests.result
    let copied = try await sharedContent(found, range)
    let part = UploadPart(
      number: input.partNumber, size: range.count, eTag: result.md5.hex, checksum: result.checksum(upload.partAlgorithm).base64,
      modified: Instant(seconds: ambient.now.seconds), content: copied.content)
    let received = ReceivedBytes(digests: result, content: copied.isOwn ? copied.content : Content())
    let isReleased = try await commit(received) { rows in
      let now = try rows.version(found.state.bucket, source.key, VersionReference(source.versionID))
      // The bytes may be collected already.
      guard copied.isOwn || now?.sequence == found.version.sequence else {
        throw AWSError("SlowDown", "Please reduce your request rate.", status: 503, fault: .server)
      }
      return try self.put(part, input.bucket, input.key, input.uploadId, rows)
    }
    if isReleased { collector.nudge.nudge() }
    var output = UploadPartCopyOutput()
    var told = CopyPartResult()
    told.eTag = EntityTags.quoted(part.eTag)
    told.lastModified = part.modified
    if let algorithm = upload.algorithm {
      told.record.show(ObjectChecksum(algorithm: algorithm, kind: .fullObject, value: result.checksum(algorithm).base64))
    }
    output.copyPartResult = told
    output.copySourceVersionId = found.version.shownID(in: found.state)
    upload.description.encryption.show(in: &output.record)
    return output
  }

  /// The bytes of a part that is a copy: pieces of the files of the source, or, where it has none, a file of its own.
  private func sharedContent(_ found: Found, _ range: Range<Int>) async throws -> (content: Content, isOwn: Bool) {
    guard let content = found.content, !range.isEmpty else { return (Content(), true) }
    guard let inline = content.inline else { return (Content(extents: content.extents(range)), false) }
    let file = newFile()
    let sink = bytes.sink(file) { _ in }
    try await sink.write(Array(inline[range]))
    try await sink.finish()
    return (Content(extents: [Extent(file: file, offset: 0, count: range.count)]), true)
  }

  private func abortUpload(_ input: AbortMultipartUploadInput, _ call: Call) async throws -> AbortMultipartUploadOutput {
    _ = try await buckets.existing(input.bucket)
    if input.ifMatchInitiatedTime != nil { throw S3Error.notImplementedHeader("x-amz-if-match-initiated-time") }
    try await store.transact { rows in
      let bucket = try self.buckets.current(input.bucket, rows).bucket
      try rows.remove(try rows.upload(bucket, input.key, input.uploadId), in: bucket)
    }
    collector.nudge.nudge()
    return AbortMultipartUploadOutput()
  }
}

extension ObjectEncryption {
  /// Every part must bring the key that the upload was begun with.
  func checkPart(customerKeyMD5 given: String?) throws(AWSError) {
    switch (customerKeyMD5, given) {
    case (nil, nil): return
    case (nil, _), (_, nil):
      throw S3Error.invalidRequest(
        "The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.")
    case (let own?, let given?):
      guard own == given else {
        throw S3Error.invalidRequest("The provided encryption parameters did not match the ones used originally.")
      }
    }
  }
}
