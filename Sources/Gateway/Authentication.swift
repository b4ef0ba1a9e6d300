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
  ///   - isFromFunction: the request came in by the listener of an environment, or the server sent it for a user.
  ///   - body: unread when whoever reads it checks its hash.
  /// - Throws: `SignatureFailure`, or what the key directory failed with.
  func identify(
    _ claim: SignatureClaim?, _ request: WireRequest, target: String, model: ServiceModel?, isGlobal: Bool, isFromFunction: Bool,
    body: SignedBody
  ) async throws -> Identity {
    guard let claim else { throw SignatureFailure.missingAuthentication }
    if let model { try claim.check(service: model.signingName, region: nil) }
    guard let region = Region(claim.region), isGlobal || region != .global else {
      throw SignatureFailure.wrongRegion(claim.region, expected: Region.usEast1.text)
    }
    let identity = try await identity(claim.accessKeyID, claim.sessionToken, isFromFunction: isFromFunction)
    var verification: Verification?
    if let secret = identity.secret {
      verification = try verify(
        claim, method: request.method, target: target, headers: request.headers, body: body, secret: secret,
        keyCache: signingKeys, wallNow: clock.wallNow())
    }
    return Identity(
      principal: identity.principal, region: region, accessKeyID: claim.accessKeyID, conditionValues: identity.conditionValues,
      verification: verification)
  }
  /// The same for a URL of S3 that was presigned with version 2, which has no Region.
  func identify(_ url: SignatureV2URL, _ request: WireRequest, target: String, isFromFunction: Bool) async throws -> Identity {
    let identity = try await identity(url.accessKeyID, url.sessionToken, isFromFunction: isFromFunction)
    if let secret = identity.secret {
      try url.verify(
        method: request.method, target: target, hostBucket: S3Host(request.headers["host"]).bucket, headers: request.headers,
        secret: secret, wallNow: clock.wallNow())
    } else if url.expiresAt <= clock.wallNow() {
      throw SignatureFailure.presignedExpired(expires: url.expiresAt, seconds: nil, serverTime: clock.wallNow())
    }
    return Identity(
      principal: identity.principal, region: .usEast1, accessKeyID: url.accessKeyID, conditionValues: identity.conditionValues)
  }

  private func identity(_ accessKeyID: String, _ sessionToken: String?, isFromFunction: Bool) async throws -> KeyIdentity {
    do {
      let identity = try await keys.identity(accessKeyID: accessKeyID, sessionToken: sessionToken, now: clock.now())
      if identity.secret == nil, isFromFunction { throw SignatureFailure.unknownKey }
      return identity
    } catch KeyFailure.expired {
      throw SignatureFailure.expiredToken
    } catch KeyFailure.unknown {
      throw SignatureFailure.unknownKey
    }
  }
}
