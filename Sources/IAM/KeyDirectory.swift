import Base
import Fabric

extension IAMService {
  public func identity(accessKeyID: String, sessionToken: String?, now: Instant) async throws -> KeyIdentity {
    if let root = configuration.rootKey, root.id == accessKeyID {
      guard sessionToken == nil else { throw KeyFailure.unknown }
      return KeyIdentity(secret: root.secret, principal: .root(root.account))
    }
    if accessKeyID.hasPrefix(KeyForm.sessionPrefix) {
      guard let sessionToken else { throw KeyFailure.unknown }
      return try await sessionIdentity(accessKeyID, sessionToken, now)
    }
    // Only ids of our form can be in the store, so `test` and its like cost nothing.
    let known = cache.key(accessKeyID)
    guard known != nil || KeyForm.account(of: accessKeyID) != nil else { return try unissued(accessKeyID) }
    let outcome = if let known { known.outcome } else { try await issued(accessKeyID) }
    switch outcome {
    case .neverIssued: return try unissued(accessKeyID)
    case .refused: throw KeyFailure.unknown
    case .identity(let identity):
      guard sessionToken == nil else { throw KeyFailure.unknown }
      return identity
    }
  }

  /// In the local mode: the root of the account that the key is, or of the local account.
  private func unissued(_ accessKeyID: String) throws -> KeyIdentity {
    guard configuration.localMode else { throw KeyFailure.unknown }
    return KeyIdentity(secret: nil, principal: .root(AccountID(accessKeyID) ?? configuration.standardAccount))
  }

  private func sessionIdentity(_ accessKeyID: String, _ token: String, _ now: Instant) async throws -> KeyIdentity {
    if let known = cache.key(accessKeyID), known.token == token, case .identity(let identity) = known.outcome {
      guard now < known.expires else { throw KeyFailure.expired }
      return identity
    }
    let generation = cache.generation
    guard let (grant, secret) = try await sessionSealer().open(token, accessKeyID: accessKeyID) else { throw KeyFailure.unknown }
    guard now < grant.expires else { throw KeyFailure.expired }
    if let account = grant.principal.account, try await epoch(account) != grant.epoch { throw KeyFailure.unknown }
    var values = grant.conditionValues
    values["aws:tokenissuetime"] = [grant.issued.iso8601]
    values["aws:multifactorauthpresent"] = ["false"]
    let identity = KeyIdentity(secret: secret, principal: grant.principal, conditionValues: values)
    cache.keep(.init(token: token, outcome: .identity(identity), expires: grant.expires), accessKeyID, loadedAt: generation)
    return identity
  }

  private func issued(_ accessKeyID: String) async throws -> IdentityCache.Outcome {
    let generation = cache.generation
    let outcome = try await store.read { reader -> IdentityCache.Outcome in
      guard let key = try reader.get(IAMKeys.accessKey(accessKeyID)).map(AccessKey.init(row:)) else { return .neverIssued }
      guard key.status == .active, let user = try IAMRows(reader: reader, account: key.account).entity(id: key.userID) else {
        return .refused
      }
      return .identity(
        KeyIdentity(
          secret: key.secret, principal: .user(account: user.account, name: user.name, path: user.path, id: user.id)))
    }
    cache.keep(.init(token: nil, outcome: outcome, expires: .distantFuture), accessKeyID, loadedAt: generation)
    return outcome
  }
}
