import Base
import JWTKit

/// Verifies the signatures of web identity tokens with the configured keys of their issuers.
///
/// Only signatures: times follow the adjustable clock, audiences the account's providers.
final class TokenVerifier: Sendable {
  private struct AnyClaims: JWTPayload {
    func verify(using _: some JWTAlgorithm) async throws {}
  }
  private let providers: [String: WebIdentityProvider]
  /// Whatever is no key of a known kind is left out, so that it costs its issuer only itself.
  private let keys: [String: [JWK]]

  init(_ providers: [WebIdentityProvider]) {
    self.providers = Dictionary(providers.map { (IAMService.address($0.issuer), $0) }, uniquingKeysWith: { first, _ in first })
    keys = self.providers.mapValues { Self.keys($0.keySet) }
  }

  private static func keys(_ set: String) -> [JWK] {
    guard case .array(let keys)? = (try? JSON.parse(Array(set.utf8)))?["keys"] else { return [] }
    return keys.compactMap { try? JWK(json: $0.bytes.utf8Text) }
  }

  /// By the issuer's address.
  func provider(_ address: String) -> WebIdentityProvider? { providers[address] }

  /// Throws InvalidIdentityToken when the issuer's keys are not known or the signature is not by one of them.
  func verify(_ token: String, of address: String) async throws {
    // A collection of its own for each token: it would keep the algorithm that the first token names for a key without one.
    let collection = JWTKeyCollection()
    var isUsable = false
    for key in keys[address] ?? [] where (try? await collection.add(jwk: key)) != nil { isUsable = true }
    guard isUsable else { throw IAMError.noVerificationKey() }
    do { _ = try await collection.verify(token, as: AnyClaims.self) } catch { throw IAMError.tokenNotValidated() }
  }
}

extension IAMError {
  static func invalidToken(_ message: String) -> AWSError { AWSError("InvalidIdentityTokenException", message, status: 400) }
  static func noVerificationKey() -> AWSError {
    invalidToken(
      "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity "
        + "documentation for requirements")
  }
  static func tokenNotValidated() -> AWSError {
    invalidToken("The web identity token that was passed could not be validated by AWS. Get a new identity token from the "
      + "identity provider and then retry the request.")
  }
}
