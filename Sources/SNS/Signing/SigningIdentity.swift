import Base
import Crypto
import FoundationEssentials
import Store
import X509
import _CryptoExtras

/// A key with the certificate that verifiers fetch: the same as long as the data directory lives.
struct SigningIdentity: Sendable {
  /// Whom the certificate names, as AWS's do.
  private static let subject = "sns.amazonaws.com"
  private static let life = Duration.days(3650)

  let key: _RSA.Signing.PrivateKey
  let certificate: String
  /// `SimpleNotificationService-<hex>.pem`: another key has another name, so that nobody keeps a stale certificate.
  let fileName: String

  private init(key: _RSA.Signing.PrivateKey, certificate: String) {
    (self.key, self.certificate) = (key, certificate)
    let digest = SHA256.hash(data: key.publicKey.derRepresentation)
    fileName = "SimpleNotificationService-\(digest.prefix(16).map { $0 }.hex).pem"
  }

  /// A new one. Takes a moment: primes are looked for.
  /// - Parameter now: real time, by which verifiers judge.
  static func make(bits: Int, at now: Instant) throws -> SigningIdentity {
    let key = try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: bits))
    let issuer = Certificate.PrivateKey(key)
    let name = try DistinguishedName { CommonName(subject) }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: issuer.publicKey,
      notValidBefore: Date(timeIntervalSince1970: Double((now - .days(1)).seconds)),
      notValidAfter: Date(timeIntervalSince1970: Double((now + life).seconds)), issuer: name, subject: name,
      signatureAlgorithm: .sha256WithRSAEncryption,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
      },
      issuerPrivateKey: issuer)
    return SigningIdentity(key: key, certificate: try certificate.serializeAsPEM().pemString + "\n")
  }

  init(row bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let der = try row.blob()
    self.init(key: try _RSA.Signing.PrivateKey(unsafeDERRepresentation: der), certificate: try row.string())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 3000)
    row.blob(Array(key.derRepresentation))
    row.string(certificate)
    return row.bytes
  }

  /// Base64. RSA with PKCS #1 padding: with SHA-1 in version 1, with SHA-256 in version 2.
  func signature(_ text: [UInt8], _ version: SignatureVersion) throws -> String {
    let signature =
      switch version {
      case .one: try key.signature(for: Insecure.SHA1.hash(data: text), padding: .insecurePKCS1v1_5)
      case .two: try key.signature(for: SHA256.hash(data: text), padding: .insecurePKCS1v1_5)
      }
    return Array(signature.rawRepresentation).base64
  }
}
