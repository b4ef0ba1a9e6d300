import Base
import Fabric

extension IAMService {
  var policyOperations: [Operation] {
    [
      operation(
        "CreatePolicy", at: { "arn:aws:iam::\($1.account):policy\($0.path ?? "/")\($0.policyName)" }, createPolicy,
        { tagFacts($0.tags) }),
      operation("GetPolicy", onARN: \GetPolicyInput.policyArn, getPolicy),
      operation("DeletePolicy", onARN: \DeletePolicyInput.policyArn, deletePolicy),
      operation("ListPolicies", at: { _, _ in "*" }, listPolicies),
      operation("TagPolicy", onARN: \TagPolicyInput.policyArn, tagPolicy, { tagFacts($0.tags) }),
      operation("UntagPolicy", onARN: \UntagPolicyInput.policyArn, untagPolicy, { ["aws:tagkeys": $0.tagKeys] }),
      operation("ListPolicyTags", onARN: \ListPolicyTagsInput.policyArn, listPolicyTags),
      operation("ListEntitiesForPolicy", onARN: \ListEntitiesForPolicyInput.policyArn, listEntitiesForPolicy),
    ]
  }

  func checkManaged(_ document: String) throws {
    try check(document, as: .identity)
    guard countedCharacters(document) <= IAMLimits.managedPolicyCharacters else {
      throw IAMError.quota("PolicySize", IAMLimits.managedPolicyCharacters)
    }
  }

  private func createPolicy(_ input: CreatePolicyInput, _ call: Call) async throws -> CreatePolicyOutput {
    try checkManaged(input.policyDocument)
    let path = input.path ?? "/"
    let policy = ManagedPolicy(
      id: uniqueID("ANPA"), arn: "arn:aws:iam::\(call.account):policy\(path)\(input.policyName)", name: input.policyName,
      path: path, description: input.description, created: call.second, updated: call.second, defaultVersion: 1, lastVersion: 1,
      tags: try [Tag](input.tags).checked())
    try await change(call.account) { tx in
      guard try tx.reader.get(IAMKeys.policy(call.account, policy.name)) == nil else { throw IAMError.policyExists(policy.name) }
      guard try tx.policies().count < IAMLimits.policies else {
        throw IAMError.quota("PoliciesPerAccount", IAMLimits.policies)
      }
      try tx.save(policy)
      try tx.save(PolicyVersion(number: 1, document: input.policyDocument, created: call.second), of: policy)
    }
    var output = CreatePolicyOutput()
    output.policy = IAMPolicy(policy, attached: 0, bounding: 0)
    return output
  }

  private func getPolicy(_ input: GetPolicyInput, _ call: Call) async throws -> GetPolicyOutput {
    var output = GetPolicyOutput()
    output.policy = try await read(call.account) { rows in
      let policy = try rows.getPolicy(input.policyArn)
      var shape = try IAMPolicy(policy, rows)
      shape.description = policy.description
      if !policy.tags.isEmpty { shape.tags = policy.tags.shapes }
      return shape
    }
    return output
  }

