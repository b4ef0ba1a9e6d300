import Base
import Fabric

extension IAMService {
  var groupOperations: [Operation] {
    [
      operation("CreateGroup", at: { Entity.arn(.group, $1.account, $0.path ?? "/", $0.groupName) }, createGroup),
      operation("GetGroup", on: .group, \GetGroupInput.groupName, getGroup),
      Operation(
        "UpdateGroup",
        access: { [self] (i: UpdateGroupInput, c) in
          try await moveAccess("UpdateGroup", .group, i.groupName, to: i.newGroupName, path: i.newPath, c)
        }, run: updateGroup),
      operation("DeleteGroup", on: .group, \DeleteGroupInput.groupName, deleteGroup),
      operation("ListGroups", at: { "arn:aws:iam::\($1.account):group\($0.pathPrefix ?? "/")" }, listGroups),
      operation("AddUserToGroup", on: .group, \AddUserToGroupInput.groupName, addUserToGroup),
      operation("RemoveUserFromGroup", on: .group, \RemoveUserFromGroupInput.groupName, removeUserFromGroup),
      operation("ListGroupsForUser", on: .user, \ListGroupsForUserInput.userName, listGroupsForUser),
    ]
  }

  private func createGroup(_ input: CreateGroupInput, _ call: Call) async throws -> CreateGroupOutput {
    let group = Entity(
      kind: .group, id: uniqueID("AGPA"), account: call.account, name: input.groupName, path: input.path ?? "/", created: call.second
    )
    try await change(call.account) { try $0.create(group) }
    var output = CreateGroupOutput()
    output.group = IAMGroup(group)
    return output
  }

  private func getGroup(_ input: GetGroupInput, _ call: Call) async throws -> GetGroupOutput {
    let (group, users) = try await read(call.account) { rows in
      let group = try rows.get(.group, input.groupName)
      return (group, try rows.members(group))
    }
    let page = try Page(users, after: input.marker, limit: input.maxItems, key: \.name)
    var output = GetGroupOutput()
    output.group = IAMGroup(group)
    output.users = page.items.map { IAMUser($0, isListed: true) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func updateGroup(_ input: UpdateGroupInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var group = try tx.get(.group, input.groupName)
      if let path = input.newPath { group.path = path }
      _ = try tx.rename(group, to: input.newGroupName ?? group.name)
    }
  }

  private func deleteGroup(_ input: DeleteGroupInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let group = try tx.get(.group, input.groupName)
      if try !tx.members(group).isEmpty { throw IAMError.mustFirst("remove users from group") }
      try tx.deleteWithoutPolicies(group)
    }
  }

  private func listGroups(_ input: ListGroupsInput, _ call: Call) async throws -> ListGroupsOutput {
    let groups = try await read(call.account) { try $0.entities(.group) }
    let page = try Page(groups.under(input.pathPrefix), after: input.marker, limit: input.maxItems, key: \.name)
    var output = ListGroupsOutput()
    output.groups = page.items.map(IAMGroup.init)
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func addUserToGroup(_ input: AddUserToGroupInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.add(tx.get(.user, input.userName), to: tx.get(.group, input.groupName)) }
  }
  private func removeUserFromGroup(_ input: RemoveUserFromGroupInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      try tx.remove(tx.get(.user, input.userName), from: tx.get(.group, input.groupName))
    }
  }

  private func listGroupsForUser(_ input: ListGroupsForUserInput, _ call: Call) async throws -> ListGroupsForUserOutput {
    let groups = try await read(call.account) { rows in try rows.groups(of: rows.get(.user, input.userName)) }
    let page = try Page(groups, after: input.marker, limit: input.maxItems, key: \.name)
    var output = ListGroupsForUserOutput()
    output.groups = page.items.map(IAMGroup.init)
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }
}

extension IAMGroup {
  init(_ group: Entity) {
    self.init()
    (path, groupName, groupId, arn, createDate) = (group.path, group.name, group.id, group.arn, group.created)
  }
}
