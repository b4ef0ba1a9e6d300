import Base
import Fabric

/// Everything about an account's identities in one listing.
extension IAMService {
  var detailOperations: [Operation] {
    [operation("GetAccountAuthorizationDetails", at: { (_: GetAccountAuthorizationDetailsInput, _) in "*" }, authorisationDetails)]
  }

  /// The entries of all kinds are one list, in which the marker stands.
  fileprivate enum Detail: Sendable {
    case entity(Entity)
    case policy(ManagedPolicy)

    var key: String {
      switch self {
      case .entity(let entity): "\(entity.kind.rawValue)/\(entity.name)"
      case .policy(let policy): "zpolicy/\(policy.arn)"
      }
    }
    var filter: String {
      switch self {
      case .entity(let entity): ["user": "User", "group": "Group", "role": "Role"][entity.kind.rawValue] ?? ""
      case .policy(let policy): AWSManagedPolicies.policy(policy.arn) == nil ? "LocalManagedPolicy" : "AWSManagedPolicy"
      }
    }
  }

  private func authorisationDetails(_ input: GetAccountAuthorizationDetailsInput, _ call: Call) async throws
    -> GetAccountAuthorizationDetailsOutput
  {
    let wanted = input.filter.map(Set.init)
    var output = try await read(call.account) { rows in
      var all: [Detail] = []
      for kind in Entity.Kind.allCases { all += try rows.entities(kind).map(Detail.entity) }
      all += try (rows.policies() + AWSManagedPolicies.all.filter { try rows.useCount($0.arn, as: .attached) > 0 }).map(Detail.policy)
      if let wanted, !wanted.isEmpty { all.removeAll { !wanted.contains($0.filter) } }
      let page = try Page(all, after: input.marker, limit: input.maxItems, key: \.key)
      var output = GetAccountAuthorizationDetailsOutput()
      (output.userDetailList, output.groupDetailList, output.roleDetailList, output.policies) = ([], [], [], [])
      for detail in page.items { try output.add(detail, rows) }
      (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
      return output
    }
    for i in (output.roleDetailList ?? []).indices {
      guard let id = output.roleDetailList?[i].roleId, let use = try await lastUse(id) else { continue }
      var lastUsed = RoleLastUsed()
      (lastUsed.lastUsedDate, lastUsed.region) = (use.time, use.region)
      output.roleDetailList?[i].roleLastUsed = lastUsed
    }
    return output
  }
}

extension GetAccountAuthorizationDetailsOutput {
  fileprivate mutating func add(_ detail: IAMService.Detail, _ rows: IAMRows) throws {
    switch detail {
    case .policy(let policy): policies?.append(try ManagedPolicyDetail(policy, rows))
    case .entity(let entity):
      switch entity.kind {
      case .user: userDetailList?.append(try UserDetail(entity, rows))
      case .group: groupDetailList?.append(try GroupDetail(entity, rows))
      case .role: roleDetailList?.append(try RoleDetail(entity, rows))
      }
    }
  }
}

extension IAMRows {
  fileprivate func inlineDetails(_ entity: Entity) throws -> [PolicyDetail] {
    try inlinePolicies(entity).map { policy in
      var shape = PolicyDetail()
      (shape.policyName, shape.policyDocument) = (policy.name, encoded(policy.document))
      return shape
    }
  }
  fileprivate func attachedDetails(_ entity: Entity) throws -> [AttachedPolicy] {
    try attachments(entity).compactMap { try findPolicy($0) }.map { policy in
      var shape = AttachedPolicy()
      (shape.policyName, shape.policyArn) = (policy.name, policy.arn)
      return shape
    }
  }
}

extension UserDetail {
  fileprivate init(_ user: Entity, _ rows: IAMRows) throws {
    self.init()
    (path, userName, userId, arn, createDate) = (user.path, user.name, user.id, user.arn, user.created)
    (userPolicyList, attachedManagedPolicies) = (try rows.inlineDetails(user), try rows.attachedDetails(user))
    groupList = try rows.groups(of: user).map(\.name)
    permissionsBoundary = user.boundary.map(AttachedPermissionsBoundary.init(arn:))
    tags = user.tags.shapes
  }
}

extension GroupDetail {
  fileprivate init(_ group: Entity, _ rows: IAMRows) throws {
    self.init()
    (path, groupName, groupId, arn, createDate) = (group.path, group.name, group.id, group.arn, group.created)
    (groupPolicyList, attachedManagedPolicies) = (try rows.inlineDetails(group), try rows.attachedDetails(group))
  }
}

extension RoleDetail {
  fileprivate init(_ role: Entity, _ rows: IAMRows) throws {
    self.init()
    (path, roleName, roleId, arn, createDate) = (role.path, role.name, role.id, role.arn, role.created)
    assumeRolePolicyDocument = try role.trust.map { encoded(try PolicyNames(rows.reader).shown($0.document)) }
    (rolePolicyList, attachedManagedPolicies) = (try rows.inlineDetails(role), try rows.attachedDetails(role))
    instanceProfileList = try rows.profiles().filter { $0.roleID == role.id }.map { InstanceProfileShape($0, role) }
    permissionsBoundary = role.boundary.map(AttachedPermissionsBoundary.init(arn:))
    tags = role.tags.shapes
    roleLastUsed = RoleLastUsed()
  }
}

extension ManagedPolicyDetail {
  fileprivate init(_ policy: ManagedPolicy, _ rows: IAMRows) throws {
    self.init()
    (policyName, policyId, arn, path) = (policy.name, policy.id, policy.arn, policy.path)
    (defaultVersionId, createDate, updateDate) = ("v\(policy.defaultVersion)", policy.created, policy.updated)
    attachmentCount = try rows.useCount(policy.arn, as: .attached)
    permissionsBoundaryUsageCount = try rows.useCount(policy.arn, as: .boundary)
    (isAttachable, description) = (true, policy.description)
    policyVersionList = try rows.versions(policy).map { version in
      var shape = PolicyVersionShape(version, of: policy)
      shape.document = encoded(version.document)
      return shape
    }
  }
}
