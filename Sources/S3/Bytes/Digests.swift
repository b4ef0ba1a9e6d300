import Base
import Synchronization
import Wire

/// What is computed of bytes while they go by: their MD5, which is the entity tag, and the checksum of the object.
final class Digests: Sendable {
  private struct State {
    var md5 = Checksum(.md5)
    var checksums: [Checksum]
    var count = 0
  }
  private let state: Mutex<State>

  /// - Parameter algorithms: beside MD5, which is always computed.
  init(_ algorithms: Set<ChecksumAlgorithm>) {
    state = Mutex(State(checksums: algorithms.subtracting([.md5]).map { Checksum($0) }))
  }

  func update(_ bytes: UnsafeRawBufferPointer) {
    state.withLock { state in
      state.md5.update(bytes)
      for i in state.checksums.indices { state.checksums[i].update(bytes) }
      state.count += bytes.count
    }
  }

  var result: Result {
    state.withLock { state in
      let md5 = state.md5.bytes
      var checksums = Dictionary(uniqueKeysWithValues: state.checksums.map { ($0.algorithm, $0.bytes) })
      checksums[.md5] = md5
      return Result(size: state.count, md5: md5, checksums: checksums)
    }
  }

  struct Result: Sendable {
    var size: Int
    var md5: [UInt8]
    private let checksums: [ChecksumAlgorithm: [UInt8]]

    init(size: Int, md5: [UInt8], checksums: [ChecksumAlgorithm: [UInt8]]) {
      (self.size, self.md5, self.checksums) = (size, md5, checksums)
    }

    /// Of an algorithm that was asked for.
    func checksum(_ algorithm: ChecksumAlgorithm) -> [UInt8] { checksums[algorithm] ?? [] }
  }
}

/// What a request says of the bytes that it brings.
struct DeclaredBytes: Sendable {
  var length: Int?
  var md5: [UInt8]?
  /// In a header field.
  var checksum: DeclaredChecksum?
  /// What is computed and kept.
  var algorithm: ChecksumAlgorithm
  /// The client has named the algorithm.
  var isChosen: Bool

  /// - Parameter input: of PutObject or UploadPart, which name these members alike.
  init(_ input: Record, _ body: IncomingBytesFacts) throws(AWSError) {
    length = body.length
    if let text = input["ContentMD5"]?.string {
      guard let bytes = decodeBase64(text), bytes.count == 16 else { throw S3Error.invalidDigest(text) }
      md5 = bytes
    }
    checksum = try Self.declared(input)
    let named = try input["ChecksumAlgorithm"]?.string.map { name throws(AWSError) in try ChecksumAlgorithm.named(name) }
    if checksum != nil, body.trailing != nil { throw awsError(for: ChunkedFailure.severalChecksums, protocol: .restXml, service: "s3") }
    let given = checksum?.algorithm ?? body.trailing
    if let named, let given, named != given {
      throw S3Error.invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
    }
    if named != nil, given == nil, !body.isInside {
      throw S3Error.invalidRequest(
        "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
    }
    algorithm = given ?? named ?? .standard
    isChosen = given != nil || named != nil
  }

  /// The one checksum of the members of a request or of a part; nil when there is none.
  static func declared(_ input: Record) throws(AWSError) -> DeclaredChecksum? {
    var found: DeclaredChecksum?
    for name in ["XXHASH64", "XXHASH3", "XXHASH128"] where input["Checksum" + name] != nil {
      throw S3Error.notImplemented("the checksum \(name)")
    }
    for algorithm in ChecksumAlgorithm.allCases {
      guard let text = input[algorithm.memberName]?.string else { continue }
      guard found == nil else { throw awsError(for: ChunkedFailure.severalChecksums, protocol: .restXml, service: "s3") }
      guard let declared = DeclaredChecksum(algorithm, base64: text) else {
        throw S3Error.invalidRequest("Value for \(algorithm.fieldName) header is invalid.")
      }
      found = declared
    }
    return found
  }

  /// Throws BadDigest and IncompleteBody.
  func check(_ result: Digests.Result) throws(AWSError) {
    if let length, length != result.size {
      throw AWSError(
        "IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header", status: 400)
    }
    if let md5, md5 != result.md5 { throw S3Error.badDigest(md5.base64, computed: result.md5.base64) }
    if let checksum, checksum.bytes != result.checksum(checksum.algorithm) { throw S3Error.badChecksum(checksum.algorithm.s3Name) }
  }
}

/// What is known of bytes before they come.
struct IncomingBytesFacts: Sendable {
  var length: Int?
  var trailing: ChecksumAlgorithm?
  /// The call comes from another service, which leaves the computing to us.
  var isInside: Bool
}
