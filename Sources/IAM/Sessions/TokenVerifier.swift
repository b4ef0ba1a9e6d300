import Base
import JWTKit
import Synchronization

/// Verifies the signatures of web identity tokens with the configured keys of their issuers.
///
/// Only signatures: times follow the adjustable clock, audiences the account's providers.
final class TokenVerifier: Sendable {
  private struct AnyClaims: JWTPayload {
    func verify(using _: some JWTAlgorithm) async throws {}
  }
  private let providers: [String: WebIdentityProvider]
  private let keys = Mutex<[String: JWTKeyCollection]>([:])

  init(_ providers: [WebIdentityProvider]) {
    self.providers = Dictionary(providers.map { (IAMService.address($0.issuer), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// By the issuer's address.
  func provider(_ address: String) -> WebIdentityProvider? { providers[address] }

  /// Throws InvalidIdentityToken when the issuer's keys are not known or the signature is not by one of them.
  func verify(_ token: String, of address: String) async throws {
    guard let provider = providers[address] else { throw IAMError.noVerificationKey() }
    let collection: JWTKeyCollection
    if let known = keys.withLock({ $0[address] }) {
      collection = known
    } else {
      collection = JWTKeyCollection()
      do { try await collection.add(jwksJSON: provider.keySet) } catch { throw IAMError.noVerificationKey() }
      keys.withLock { $0[address] = collection }
    }
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
