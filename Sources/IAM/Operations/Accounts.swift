import Base
import Fabric

extension IAMService {
  var accountOperations: [Operation] {
    [
      operation("CreateAccountAlias", at: { (_: CreateAccountAliasInput, _) in "*" }, createAccountAlias),
      operation("DeleteAccountAlias", at: { (_: DeleteAccountAliasInput, _) in "*" }, deleteAccountAlias),
      operation("ListAccountAliases", at: { _, _ in "*" }, listAccountAliases),
      Operation(
        "GetAccountSummary", access: { (_: NoInput, call) in [Access("iam:GetAccountSummary", owner: call.account)] },
        run: getAccountSummary),
    ]
  }

  /// An account has one alias; a new one takes the place of the old.
  private func createAccountAlias(_ input: CreateAccountAliasInput, _ call: Call) async throws {
    try await change(call.account) { try $0.setAlias(input.accountAlias) }
  }

  private func deleteAccountAlias(_ input: DeleteAccountAliasInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      guard try tx.alias() == input.accountAlias else {
        throw IAMError.noSuchEntity("The account alias with name \(input.accountAlias) cannot be found.")
      }
      try tx.setAlias(nil)
    }
  }

  private func listAccountAliases(_ input: ListAccountAliasesInput, _ call: Call) async throws -> ListAccountAliasesOutput {
    var output = ListAccountAliasesOutput()
    output.accountAliases = try await read(call.account) { try $0.alias().map { [$0] } ?? [] }
    output.isTruncated = false
    return output
  }

  private func getAccountSummary(_: NoInput, _ call: Call) async throws -> GetAccountSummaryOutput {
    var output = GetAccountSummaryOutput()
    output.summaryMap = try await read(call.account) { rows in
      [
        "Users": try rows.entities(.user).count, "Groups": try rows.entities(.group).count,
        "Roles": try rows.entities(.role).count, "Policies": try rows.policies().count,
        "InstanceProfiles": try rows.profiles().count, "UsersQuota": 5000, "GroupsQuota": 300, "RolesQuota": 1000,
        "PoliciesQuota": 1500, "InstanceProfilesQuota": 1000, "AttachedPoliciesPerUserQuota": IAMLimits.attachedPolicies,
        "AttachedPoliciesPerGroupQuota": IAMLimits.attachedPolicies, "AttachedPoliciesPerRoleQuota": IAMLimits.attachedPolicies,
        "AccessKeysPerUserQuota": IAMLimits.accessKeysPerUser, "GroupsPerUserQuota": IAMLimits.groupsPerUser,
        "VersionsPerPolicyQuota": IAMLimits.policyVersions, "PolicySizeQuota": IAMLimits.managedPolicyCharacters,
        "UserPolicySizeQuota": IAMLimits.inlineCharacters(.user), "GroupPolicySizeQuota": IAMLimits.inlineCharacters(.group),
        "RolePolicySizeQuota": IAMLimits.inlineCharacters(.role), "AssumeRolePolicySizeQuota": IAMLimits.trustPolicyCharacters,
        "MFADevices": 0, "AccountMFAEnabled": 0, "AccountAccessKeysPresent": 0,
      ]
    }
    return output
  }
}
