import Base
import Fabric

extension IAMService {
  var attachmentOperations: [Operation] {
    [
      operation(
        "AttachUserPolicy", on: .user, \AttachUserPolicyInput.userName, attachUserPolicy, { ["iam:policyarn": [$0.policyArn]] }),
      operation(
        "DetachUserPolicy", on: .user, \DetachUserPolicyInput.userName, detachUserPolicy, { ["iam:policyarn": [$0.policyArn]] }),
      operation("ListAttachedUserPolicies", on: .user, \ListAttachedUserPoliciesInput.userName, listAttachedUserPolicies),
      operation(
        "AttachGroupPolicy", on: .group, \AttachGroupPolicyInput.groupName, attachGroupPolicy,
        { ["iam:policyarn": [$0.policyArn]] }),
      operation(
        "DetachGroupPolicy", on: .group, \DetachGroupPolicyInput.groupName, detachGroupPolicy,
        { ["iam:policyarn": [$0.policyArn]] }),
      operation("ListAttachedGroupPolicies", on: .group, \ListAttachedGroupPoliciesInput.groupName, listAttachedGroupPolicies),
      operation(
        "AttachRolePolicy", on: .role, \AttachRolePolicyInput.roleName, attachRolePolicy, { ["iam:policyarn": [$0.policyArn]] }),
      operation(
        "DetachRolePolicy", on: .role, \DetachRolePolicyInput.roleName, detachRolePolicy, { ["iam:policyarn": [$0.policyArn]] }),
      operation("ListAttachedRolePolicies", on: .role, \ListAttachedRolePoliciesInput.roleName, listAttachedRolePolicies),
    ]
  }

  private func attachUserPolicy(_ input: AttachUserPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.attach(input.policyArn, to: tx.get(.user, input.userName)) }
  }
  private func detachUserPolicy(_ input: DetachUserPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.detach(input.policyArn, from: tx.get(.user, input.userName)) }
  }
  private func listAttachedUserPolicies(_ input: ListAttachedUserPoliciesInput, _ call: Call) async throws
    -> ListAttachedUserPoliciesOutput
  {
    let attached = try await attachments(.user, input.userName, under: input.pathPrefix, call)
    let page = try Page(attached, after: input.marker, limit: input.maxItems) { $0.policyArn ?? "" }
    var output = ListAttachedUserPoliciesOutput()
    output.attachedPolicies = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func attachGroupPolicy(_ input: AttachGroupPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.attach(input.policyArn, to: tx.get(.group, input.groupName)) }
  }
  private func detachGroupPolicy(_ input: DetachGroupPolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.detach(input.policyArn, from: tx.get(.group, input.groupName)) }
  }
  private func listAttachedGroupPolicies(_ input: ListAttachedGroupPoliciesInput, _ call: Call) async throws
    -> ListAttachedGroupPoliciesOutput
  {
    let attached = try await attachments(.group, input.groupName, under: input.pathPrefix, call)
    let page = try Page(attached, after: input.marker, limit: input.maxItems) { $0.policyArn ?? "" }
    var output = ListAttachedGroupPoliciesOutput()
    output.attachedPolicies = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func attachRolePolicy(_ input: AttachRolePolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.attach(input.policyArn, to: tx.get(.role, input.roleName)) }
  }
  private func detachRolePolicy(_ input: DetachRolePolicyInput, _ call: Call) async throws {
    try await change(call.account) { tx in try tx.detach(input.policyArn, from: tx.get(.role, input.roleName)) }
  }
  private func listAttachedRolePolicies(_ input: ListAttachedRolePoliciesInput, _ call: Call) async throws
    -> ListAttachedRolePoliciesOutput
  {
    let attached = try await attachments(.role, input.roleName, under: input.pathPrefix, call)
    let page = try Page(attached, after: input.marker, limit: input.maxItems) { $0.policyArn ?? "" }
    var output = ListAttachedRolePoliciesOutput()
    output.attachedPolicies = page.items
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func attachments(_ kind: Entity.Kind, _ name: String, under path: String?, _ call: Call) async throws
    -> [AttachedPolicy]
  {
    try await read(call.account) { rows in
      try rows.attachments(rows.get(kind, name)).compactMap { try rows.findPolicy($0) }
        .filter { $0.path.hasPrefix(path ?? "/") }
        .map { policy in
          var shape = AttachedPolicy()
          (shape.policyName, shape.policyArn) = (policy.name, policy.arn)
          return shape
        }
    }
  }
}
