import Base
import Fabric

extension IAMService {
  var policyOperations: [Operation] {
    [
      operation(
        "CreatePolicy", at: { "arn:aws:iam::\($1.account):policy\($0.path ?? "/")\($0.policyName)" }, createPolicy,
        { tagFacts($0.tags) }),
      operation("GetPolicy", at: { (input: GetPolicyInput, _) in input.policyArn }, getPolicy),
      operation("DeletePolicy", at: { (input: DeletePolicyInput, _) in input.policyArn }, deletePolicy),
      operation("ListPolicies", at: { _, _ in "*" }, listPolicies),
      operation("CreatePolicyVersion", at: { (input: CreatePolicyVersionInput, _) in input.policyArn }, createPolicyVersion),
      operation("GetPolicyVersion", at: { (input: GetPolicyVersionInput, _) in input.policyArn }, getPolicyVersion),
      operation("DeletePolicyVersion", at: { (input: DeletePolicyVersionInput, _) in input.policyArn }, deletePolicyVersion),
      operation("ListPolicyVersions", at: { (input: ListPolicyVersionsInput, _) in input.policyArn }, listPolicyVersions),
      operation("SetDefaultPolicyVersion", at: { (input: SetDefaultPolicyVersionInput, _) in input.policyArn }, setDefaultVersion),
      operation("TagPolicy", at: { (input: TagPolicyInput, _) in input.policyArn }, tagPolicy),
      operation("UntagPolicy", at: { (input: UntagPolicyInput, _) in input.policyArn }, untagPolicy),
      operation("ListPolicyTags", at: { (input: ListPolicyTagsInput, _) in input.policyArn }, listPolicyTags),
      operation("ListEntitiesForPolicy", at: { (input: ListEntitiesForPolicyInput, _) in input.policyArn }, listEntitiesForPolicy),
    ]
  }

  private func checkManaged(_ document: String) throws {
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
      path: path, description: input.description, created: call.now, updated: call.now, defaultVersion: 1, lastVersion: 1,
      tags: try [Tag](input.tags).checked())
    try await change(call.account) { tx in
      guard try tx.reader.get(IAMKeys.policy(call.account, policy.name)) == nil else { throw IAMError.policyExists(policy.name) }
      try tx.save(policy)
      try tx.save(PolicyVersion(number: 1, document: input.policyDocument, created: call.now), of: policy)
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
        throw IAMError.deleteConflict("This policy has more than one version. Before you delete a policy, you must delete "
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

  private func createPolicyVersion(_ input: CreatePolicyVersionInput, _ call: Call) async throws -> CreatePolicyVersionOutput {
    try checkManaged(input.policyDocument)
    let (policy, version) = try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      guard try tx.versions(policy).count < IAMLimits.policyVersions else {
        throw IAMError.limitExceeded(
          "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
      }
      policy.lastVersion += 1
      policy.updated = call.now
      if input.setAsDefault == true { policy.defaultVersion = policy.lastVersion }
      let version = PolicyVersion(number: policy.lastVersion, document: input.policyDocument, created: call.now)
      try tx.save(policy)
      try tx.save(version, of: policy)
      return (policy, version)
    }
    var output = CreatePolicyVersionOutput()
    output.policyVersion = PolicyVersionShape(version, of: policy)
    return output
  }

  private func getPolicyVersion(_ input: GetPolicyVersionInput, _ call: Call) async throws -> GetPolicyVersionOutput {
    let (policy, version) = try await read(call.account) { rows in
      let policy = try rows.getPolicy(input.policyArn)
      return (policy, try rows.getVersion(policy, input.versionId))
    }
    var shape = PolicyVersionShape(version, of: policy)
    shape.document = encoded(version.document)
    var output = GetPolicyVersionOutput()
    output.policyVersion = shape
    return output
  }

  private func deletePolicyVersion(_ input: DeletePolicyVersionInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let policy = try tx.ownPolicy(input.policyArn)
      let version = try tx.getVersion(policy, input.versionId)
      if version.number == policy.defaultVersion {
        throw IAMError.deleteConflict("Cannot delete the default version of a policy.")
      }
      try tx.delete(version, of: policy)
    }
  }

  private func listPolicyVersions(_ input: ListPolicyVersionsInput, _ call: Call) async throws -> ListPolicyVersionsOutput {
    let (policy, versions) = try await read(call.account) { rows in
      let policy = try rows.getPolicy(input.policyArn)
      return (policy, try rows.versions(policy))
    }
    // Newest first, so the marker sorts the other way round.
    let page = try Page(versions, after: input.marker, limit: input.maxItems) { padded(Int(Int32.max) - $0.number, 10) }
    var output = ListPolicyVersionsOutput()
    output.versions = page.items.map { PolicyVersionShape($0, of: policy) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func setDefaultVersion(_ input: SetDefaultPolicyVersionInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      policy.defaultVersion = try tx.getVersion(policy, input.versionId).number
      policy.updated = call.now
      try tx.save(policy)
    }
  }

  private func tagPolicy(_ input: TagPolicyInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      try policy.tags.merge(tags)
      try tx.save(policy)
    }
  }
  private func untagPolicy(_ input: UntagPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      policy.tags.remove(input.tagKeys)
      try tx.save(policy)
    }
  }
  private func listPolicyTags(_ input: ListPolicyTagsInput, _ call: Call) async throws -> ListPolicyTagsOutput {
    let tags = try await read(call.account) { try $0.getPolicy(input.policyArn).tags }
    let page = try Page(tags, after: input.marker, limit: input.maxItems, key: \.key)
    var output = ListPolicyTagsOutput()
    output.tags = page.items.shapes
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func listEntitiesForPolicy(_ input: ListEntitiesForPolicyInput, _ call: Call) async throws
    -> ListEntitiesForPolicyOutput
  {
    let use: PolicyUse = input.policyUsageFilter == "PermissionsBoundary" ? .boundary : .attached
    let entities = try await read(call.account) { rows in
      try rows.entities(using: rows.getPolicy(input.policyArn).arn, as: use)
    }
    let kinds = ["User": Entity.Kind.user, "Group": .group, "Role": .role]
    let filter = input.entityFilter.flatMap { kinds[$0] }
    let wanted = entities.under(input.pathPrefix).filter { filter == nil || $0.kind == filter }
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

extension PolicyVersionShape {
  init(_ version: PolicyVersion, of policy: ManagedPolicy) {
    self.init()
    (versionId, createDate, isDefaultVersion) = (version.id, version.created, version.number == policy.defaultVersion)
  }
}
