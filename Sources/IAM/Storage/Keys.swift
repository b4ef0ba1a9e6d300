import Base
import Store

/// Where IAM's rows lie. IAM has no Regions, so state is split by account only.
///
///     (iam, entity, account, id)                         → EntityRow      users, groups, roles
///     (iam, name, account, kind, lower-case name)        → id             names differ by more than case
///     (iam, inline, account, entity id, policy name)     → document
///     (iam, attached, account, entity id, policy ARN)    → (empty)
///     (iam, use, account, policy ARN, use, entity id)    → (empty)        who is attached to it or bounded by it
///     (iam, member, account, group id, user id)          → (empty)
///     (iam, group, account, user id, group id)           → (empty)
///     (iam, policy, account, lower-case name)            → PolicyRow
///     (iam, version, account, policy id, number)         → VersionRow
///     (iam, profile, account, lower-case name)           → ProfileRow
///     (iam, alias, account)                              → text
///     (iam, key, access key id)                          → AccessKeyRow   found without knowing the account
///     (iam, keys, account, user id, access key id)       → (empty)
///     (iam, last-use, access key id or role id)          → LastUse
///     (iam, access, account, user or role id, action)    → ActionUse      what it did and was refused
///     (iam, id, user or role id)                         → account        who an id in a policy is
///     (iam, provider, account, url)                      → ProviderRow    identity providers
///     (iam, deletion, account, task id)                  → (empty)        deletions of service-linked roles
///     (iam, job, account, job id)                        → JobRow         reports of last accesses
///     (iam, epoch, account)                              → number         sessions of an older epoch are void
///     (iam, server-key)                                  → 32 random bytes that seal session tokens
enum IAMKeys {
  static let serverKey = Key("iam", "server-key")
  static func accesses(_ account: AccountID, _ id: String) -> Key { Key("iam", "access", account, id) }
  static func access(_ account: AccountID, _ id: String, _ action: String) -> Key { accesses(account, id).appending(action) }
  static func owner(_ id: String) -> Key { Key("iam", "id", id) }
  static func providers(_ account: AccountID) -> Key { Key("iam", "provider", account) }
  static func provider(_ account: AccountID, _ url: String) -> Key { providers(account).appending(url) }
  static func deletion(_ account: AccountID, _ task: String) -> Key { Key("iam", "deletion", account, task) }
  static func jobs(_ account: AccountID) -> Key { Key("iam", "job", account) }
  static func job(_ account: AccountID, _ id: String) -> Key { jobs(account).appending(id) }
  static func epoch(_ account: AccountID) -> Key { Key("iam", "epoch", account) }
  static let accessKeys = Key("iam", "key")
  /// What lies under an account by its first two parts.
  static let splitByAccount = [
    "entity", "name", "inline", "attached", "use", "member", "group", "policy", "version", "profile", "alias", "keys", "access",
    "provider", "deletion", "job",
  ]
  static func all(_ part: String, _ account: AccountID) -> Key { Key("iam", part, account) }
  static func entities(_ account: AccountID) -> Key { Key("iam", "entity", account) }
  static func lastUse(_ id: String) -> Key { Key("iam", "last-use", id) }
  static let entities = Key("iam", "entity")
  static func entity(_ account: AccountID, _ id: String) -> Key { entities.appending(account, id) }
  static func names(_ account: AccountID, _ kind: Entity.Kind) -> Key { Key("iam", "name", account, kind.rawValue) }
  static func name(_ account: AccountID, _ kind: Entity.Kind, _ name: String) -> Key {
    names(account, kind).appending(name.lowercased())
  }
  static func inlines(_ account: AccountID, _ entity: String) -> Key { Key("iam", "inline", account, entity) }
  static func inline(_ account: AccountID, _ entity: String, _ name: String) -> Key { inlines(account, entity).appending(name) }
  static func attachments(_ account: AccountID, _ entity: String) -> Key { Key("iam", "attached", account, entity) }
  static func attachment(_ account: AccountID, _ entity: String, _ arn: String) -> Key {
    attachments(account, entity).appending(arn)
  }
  static func uses(_ account: AccountID, _ arn: String, _ use: PolicyUse) -> Key {
    Key("iam", "use", account, arn, use.rawValue)
  }
  static func use(_ account: AccountID, _ arn: String, _ use: PolicyUse, _ entity: String) -> Key {
    uses(account, arn, use).appending(entity)
  }
  static func members(_ account: AccountID, _ group: String) -> Key { Key("iam", "member", account, group) }
  static func member(_ account: AccountID, _ group: String, _ user: String) -> Key { members(account, group).appending(user) }
  static func groups(_ account: AccountID, of user: String) -> Key { Key("iam", "group", account, user) }
  static func group(_ account: AccountID, of user: String, _ group: String) -> Key { groups(account, of: user).appending(group) }
  static func policies(_ account: AccountID) -> Key { Key("iam", "policy", account) }
  static func policy(_ account: AccountID, _ name: String) -> Key { policies(account).appending(name.lowercased()) }
  static func versions(_ account: AccountID, _ policy: String) -> Key { Key("iam", "version", account, policy) }
  static func version(_ account: AccountID, _ policy: String, _ number: Int) -> Key {
    versions(account, policy).appending(number)
  }
  static func profiles(_ account: AccountID) -> Key { Key("iam", "profile", account) }
  static func profile(_ account: AccountID, _ name: String) -> Key { profiles(account).appending(name.lowercased()) }
  static func alias(_ account: AccountID) -> Key { Key("iam", "alias", account) }
  static func accessKey(_ id: String) -> Key { Key("iam", "key", id) }
  static func accessKeys(_ account: AccountID, of user: String) -> Key { Key("iam", "keys", account, user) }
  static func accessKey(_ account: AccountID, of user: String, _ id: String) -> Key {
    accessKeys(account, of: user).appending(id)
  }
}

/// What a managed policy is to an entity.
enum PolicyUse: String, Sendable { case attached, boundary }
