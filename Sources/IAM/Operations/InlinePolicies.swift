import Base
import Fabric

extension IAMService {
  var inlinePolicyOperations: [Operation] {
    [
      operation("PutUserPolicy", on: .user, \PutUserPolicyInput.userName, putUserPolicy),
      operation("GetUserPolicy", on: .user, \GetUserPolicyInput.userName, getUserPolicy),
      operation("DeleteUserPolicy", on: .user, \DeleteUserPolicyInput.userName, deleteUserPolicy),
      operation("ListUserPolicies", on: .user, \ListUserPoliciesInput.userName, listUserPolicies),
      operation("PutGroupPolicy", on: .group, \PutGroupPolicyInput.groupName, putGroupPolicy),
      operation("GetGroupPolicy", on: .group, \GetGroupPolicyInput.groupName, getGroupPolicy),
      operation("DeleteGroupPolicy", on: .group, \DeleteGroupPolicyInput.groupName, deleteGroupPolicy),
      operation("ListGroupPolicies", on: .group, \ListGroupPoliciesInput.groupName, listGroupPolicies),
      operation("PutRolePolicy", on: .role, \PutRolePolicyInput.roleName, putRolePolicy),
      operation("GetRolePolicy", on: .role, \GetRolePolicyInput.roleName, getRolePolicy),
      operation("DeleteRolePolicy", on: .role, \DeleteRolePolicyInput.roleName, deleteRolePolicy),
      operation("ListRolePolicies", on: .role, \ListRolePoliciesInput.roleName, listRolePolicies),
    ]
  }

  private func putUserPolicy(_ input: PutUserPolicyInput, _ call: Call) async throws {
    try await put(.user, input.userName, input.policyName, input.policyDocument, call)
  }
  private func getUserPolicy(_ input: GetUserPolicyInput, _ call: Call) async throws -> GetUserPolicyOutput {
    var output = GetUserPolicyOutput()
    output.policyDocument = try await get(.user, input.userName, input.policyName, call)
    (output.userName, output.policyName) = (input.userName, input.policyName)
    return output
  }
  private func deleteUserPolicy(_ input: DeleteUserPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.deleteInline(tx.get(.user, input.userName), input.policyName) }
  }
  private func listUserPolicies(_ input: ListUserPoliciesInput, _ call: Call) async throws -> ListUserPoliciesOutput {
    let page = try await list(.user, input.userName, input.marker, input.maxItems, call)
    var output = ListUserPoliciesOutput()
    output.policyNames = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func putGroupPolicy(_ input: PutGroupPolicyInput, _ call: Call) async throws {
    try await put(.group, input.groupName, input.policyName, input.policyDocument, call)
  }
  private func getGroupPolicy(_ input: GetGroupPolicyInput, _ call: Call) async throws -> GetGroupPolicyOutput {
    var output = GetGroupPolicyOutput()
    output.policyDocument = try await get(.group, input.groupName, input.policyName, call)
    (output.groupName, output.policyName) = (input.groupName, input.policyName)
    return output
  }
  private func deleteGroupPolicy(_ input: DeleteGroupPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.deleteInline(tx.get(.group, input.groupName), input.policyName) }
  }
  private func listGroupPolicies(_ input: ListGroupPoliciesInput, _ call: Call) async throws -> ListGroupPoliciesOutput {
    let page = try await list(.group, input.groupName, input.marker, input.maxItems, call)
    var output = ListGroupPoliciesOutput()
    output.policyNames = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func putRolePolicy(_ input: PutRolePolicyInput, _ call: Call) async throws {
    try await put(.role, input.roleName, input.policyName, input.policyDocument, call)
  }
  private func getRolePolicy(_ input: GetRolePolicyInput, _ call: Call) async throws -> GetRolePolicyOutput {
    var output = GetRolePolicyOutput()
    output.policyDocument = try await get(.role, input.roleName, input.policyName, call)
    (output.roleName, output.policyName) = (input.roleName, input.policyName)
    return output
  }
  private func deleteRolePolicy(_ input: DeleteRolePolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.deleteInline(tx.get(.role, input.roleName), input.policyName) }
  }
  private func listRolePolicies(_ input: ListRolePoliciesInput, _ call: Call) async throws -> ListRolePoliciesOutput {
    let page = try await list(.role, input.roleName, input.marker, input.maxItems, call)
    var output = ListRolePoliciesOutput()
    output.policyNames = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func put(_ kind: Entity.Kind, _ holder: String, _ name: String, _ document: String, _ call: Call) async throws {
    try check(document, as: .identity)
    try await change(call.account) { tx in try tx.putInline(tx.get(kind, holder), name, document) }
  }

  private func get(_ kind: Entity.Kind, _ holder: String, _ name: String, _ call: Call) async throws -> String {
    try await read(call.account) { rows in
      guard let document = try rows.inlinePolicy(rows.get(kind, holder), name) else { throw IAMError.noSuchInline(kind, name) }
      return encoded(document)
    }
  }

  private func list(_ kind: Entity.Kind, _ holder: String, _ marker: String?, _ limit: Int?, _ call: Call) async throws
    -> Page<String>
  {
    let names = try await read(call.account) { rows in try rows.inlinePolicies(rows.get(kind, holder)).map(\.name) }
    return try Page(names, after: marker, limit: limit) { $0 }
  }
}
