import Base
import Fabric

/// Nothing runs on instances here; stacks and scripts make profiles with their roles all the same.
extension IAMService {
  var profileOperations: [Operation] {
    let arn: @Sendable (String, Call) -> String = { "arn:aws:iam::\($1.account):instance-profile/\($0)" }
    return [
      operation(
        "CreateInstanceProfile", at: { "arn:aws:iam::\($1.account):instance-profile\($0.path ?? "/")\($0.instanceProfileName)" },
        createInstanceProfile, { tagFacts($0.tags) }),
      operation(
        "GetInstanceProfile", at: { (input: GetInstanceProfileInput, call) in arn(input.instanceProfileName, call) },
        getInstanceProfile),
      operation(
        "DeleteInstanceProfile", at: { (input: DeleteInstanceProfileInput, call) in arn(input.instanceProfileName, call) },
        deleteInstanceProfile),
      operation("ListInstanceProfiles", at: { arn(String(($0.pathPrefix ?? "/").dropFirst()), $1) }, listInstanceProfiles),
      operation(
        "ListInstanceProfilesForRole", on: .role, \ListInstanceProfilesForRoleInput.roleName, listInstanceProfilesForRole),
      Operation("AddRoleToInstanceProfile", access: addRoleAccess, run: addRoleToProfile),
      operation(
        "TagInstanceProfile", at: { (input: TagInstanceProfileInput, call) in arn(input.instanceProfileName, call) }, tagProfile,
        { tagFacts($0.tags) }),
      operation(
        "UntagInstanceProfile", at: { (input: UntagInstanceProfileInput, call) in arn(input.instanceProfileName, call) },
        untagProfile, { ["aws:tagkeys": $0.tagKeys] }),
      operation(
        "ListInstanceProfileTags", at: { (input: ListInstanceProfileTagsInput, call) in arn(input.instanceProfileName, call) },
        listProfileTags),
      operation(
        "RemoveRoleFromInstanceProfile",
        at: { (input: RemoveRoleFromInstanceProfileInput, call) in arn(input.instanceProfileName, call) }, removeRoleFromProfile),
    ]
  }

  private func createInstanceProfile(_ input: CreateInstanceProfileInput, _ call: Call) async throws
    -> CreateInstanceProfileOutput
  {
    let profile = InstanceProfile(
      id: uniqueID("AIPA"), account: call.account, name: input.instanceProfileName, path: input.path ?? "/", created: call.second,
      tags: try [Tag](input.tags).checked())
    try await change(call.account) { tx in
      guard try tx.reader.get(IAMKeys.profile(call.account, profile.name)) == nil else {
        throw IAMError.profileExists(profile.name)
      }
      guard try tx.profiles().count < IAMLimits.instanceProfiles else {
        throw IAMError.quota("InstanceProfilesPerAccount", IAMLimits.instanceProfiles)
      }
      try tx.save(profile)
    }
    var output = CreateInstanceProfileOutput()
    output.instanceProfile = InstanceProfileShape(profile, nil)
    return output
  }

  private func getInstanceProfile(_ input: GetInstanceProfileInput, _ call: Call) async throws -> GetInstanceProfileOutput {
    var output = GetInstanceProfileOutput()
    output.instanceProfile = try await read(call.account) { rows in
      let profile = try rows.getProfile(input.instanceProfileName)
      return InstanceProfileShape(profile, try profile.roleID.flatMap { try rows.entity(id: $0)?.shown(rows.reader) })
    }
    return output
  }

