import Base
import Crypto

/// The chain of signatures of a body in signed chunks: each covers the one before.
struct ChunkSignatures: Sendable {
  private let key: SigningKey
  private let time: String
  private let scope: String
  private let accessKeyID: String
  private var previous: String
  private var hash = SHA256()

  init(_ verification: Verification) {
    let claim = verification.claim
    (key, time, scope) = (verification.key, claim.time, claim.scope)
    (accessKeyID, previous) = (claim.accessKeyID, claim.signature)
  }

  mutating func update(_ data: UnsafeRawBufferPointer) { hash.update(bufferPointer: data) }

  /// The signature of the chunk whose data was given to `update`; begins the next one.
  mutating func closeChunk(provided: [UInt8]) -> SignatureFailure.Mismatch? {
    let digest = hash.finalize().hexText
    hash = SHA256()
    return check("AWS4-HMAC-SHA256-PAYLOAD\n\(time)\n\(scope)\n\(previous)\n\(emptyHash)\n\(digest)", provided)
  }

  /// - Parameter text: `name:value` lines in the order of their names, each with a line feed.
  mutating func closeTrailer(_ text: String, provided: [UInt8]) -> SignatureFailure.Mismatch? {
    check("AWS4-HMAC-SHA256-TRAILER\n\(time)\n\(scope)\n\(previous)\n\(SHA256.hash(bytes: Array(text.utf8)).hexText)", provided)
  }

  private mutating func check(_ stringToSign: String, _ provided: [UInt8]) -> SignatureFailure.Mismatch? {
    let expected = key.hash.code(Array(stringToSign.utf8)).hexText
    guard isEqualInConstantTime(expected.utf8, provided) else {
      return .init(accessKeyID: accessKeyID, stringToSign: stringToSign, canonicalRequest: "", provided: provided.utf8Text)
    }
    previous = expected
    return nil
  }
}

/// Takes the same time wherever the two differ.
func isEqualInConstantTime(_ a: some Collection<UInt8>, _ b: some Collection<UInt8>) -> Bool {
  var difference: UInt8 = a.count == b.count ? 0 : 1
  for (x, y) in zip(a, b) { difference |= x ^ y }
  return difference == 0
}
