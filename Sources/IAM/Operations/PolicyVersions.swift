import Base
import Fabric

extension IAMService {
  var policyVersionOperations: [Operation] {
    [
      operation("CreatePolicyVersion", onARN: \CreatePolicyVersionInput.policyArn, createPolicyVersion),
      operation("GetPolicyVersion", onARN: \GetPolicyVersionInput.policyArn, getPolicyVersion),
      operation("DeletePolicyVersion", onARN: \DeletePolicyVersionInput.policyArn, deletePolicyVersion),
      operation("ListPolicyVersions", onARN: \ListPolicyVersionsInput.policyArn, listPolicyVersions),
      operation("SetDefaultPolicyVersion", onARN: \SetDefaultPolicyVersionInput.policyArn, setDefaultVersion),
    ]
  }

  private func createPolicyVersion(_ input: CreatePolicyVersionInput, _ call: Call) async throws -> CreatePolicyVersionOutput {
    try checkManaged(input.policyDocument)
    let (policy, version) = try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      guard try tx.versions(policy).count < IAMLimits.policyVersions else {
        throw IAMError.limitExceeded(
          "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
      }
      policy.lastVersion += 1
      policy.updated = call.second
      if input.setAsDefault == true { policy.defaultVersion = policy.lastVersion }
      let version = PolicyVersion(number: policy.lastVersion, document: input.policyDocument, created: call.second)
      try tx.save(policy)
      try tx.save(version, of: policy)
      return (policy, version)
    }
    var output = CreatePolicyVersionOutput()
    output.policyVersion = PolicyVersionShape(version, of: policy)
    return output
  }

  private func getPolicyVersion(_ input: GetPolicyVersionInput, _ call: Call) async throws -> GetPolicyVersionOutput {
    let (policy, version) = try await read(call.account) { rows in
      let policy = try rows.getPolicy(input.policyArn)
      return (policy, try rows.getVersion(policy, input.versionId))
    }
    var shape = PolicyVersionShape(version, of: policy)
    shape.document = encoded(version.document)
    var output = GetPolicyVersionOutput()
    output.policyVersion = shape
    return output
  }

  private func deletePolicyVersion(_ input: DeletePolicyVersionInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      let policy = try tx.ownPolicy(input.policyArn)
      let version = try tx.getVersion(policy, input.versionId)
      if version.number == policy.defaultVersion {
        throw IAMError.deleteConflict("Cannot delete the default version of a policy.")
      }
      try tx.delete(version, of: policy)
    }
  }

  private func listPolicyVersions(_ input: ListPolicyVersionsInput, _ call: Call) async throws -> ListPolicyVersionsOutput {
    let (policy, versions) = try await read(call.account) { rows in
      let policy = try rows.getPolicy(input.policyArn)
      return (policy, try rows.versions(policy))
    }
    // Newest first, so the marker sorts the other way round.
    let page = try Page(versions, after: input.marker, limit: input.maxItems) { padded(Int(Int32.max) - $0.number, 10) }
    var output = ListPolicyVersionsOutput()
    output.versions = page.items.map { PolicyVersionShape($0, of: policy) }
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func setDefaultVersion(_ input: SetDefaultPolicyVersionInput, _ call: Call) async throws {
    try await change(call.account) { tx in
      var policy = try tx.ownPolicy(input.policyArn)
      policy.defaultVersion = try tx.getVersion(policy, input.versionId).number
      policy.updated = call.second
      try tx.save(policy)
    }
  }
}

extension PolicyVersionShape {
  init(_ version: PolicyVersion, of policy: ManagedPolicy) {
    self.init()
    (versionId, createDate, isDefaultVersion) = (version.id, version.created, version.number == policy.defaultVersion)
  }
}
