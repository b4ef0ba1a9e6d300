import Base

/// Why a request is not taken as signed by who it says. `awsError` makes the answer of it.
public enum SignatureFailure: Error, Sendable, Equatable {
  case missingAuthentication
  /// The `Authorization` field cannot be read, or lacks a part; the text is what AWS says.
  case malformed(String)
  /// The same of a presigned URL.
  case malformedQuery(String)
  /// The same of a URL presigned with version 2, which S3 alone takes.
  case deniedQuery(String)
  /// A signature of a kind that is not verified here.
  case unsupported(String)
  case unknownKey
  case invalidToken
  case expiredToken
  case mismatch(Mismatch)
  /// The request's time is too early; the text is what AWS says.
  case expired(String, requestTime: Instant, serverTime: Instant)
  case notYetCurrent(String, requestTime: Instant, serverTime: Instant)
  /// `seconds`: how long the URL was valid; version 2 does not say.
  case presignedExpired(expires: Instant, seconds: Int?, serverTime: Instant)
  case wrongScope(String)
  /// `expected` goes to S3 clients, which then sign again for that Region.
  case wrongRegion(String, expected: String)
  /// Fields that must be signed and are not.
  case notSigned([String])
  case missingPayloadHash
  case malformedPayloadHash
  /// The body is not the one that was signed.
  case payloadMismatch(declared: String, computed: String)

  /// What S3 shows to a client whose signature does not match.
  public struct Mismatch: Sendable, Equatable {
    public var accessKeyID: String
    public var stringToSign: String
    public var canonicalRequest: String
    /// The signature that the request has.
    public var provided: String

    public init(accessKeyID: String, stringToSign: String, canonicalRequest: String, provided: String) {
      (self.accessKeyID, self.stringToSign) = (accessKeyID, stringToSign)
      (self.canonicalRequest, self.provided) = (canonicalRequest, provided)
    }
  }
}
