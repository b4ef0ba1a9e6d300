import Base
import Fabric
import Wire

/// The fields of the answer to GetObject and HeadObject.
struct ReadAnswer {
  enum Selection: Sendable {
    case all
    case range(Range<Int>)
    /// - of: how many parts there are; nil: the object was not made of parts.
    case part(Range<Int>, of: Int?, checksum: String?)
  }
  private(set) var output: Record
  private(set) var status: Int?
  private(set) var range: Range<Int>

  init(_ shape: StructureShape, _ found: S3Service.Found, _ selection: Selection, at now: Instant) {
    output = Record(shape)
    let (version, facts) = (found.version, found.facts)
    range = 0..<facts.size
    switch selection {
    case .all: break
    case .range(let part):
      range = part
      status = 206
    case .part(let part, let count, _):
      range = part
      status = 206
      if let count { output["PartsCount"] = .integer(Int64(count)) }
    }
    output["AcceptRanges"] = .string("bytes")
    output["LastModified"] = .timestamp(version.modified)
    output["ContentLength"] = .integer(Int64(range.count))
    output["ETag"] = .string(EntityTags.quoted(facts.eTag))
    if status != nil, facts.size > 0 { output["ContentRange"] = .string("bytes \(range.lowerBound)-\(range.upperBound - 1)/\(facts.size)") }
    if let id = version.shownID(in: found.state) { output["VersionId"] = .string(id) }
    describe(facts.description)
    if facts.description.isInArchive, let text = facts.description.restoration?.header(at: now) { output["Restore"] = .string(text) }
    if found.isCurrent { output.show(expirationOf: version, found.key, in: found.state) }
  }

  private mutating func describe(_ description: ObjectDescription) {
    let texts: [(String, String?)] = [
      ("ContentType", description.contentType ?? ObjectDescription.defaultType), ("ContentEncoding", description.contentEncoding),
      ("ContentDisposition", description.contentDisposition), ("ContentLanguage", description.contentLanguage),
      ("CacheControl", description.cacheControl), ("Expires", description.expires), ("WebsiteRedirectLocation", description.redirect),
      ("StorageClass", description.storageClass),
    ]
    for (member, text) in texts { if let text { output[member] = .string(text) } }
    if !description.metadata.isEmpty {
      output["Metadata"] = .map(description.metadata.sorted { $0.key < $1.key }.map { MapEntry($0.key, .string($0.value)) })
    }
    if !description.tags.isEmpty { output["TagCount"] = .integer(Int64(description.tags.count)) }
    description.encryption.show(in: &output)
    description.lock.show(in: &output)
  }

  /// What the request wants said otherwise.
  mutating func override(_ input: Record, _ call: Call) throws(AWSError) {
    let fields = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType"]
    for field in fields {
      guard let text = input["Response" + field]?.string else { continue }
      try checkOverride(call)
      output[field] = .string(text)
    }
    if let time = input["ResponseExpires"]?.timestamp {
      try checkOverride(call)
      output["Expires"] = .string(time.httpDate)
    }
  }

  private func checkOverride(_ call: Call) throws(AWSError) {
    if case .anonymous = call.principal {
      throw S3Error.invalidRequest("Request specific response headers cannot be used for anonymous GET requests.")
    }
  }

  /// The checksum of what is sent: never that of the whole with a part, which clients would compare.
  mutating func showChecksum(_ facts: ObjectFacts, _ selection: Selection) {
    guard let checksum = facts.checksum else { return }
    switch selection {
    case .all: output.show(checksum)
    case .part(_, of: nil, _): output.show(checksum)
    case .part(_, of: _, let part?) where checksum.kind == .composite:
      output.show(ObjectChecksum(algorithm: checksum.algorithm, kind: .composite, value: part))
    case .part, .range: break
    }
  }
}
