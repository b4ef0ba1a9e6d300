import Base
import Fabric
import Store

extension IAMService {
  var roleOperations: [Operation] {
    [
      operation(
        "CreateRole", at: { Entity.arn(.role, $1.account, $0.path ?? "/", $0.roleName) }, createRole,
        { tagFacts($0.tags).merging($0.permissionsBoundary.map { ["iam:permissionsboundary": [$0]] } ?? [:]) { $1 } }),
      operation("GetRole", on: .role, \GetRoleInput.roleName, getRole),
      operation("UpdateRole", on: .role, \UpdateRoleInput.roleName, updateRole),
      operation("UpdateRoleDescription", on: .role, \UpdateRoleDescriptionInput.roleName, updateRoleDescription),
      operation("UpdateAssumeRolePolicy", on: .role, \UpdateAssumeRolePolicyInput.roleName, updateAssumeRolePolicy),
      operation("DeleteRole", on: .role, \DeleteRoleInput.roleName, deleteRole),
      operation("ListRoles", at: { "arn:aws:iam::\($1.account):role\($0.pathPrefix ?? "/")" }, listRoles),
      operation("TagRole", on: .role, \TagRoleInput.roleName, tagRole, { tagFacts($0.tags) }),
      operation("UntagRole", on: .role, \UntagRoleInput.roleName, untagRole, { ["aws:tagkeys": $0.tagKeys] }),
      operation("ListRoleTags", on: .role, \ListRoleTagsInput.roleName, listRoleTags),
      operation(
        "PutRolePermissionsBoundary", on: .role, \PutRolePermissionsBoundaryInput.roleName, putRoleBoundary,
        { ["iam:permissionsboundary": [$0.permissionsBoundary]] }),
      operation(
        "DeleteRolePermissionsBoundary", on: .role, \DeleteRolePermissionsBoundaryInput.roleName, deleteRoleBoundary),
    ]
  }

  private func createRole(_ input: CreateRoleInput, _ call: Call) async throws -> CreateRoleOutput {
    try checkTrust(input.assumeRolePolicyDocument)
    if let path = input.path, path.hasPrefix(Entity.servicePath) {
      throw IAMError.invalidInput("The path \(path) is reserved for service-linked roles.")
    }
    let role = Entity(
      kind: .role, id: uniqueID("AROA"), account: call.account, name: input.roleName, path: input.path ?? "/", created: call.second,
      tags: try [Tag](input.tags).checked(), boundary: input.permissionsBoundary,
      trust: .init(
        document: input.assumeRolePolicyDocument, description: input.description,
        maxSessionSeconds: try Self.sessionSeconds(input.maxSessionDuration)))
    try await change(call.account) { tx in
      var tied = role
      tied.trust?.document = try PolicyNames(tx.reader).tied(input.assumeRolePolicyDocument)
      try tx.create(tied)
    }
    var output = CreateRoleOutput()
    output.role = IAMRole(role, isCreated: true)
    return output
  }

  private static func sessionSeconds(_ seconds: Int?) throws -> Int {
    let seconds = seconds ?? IAMLimits.roleSessionSeconds.lowerBound
    guard IAMLimits.roleSessionSeconds.contains(seconds) else {
      let bound =
        seconds < IAMLimits.roleSessionSeconds.lowerBound ? "greater than or equal to 3600" : "less than or equal to 43200"
      throw IAMError.validation(
        "1 validation error detected: Value '\(seconds)' at 'maxSessionDuration' failed to satisfy constraint: "
          + "Member must have value \(bound)")
    }
    return seconds
  }

  private func checkTrust(_ document: String) throws {
    try check(document, as: .trust)
    guard countedCharacters(document) <= IAMLimits.trustPolicyCharacters else {
      throw IAMError.quota("ACLSizePerRole", IAMLimits.trustPolicyCharacters)
    }
  }

  private func getRole(_ input: GetRoleInput, _ call: Call) async throws -> GetRoleOutput {
    let role = try await read(call.account) { try $0.get(.role, input.roleName).shown($0.reader) }
    var output = GetRoleOutput()
    var shape = IAMRole(role)
    var lastUsed = RoleLastUsed()
    if let use = try await lastUse(role.id) { (lastUsed.lastUsedDate, lastUsed.region) = (use.time, use.region) }
    shape.roleLastUsed = lastUsed
    output.role = shape
    return output
  }

