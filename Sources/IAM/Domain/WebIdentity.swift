import Base

/// What an OpenID Connect token says, once its signature is verified.
struct WebIdentity: Sendable {
  let issuer: String
  let subject: String
  /// All audiences of the token.
  let audiences: [String]
  /// The client to which the token was issued, where that is somebody else than its audience.
  let authorisedParty: String?
  let methods: [String]
  let expires: Instant
  let notBefore: Instant?
  /// Session tags by the claim `https://aws.amazon.com/tags`.
  let tags: [String: String]
  let transitiveTagKeys: [String]
  let sourceIdentity: String?

  /// Reads the claims of a token without verifying it. Nil for what is no JSON Web Token with these claims.
  init?(token: String) {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, let bytes = Self.decoded(parts[1]), let claims = try? JSON.parse(bytes),
      let issuer = claims["iss"]?.string, let subject = claims["sub"]?.string, let expires = claims["exp"]?.double
    else { return nil }
    (self.issuer, self.subject) = (issuer, subject)
    audiences = Self.list(claims["aud"])
    authorisedParty = claims["azp"]?.string
    methods = Self.list(claims["amr"])
    self.expires = Self.instant(expires)
    notBefore = claims["nbf"]?.double.map(Self.instant)
    let tags = claims["https://aws.amazon.com/tags"]
    var pairs: [String: String] = [:]
    for (key, value) in tags?["principal_tags"]?.object?.members ?? [] { pairs[key] = Self.list(value).first ?? "" }
    self.tags = pairs
    transitiveTagKeys = Self.list(tags?["transitive_tag_keys"])
    sourceIdentity = claims["https://aws.amazon.com/source_identity"]?.string
  }

  private static func list(_ value: JSON?) -> [String] {
    guard let value else { return [] }
    return (value.array ?? [value]).compactMap(\.string)
  }
  /// Times far outside of what an instant can hold are as good as its ends.
  private static func instant(_ seconds: Double) -> Instant {
    Instant(seconds: Int64(max(-1e11, min(1e11, seconds.isNaN ? 0 : seconds))))
  }

  private static func decoded(_ text: Substring) -> [UInt8]? {
    let plain = String(text).replacing("-", by: "+").replacing("_", by: "/")
    return decodeBase64(plain + String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4))
  }

  /// The issuer without the scheme: what provider ARNs and condition keys are made of.
  var address: String { IAMService.address(issuer) }

  /// Who the token is for: the authorised party before the audience.
  func audience(among accepted: Set<String>) -> String? {
    if let authorisedParty { return accepted.contains(authorisedParty) ? authorisedParty : nil }
    return audiences.first { accepted.contains($0) }
  }

  /// Condition values by lower-case key: `ISSUER:sub`, `ISSUER:aud` and so on.
  func facts(audience: String, provider: String) -> [String: [String]] {
    let prefix = address.lowercased()
    var facts = ["\(prefix):sub": [subject], "\(prefix):aud": [audience], "aws:federatedprovider": [provider]]
    if authorisedParty != nil { facts["\(prefix):oaud"] = audiences }
    if !methods.isEmpty { facts["\(prefix):amr"] = methods }
    return facts
  }
}
