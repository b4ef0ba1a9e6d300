import Base
import Fabric

extension IAMService {
  var accessKeyOperations: [Operation] {
    [
      operation("CreateAccessKey", onCallerOr: \CreateAccessKeyInput.userName, createAccessKey),
      operation("UpdateAccessKey", onCallerOr: \UpdateAccessKeyInput.userName, updateAccessKey),
      operation("DeleteAccessKey", onCallerOr: \DeleteAccessKeyInput.userName, deleteAccessKey),
      operation("ListAccessKeys", onCallerOr: \ListAccessKeysInput.userName, listAccessKeys),
      Operation("GetAccessKeyLastUsed", access: lastUsedAccess, run: getAccessKeyLastUsed),
    ]
  }

  /// The named user, else the caller itself.
  private func userName(_ named: String?, _ call: Call) throws -> String {
    guard let name = named ?? call.userName else { throw IAMError.needsUserName() }
    return name
  }

  private func createAccessKey(_ input: CreateAccessKeyInput, _ call: Call) async throws -> CreateAccessKeyOutput {
    let name = try userName(input.userName, call)
    let id = KeyForm.make(KeyForm.userPrefix, call.account, ambient.random)
    let secret = ambient.random.bytes(30).base64  // 40 characters
    let key = try await change(call.account) { tx in
      let user = try tx.get(.user, name)
      guard try tx.accessKeys(of: user).count < IAMLimits.accessKeysPerUser else {
        throw IAMError.quota("AccessKeysPerUser", IAMLimits.accessKeysPerUser)
      }
      let key = AccessKey(id: id, secret: secret, account: call.account, userID: user.id, status: .active, created: call.second)
      try tx.save(key)
      return key
    }
    var shape = AccessKeyShape()
    (shape.userName, shape.accessKeyId, shape.status) = (name, key.id, key.status.rawValue)
    (shape.secretAccessKey, shape.createDate) = (key.secret, key.created)
    var output = CreateAccessKeyOutput()
    output.accessKey = shape
    return output
  }

  private func updateAccessKey(_ input: UpdateAccessKeyInput, _ call: Call) async throws {
    let name = try userName(input.userName, call)
    guard let status = AccessKey.Status(rawValue: input.status), status != .deleted else {
      throw IAMError.validation("The status \(input.status) is not supported.")
    }
    try await change(call.account) { tx in
      var key = try tx.key(input.accessKeyId, of: name)
      key.status = status
      try tx.save(key)
    }
  }

  private func deleteAccessKey(_ input: DeleteAccessKeyInput, _ call: Call) async throws {
    let name = try userName(input.userName, call)
    try await change(call.account) { tx in
      var key = try tx.key(input.accessKeyId, of: name)
      (key.status, key.secret) = (.deleted, "")
      try tx.save(key)
    }
  }

  private func listAccessKeys(_ input: ListAccessKeysInput, _ call: Call) async throws -> ListAccessKeysOutput {
    let name = try userName(input.userName, call)
    let keys = try await read(call.account) { rows in try rows.accessKeys(of: rows.get(.user, name)) }
    let page = try Page(keys, after: input.marker, limit: input.maxItems, key: \.id)
    var output = ListAccessKeysOutput()
    output.accessKeyMetadata = page.items.map { key in
      var shape = AccessKeyMetadata()
      (shape.userName, shape.accessKeyId, shape.status, shape.createDate) = (name, key.id, key.status.rawValue, key.created)
      return shape
    }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  /// Asked on the user whose key it is. Of a key that the account does not have nothing is said but that it may not be asked.
  private func lastUsedAccess(_ input: GetAccessKeyLastUsedInput, _ call: Call) async throws -> [Access] {
    let owner = try await read(call.account) { rows -> Entity? in
      guard let key = try rows.accessKey(input.accessKeyId), key.account == call.account, key.status != .deleted else { return nil }
      return try rows.entity(id: key.userID)
    }
    return [Access("iam:GetAccessKeyLastUsed", on: owner?.arn ?? Entity.arn(.user, call.account, "/", "*"), owner: call.account)]
  }

  private func getAccessKeyLastUsed(_ input: GetAccessKeyLastUsedInput, _ call: Call) async throws -> GetAccessKeyLastUsedOutput {
    let user = try await read(call.account) { rows in
      guard let key = try rows.accessKey(input.accessKeyId), key.account == call.account, key.status != .deleted else {
        throw AWSError("AccessDeniedException", "Access Denied", status: 403)
      }
      return try rows.entity(id: key.userID)
    }
    var last = AccessKeyLastUsed()
    (last.serviceName, last.region) = ("N/A", "N/A")
    if let use = try await lastUse(input.accessKeyId) {
      (last.lastUsedDate, last.serviceName, last.region) = (use.time, use.service, use.region)
    }
    var output = GetAccessKeyLastUsedOutput()
    (output.userName, output.accessKeyLastUsed) = (user?.name, last)
    return output
  }
}

extension IAMChanges {
  /// Throws NoSuchEntity, also for the key of somebody else.
  func key(_ id: String, of name: String) throws -> AccessKey {
    let user = try get(.user, name)
    guard let key = try accessKey(id), key.userID == user.id, key.status != .deleted else { throw IAMError.noSuchKey(id) }
    return key
  }
}
