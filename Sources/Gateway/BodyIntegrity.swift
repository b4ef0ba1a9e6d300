import Base
import Wire

/// Whether the XML body of an S3 request is what its head says: `Content-MD5` and `x-amz-checksum-…`.
enum BodyIntegrity {
  /// What S3 does only when it can be sure of what is asked (API reference: "Content-MD5 … required").
  private static let careful: Set = ["DeleteObjects", "PutObjectRetention", "PutObjectLegalHold", "PutObjectLockConfiguration"]

  /// Throws BadDigest, InvalidDigest and InvalidRequest.
  static func check(_ request: WireRequest, _ operation: String) throws(AWSError) {
    let md5 = request.headers["content-md5"]
    if let md5 {
      guard let declared = DeclaredChecksum(.md5, base64: md5) else {
        throw AWSError(
          "InvalidDigest", "The Content-MD5 you specified was invalid.", status: 400, members: [("Content-MD5", .string(md5))])
      }
      guard Checksum.bytes(.md5, of: request.body) == declared.bytes else {
        throw AWSError("BadDigest", "The Content-MD5 you specified did not match what we received.", status: 400)
      }
    }
    // There it is the checksum of the object that is made.
    guard operation != "CompleteMultipartUpload" else { return }
    // What a copy names is what it is to compute.
    guard !request.body.isEmpty else { return }
    let declared = try DeclaredChecksum(headers: request.headers)
    if let declared, Checksum.bytes(declared.algorithm, of: request.body) != declared.bytes {
      throw awsError(for: ChunkedFailure.checksumMismatch(declared.algorithm), protocol: .restXml, service: "s3")
    }
    if md5 == nil, declared == nil, careful.contains(operation) {
      throw AWSError("InvalidRequest", "Missing required header for this request: Content-MD5", status: 400)
    }
  }
}
