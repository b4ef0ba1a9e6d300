import Base
import Wire

/// The checksum that an object is kept with.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html)
struct ObjectChecksum: Sendable, Equatable {
  enum Kind: String, Sendable {
    case fullObject = "FULL_OBJECT"
    /// Of the checksums of the parts.
    case composite = "COMPOSITE"
  }
  var algorithm: ChecksumAlgorithm
  var kind: Kind
  /// Base64, of a composite one with `-N`.
  var value: String
}

extension ChecksumAlgorithm {
  /// What S3 computes by itself when the client names none.
  static let standard = ChecksumAlgorithm.crc64nvme

  /// As `ChecksumAlgorithm` members have it.
  var s3Name: String { rawValue.uppercased() }
  /// Of a member that holds the value.
  var memberName: String { "Checksum" + s3Name }

  /// Throws InvalidRequest for an unknown name, NotImplemented for one that is not calculated here.
  static func named(_ name: String) throws(AWSError) -> ChecksumAlgorithm {
    if let known = ChecksumAlgorithm(rawValue: name.lowercased()), name == known.s3Name { return known }
    if name.hasPrefix("XXHASH") { throw S3Error.notImplemented("the checksum \(name)") }
    throw S3Error.invalidRequest(
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
  }

  /// The checksum of several parts together is by default that of the whole only where it can be no other.
  var standardKind: ObjectChecksum.Kind { self == .crc64nvme ? .fullObject : .composite }

  /// Whether the checksum of the whole can be had from those of the parts.
  var isLinear: Bool { polynomial != nil }

  fileprivate var polynomial: (reflected: UInt64, width: Int)? {
    switch self {
    case .crc32: (0xedb8_8320, 32)
    case .crc32c: (0x82f6_3b78, 32)
    case .crc64nvme: (0x9a6c_9329_ac4b_c9b5, 64)
    case .sha1, .sha256, .sha512, .md5: nil
    }
  }
}

/// The checksum of an object of parts, from theirs.
enum PartChecksums {
  /// Nil when a part has none.
  static func composite(_ algorithm: ChecksumAlgorithm, _ parts: [PartFacts]) -> ObjectChecksum? {
    var all: [UInt8] = []
    for part in parts {
      guard let bytes = part.checksum.flatMap({ decodeBase64($0) }) else { return nil }
      all += bytes
    }
    return ObjectChecksum(
      algorithm: algorithm, kind: .composite, value: Checksum.bytes(algorithm, of: all).base64 + "-\(parts.count)")
  }

  /// Of a linear algorithm. Nil when a part has none.
  static func fullObject(_ algorithm: ChecksumAlgorithm, _ parts: [PartFacts]) -> ObjectChecksum? {
    guard let polynomial = algorithm.polynomial else { return nil }
    var crc: UInt64 = 0
    for part in parts {
      guard let bytes = part.checksum.flatMap({ decodeBase64($0) }) else { return nil }
      let next = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      crc = CRCShift(polynomial.reflected, width: polynomial.width).append(part.size, to: crc) ^ next
    }
    let bytes = (0..<algorithm.byteCount).reversed().map { UInt8(truncatingIfNeeded: crc >> UInt64($0 * 8)) }
    return ObjectChecksum(algorithm: algorithm, kind: .fullObject, value: bytes.base64)
  }
}

/// What so many zero bytes do to a reflected CRC: with it the CRC of two pieces is had from those of each (as in zlib).
private struct CRCShift {
  /// The column of each bit: what one step makes of it.
  private typealias Matrix = [UInt64]
  private let oneBit: Matrix

  init(_ polynomial: UInt64, width: Int) { oneBit = [polynomial] + (0..<(width - 1)).map { UInt64(1) << UInt64($0) } }

  func append(_ bytes: Int, to crc: UInt64) -> UInt64 {
    guard bytes > 0, crc != 0 else { return crc }
    var step = Self.square(Self.square(Self.square(oneBit)))  // eight zero bits
    var (crc, left) = (crc, bytes)
    while left > 0 {
      if left & 1 == 1 { crc = Self.times(step, crc) }
      left >>= 1
      if left > 0 { step = Self.square(step) }
    }
    return crc
  }

  private static func times(_ matrix: Matrix, _ vector: UInt64) -> UInt64 {
    var (sum, left, bit) = (UInt64(0), vector, 0)
    while left != 0 {
      if left & 1 == 1 { sum ^= matrix[bit] }
      left >>= 1
      bit += 1
    }
    return sum
  }
  private static func square(_ matrix: Matrix) -> Matrix { matrix.map { times(matrix, $0) } }
}
