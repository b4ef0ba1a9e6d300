import Base
import Store

/// Reads of one account's state within a snapshot or transaction.
protocol IAMReading {
  var reader: any Reader { get }
  var account: AccountID { get }
}

struct IAMRows: IAMReading {
  let reader: any Reader
  let account: AccountID
}

extension IAMReading {
  func entity(id: String) throws -> Entity? { try reader.get(IAMKeys.entity(account, id)).map(Entity.init(row:)) }

  func find(_ kind: Entity.Kind, _ name: String) throws -> Entity? {
    guard let id = try reader.get(IAMKeys.name(account, kind, name)), let entity = try entity(id: id.utf8Text),
      entity.name == name
    else { return nil }
    return entity
  }
  /// Throws NoSuchEntity.
  func get(_ kind: Entity.Kind, _ name: String) throws -> Entity {
    guard let entity = try find(kind, name) else { throw IAMError.noSuch(kind, name) }
    return entity
  }
  /// In the order of the names.
  func entities(_ kind: Entity.Kind) throws -> [Entity] {
    try reader.entries(KeyRange(prefix: IAMKeys.names(account, kind))).compactMap { try entity(id: $0.value.utf8Text) }
  }

  /// Names and documents in the order of the names.
  func inlinePolicies(_ entity: Entity) throws -> [(name: String, document: String)] {
    let prefix = IAMKeys.inlines(account, entity.id)
    return try reader.entries(KeyRange(prefix: prefix)).map { (try lastPart($0.key, prefix), $0.value.utf8Text) }
  }
  func inlinePolicy(_ entity: Entity, _ name: String) throws -> String? {
    try reader.get(IAMKeys.inline(account, entity.id, name))?.utf8Text
  }
  /// ARNs.
  func attachments(_ entity: Entity) throws -> [String] { try lastParts(IAMKeys.attachments(account, entity.id)) }
  func isAttached(_ arn: String, to entity: Entity) throws -> Bool {
    try reader.get(IAMKeys.attachment(account, entity.id, arn)) != nil
  }
  func entities(using arn: String, as use: PolicyUse) throws -> [Entity] {
    try lastParts(IAMKeys.uses(account, arn, use)).compactMap { try entity(id: $0) }
  }
  func useCount(_ arn: String, as use: PolicyUse) throws -> Int { try lastParts(IAMKeys.uses(account, arn, use)).count }

  func members(_ group: Entity) throws -> [Entity] {
    try lastParts(IAMKeys.members(account, group.id)).compactMap { try entity(id: $0) }
  }
  func groups(of user: Entity) throws -> [Entity] {
    try lastParts(IAMKeys.groups(account, of: user.id)).compactMap { try entity(id: $0) }
  }

  /// A policy of this account or of AWS.
  func findPolicy(_ arn: String) throws -> ManagedPolicy? {
    if let policy = AWSManagedPolicies.policy(arn) { return policy }
    guard let name = arn.split(separator: "/").last, arn.hasPrefix("arn:aws:iam::\(account):policy/"),
      let policy = try reader.get(IAMKeys.policy(account, String(name))).map(ManagedPolicy.init(row:)), policy.arn == arn
    else { return nil }
    return policy
  }
  /// Throws NoSuchEntity.
  func getPolicy(_ arn: String) throws -> ManagedPolicy {
    guard let policy = try findPolicy(arn) else { throw IAMError.noSuchPolicy(arn) }
    return policy
  }
  /// Those of the account, by name.
  func policies() throws -> [ManagedPolicy] {
    try reader.entries(KeyRange(prefix: IAMKeys.policies(account))).map { try ManagedPolicy(row: $0.value) }
  }
  func version(_ policy: ManagedPolicy, _ number: Int) throws -> PolicyVersion? {
    if let version = AWSManagedPolicies.version(policy.arn) { return version.number == number ? version : nil }
    return try reader.get(IAMKeys.version(account, policy.id, number)).map(PolicyVersion.init(row:))
  }
  /// Newest first.
  func versions(_ policy: ManagedPolicy) throws -> [PolicyVersion] {
    if let version = AWSManagedPolicies.version(policy.arn) { return [version] }
    let range = KeyRange(prefix: IAMKeys.versions(account, policy.id))
    return try reader.entries(range, reverse: true).map { try PolicyVersion(row: $0.value) }
  }
  /// The default version's document of a policy that may be gone.
  func document(ofPolicy arn: String) throws -> String? {
    guard let policy = try findPolicy(arn) else { return nil }
    return try version(policy, policy.defaultVersion)?.document
  }

  func findProfile(_ name: String) throws -> InstanceProfile? {
    try reader.get(IAMKeys.profile(account, name)).map(InstanceProfile.init(row:)).flatMap { $0.name == name ? $0 : nil }
  }
  func getProfile(_ name: String) throws -> InstanceProfile {
    guard let profile = try findProfile(name) else { throw IAMError.noSuchProfile(name) }
    return profile
  }
  func profiles() throws -> [InstanceProfile] {
    try reader.entries(KeyRange(prefix: IAMKeys.profiles(account))).map { try InstanceProfile(row: $0.value) }
  }

  func findProvider(_ url: String) throws -> IdentityProvider? {
    try reader.get(IAMKeys.provider(account, url)).map(IdentityProvider.init(row:))
  }
  /// By ARN. Throws NoSuchEntity.
  func getProvider(_ arn: String) throws -> IdentityProvider {
    let prefix = "arn:aws:iam::\(account):oidc-provider/"
    guard arn.hasPrefix(prefix), let provider = try findProvider(String(arn.dropFirst(prefix.count))) else {
      throw IAMError.noSuchProvider(arn)
    }
    return provider
  }
  func providers() throws -> [IdentityProvider] {
    try reader.entries(KeyRange(prefix: IAMKeys.providers(account))).map { try IdentityProvider(row: $0.value) }
  }

  /// By action.
  func accessRecord(of id: String) throws -> [String: ActionUse] {
    let prefix = IAMKeys.accesses(account, id)
    var uses: [String: ActionUse] = [:]
    for entry in try reader.entries(KeyRange(prefix: prefix)) {
      uses[try lastPart(entry.key, prefix)] = try ActionUse(row: entry.value)
    }
    return uses
  }

  func accessKey(_ id: String) throws -> AccessKey? { try reader.get(IAMKeys.accessKey(id)).map(AccessKey.init(row:)) }
  /// Without deleted ones.
  func accessKeys(of user: Entity) throws -> [AccessKey] {
    try lastParts(IAMKeys.accessKeys(account, of: user.id)).compactMap { try accessKey($0) }
  }
  func alias() throws -> String? { try reader.get(IAMKeys.alias(account))?.utf8Text }

  private func lastPart(_ key: Key, _ prefix: Key) throws -> String {
    var parts = KeyReader(key, after: prefix)
    return try parts.string()
  }
  private func lastParts(_ prefix: Key) throws -> [String] {
    try reader.entries(KeyRange(prefix: prefix)).map { try lastPart($0.key, prefix) }
  }
}
