import Base
import Fabric
import Store
import Synchronization
import Wire

/// Whom the server believes without IAM's own records.
public struct IdentityConfiguration: Sendable {
  /// A key that IAM has not issued is the root of an account whatever its secret. Only for loopback.
  public var localMode: Bool
  /// A root key that the operator configured; it is verified.
  public var rootKey: (id: String, secret: String, account: AccountID)?
  /// The issuers whose tokens `AssumeRoleWithWebIdentity` can verify; nothing is ever fetched from an issuer.
  public var webIdentityProviders: [WebIdentityProvider]

  /// In the local mode: of keys that are no account's digits themselves.
  public var standardAccount: AccountID

  public init(
    localMode: Bool = true, rootKey: (id: String, secret: String, account: AccountID)? = nil,
    webIdentityProviders: [WebIdentityProvider] = [], standardAccount: AccountID = .local
  ) {
    (self.localMode, self.rootKey, self.webIdentityProviders) = (localMode, rootKey, webIdentityProviders)
    self.standardAccount = standardAccount
  }
}

/// An issuer of OpenID Connect tokens, with the keys that it publishes.
public struct WebIdentityProvider: Sendable {
  /// As the tokens say it (`iss`): `https://token.actions.githubusercontent.com`.
  public var issuer: String
  /// The issuer's JSON Web Key Set, the text of its `jwks_uri`. RSA and elliptic-curve keys with a `kid`.
  public var keySet: String
  /// The audiences that every account accepts from it. An account's own OIDC provider names further ones by its client ids;
  /// with neither no token of the issuer is accepted.
  public var audiences: [String]

  public init(issuer: String, keySet: String, audiences: [String] = []) {
    (self.issuer, self.keySet, self.audiences) = (issuer, keySet, audiences)
  }
}

/// IAM and STS: identities, their policies, and the decision on every call.
public final class IAMService: ServiceModule, Authoriser, KeyDirectory, RolePort {
  let store: any Store
  let ambient: Ambient
  let configuration: IdentityConfiguration
  let cache = IdentityCache()
  let denials = DenialLog()
  let record = AccessRecord()
  let tokens: TokenVerifier
  private let sealer = Mutex<SessionSealer?>(nil)
  private let lastUseWorker: LastUseWorker

  public init(store: any Store, ambient: Ambient, configuration: IdentityConfiguration = IdentityConfiguration()) {
    (self.store, self.ambient, self.configuration) = (store, ambient, configuration)
    tokens = TokenVerifier(configuration.webIdentityProviders)
    lastUseWorker = LastUseWorker(store: store, cache: cache)
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        IAMModel.service, isGlobal: true,
        operations: userOperations + groupOperations + roleOperations + policyOperations + policyVersionOperations
          + inlinePolicyOperations + attachmentOperations + accessKeyOperations + profileOperations + accountOperations
          + simulationOperations + contextKeyOperations + providerOperations + serviceRoleOperations + detailOperations
          + lastAccessOperations),
      ServiceAPI(STSModel.service, isGlobal: true, operations: sessionOperations + federationOperations),
    ]
  }
  public var workers: [any Worker] { [lastUseWorker, AccessRecordWorker(store: store, record: record)] }
  public var pages: [InternalPage] { [denialsPage, generatePage] }
  public var inventory: [InventoryItem] { [InventoryItem("users, groups and roles", below: IAMKeys.entities)] }

  /// The newest first, at most 1,000.
  public var recentDenials: [Denial] { denials.newestFirst.map(\.denial) }

  func read<T: Sendable>(_ account: AccountID, _ body: @escaping @Sendable (IAMRows) throws -> T) async throws -> T {
    try await store.read { try body(IAMRows(reader: $0, account: account)) }
  }

  /// Every write of IAM goes through here, so that the caches never outlive it.
  func change<T: Sendable>(_ account: AccountID, _ body: @escaping @Sendable (IAMChanges) throws -> T) async throws -> T {
    let result = try await store.transact { try body(IAMChanges(tx: $0, account: account)) }
    cache.invalidate()
    return result
  }

  /// With the key of this store, which the first use makes.
  func sessionSealer() async throws -> SessionSealer {
    if let known = sealer.withLock({ $0 }) { return known }
    let fresh = ambient.random.bytes(32)
    let key = try await store.transact { tx in
      if let key = try tx.get(IAMKeys.serverKey) { return key }
      try tx.set(IAMKeys.serverKey, fresh)
      return fresh
    }
    let made = SessionSealer(serverKey: key)
    sealer.withLock { $0 = made }
    return made
  }

  /// The account's epoch, to which sessions belong.
  func epoch(_ account: AccountID) async throws -> Int {
    if let known = cache.epoch(account) { return known }
    let generation = cache.generation
    let epoch = try await read(account) { try $0.epoch() }
    cache.keep(epoch: epoch, account, loadedAt: generation)
    return epoch
  }

  /// `AROA` and the like with 17 letters and digits.
  func uniqueID(_ prefix: String) -> String { prefix + ambient.text(17) }
}
