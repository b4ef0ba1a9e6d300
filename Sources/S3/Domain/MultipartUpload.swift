import Base
import Wire

/// An upload in parts that has begun.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html)
struct MultipartUpload: Sendable, Equatable {
  var key: String
  var id: String
  var initiated: Instant
  var owner: AccountID
  /// Who began it, as an ARN.
  var initiator: String
  /// Nil: the client named none, and S3 keeps its own for the whole object.
  var algorithm: ChecksumAlgorithm?
  var kind: ObjectChecksum.Kind
  var description: ObjectDescription

  /// What each part is computed with.
  var partAlgorithm: ChecksumAlgorithm { algorithm ?? .standard }

  /// Ids begin with the time, so that uploads of one key are listed in the order of their beginnings.
  static func makeID(at time: Instant, random: [UInt8]) -> String {
    (0..<6).map { UInt8(truncatingIfNeeded: time.milliseconds >> Int64(40 - 8 * $0)) }.hex + random.hex
  }

  /// The kind that an algorithm allows. Throws InvalidRequest.
  static func kind(_ name: String?, of algorithm: ChecksumAlgorithm?) throws(AWSError) -> ObjectChecksum.Kind {
    guard let name else { return (algorithm ?? .standard).standardKind }
    guard let kind = ObjectChecksum.Kind(rawValue: name) else {
      throw S3Error.invalidRequest("Value for x-amz-checksum-type header is invalid.")
    }
    guard let algorithm else {
      throw S3Error.invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
    }
    let isPossible = kind == .fullObject ? algorithm.isLinear : algorithm != .crc64nvme
    guard isPossible else {
      throw S3Error.invalidRequest(
        "The \(kind.rawValue) checksum type cannot be used with the \(algorithm.rawValue) checksum algorithm.")
    }
    return kind
  }
}

/// A part that was uploaded.
struct UploadPart: Sendable, Equatable {
  var number: Int
  var size: Int
  /// Without quotes.
  var eTag: String
  /// Base64, with the algorithm of the upload.
  var checksum: String?
  var modified: Instant
  var content: Content
}

/// What became of an upload that is complete.
struct CompletedUpload: Sendable, Equatable {
  var key: String
  /// Of the version that it became.
  var sequence: Int64
}

/// The part as CompleteMultipartUpload names it.
struct NamedPart: Sendable {
  var number: Int
  /// With or without quotes.
  var eTag: String
  /// By algorithm, base64.
  var checksums: [ChecksumAlgorithm: String]
}

/// The decision of CompleteMultipartUpload.
struct Assembly: Sendable {
  var size: Int
  var eTag: String
  var checksum: ObjectChecksum?
  var content: Content

  /// - Parameters:
  ///   - declared: the checksum of the whole object that the request promises.
  ///   - size: likewise.
  /// Throws InvalidPartOrder, InvalidPart, EntityTooSmall, InvalidRequest, BadDigest.
  init(
    _ upload: MultipartUpload, named: [NamedPart], parts: [Int: UploadPart], declared: (ChecksumAlgorithm, String)?, size: Int?
  ) throws(AWSError) {
    guard !named.isEmpty else { throw S3Error.malformedXML }
    guard zip(named, named.dropFirst()).allSatisfy({ $0.number < $1.number }) else { throw S3Error.invalidPartOrder(upload.id) }
    var chosen: [UploadPart] = []
    for name in named {
      guard let part = parts[name.number], EntityTags.bare(name.eTag) == part.eTag else {
        throw S3Error.invalidPart(upload.id, name.number, EntityTags.bare(name.eTag))
      }
      try Self.check(name, part, upload)
      chosen.append(part)
    }
    for part in chosen.dropLast() where part.size < S3Limits.partBytes.lowerBound {
      throw S3Error.entityTooSmall(part.size, part: part.number, eTag: part.eTag)
    }
    self.size = chosen.reduce(0) { $0 + $1.size }
    if let size, size != self.size {
      throw S3Error.invalidRequest(
        "The provided 'x-amz-mp-object-size' header value \(size) does not match what was computed: \(self.size)")
    }
    guard self.size <= S3Limits.multipartBytes else { throw S3Error.entityTooLarge(self.size, maximum: S3Limits.multipartBytes) }
    eTag = Checksum.bytes(.md5, of: chosen.flatMap { decodeHex($0.eTag) ?? [] }).hex + "-\(chosen.count)"
    let facts = chosen.map { PartFacts(number: $0.number, size: $0.size, checksum: $0.checksum) }
    checksum = switch upload.kind {
    case .composite: PartChecksums.composite(upload.partAlgorithm, facts)
    case .fullObject: PartChecksums.fullObject(upload.partAlgorithm, facts)
    }
    content = Content(extents: chosen.flatMap(\.content.extents), parts: facts)
    if let (algorithm, value) = declared {
      guard algorithm == upload.partAlgorithm else {
        throw S3Error.invalidRequest("The \(algorithm.rawValue) checksum is not the one that the upload was created with.")
      }
      guard let checksum, checksum.value == value || checksum.value == "\(value)-\(chosen.count)" else {
        throw S3Error.badChecksum(algorithm.s3Name)
      }
    }
  }

  private static func check(_ name: NamedPart, _ part: UploadPart, _ upload: MultipartUpload) throws(AWSError) {
    if let given = name.checksums[upload.partAlgorithm] {
      guard given == part.checksum else { throw S3Error.invalidPart(upload.id, name.number, EntityTags.bare(name.eTag)) }
    } else if let algorithm = upload.algorithm, upload.kind == .composite {
      throw S3Error.invalidRequest(
        "The upload was created using a \(algorithm.rawValue) checksum. The complete request must include the checksum for each part. "
          + "It was missing for part \(name.number) in the request.")
    }
  }
}