  private func deleteInstanceProfile(_ input: DeleteInstanceProfileInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let profile = try tx.getProfile(input.instanceProfileName)
      if profile.roleID != nil { throw IAMError.mustFirst("remove roles from instance profile") }
      try tx.delete(profile)
    }
  }

  private func listInstanceProfiles(_ input: ListInstanceProfilesInput, _ call: Call) async throws -> ListInstanceProfilesOutput {
    let profiles = try await profiles(call) { $0.path.hasPrefix(input.pathPrefix ?? "/") }
    let page = try Page(profiles, after: input.marker, limit: input.maxItems, key: \.instanceProfileName)
    var output = ListInstanceProfilesOutput()
    output.instanceProfiles = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func listInstanceProfilesForRole(_ input: ListInstanceProfilesForRoleInput, _ call: Call) async throws
    -> ListInstanceProfilesForRoleOutput
  {
    let role = try await read(call.account) { try $0.get(.role, input.roleName) }
    let profiles = try await profiles(call) { $0.roleID == role.id }
    let page = try Page(profiles, after: input.marker, limit: input.maxItems, key: \.instanceProfileName)
    var output = ListInstanceProfilesForRoleOutput()
    output.instanceProfiles = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func profiles(_ call: Call, where isWanted: @escaping @Sendable (InstanceProfile) -> Bool) async throws
    -> [InstanceProfileShape]
  {
    try await read(call.account) { rows in
      try rows.profiles().filter(isWanted).map { profile in
        InstanceProfileShape(profile, try profile.roleID.flatMap { try rows.entity(id: $0)?.shown(rows.reader) })
      }
    }
  }

  /// The role goes to whoever starts an instance with the profile.
  private func addRoleAccess(_ input: AddRoleToInstanceProfileInput, _ call: Call) async throws -> [Access] {
    let role = try await read(call.account) { try $0.find(.role, input.roleName)?.arn }
    return [
      Access(
        "iam:AddRoleToInstanceProfile", on: "arn:aws:iam::\(call.account):instance-profile/\(input.instanceProfileName)",
        owner: call.account),
      Access(
        "iam:PassRole", on: role ?? Entity.arn(.role, call.account, "/", input.roleName), owner: call.account,
        conditionValues: ["iam:passedtoservice": ["ec2.amazonaws.com"]]),
    ]
  }

  private func tagProfile(_ input: TagInstanceProfileInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await change(call.account) { tx in
      var profile = try tx.getProfile(input.instanceProfileName)
      try profile.tags.merge(tags)
      try tx.save(profile)
    }
  }
  private func untagProfile(_ input: UntagInstanceProfileInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var profile = try tx.getProfile(input.instanceProfileName)
      profile.tags.remove(input.tagKeys)
      try tx.save(profile)
    }
  }
  private func listProfileTags(_ input: ListInstanceProfileTagsInput, _ call: Call) async throws -> ListInstanceProfileTagsOutput {
    let tags = try await read(call.account) { try $0.getProfile(input.instanceProfileName).tags }
    let page = try Page(tags, after: input.marker, limit: input.maxItems, key: \.key)
    var output = ListInstanceProfileTagsOutput()
    output.tags = page.items.shapes
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func addRoleToProfile(_ input: AddRoleToInstanceProfileInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var profile = try tx.getProfile(input.instanceProfileName)
      let role = try tx.get(.role, input.roleName)
      try role.checkModifiable()
      guard profile.roleID == nil else { throw IAMError.quota("InstanceSessionsPerInstanceProfile", 1) }
      profile.roleID = role.id
      try tx.save(profile)
    }
  }

  private func removeRoleFromProfile(_ input: RemoveRoleFromInstanceProfileInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var profile = try tx.getProfile(input.instanceProfileName)
      let role = try tx.get(.role, input.roleName)
      guard profile.roleID == role.id else { throw IAMError.noSuch(.role, input.roleName) }
      profile.roleID = nil
      try tx.save(profile)
    }
  }
}

extension InstanceProfileShape {
  init(_ profile: InstanceProfile, _ role: Entity?) {
    self.init()
    (path, instanceProfileName, instanceProfileId) = (profile.path, profile.name, profile.id)
    (arn, createDate) = (profile.arn, profile.created)
    roles = role.map { [IAMRole($0, isListed: true)] } ?? []
    if !profile.tags.isEmpty { tags = profile.tags.shapes }
  }
}
