import Base
import Fabric
import Store
import Wire

extension CompleteMultipartUploadInput: ObjectInput {}
extension ListPartsInput: ObjectInput {}
extension ListMultipartUploadsInput: BucketInput {}

/// Uploads in parts: what becomes of them, and their lists.
extension S3Service {
  /// One transaction joins the parts, whose bytes stay where they are. Repeated, it has the same answer for a day.
  func completeUpload(_ input: CompleteMultipartUploadInput, _ call: Call) async throws -> CompleteMultipartUploadOutput {
    _ = try await buckets.existing(input.bucket)
    let conditions = try WriteConditions(ifMatch: input.ifMatch, ifNoneMatch: input.ifNoneMatch)
    let named = try (input.multipartUpload?.parts ?? []).map { try NamedPart($0) }
    guard !named.isEmpty, named.count <= S3Limits.partNumbers.upperBound else { throw S3Error.malformedXML }
    let declared = try declaredObject(input.record)
    let now = ambient.now, random = ambient.random.bytes(16)
    let made = try await store.transact { rows -> MadeObject in
      let state = try self.buckets.current(input.bucket, rows)
      if let bytes = try rows.get(Keys.completed(state.bucket.id, input.uploadId)) {
        return try self.repeated(CompletedUpload(row: bytes), input, state, rows)
      }
      let upload = try rows.upload(state.bucket, input.key, input.uploadId)
      let parts = Dictionary(try rows.parts(state.bucket, upload.id).map { ($0.number, $0) }, uniquingKeysWith: { $1 })
      let assembly = try Assembly(upload, named: named, parts: parts, declared: declared, size: input.mpuObjectSize)
      let facts = ObjectFacts(
        size: assembly.size, eTag: assembly.eTag, checksum: assembly.checksum, content: ContentID(isInFiles: true, random: random),
        partCount: named.count, description: upload.description)
      let new = NewObject(
        bucket: input.bucket, key: input.key, facts: facts, content: assembly.content, conditions: conditions, kind: .createdByMultipart,
        modified: now, random: random, owner: upload.owner)
      var made = try self.insert(new, call, rows)
      made.isReleased = try rows.remove(upload, in: state.bucket) || made.isReleased
      try rows.note(
        CompletedUpload(key: input.key, sequence: made.version.sequence), of: upload.id, in: state.bucket,
        until: now + S3Limits.completedUploads)
      return made
    }
    finished(made)
    return completed(made, input, call)
  }

  private func completed(_ made: MadeObject, _ input: CompleteMultipartUploadInput, _ call: Call) -> CompleteMultipartUploadOutput {
    var output = CompleteMultipartUploadOutput()
    output.location = "\(call.endpoint)/\(input.bucket)/\(percentEncoded(input.key))"
    output.bucket = input.bucket
    output.key = input.key
    output.versionId = made.version.shownID(in: made.state)
    guard let facts = made.version.facts else { return output }
    output.eTag = EntityTags.quoted(facts.eTag)
    output.record.show(facts.checksum)
    output.record.show(expirationOf: made.version, input.key, in: made.state)
    if facts.description.encryption.customerKeyMD5 == nil { facts.description.encryption.show(in: &output.record) }
    return output
  }

  /// The answer that was given before. When the object is gone since, so is the upload.
  private func repeated(
    _ completed: CompletedUpload, _ input: CompleteMultipartUploadInput, _ state: BucketState, _ rows: any Transaction
  ) throws -> MadeObject {
    guard completed.key.isExactly(input.key) else { throw S3Error.noSuchUpload(input.uploadId) }
    var version = try rows.newest(state.bucket, input.key)
    if version?.sequence != completed.sequence {
      version = try rows.get(Keys.older(state.bucket.id, input.key, completed.sequence)).map { try ObjectVersion(row: $0) }
    }
    guard let version else { throw S3Error.noSuchUpload(input.uploadId) }
    return MadeObject(state: state, version: version, announced: nil, isReleased: false)
  }

  /// Of the whole object, not of the body of the request.
  private func declaredObject(_ input: Record) throws(AWSError) -> (ChecksumAlgorithm, String)? {
    for algorithm in ChecksumAlgorithm.allCases {
      if let value = input[algorithm.memberName]?.string { return (algorithm, value) }
    }
    return nil
  }

