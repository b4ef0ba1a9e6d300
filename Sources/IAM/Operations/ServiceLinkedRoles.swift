import Base
import Fabric

/// Roles that belong to a service: only it, or AWS on its behalf, may change them.
extension IAMService {
  var serviceRoleOperations: [Operation] {
    [
      operation(
        "CreateServiceLinkedRole",
        at: { Entity.arn(.role, $1.account, "/aws-service-role/\($0.awsServiceName)/", "*") }, createServiceLinkedRole,
        { ["iam:awsservicename": [$0.awsServiceName]] }),
      operation("DeleteServiceLinkedRole", on: .role, \DeleteServiceLinkedRoleInput.roleName, deleteServiceLinkedRole),
      operation(
        "GetServiceLinkedRoleDeletionStatus", at: { (_: GetServiceLinkedRoleDeletionStatusInput, _) in "*" }, getDeletionStatus),
    ]
  }

  /// `lambda.amazonaws.com` gets `/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda`.
  private func createServiceLinkedRole(_ input: CreateServiceLinkedRoleInput, _ call: Call) async throws
    -> CreateServiceLinkedRoleOutput
  {
    let service = input.awsServiceName
    guard service.hasSuffix(".amazonaws.com"), service.utf8.first != UInt8(ascii: ".") else {
      throw IAMError.invalidInput("Invalid service name: \(service)")
    }
    let word = service.split(separator: ".")[0].split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    let name = "AWSServiceRoleFor\(word)" + (input.customSuffix.map { "_\($0)" } ?? "")
    let trust: JSON = [
      "Version": "2012-10-17",
      "Statement": [["Effect": "Allow", "Principal": ["Service": .string(service)], "Action": "sts:AssumeRole"]],
    ]
    let role = Entity(
      kind: .role, id: uniqueID("AROA"), account: call.account, name: name, path: "\(Entity.servicePath)\(service)/",
      created: call.second,
      trust: .init(document: trust.text, description: input.description, maxSessionSeconds: 3600))
    try await change(call.account) { tx in
      guard try tx.find(.role, name) == nil else {
        throw IAMError.invalidInput("Service role name \(name) has been taken in this account, please try a different suffix.")
      }
      try tx.create(role)
    }
    var output = CreateServiceLinkedRoleOutput()
    output.role = IAMRole(role, isCreated: true)
    return output
  }

  /// Nothing here can still be using the role, so the task is done when it begins.
  private func deleteServiceLinkedRole(_ input: DeleteServiceLinkedRoleInput, _ call: Call) async throws
    -> DeleteServiceLinkedRoleOutput
  {
    let uuid = ambient.uuid()
    let task = try await change(call.account) { tx in
      let role = try tx.get(.role, input.roleName)
      guard role.isServiceLinked else { throw IAMError.invalidInput("\(input.roleName) is not a service-linked role.") }
      let task = "task\(role.path)\(role.name)/\(uuid)"
      try tx.delete(role)
      try tx.noteDeletion(task)
      return task
    }
    var output = DeleteServiceLinkedRoleOutput()
    output.deletionTaskId = task
    return output
  }

  private func getDeletionStatus(_ input: GetServiceLinkedRoleDeletionStatusInput, _ call: Call) async throws
    -> GetServiceLinkedRoleDeletionStatusOutput
  {
    guard try await read(call.account, { try $0.reader.get(IAMKeys.deletion(call.account, input.deletionTaskId)) }) != nil else {
      throw IAMError.noSuchEntity("No deletion task with id \(input.deletionTaskId) can be found.")
    }
    var output = GetServiceLinkedRoleDeletionStatusOutput()
    output.status = "SUCCEEDED"
    return output
  }
}

extension Entity {
  static let servicePath = "/aws-service-role/"
  var isServiceLinked: Bool { kind == .role && path.hasPrefix(Self.servicePath) }

  /// Throws UnmodifiableEntity for a service-linked role.
  func checkModifiable() throws {
    guard isServiceLinked else { return }
    throw IAMError.unmodifiable(
      "Cannot perform the operation on the protected role '\(name)' - this role is only modifiable by AWS")
  }
}
