import Base

/// Users, groups and roles: what policies are attached to.
struct Entity: Sendable, Equatable {
  enum Kind: String, Sendable, CaseIterable { case user, group, role }

  /// What only a role has.
  struct Trust: Sendable, Equatable {
    /// The trust policy.
    var document: String
    var description: String?
    /// 3,600 to 43,200.
    var maxSessionSeconds: Int
  }

  let kind: Kind
  /// `AIDA…`, `AGPA…`, `AROA…`; policies and memberships hang on it, so a rename moves nothing.
  let id: String
  let account: AccountID
  var name: String
  /// With slashes at both ends.
  var path: String
  let created: Instant
  var tags: [Tag] = []
  /// The ARN of the managed policy that bounds the entity.
  var boundary: String?
  /// Nil for users and groups.
  var trust: Trust?

  var arn: String { Self.arn(kind, account, path, name) }
  static func arn(_ kind: Kind, _ account: AccountID, _ path: String, _ name: String) -> String {
    "arn:aws:iam::\(account):\(kind.rawValue)\(path)\(name)"
  }
}

struct Tag: Sendable, Equatable {
  var key: String
  var value: String
}

extension [Tag] {
  /// Replaces values of keys that are there (their case does not count) and appends the others.
  /// Throws when the result would have more than 50.
  mutating func merge(_ new: [Tag]) throws {
    for tag in new {
      if let i = firstIndex(where: { $0.key.lowercased() == tag.key.lowercased() }) { self[i] = tag } else { append(tag) }
    }
    if count > IAMLimits.tags { throw IAMError.tooManyTags() }
  }

  mutating func remove(_ keys: [String]) {
    let gone = Set(keys.map { $0.lowercased() })
    removeAll { gone.contains($0.key.lowercased()) }
  }

  /// Throws when a key comes twice or is one of AWS's own.
  func checked() throws -> [Tag] {
    if Set(map { $0.key.lowercased() }).count != count { throw IAMError.duplicateTags() }
    if let own = first(where: { $0.key.lowercased().hasPrefix("aws:") }) { throw IAMError.reservedTag(own.key) }
    if count > IAMLimits.tags { throw IAMError.tooManyTags() }
    return self
  }
}

/// A managed policy of a customer or of AWS; its documents are the versions.
struct ManagedPolicy: Sendable, Equatable {
  let id: String
  let arn: String
  var name: String
  var path: String
  var description: String?
  let created: Instant
  var updated: Instant
  var defaultVersion: Int
  /// Version numbers are never given twice.
  var lastVersion: Int
  var tags: [Tag] = []
}

struct PolicyVersion: Sendable, Equatable {
  var number: Int
  var document: String
  var created: Instant
  var id: String { "v\(number)" }
}

struct InstanceProfile: Sendable, Equatable {
  let id: String
  let account: AccountID
  var name: String
  var path: String
  let created: Instant
  var tags: [Tag] = []
  /// At most one role, by its unique id.
  var roleID: String?
  var arn: String { "arn:aws:iam::\(account):instance-profile\(path)\(name)" }
}

/// A long-term key of a user. A deleted key stays as a tombstone: in the local mode it would be root's otherwise.
struct AccessKey: Sendable, Equatable {
  enum Status: String, Sendable {
    case active = "Active"
    case inactive = "Inactive"
    case deleted = "Deleted"
  }
  let id: String
  /// Empty once the key is deleted.
  var secret: String
  let account: AccountID
  let userID: String
  var status: Status
  let created: Instant
}