  func listParts(_ input: ListPartsInput, _ call: Call) async throws -> ListPartsOutput {
    let state = try await buckets.existing(input.bucket)
    let maximum = try Self.maximum(input.maxParts, "max-parts"), marker = max(input.partNumberMarker ?? 0, 0)
    let (upload, found) = try await store.read { rows in
      (
        try rows.upload(state.bucket, input.key, input.uploadId),
        try rows.parts(state.bucket, input.uploadId, after: min(marker, S3Limits.partNumbers.upperBound), limit: maximum + 1)
      )
    }
    let parts = found.prefix(maximum)
    var output = ListPartsOutput()
    output.bucket = input.bucket
    output.key = input.key
    output.uploadId = input.uploadId
    output.partNumberMarker = marker
    output.nextPartNumberMarker = parts.last?.number ?? 0
    output.maxParts = maximum
    output.isTruncated = found.count > parts.count
    output.owner = S3Owner(upload.owner)
    output.initiator = S3Initiator(upload)
    output.storageClass = upload.description.storageClass ?? "STANDARD"
    if let algorithm = upload.algorithm {
      output.checksumAlgorithm = algorithm.s3Name
      output.checksumType = upload.kind.rawValue
    }
    if !parts.isEmpty { output.parts = parts.map { S3Part($0, of: upload) } }
    output.record.show(abortionOf: upload, in: state)
    return output
  }

  func listUploads(_ input: ListMultipartUploadsInput, _ call: Call) async throws -> ListMultipartUploadsOutput {
    let state = try await buckets.existing(input.bucket)
    let text = try ListText(input.encodingType)
    var query = ListQuery(
      prefix: input.prefix ?? "", delimiter: input.delimiter, maximum: try Self.maximum(input.maxUploads, "max-uploads"))
    let keyMarker = input.keyMarker.flatMap { $0.isEmpty ? nil : $0 }, idMarker = input.uploadIdMarker.flatMap { $0.isEmpty ? nil : $0 }
    if let keyMarker { query.place = idMarker == nil ? query.place(behind: keyMarker) : .from(keyMarker) }
    let asked = query
    let page = try await store.read { rows in
      try rows.list(
        asked,
        range: { place in
          var range = Keys.uploads(state.bucket.id, prefix: asked.prefix, place)
          // Several uploads of one key: those behind the marker.
          if place == asked.place, let keyMarker, let idMarker {
            range.lower = max(range.lower, Keys.upload(state.bucket.id, keyMarker, idMarker).end)
          }
          return range
        }, name: { try Keys.uploadPlace($0, state.bucket.id).key }
      ) { key, row, value in try MultipartUpload(row: value, key: key, id: try Keys.uploadPlace(row, state.bucket.id).id) }
    }
    var output = ListMultipartUploadsOutput()
    output.bucket = input.bucket
    output.prefix = text.shown(input.prefix ?? "")
    output.delimiter = input.delimiter.map(text.shown)
    output.keyMarker = text.shown(input.keyMarker ?? "")
    output.uploadIdMarker = input.uploadIdMarker ?? ""
    output.maxUploads = query.maximum
    output.encodingType = input.encodingType
    output.isTruncated = page.next != nil
    if let next = page.next?.name {
      output.nextKeyMarker = text.shown(next)
      output.nextUploadIdMarker = page.items.last.flatMap { $0.key.isExactly(next) ? $0.id : nil } ?? ""
    }
    if !page.items.isEmpty { output.uploads = page.items.map { MultipartUploadShape($0, text) } }
    if !page.groups.isEmpty { output.commonPrefixes = text.shown(page.groups) }
    return output
  }
}

extension NamedPart {
  /// Throws MalformedXML.
  init(_ shape: CompletedPartShape) throws {
    guard let number = shape.partNumber, let eTag = shape.eTag else { throw S3Error.malformedXML }
    (self.number, self.eTag) = (number, eTag)
    checksums = [:]
    for algorithm in ChecksumAlgorithm.allCases { checksums[algorithm] = shape.record[algorithm.memberName]?.string }
  }
}

extension S3Part {
  init(_ part: UploadPart, of upload: MultipartUpload) {
    self.init()
    partNumber = part.number
    size = part.size
    eTag = EntityTags.quoted(part.eTag)
    lastModified = part.modified
    if let algorithm = upload.algorithm, let checksum = part.checksum { record[algorithm.memberName] = .string(checksum) }
  }
}

extension MultipartUploadShape {
  init(_ upload: MultipartUpload, _ text: ListText) {
    self.init()
    key = text.shown(upload.key)
    uploadId = upload.id
    initiated = upload.initiated
    storageClass = upload.description.storageClass ?? "STANDARD"
    owner = S3Owner(upload.owner)
    initiator = S3Initiator(upload)
    if let algorithm = upload.algorithm {
      checksumAlgorithm = algorithm.s3Name
      checksumType = upload.kind.rawValue
    }
  }
}

extension S3Initiator {
  init(_ upload: MultipartUpload) {
    self.init()
    // Of the account itself the canonical id, of others their ARN.
    id = upload.initiator.hasSuffix(":root") ? CanonicalUser.id(upload.owner) : upload.initiator
  }
}
