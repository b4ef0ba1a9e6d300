import Base
import Fabric
import Store

extension ControlPlane {
  var permissionOperations: [Operation] {
    [
      Operation(
        "AddPermission",
        access: { [self] (i: AddPermissionInput, c) in
          var asked = try await access("AddPermission", i.functionName, i.qualifier, c)
          asked[0].conditionValues["lambda:principal"] = [i.principal]
          if let type = i.functionUrlAuthType { asked[0].conditionValues["lambda:functionurlauthtype"] = [type] }
          return asked
        }, run: addPermission),
      Operation(
        "RemovePermission",
        access: { [self] (i: RemovePermissionInput, c) in
          try await access("RemovePermission", i.functionName, i.qualifier, c)
        }, run: removePermission),
      Operation(
        "GetPolicy",
        access: { [self] (i: GetPolicyInput, c) in try await access("GetPolicy", i.functionName, i.qualifier, c) },
        run: getPolicy),
    ]
  }

  private func addPermission(_ input: AddPermissionInput, _ call: Call) async throws -> AddPermissionOutput {
    let name = try policyTarget(input.functionName, input.qualifier, call)
    let statement = try ResourcePolicy.Statement(input, resource: name.arn)
    let kept = try await tied(statement)
    let revision = ambient.uuid()
    try await store.transact { tx in
      try Self.checkExists(name, tx)
      let old = try PolicyRows(tx).policy(name.id, name.qualifier)
      if let asked = input.revisionId, asked != old?.revisionID { throw LambdaError.wrongRevision(api: "GetPolicy") }
      var policy = old ?? ResourcePolicy(revisionID: revision)
      try policy.add(kept, revisionID: revision)
      try PolicyRows.save(policy, of: name.id, name.qualifier, in: tx)
    }
    functionChanged(.changed(name.id))
    var output = AddPermissionOutput()
    output.statement = statement.text
    return output
  }

  /// The statement with the user or role that it names by its unique id.
  /// Throws `InvalidParameterValueException` when there is none.
  private func tied(_ statement: ResourcePolicy.Statement) async throws -> ResourcePolicy.Statement {
    let policy = ResourcePolicy(statements: [statement], revisionID: "").text
    let text: String
    do {
      text = try await principals.tied(policy)
    } catch let error as AWSError where error.code == "MalformedPolicyDocumentException" {
      throw LambdaError.badPrincipal()
    }
    guard text != policy, let kept = try JSON.parse(text)["Statement"]?.array?.first else { return statement }
    return ResourcePolicy.Statement(sid: statement.sid, text: kept.text)
  }

  private func removePermission(_ input: RemovePermissionInput, _ call: Call) async throws {
    let name = try policyTarget(input.functionName, input.qualifier, call)
    let revision = ambient.uuid()
    try await store.transact { tx in
      try Self.checkExists(name, tx)
      guard var policy = try PolicyRows(tx).policy(name.id, name.qualifier) else { throw LambdaError.noPolicy() }
      if let asked = input.revisionId, asked != policy.revisionID { throw LambdaError.wrongRevision(api: "GetPolicy") }
      try policy.remove(sid: input.statementId, revisionID: revision)
      try PolicyRows.save(policy, of: name.id, name.qualifier, in: tx)
    }
    functionChanged(.changed(name.id))
  }

  private func getPolicy(_ input: GetPolicyInput, _ call: Call) async throws -> GetPolicyOutput {
    let name = try name(input.functionName, input.qualifier, call)
    let policy = try await store.read { reader in
      try Self.checkExists(name, reader)
      return try PolicyRows(reader).policy(name.id, name.qualifier)
    }
    guard let policy else { throw LambdaError.noSuchResource() }
    var output = GetPolicyOutput()
    (output.policy, output.revisionId) = (try await principals.shown(policy.text), policy.revisionID)
    return output
  }

  private func policyTarget(_ text: String, _ qualifier: String?, _ call: Call) throws -> FunctionName {
    let name = try name(text, qualifier, call)
    guard name.qualifier != FunctionVersion.latest else { throw LambdaError.policyOnLatest() }
    return name
  }

  private static func checkExists(_ name: FunctionName, _ reader: any Reader) throws {
    let rows = FunctionRows(reader)
    _ = try rows.required(FunctionName(id: name.id, qualifier: nil))
    guard let qualifier = name.qualifier, Int(qualifier) == nil, qualifier != FunctionVersion.latest else {
      _ = try rows.version(name)
      return
    }
    guard try rows.alias(name.id, qualifier) != nil else { throw LambdaError.noAlias(name.arn) }
  }
}
