import Base

/// What a list means, as statements of a resource policy, so that IAM decides about both together.
extension AccessList {
  enum Thing { case bucket, object }

  /// One statement for each grant to somebody else than the owner, to whom his own policies speak.
  /// - Parameter ignoresPublic: grants to everybody count for nothing.
  func statements(on thing: Thing, of bucket: Bucket, key: String? = nil, ignoresPublic: Bool) -> [JSON] {
    grants.compactMap { grant in
      var statement = JSONObject([("Effect", "Allow")])
      switch grant.grantee {
      case .account(owner): return nil
      case .account(let account): statement["Principal"] = ["AWS": .string("arn:aws:iam::\(account):root")]
      case .group(.logDelivery): statement["Principal"] = ["Service": "logging.s3.amazonaws.com"]
      case .group where ignoresPublic: return nil
      case .group(.allUsers): statement["Principal"] = "*"
      case .group(.authenticatedUsers):
        statement["Principal"] = "*"
        statement["Condition"] = ["StringLike": ["aws:PrincipalAccount": "*"]]
      }
      let actions = Self.actions(grant.permission, thing)
      if actions.isEmpty { return nil }
      statement["Action"] = .array(actions.map { .string("s3:" + $0) })
      statement["Resource"] =
        thing == .bucket ? [.string(bucket.arn), .string(bucket.arn + "/*")] : .string(Bucket.arn(bucket.name, key: key ?? "*"))
      return .object(statement)
    }
  }

  /// "Mapping of ACL permissions and access policy permissions".
  private static func actions(_ permission: Permission, _ thing: Thing) -> [String] {
    switch (permission, thing) {
    case (.read, .bucket): ["ListBucket", "ListBucketVersions", "ListBucketMultipartUploads"]
    case (.write, .bucket): ["PutObject", "DeleteObject"]
    case (.readACP, .bucket): ["GetBucketAcl"]
    case (.writeACP, .bucket): ["PutBucketAcl"]
    case (.read, .object): ["GetObject", "GetObjectVersion"]
    case (.write, .object): []
    case (.readACP, .object): ["GetObjectAcl", "GetObjectVersionAcl"]
    case (.writeACP, .object): ["PutObjectAcl", "PutObjectVersionAcl"]
    case (.fullControl, _): [.read, .write, .readACP, .writeACP].flatMap { actions($0, thing) }
    }
  }

  /// A policy with further statements.
  static func policy(_ policy: String?, with statements: [JSON]) -> String? {
    guard !statements.isEmpty else { return policy }
    var document = policy.flatMap { try? JSON.parse($0).object } ?? JSONObject([("Version", "2012-10-17")])
    let present = document["Statement"].map { $0.array ?? [$0] } ?? []
    document["Statement"] = .array(present + statements)
    return JSON.object(document).text
  }
}

extension BucketState {
  /// The bucket's own list. Where ACLs are off it is the standard one, whatever was put before.
  var accessList: AccessList {
    guard let document = settings.get(.acl, as: AccessControlPolicy.self) else { return .standard(bucket.owner) }
    return (try? AccessList(document, owner: bucket.owner)) ?? .standard(bucket.owner)
  }

  /// What the resource says about who may act on it: its policy, and the lists of the bucket and the object where ACLs count.
  /// - Parameter list: of the object; nil: it has none of its own.
  func grants(key: String? = nil, list: AccessList? = nil, to principalAccount: AccountID?, isService: Bool) -> String? {
    let block = publicAccess
    // The policy of a bucket does not speak about objects of others.
    if let list, let key, list.owner != bucket.owner {
      return AccessList.policy(nil, with: list.statements(on: .object, of: bucket, key: key, ignoresPublic: block.ignoresPublicACLs))
    }
    // A public policy under this switch speaks to the owner's account and to services alone.
    let isShutOut = block.restrictsPublicBuckets && principalAccount != bucket.owner && !isService && hasPublicPolicy
    let policy = isShutOut ? nil : self.policy
    guard ownership != .bucketOwnerEnforced, list != nil || settings.get(.acl, as: AccessControlPolicy.self) != nil else { return policy }
    var statements = accessList.statements(on: .bucket, of: bucket, ignoresPublic: block.ignoresPublicACLs)
    if let list, let key { statements += list.statements(on: .object, of: bucket, key: key, ignoresPublic: block.ignoresPublicACLs) }
    return AccessList.policy(policy, with: statements)
  }
}