  private func deletePolicy(_ input: DeletePolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let policy = try tx.ownPolicy(input.policyArn)
      let uses = try tx.useCount(policy.arn, as: .attached) + tx.useCount(policy.arn, as: .boundary)
      if uses > 0 { throw IAMError.deleteConflict("Cannot delete a policy attached to entities.") }
      if try tx.versions(policy).count > 1 {
        throw IAMError.deleteConflict(
          "This policy has more than one version. Before you delete a policy, you must delete "
            + "the policy's versions. The default version is deleted with the policy.")
      }
      try tx.delete(policy)
    }
  }

  private func listPolicies(_ input: ListPoliciesInput, _ call: Call) async throws -> ListPoliciesOutput {
    let shapes = try await read(call.account) { rows in
      var policies: [ManagedPolicy] = []
      if input.scope != "AWS" { policies += try rows.policies() }
      if input.scope != "Local" { policies += AWSManagedPolicies.all }
      return try policies.filter { $0.path.hasPrefix(input.pathPrefix ?? "/") }.map { try IAMPolicy($0, rows) }
    }
    let isBoundary = input.policyUsageFilter == "PermissionsBoundary"
    let wanted = shapes.filter {
      input.onlyAttached != true || (isBoundary ? $0.permissionsBoundaryUsageCount : $0.attachmentCount) ?? 0 > 0
    }
    let page = try Page(wanted, after: input.marker, limit: input.maxItems) { $0.arn ?? "" }
    var output = ListPoliciesOutput()
    output.policies = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func tagPolicy(_ input: TagPolicyInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await changeTags(call, of: { try $0.ownPolicy(input.policyArn) }, save: { try $0.save($1) }) { try $0.merge(tags) }
  }
  private func untagPolicy(_ input: UntagPolicyInput, _ call: Call) async throws {
    try await changeTags(call, of: { try $0.ownPolicy(input.policyArn) }, save: { try $0.save($1) }) { $0.remove(input.tagKeys) }
  }
  private func listPolicyTags(_ input: ListPolicyTagsInput, _ call: Call) async throws -> ListPolicyTagsOutput {
    let tags = try await read(call.account) { try $0.getPolicy(input.policyArn).tags }
    return try ListPolicyTagsOutput(tags, after: input.marker, limit: input.maxItems)
  }

  private func listEntitiesForPolicy(_ input: ListEntitiesForPolicyInput, _ call: Call) async throws
    -> ListEntitiesForPolicyOutput
  {
    let use: PolicyUse = input.policyUsageFilter == "PermissionsBoundary" ? .boundary : .attached
    let entities = try await read(call.account) { rows in
      try rows.entities(using: rows.getPolicy(input.policyArn).arn, as: use)
    }
    let kinds = ["User": Entity.Kind.user, "Group": .group, "Role": .role]
    let wanted = entities.under(input.pathPrefix).filter { entity in
      input.entityFilter.map { kinds[$0] == entity.kind } ?? true
    }
    let page = try Page(wanted, after: input.marker, limit: input.maxItems) { "\($0.kind.rawValue)/\($0.name)" }
    return ListEntitiesForPolicyOutput(page)
  }
}

extension ListEntitiesForPolicyOutput {
  fileprivate init(_ page: Page<Entity>) {
    self.init()
    (policyUsers, policyGroups, policyRoles) = ([], [], [])
    for entity in page.items {
      switch entity.kind {
      case .user:
        var user = PolicyUser()
        (user.userName, user.userId) = (entity.name, entity.id)
        policyUsers?.append(user)
      case .group:
        var group = PolicyGroup()
        (group.groupName, group.groupId) = (entity.name, entity.id)
        policyGroups?.append(group)
      case .role:
        var role = PolicyRole()
        (role.roleName, role.roleId) = (entity.name, entity.id)
        policyRoles?.append(role)
      }
    }
    (isTruncated, marker) = (page.isTruncated, page.marker)
  }
}

extension IAMReading {
  /// `v1`. Throws NoSuchEntity.
  func getVersion(_ policy: ManagedPolicy, _ id: String) throws -> PolicyVersion {
    guard id.hasPrefix("v"), let number = Int(id.dropFirst()), let version = try version(policy, number) else {
      throw IAMError.noSuchVersion(policy.arn, id)
    }
    return version
  }
  /// A policy that may be changed: AWS's own may not.
  func ownPolicy(_ arn: String) throws -> ManagedPolicy {
    let policy = try getPolicy(arn)
    if AWSManagedPolicies.policy(arn) != nil {
      throw AWSError("AccessDeniedException", "Cannot change the AWS managed policy \(arn).", status: 403)
    }
    return policy
  }
}

extension IAMPolicy {
  init(_ policy: ManagedPolicy, attached: Int, bounding: Int) {
    self.init()
    (policyName, policyId, arn, path) = (policy.name, policy.id, policy.arn, policy.path)
    (defaultVersionId, createDate, updateDate) = ("v\(policy.defaultVersion)", policy.created, policy.updated)
    (attachmentCount, permissionsBoundaryUsageCount, isAttachable) = (attached, bounding, true)
  }
  init(_ policy: ManagedPolicy, _ rows: some IAMReading) throws {
    self.init(
      policy, attached: try rows.useCount(policy.arn, as: .attached), bounding: try rows.useCount(policy.arn, as: .boundary))
  }
}
