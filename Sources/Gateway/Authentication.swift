import Base
import Fabric
import HTTPServer
import Wire

/// Finds out who sent a request: reads the signature, looks the key up, and verifies it.
struct Authentication: Sendable {
  let keys: any KeyDirectory
  let clock: any AmbientClock
  private let signingKeys = SigningKeyCache()

  init(keys: any KeyDirectory, clock: any AmbientClock) { (self.keys, self.clock) = (keys, clock) }

  struct Identity: Sendable {
    var principal: Principal
    var accessKeyID: String?
    var conditionValues: [String: [String]] = [:]
  }

  /// Signatures are checked against real time; the expiry of a session follows the adjustable clock.
  func identify(_ claim: SignatureClaim?, _ request: WireRequest, target: String) async throws(SignatureFailure) -> Identity {
    guard let claim else { throw .missingAuthentication }
    let identity: KeyIdentity
    do {
      identity = try await keys.identity(accessKeyID: claim.accessKeyID, sessionToken: claim.sessionToken, now: clock.now())
    } catch KeyFailure.expired {
      throw .expiredToken
    } catch {
      throw .unknownKey
    }
    if let secret = identity.secret {
      _ = try verify(
        claim, method: request.method, target: target, headers: request.headers, body: .bytes(request.body), secret: secret,
        keyCache: signingKeys, wallNow: clock.wallNow())
    }
    return Identity(principal: identity.principal, accessKeyID: claim.accessKeyID, conditionValues: identity.conditionValues)
  }
}