  /// Without a description AWS clears it.
  private func updateRole(_ input: UpdateRoleInput, _ call: Call) async throws -> UpdateRoleOutput {
    let seconds = try Self.sessionSeconds(input.maxSessionDuration)
    try await change(call.account) { tx in
      var role = try tx.get(.role, input.roleName)
      if input.maxSessionDuration != nil { try role.checkModifiable() }
      role.trust?.description = input.description
      role.trust?.maxSessionSeconds = seconds
      try tx.save(role)
    }
    return UpdateRoleOutput()
  }

  private func updateRoleDescription(_ input: UpdateRoleDescriptionInput, _ call: Call) async throws
    -> UpdateRoleDescriptionOutput
  {
    let role = try await change(call.account) { tx in
      var role = try tx.get(.role, input.roleName)
      role.trust?.description = input.description
      try tx.save(role)
      return try role.shown(tx.reader)
    }
    var output = UpdateRoleDescriptionOutput()
    output.role = IAMRole(role)
    return output
  }

  private func updateAssumeRolePolicy(_ input: UpdateAssumeRolePolicyInput, _ call: Call) async throws {
    try checkTrust(input.policyDocument)
    try await change(call.account) { tx in
      var role = try tx.get(.role, input.roleName)
      try role.checkModifiable()
      role.trust?.document = try PolicyNames(tx.reader).tied(input.policyDocument)
      try tx.save(role)
    }
  }

  private func deleteRole(_ input: DeleteRoleInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let role = try tx.get(.role, input.roleName)
      try role.checkModifiable()
      if try tx.profiles().contains(where: { $0.roleID == role.id }) {
        throw IAMError.mustFirst("remove roles from instance profile")
      }
      try tx.deleteWithoutPolicies(role)
    }
  }

  private func listRoles(_ input: ListRolesInput, _ call: Call) async throws -> ListRolesOutput {
    let roles = try await read(call.account) { try $0.entities(.role) }
    let page = try Page(roles.under(input.pathPrefix), after: input.marker, limit: input.maxItems, key: \.name)
    let items = page.items
    let shown = try await read(call.account) { rows in try items.map { try $0.shown(rows.reader) } }
    var output = ListRolesOutput()
    output.roles = shown.map { IAMRole($0, isListed: true) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func tagRole(_ input: TagRoleInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await change(call.account) { try $0.tag(.role, input.roleName, tags) }
  }
  private func untagRole(_ input: UntagRoleInput, _ call: Call) async throws {
    try await change(call.account) { try $0.untag(.role, input.roleName, input.tagKeys) }
  }
  private func listRoleTags(_ input: ListRoleTagsInput, _ call: Call) async throws -> ListRoleTagsOutput {
    let tags = try await read(call.account) { try $0.get(.role, input.roleName).tags }
    return try ListRoleTagsOutput(tags, after: input.marker, limit: input.maxItems)
  }

  private func putRoleBoundary(_ input: PutRolePermissionsBoundaryInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let role = try tx.get(.role, input.roleName)
      try role.checkModifiable()
      try tx.setBoundary(input.permissionsBoundary, of: role)
    }
  }
  private func deleteRoleBoundary(_ input: DeleteRolePermissionsBoundaryInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.removeBoundary(.role, input.roleName) }
  }
}

extension Entity {
  /// With the trust policy as it is shown: with ARNs where the policy is kept with unique ids.
  func shown(_ reader: any Reader) throws -> Entity {
    guard let document = trust?.document else { return self }
    var shown = self
    shown.trust?.document = try PolicyNames(reader).shown(document)
    return shown
  }
}

extension IAMRole {
  /// Lists leave out tags and boundary; the reply to a creation leaves out the longest session.
  init(_ role: Entity, isListed: Bool = false, isCreated: Bool = false) {
    self.init()
    (path, roleName, roleId, arn, createDate) = (role.path, role.name, role.id, role.arn, role.created)
    if let trust = role.trust {
      assumeRolePolicyDocument = encoded(trust.document)
      description = trust.description
      if !isCreated { maxSessionDuration = trust.maxSessionSeconds }
    }
    if isListed { return }
    permissionsBoundary = role.boundary.map(AttachedPermissionsBoundary.init(arn:))
    if !role.tags.isEmpty { tags = role.tags.shapes }
  }
}
