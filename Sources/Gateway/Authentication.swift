import Base
import Fabric
import Wire

/// Finds out who sent a request: looks the key of the signature up, and verifies it.
struct Authentication: Sendable {
  let keys: any KeyDirectory
  let clock: any AmbientClock
  private let signingKeys = SigningKeyCache()

  init(keys: any KeyDirectory, clock: any AmbientClock) { (self.keys, self.clock) = (keys, clock) }

  struct Identity: Sendable {
    var principal: Principal
    var region: Region
    var accessKeyID: String?
    var conditionValues: [String: [String]] = [:]
    /// What the chunks of the body are checked with. Nil when nothing was verified.
    var verification: Verification?
  }

  /// Signatures are checked against real time; the expiry of a session follows the adjustable clock.
  ///
  /// A key without a secret (local mode) still needs a signature in good form for the right service: what passes here must
  /// not surprise its user on AWS. Function code does not get such a key believed: else it could leave its role behind by
  /// signing with any made-up key.
  /// - Parameters:
  ///   - model: nil for a service that we do not serve; its scope cannot be checked.
  ///   - isGlobal: the service has no Regions, so that any is right.
  ///   - isFromFunction: the request came in by the listener of an environment.
  /// - Throws: `SignatureFailure`, or what the key directory failed with.
  func identify(
    _ claim: SignatureClaim?, _ request: WireRequest, target: String, model: ServiceModel?, isGlobal: Bool, isFromFunction: Bool
  ) async throws -> Identity {
    guard let claim else { throw SignatureFailure.missingAuthentication }
    if let model { try claim.check(service: model.signingName, region: nil) }
    guard let region = Region(claim.region), isGlobal || region != .global else {
      throw SignatureFailure.wrongRegion(claim.region, expected: Region.usEast1.text)
    }
    let identity: KeyIdentity
    do {
      identity = try await keys.identity(accessKeyID: claim.accessKeyID, sessionToken: claim.sessionToken, now: clock.now())
    } catch KeyFailure.expired {
      throw SignatureFailure.expiredToken
    } catch KeyFailure.unknown {
      throw SignatureFailure.unknownKey
    }
    if identity.secret == nil, isFromFunction { throw SignatureFailure.unknownKey }
    var verification: Verification?
    if let secret = identity.secret {
      verification = try verify(
        claim, method: request.method, target: target, headers: request.headers, body: .bytes(request.body), secret: secret,
        keyCache: signingKeys, wallNow: clock.wallNow())
    }
    return Identity(
      principal: identity.principal, region: region, accessKeyID: claim.accessKeyID, conditionValues: identity.conditionValues,
      verification: verification)
  }
}
