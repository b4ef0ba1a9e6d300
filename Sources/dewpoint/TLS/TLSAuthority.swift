import Base
import Crypto
import Foundation
import X509

/// A certificate with the key that belongs to it.
struct TLSIdentity {
  var certificate: Certificate
  var key: Certificate.PrivateKey

  func isGood(at now: Instant, for left: Duration) -> Bool {
    let (now, end) = (Date(now), Date(now + left))
    return certificate.notValidBefore <= now && end < certificate.notValidAfter
  }
  func pem() throws -> (certificate: String, key: String) {
    (try certificate.serializeAsPEM().pemString, try key.serializeAsPEM().pemString)
  }
}

/// The local certificate authority: one for each data directory, so that trusting it is a matter of this host only.
///
/// All times are real time: clients judge certificates by their own clocks.
enum TLSAuthority {
  static let renewedBefore = Duration.seconds(30 * 86_400)
  private static let life = Duration.seconds(10 * 365 * 86_400)
  /// Apple's clients take no certificate for longer than 398 days.
  private static let leafLife = Duration.seconds(397 * 86_400)
  /// Clocks of other hosts may be behind.
  private static let backdating = Duration.seconds(3600)

  static func create(at now: Instant) throws -> TLSIdentity {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let name = try DistinguishedName {
      // Two authorities of one name and different keys confuse those who look issuers up by name.
      CommonName("Dewpoint local authority \(try identifier(of: key.publicKey).prefix(4).map { hex($0) }.joined())")
      OrganizationName("Dewpoint")
    }
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: Date(now - backdating),
      notValidAfter: Date(now + life), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
        Critical(KeyUsage(keyCertSign: true, cRLSign: true))
        SubjectKeyIdentifier(hash: key.publicKey)
      },
      issuerPrivateKey: key)
    return TLSIdentity(certificate: certificate, key: key)
  }

  static func issue(by authority: TLSIdentity, for names: [String], at now: Instant) throws -> TLSIdentity {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    let end = min(Date(now + leafLife), authority.certificate.notValidAfter)
    let certificate = try Certificate(
      version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: Date(now - backdating), notValidAfter: end,
      issuer: authority.certificate.subject, subject: try DistinguishedName { CommonName("Dewpoint") },
      signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        Critical(BasicConstraints.notCertificateAuthority)
        Critical(KeyUsage(digitalSignature: true))
        try ExtendedKeyUsage([.serverAuth])
        SubjectAlternativeNames(names.map(generalName))
        SubjectKeyIdentifier(hash: key.publicKey)
        AuthorityKeyIdentifier(keyIdentifier: try identifier(of: authority.key.publicKey))
      },
      issuerPrivateKey: authority.key)
    return TLSIdentity(certificate: certificate, key: key)
  }

  /// Whether the authority issued it, for all these names.
  static func issued(_ leaf: TLSIdentity, by authority: TLSIdentity, for names: [String]) -> Bool {
    let named = (try? leaf.certificate.extensions.subjectAlternativeNames).map(Array.init) ?? []
    return authority.certificate.publicKey.isValidSignature(leaf.certificate.signature, for: leaf.certificate)
      && names.allSatisfy { named.contains(generalName($0)) }
  }

  /// Names by which clients of AWS call a local endpoint. A star stands for one label only.
  static func names(besides more: [String]) -> [String] {
    let base = "localhost.localstack.cloud"
    var names = ["localhost", "127.0.0.1", "::1", "*.localhost", "host.docker.internal", base, "*.\(base)"]
    for word in ["s3", "execute-api", "lambda-url"] + regions { names += ["*.\(word).localhost", "*.\(word).\(base)"] }
    for region in regions {
      for word in ["s3", "execute-api", "lambda-url"] { names += ["*.\(word).\(region).localhost", "*.\(word).\(region).\(base)"] }
    }
    return names + more.filter { !names.contains($0) }
  }
  private static let regions = [
    "us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1",
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "sa-east-1",
  ]

  private static func generalName(_ name: String) -> GeneralName {
    addressBytes(name).map { .ipAddress(.init(contentBytes: $0[...])) } ?? .dnsName(name)
  }
  private static func addressBytes(_ text: String) -> [UInt8]? {
    var v4 = in_addr(), v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 { return withUnsafeBytes(of: v4) { Array($0) } }
    if inet_pton(AF_INET6, text, &v6) == 1 { return withUnsafeBytes(of: v6) { Array($0) } }
    return nil
  }
  private static func identifier(of key: Certificate.PublicKey) throws -> ArraySlice<UInt8> {
    SubjectKeyIdentifier(hash: key).keyIdentifier
  }
  private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }
}

extension Date {
  fileprivate init(_ instant: Instant) { self.init(timeIntervalSince1970: Double(instant.seconds)) }
}
