import Base
import Fabric

extension IAMService {
  var userOperations: [Operation] {
    [
      operation(
        "CreateUser", at: { Entity.arn(.user, $1.account, $0.path ?? "/", $0.userName) }, createUser,
        { tagFacts($0.tags).merging($0.permissionsBoundary.map { ["iam:permissionsboundary": [$0]] } ?? [:]) { $1 } }),
      operation("GetUser", onCallerOr: \GetUserInput.userName, getUser),
      Operation(
        "UpdateUser",
        access: { [self] (i: UpdateUserInput, c) in
          try await moveAccess("UpdateUser", .user, i.userName, to: i.newUserName, path: i.newPath, c)
        }, run: updateUser),
      operation("DeleteUser", on: .user, \DeleteUserInput.userName, deleteUser),
      operation("ListUsers", at: { "arn:aws:iam::\($1.account):user\($0.pathPrefix ?? "/")" }, listUsers),
      operation("TagUser", on: .user, \TagUserInput.userName, tagUser, { tagFacts($0.tags) }),
      operation("UntagUser", on: .user, \UntagUserInput.userName, untagUser, { ["aws:tagkeys": $0.tagKeys] }),
      operation("ListUserTags", on: .user, \ListUserTagsInput.userName, listUserTags),
      operation(
        "PutUserPermissionsBoundary", on: .user, \PutUserPermissionsBoundaryInput.userName, putUserBoundary,
        { ["iam:permissionsboundary": [$0.permissionsBoundary]] }),
      operation(
        "DeleteUserPermissionsBoundary", on: .user, \DeleteUserPermissionsBoundaryInput.userName, deleteUserBoundary),
    ]
  }

  private func createUser(_ input: CreateUserInput, _ call: Call) async throws -> CreateUserOutput {
    let user = Entity(
      kind: .user, id: uniqueID("AIDA"), account: call.account, name: input.userName, path: input.path ?? "/", created: call.second,
      tags: try [Tag](input.tags).checked(), boundary: input.permissionsBoundary)
    try await change(call.account) { try $0.create(user) }
    var output = CreateUserOutput()
    output.user = IAMUser(user)
    return output
  }

  private func getUser(_ input: GetUserInput, _ call: Call) async throws -> GetUserOutput {
    var output = GetUserOutput()
    if let name = input.userName ?? call.userName {
      output.user = IAMUser(try await read(call.account) { try $0.get(.user, name) })
      return output
    }
    guard case .root(let account) = call.principal else { throw IAMError.needsUserName() }
    var root = IAMUser()
    (root.path, root.userName, root.userId, root.arn) = ("/", "root", account.text, call.principal.arn)
    root.createDate = .epoch
    output.user = root
    return output
  }

  private func updateUser(_ input: UpdateUserInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var user = try tx.get(.user, input.userName)
      if let path = input.newPath { user.path = path }
      _ = try tx.rename(user, to: input.newUserName ?? user.name)
    }
  }

  private func deleteUser(_ input: DeleteUserInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let user = try tx.get(.user, input.userName)
      if try !tx.accessKeys(of: user).isEmpty { throw IAMError.mustFirst("delete access keys") }
      if try !tx.groups(of: user).isEmpty { throw IAMError.mustFirst("remove users from group") }
      try tx.deleteWithoutPolicies(user)
    }
  }

  private func listUsers(_ input: ListUsersInput, _ call: Call) async throws -> ListUsersOutput {
    let users = try await read(call.account) { try $0.entities(.user) }
    let page = try Page(users.under(input.pathPrefix), after: input.marker, limit: input.maxItems, key: \.name)
    var output = ListUsersOutput()
    output.users = page.items.map { IAMUser($0, isListed: true) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func tagUser(_ input: TagUserInput, _ call: Call) async throws {
    let tags = try [Tag](input.tags).checked()
    try await change(call.account) { try $0.tag(.user, input.userName, tags) }
  }
  private func untagUser(_ input: UntagUserInput, _ call: Call) async throws {
    try await change(call.account) { try $0.untag(.user, input.userName, input.tagKeys) }
  }
  private func listUserTags(_ input: ListUserTagsInput, _ call: Call) async throws -> ListUserTagsOutput {
    let tags = try await read(call.account) { try $0.get(.user, input.userName).tags }
    return try ListUserTagsOutput(tags, after: input.marker, limit: input.maxItems)
  }

  private func putUserBoundary(_ input: PutUserPermissionsBoundaryInput, _ call: Call) async throws {
    try await change(call.account) { tx in _ = try tx.setBoundary(input.permissionsBoundary, of: tx.get(.user, input.userName)) }
  }
  private func deleteUserBoundary(_ input: DeleteUserPermissionsBoundaryInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.removeBoundary(.user, input.userName) }
  }
}

extension IAMUser {
  /// Lists leave out what costs AWS a look-up: tags and boundary.
  init(_ user: Entity, isListed: Bool = false) {
    self.init()
    (path, userName, userId, arn, createDate) = (user.path, user.name, user.id, user.arn, user.created)
    if isListed { return }
    permissionsBoundary = user.boundary.map(AttachedPermissionsBoundary.init(arn:))
    if !user.tags.isEmpty { tags = user.tags.shapes }
  }
}

extension AttachedPermissionsBoundary {
  init(arn: String) {
    self.init()
    // What the documentation calls `Policy` is this on the wire.
    (permissionsBoundaryType, permissionsBoundaryArn) = ("PermissionsBoundaryPolicy", arn)
  }
}

extension [Entity] {
  func under(_ pathPrefix: String?) -> [Entity] {
    guard let pathPrefix else { return self }
    return filter { $0.path.hasPrefix(pathPrefix) }
  }
}

extension IAMChanges {
  /// Throws DeleteConflict while policies hang on the entity.
  func deleteWithoutPolicies(_ entity: Entity) throws {
    if try !attachments(entity).isEmpty { throw IAMError.mustFirst("detach all policies") }
    if try !inlinePolicies(entity).isEmpty { throw IAMError.mustFirst("delete policies") }
    try delete(entity)
  }
  func tag(_ kind: Entity.Kind, _ name: String, _ tags: [Tag]) throws {
    var entity = try get(kind, name)
    try entity.tags.merge(tags)
    try save(entity)
  }
  func untag(_ kind: Entity.Kind, _ name: String, _ keys: [String]) throws {
    var entity = try get(kind, name)
    entity.tags.remove(keys)
    try save(entity)
  }
  func removeBoundary(_ kind: Entity.Kind, _ name: String) throws {
    let entity = try get(kind, name)
    try entity.checkModifiable()
    guard entity.boundary != nil else {
      throw IAMError.noSuchEntity("\(kind == .user ? "User" : "Role") \(name) does not have a permissions boundary attached.")
    }
    try setBoundary(nil, of: entity)
  }
}
