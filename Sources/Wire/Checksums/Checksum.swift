import Base
import Crypto

/// The checksums that clients send with a body: `x-amz-checksum-NAME`, as a field or in the trailer of an `aws-chunked` body.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html)
public enum ChecksumAlgorithm: String, Sendable, Hashable, CaseIterable {
  case crc32, crc32c, crc64nvme, sha1, sha256, sha512, md5

  /// Those of AWS's list that are not calculated here; a request that sends one is refused.
  static let unsupported: Set<String> = ["xxhash64", "xxhash3", "xxhash128"]

  public static let fieldPrefix = "x-amz-checksum-"
  public var fieldName: String { Self.fieldPrefix + rawValue }

  /// By the name of its field or trailer, in lower case; nil for any other.
  public init?(fieldName: String) {
    guard fieldName.hasPrefix(Self.fieldPrefix) else { return nil }
    self.init(rawValue: String(fieldName.dropFirst(Self.fieldPrefix.count)))
  }

  public var byteCount: Int {
    switch self {
    case .crc32, .crc32c: 4
    case .crc64nvme: 8
    case .md5: 16
    case .sha1: 20
    case .sha256: 32
    case .sha512: 64
    }
  }
}

/// A checksum of bytes that come piece by piece.
public struct Checksum: Sendable {
  private enum State: Sendable {
    case crc(CRC)
    case md5(Insecure.MD5), sha1(Insecure.SHA1), sha256(SHA256), sha512(SHA512)
  }
  public let algorithm: ChecksumAlgorithm
  private var state: State

  public init(_ algorithm: ChecksumAlgorithm) {
    self.algorithm = algorithm
    state = switch algorithm {
    case .crc32: .crc(CRC(.crc32))
    case .crc32c: .crc(CRC(.crc32c))
    case .crc64nvme: .crc(CRC(.crc64nvme))
    case .md5: .md5(Insecure.MD5())
    case .sha1: .sha1(Insecure.SHA1())
    case .sha256: .sha256(SHA256())
    case .sha512: .sha512(SHA512())
    }
  }

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    switch state {
    case .crc(var crc):
      crc.update(bytes)
      state = .crc(crc)
    case .md5(var hash):
      hash.update(bufferPointer: bytes)
      state = .md5(hash)
    case .sha1(var hash):
      hash.update(bufferPointer: bytes)
      state = .sha1(hash)
    case .sha256(var hash):
      hash.update(bufferPointer: bytes)
      state = .sha256(hash)
    case .sha512(var hash):
      hash.update(bufferPointer: bytes)
      state = .sha512(hash)
    }
  }
  public mutating func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update($0) } }

  /// Of all bytes so far: a CRC with its highest byte first.
  public var bytes: [UInt8] {
    switch state {
    case .crc(let crc): (0..<algorithm.byteCount).reversed().map { UInt8(truncatingIfNeeded: crc.value >> UInt64($0 * 8)) }
    case .md5(let hash): Array(hash.finalize())
    case .sha1(let hash): Array(hash.finalize())
    case .sha256(let hash): Array(hash.finalize())
    case .sha512(let hash): Array(hash.finalize())
    }
  }
  /// As the field has it.
  public var base64: String { bytes.base64 }

  public static func bytes(_ algorithm: ChecksumAlgorithm, of body: [UInt8]) -> [UInt8] {
    var checksum = Checksum(algorithm)
    checksum.update(body[...])
    return checksum.bytes
  }
}

/// A checksum that a client sent, in good form.
public struct DeclaredChecksum: Sendable, Equatable {
  public var algorithm: ChecksumAlgorithm
  public var bytes: [UInt8]

  /// Nil for a value that is no Base64 of the right length.
  public init?(_ algorithm: ChecksumAlgorithm, base64 text: String) {
    guard let bytes = decodeBase64(text), bytes.count == algorithm.byteCount, text.utf8.count % 4 == 0 else { return nil }
    (self.algorithm, self.bytes) = (algorithm, bytes)
  }
}

extension DeclaredChecksum {
  /// The checksum that a request's head declares: of the body for most operations; CompleteMultipartUpload means the whole
  /// object with it. Nil when there is none.
  ///
  /// Fails with S3's `InvalidRequest` for a bad value, for two checksums, and for an algorithm without a value.
  public init?(headers: HeaderFields) throws(AWSError) {
    let prefix = ChecksumAlgorithm.fieldPrefix
    // A type and a mode are no checksums.
    let fields = headers.fields.filter { $0.name.hasPrefix(prefix) && !["algorithm", "type", "mode"].contains($0.name.dropFirst(prefix.count)) }
    guard let field = fields.first else {
      guard headers["x-amz-sdk-checksum-algorithm"] != nil, headers["x-amz-trailer"] == nil else { return nil }
      throw AWSError(
        "InvalidRequest",
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.", status: 400)
    }
    guard fields.count == 1 else { throw awsError(for: ChunkedFailure.severalChecksums, protocol: .restXml, service: "s3") }
    guard let algorithm = ChecksumAlgorithm(fieldName: field.name) else {
      guard ChecksumAlgorithm.unsupported.contains(String(field.name.dropFirst(prefix.count))) else {
        throw AWSError("InvalidRequest", "The algorithm type you specified in \(field.name) header is invalid.", status: 400)
      }
      throw AWSError("NotImplemented", "The checksum \(field.name) is not supported.", status: 501)
    }
    guard let declared = DeclaredChecksum(algorithm, base64: field.value) else {
      throw AWSError("InvalidRequest", "Value for \(field.name) header is invalid.", status: 400)
    }
    self = declared
  }
}
