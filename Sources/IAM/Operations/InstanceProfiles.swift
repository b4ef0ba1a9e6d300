import Base
import Fabric

/// Nothing runs on instances here; stacks and scripts make profiles with their roles all the same.
extension IAMService {
  var profileOperations: [Operation] {
    [
      operation(
        "CreateInstanceProfile", at: { "arn:aws:iam::\($1.account):instance-profile\($0.path ?? "/")\($0.instanceProfileName)" },
        createInstanceProfile, { tagFacts($0.tags) }),
      Operation(
        "GetInstanceProfile",
        access: { [self] (i: GetInstanceProfileInput, c) in
          [try await profileAccess("GetInstanceProfile", i.instanceProfileName, c)]
        }, run: getInstanceProfile),
      Operation(
        "DeleteInstanceProfile",
        access: { [self] (i: DeleteInstanceProfileInput, c) in
          [try await profileAccess("DeleteInstanceProfile", i.instanceProfileName, c)]
        }, run: deleteInstanceProfile),
      operation(
        "ListInstanceProfiles", at: { "arn:aws:iam::\($1.account):instance-profile\($0.pathPrefix ?? "/")" }, listInstanceProfiles),
      operation(
        "ListInstanceProfilesForRole", on: .role, \ListInstanceProfilesForRoleInput.roleName, listInstanceProfilesForRole),
      Operation(
        "AddRoleToInstanceProfile",
        access: { [self] (i: AddRoleToInstanceProfileInput, c) in
          [
            try await profileAccess("AddRoleToInstanceProfile", i.instanceProfileName, c),
            // Whoever may use the profile gets the role.
            try await passRoleAccess(i.roleName, to: "ec2.amazonaws.com", c),
          ]
        }, run: addRoleToProfile),
      Operation(
        "TagInstanceProfile",
        access: { [self] (i: TagInstanceProfileInput, c) in
          [try await profileAccess("TagInstanceProfile", i.instanceProfileName, c, tagFacts(i.tags))]
        }, run: tagProfile),
      Operation(
        "UntagInstanceProfile",
        access: { [self] (i: UntagInstanceProfileInput, c) in
          [try await profileAccess("UntagInstanceProfile", i.instanceProfileName, c, ["aws:tagkeys": i.tagKeys])]
        }, run: untagProfile),
      Operation(
        "ListInstanceProfileTags",
        access: { [self] (i: ListInstanceProfileTagsInput, c) in
          [try await profileAccess("ListInstanceProfileTags", i.instanceProfileName, c)]
        }, run: listProfileTags),
      Operation(
        "RemoveRoleFromInstanceProfile",
        access: { [self] (i: RemoveRoleFromInstanceProfileInput, c) in
          [try await profileAccess("RemoveRoleFromInstanceProfile", i.instanceProfileName, c)]
        }, run: removeRoleFromProfile),
    ]
  }

  /// A profile's ARN has its path, which only its row knows.
  private func profileAccess(
    _ name: String, _ profile: String, _ call: Call, _ facts: [String: [String]] = [:]
  ) async throws -> Access {
    let known = try await read(call.account) { try $0.findProfile(profile) }
    return Access(
      "iam:\(name)", on: known?.arn ?? "arn:aws:iam::\(call.account):instance-profile/\(profile)", owner: call.account,
      conditionValues: facts.merging(tagFacts(ofResource: known?.tags ?? [])) { $1 })
  }

  private func passRoleAccess(_ role: String, to service: String, _ call: Call) async throws -> Access {
    let arn = try await read(call.account) { try $0.find(.role, role)?.arn } ?? Entity.arn(.role, call.account, "/", role)
    return Access("iam:PassRole", on: arn, owner: call.account, conditionValues: ["iam:passedtoservice": [service]])
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

  private func tagProfile(_ input: TagInstanceProfileInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await changeTags(call, of: { try $0.getProfile(input.instanceProfileName) }, save: { try $0.save($1) }) { try $0.merge(tags) }
  }
  private func untagProfile(_ input: UntagInstanceProfileInput, _ call: Call) async throws {
    try await changeTags(call, of: { try $0.getProfile(input.instanceProfileName) }, save: { try $0.save($1) }) {
      $0.remove(input.tagKeys)
    }
  }
  private func listProfileTags(_ input: ListInstanceProfileTagsInput, _ call: Call) async throws -> ListInstanceProfileTagsOutput {
    let tags = try await read(call.account) { try $0.getProfile(input.instanceProfileName).tags }
    return try ListInstanceProfileTagsOutput(tags, after: input.marker, limit: input.maxItems)
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
