import Base
import Crypto
import Wire

/// How an object is said to be encrypted. Bytes are kept as they came: what a client asks for is kept and given back, and a customer's
/// key must be shown again to read.
/// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingEncryption.html)
struct ObjectEncryption: Sendable, Equatable {
  /// Nil: `AES256`, which S3 does since 2023 without being asked.
  var algorithm: String?
  var kmsKey: String?
  var kmsContext: String?
  var usesBucketKey = false
  /// Base64 of the MD5 of a customer's key.
  var customerKeyMD5: String?

  static let standard = "AES256"
  private static let algorithms: Set = [standard, "aws:kms", "aws:kms:dsse"]

  init() {}

  /// What a write asks for, or what the bucket does by default.
  init(_ input: Record, default rule: ServerSideEncryptionRule?) throws(AWSError) {
    customerKeyMD5 = try Self.customerKey(input)
    algorithm = input["ServerSideEncryption"]?.string
    kmsKey = input["SSEKMSKeyId"]?.string
    kmsContext = input["SSEKMSEncryptionContext"]?.string
    if let algorithm, !Self.algorithms.contains(algorithm) {
      throw S3Error.invalidArgument("The encryption method specified is not supported", "x-amz-server-side-encryption", algorithm)
    }
    guard customerKeyMD5 == nil else {
      if algorithm != nil {
        throw S3Error.invalidArgument(
          "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
          "x-amz-server-side-encryption", algorithm)
      }
      return
    }
    if kmsKey != nil, algorithm == nil || algorithm == Self.standard {
      throw S3Error.invalidArgument(
        "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
        "x-amz-server-side-encryption", algorithm)
    }
    if algorithm == nil, let byDefault = rule?.applyServerSideEncryptionByDefault {
      algorithm = byDefault.sseAlgorithm
      kmsKey = byDefault.kmsMasterKeyID
    }
    usesBucketKey = algorithm != nil && algorithm != Self.standard && (input["BucketKeyEnabled"]?.bool ?? rule?.bucketKeyEnabled ?? false)
    if algorithm == Self.standard { algorithm = nil }
  }

  /// The MD5 of the customer's key of a request; nil when it has none.
  /// - Parameter prefix: `CopySource` for the key of the source of a copy.
  static func customerKey(_ input: Record, prefix: String = "") throws(AWSError) -> String? {
    let header = prefix.isEmpty ? "x-amz-server-side-encryption-customer-" : "x-amz-copy-source-server-side-encryption-customer-"
    let algorithm = input[prefix + "SSECustomerAlgorithm"]?.string, key = input[prefix + "SSECustomerKey"]?.string
    let md5 = input[prefix + "SSECustomerKeyMD5"]?.string
    if algorithm == nil, key == nil, md5 == nil { return nil }
    guard let algorithm else {
      throw S3Error.invalidArgument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm.",
        header + "algorithm", "null")
    }
    guard algorithm == standard else {
      throw AWSError(
        "InvalidEncryptionAlgorithmError",
        "The encryption request you specified is not valid. The valid value is AES256.", status: 400)
    }
    guard let key else {
      throw S3Error.invalidArgument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
        header + "key", "null")
    }
    guard let bytes = decodeBase64(key), bytes.count == 32 else {
      throw S3Error.invalidArgument("The secret key was invalid for the specified algorithm.", header + "algorithm", algorithm)
    }
    let computed = Array(Insecure.MD5.hash(data: bytes)).base64
    guard let md5 else {
      throw S3Error.invalidArgument(
        "Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key.",
        header + "key-MD5", "null")
    }
    guard md5 == computed else {
      throw S3Error.invalidArgument(
        "The calculated MD5 hash of the key did not match the hash that was provided.", header + "key-MD5", md5)
    }
    return computed
  }

  /// Whether who brings this key may read.
  func check(customerKeyMD5 given: String?) throws(AWSError) {
    switch (customerKeyMD5, given) {
    case (nil, nil): return
    case (nil, _): throw S3Error.invalidRequest("The encryption parameters are not applicable to this object.")
    case (_, nil):
      throw S3Error.invalidRequest(
        "The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.")
    case (let own?, let given?):
      guard own == given else { throw S3Error.accessDenied }
    }
  }

  /// Writes what the answer says of it.
  func show(in output: inout Record) {
    if let customerKeyMD5 {
      output["SSECustomerAlgorithm"] = .string(Self.standard)
      output["SSECustomerKeyMD5"] = .string(customerKeyMD5)
      return
    }
    output["ServerSideEncryption"] = .string(algorithm ?? Self.standard)
    if let kmsKey { output["SSEKMSKeyId"] = .string(kmsKey) }
    if usesBucketKey { output["BucketKeyEnabled"] = .bool(true) }
    if let kmsContext, output.shape.place(of: "SSEKMSEncryptionContext") != nil { output["SSEKMSEncryptionContext"] = .string(kmsContext) }
  }
}
