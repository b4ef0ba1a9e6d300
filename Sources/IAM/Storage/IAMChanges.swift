import Base
import Store

/// Reads and writes of one account's state within a transaction.
struct IAMChanges: IAMReading {
  let tx: any Transaction
  let account: AccountID
  var reader: any Reader { tx }

  func save(_ entity: Entity) throws {
    try tx.set(IAMKeys.entity(account, entity.id), entity.row)
    try tx.set(IAMKeys.name(account, entity.kind, entity.name), Array(entity.id.utf8))
    if entity.kind != .group { try tx.set(IAMKeys.owner(entity.id), Array(account.text.utf8)) }
  }
  /// Throws EntityAlreadyExists.
  func create(_ entity: Entity) throws {
    guard try reader.get(IAMKeys.name(account, entity.kind, entity.name)) == nil else {
      throw IAMError.exists(entity.kind, entity.name)
    }
    let (quota, limit) = IAMLimits.entities(entity.kind)
    let names = KeyRange(prefix: IAMKeys.names(account, entity.kind))
    if try reader.entries(names, limit: limit).count >= limit { throw IAMError.quota(quota, limit) }
    try save(entity)
    if let boundary = entity.boundary { try setBoundary(boundary, of: entity) }
  }
  func rename(_ entity: Entity, to name: String) throws -> Entity {
    if name.lowercased() != entity.name.lowercased(), try reader.get(IAMKeys.name(account, entity.kind, name)) != nil {
      throw IAMError.exists(entity.kind, name)
    }
    try tx.delete(IAMKeys.name(account, entity.kind, entity.name))
    var renamed = entity
    renamed.name = name
    try save(renamed)
    return renamed
  }
  /// The entity's policies and attachments must be gone already.
  func delete(_ entity: Entity) throws {
    _ = try setBoundary(nil, of: entity)
    try tx.delete(IAMKeys.name(account, entity.kind, entity.name))
    try tx.delete(IAMKeys.entity(account, entity.id))
    try tx.delete(IAMKeys.owner(entity.id))
    try tx.delete(IAMKeys.lastUse(entity.id))
    try tx.deleteAll(KeyRange(prefix: IAMKeys.accesses(account, entity.id)))
  }

  func putInline(_ entity: Entity, _ name: String, _ document: String) throws {
    try entity.checkModifiable()
    let others = try inlinePolicies(entity).filter { $0.name != name }.map(\.document)
    let limit = IAMLimits.inlineCharacters(entity.kind)
    guard (others + [document]).map(countedCharacters).reduce(0, +) <= limit else {
      throw IAMError.limitExceeded("Maximum policy size of \(limit) bytes exceeded for \(entity.kind.rawValue) \(entity.name)")
    }
    try tx.set(IAMKeys.inline(account, entity.id, name), Array(document.utf8))
  }
  func deleteInline(_ entity: Entity, _ name: String) throws {
    try entity.checkModifiable()
    guard try inlinePolicy(entity, name) != nil else { throw IAMError.noSuchInline(entity.kind, name) }
    try tx.delete(IAMKeys.inline(account, entity.id, name))
  }

  func attach(_ arn: String, to entity: Entity) throws {
    try entity.checkModifiable()
    guard let policy = try findPolicy(arn) else { throw IAMError.notAttachable(arn) }
    if policy.path.hasPrefix(Entity.servicePath) {
      throw AWSError("PolicyNotAttachableException", "Cannot attach a Service Role Policy to a Customer Role.", status: 400)
    }
    if try isAttached(arn, to: entity) { return }
    guard try attachments(entity).count < IAMLimits.attachedPolicies else {
      let kind = entity.kind.rawValue
      throw IAMError.quota("PoliciesPer\(kind.prefix(1).uppercased())\(kind.dropFirst())", IAMLimits.attachedPolicies)
    }
    try tx.set(IAMKeys.attachment(account, entity.id, arn), [])
    try tx.set(IAMKeys.use(account, arn, .attached, entity.id), [])
  }
  func detach(_ arn: String, from entity: Entity) throws {
    try entity.checkModifiable()
    guard try isAttached(arn, to: entity) else { throw IAMError.noSuchPolicy(arn) }
    try tx.delete(IAMKeys.attachment(account, entity.id, arn))
    try tx.delete(IAMKeys.use(account, arn, .attached, entity.id))
  }

