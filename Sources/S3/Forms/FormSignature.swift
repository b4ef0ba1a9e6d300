import Base
import Crypto
import Fabric

/// Who signed a form's policy: by version 4, or by version 2 as boto3 still does in old Regions.
struct FormSignature: Sendable {
  var accessKeyID: String
  var sessionToken: String?
  var region: Region
  private var expected: @Sendable (_ secret: String) -> String
  private var given: String

  /// - Parameter fields: by name in lower case. Nil when there is no policy that could be signed. Throws InvalidArgument.
  init?(_ fields: [String: String]) throws(AWSError) {
    guard let policy = fields["policy"] else { return nil }
    sessionToken = fields["x-amz-security-token"]
    if let key = fields["awsaccesskeyid"] {
      guard let signature = fields["signature"] else { throw Self.missing("Signature") }
      (accessKeyID, region, given) = (key, .usEast1, signature)
      expected = { secret in
        Array(HMAC<Insecure.SHA1>.authenticationCode(for: Array(policy.utf8), using: SymmetricKey(data: Array(secret.utf8)))).base64
      }
      return
    }
    guard let algorithm = fields["x-amz-algorithm"] else { throw Self.missing("X-Amz-Algorithm") }
    guard algorithm == "AWS4-HMAC-SHA256" else {
      throw S3Error.invalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"", "X-Amz-Algorithm", algorithm)
    }
    guard let credential = fields["x-amz-credential"] else { throw Self.missing("X-Amz-Credential") }
    guard fields["x-amz-date"] != nil else { throw Self.missing("X-Amz-Date") }
    guard let signature = fields["x-amz-signature"] else { throw Self.missing("X-Amz-Signature") }
    let parts = credential.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 5, let region = Region(parts[parts.count - 3]), parts[parts.count - 2] == "s3", parts[parts.count - 1] == "aws4_request"
    else {
      throw S3Error.invalidArgument(
        "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".", "X-Amz-Credential", credential)
    }
    accessKeyID = parts[..<(parts.count - 4)].joined(separator: "/")
    (self.region, given) = (region, signature)
    let scope = Array(parts[(parts.count - 4)...])
    expected = { secret in
      var key = Array("AWS4\(secret)".utf8)
      for part in scope { key = Self.code(part, key) }
      return Self.code(policy, key).hex
    }
  }

  private static func code(_ text: String, _ key: [UInt8]) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
  }

  private static func missing(_ name: String) -> AWSError {
    S3Error.invalidArgument("Bucket POST must contain a field named '\(name)'.  If it is specified, please check the order of the fields.")
  }

  /// Whether the secret made the signature. The time that it takes does not tell how much of it is right.
  func isRight(_ secret: String) -> Bool {
    let (a, b) = (Array(expected(secret).utf8), Array(given.utf8))
    guard a.count == b.count else { return false }
    return zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