  @discardableResult
  func setBoundary(_ arn: String?, of entity: Entity) throws -> Entity {
    var entity = entity
    if let arn, try findPolicy(arn) == nil { throw IAMError.notAttachable(arn) }
    if let old = entity.boundary { try tx.delete(IAMKeys.use(account, old, .boundary, entity.id)) }
    if let arn { try tx.set(IAMKeys.use(account, arn, .boundary, entity.id), []) }
    entity.boundary = arn
    try save(entity)
    return entity
  }

  func add(_ user: Entity, to group: Entity) throws {
    if try reader.get(IAMKeys.member(account, group.id, user.id)) != nil { return }
    guard try groups(of: user).count < IAMLimits.groupsPerUser else {
      throw IAMError.quota("GroupsPerUser", IAMLimits.groupsPerUser)
    }
    try tx.set(IAMKeys.member(account, group.id, user.id), [])
    try tx.set(IAMKeys.group(account, of: user.id, group.id), [])
  }
  func remove(_ user: Entity, from group: Entity) throws {
    guard try reader.get(IAMKeys.member(account, group.id, user.id)) != nil else {
      throw IAMError.noSuchEntity("The user with name \(user.name) cannot be found in the group \(group.name).")
    }
    try tx.delete(IAMKeys.member(account, group.id, user.id))
    try tx.delete(IAMKeys.group(account, of: user.id, group.id))
  }

  func save(_ policy: ManagedPolicy) throws { try tx.set(IAMKeys.policy(account, policy.name), policy.row) }
  func save(_ version: PolicyVersion, of policy: ManagedPolicy) throws {
    try tx.set(IAMKeys.version(account, policy.id, version.number), version.row)
  }
  func delete(_ version: PolicyVersion, of policy: ManagedPolicy) throws {
    try tx.delete(IAMKeys.version(account, policy.id, version.number))
  }
  func delete(_ policy: ManagedPolicy) throws {
    try tx.delete(IAMKeys.policy(account, policy.name))
    try tx.deleteAll(KeyRange(prefix: IAMKeys.versions(account, policy.id)))
  }

  func save(_ profile: InstanceProfile) throws { try tx.set(IAMKeys.profile(account, profile.name), profile.row) }
  func delete(_ profile: InstanceProfile) throws { try tx.delete(IAMKeys.profile(account, profile.name)) }

  func save(_ key: AccessKey) throws {
    try tx.set(IAMKeys.accessKey(key.id), key.row)
    let index = IAMKeys.accessKey(account, of: key.userID, key.id)
    if key.status == .deleted { try tx.delete(index) } else { try tx.set(index, []) }
  }
  func setAlias(_ alias: String?) throws {
    if let alias { try tx.set(IAMKeys.alias(account), Array(alias.utf8)) } else { try tx.delete(IAMKeys.alias(account)) }
  }
}

/// Policy quotas do not count white space.
func countedCharacters(_ document: String) -> Int {
  document.unicodeScalars.count { !$0.properties.isWhitespace }
}

extension IAMChanges {
  func save(_ provider: IdentityProvider) throws { try tx.set(IAMKeys.provider(account, provider.url), provider.row) }
  func delete(_ provider: IdentityProvider) throws { try tx.delete(IAMKeys.provider(account, provider.url)) }

  /// A done deletion of a service-linked role.
  func noteDeletion(_ task: String) throws { try tx.set(IAMKeys.deletion(account, task), []) }

  /// The newest hundred reports are kept.
  func save(_ job: AccessJob, _ id: String) throws {
    let old = try reader.entries(KeyRange(prefix: IAMKeys.jobs(account)))
    let oldest = try old.min { try AccessJob(row: $0.value).created < AccessJob(row: $1.value).created }
    if let oldest, old.count >= IAMLimits.pageSize { try tx.delete(oldest.key) }
    try tx.set(IAMKeys.job(account, id), job.row)
  }
}
