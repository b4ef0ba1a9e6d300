import Base
import Fabric
import Store

extension ControlPlane {
  var layerPermissionOperations: [Operation] {
    [
      Operation(
        "AddLayerVersionPermission",
        access: { [self] (i: AddLayerVersionPermissionInput, c) in
          try await layerAccess("AddLayerVersionPermission", layer(i.layerName, c), i.versionNumber)
        }, run: addLayerPermission),
      Operation(
        "RemoveLayerVersionPermission",
        access: { [self] (i: RemoveLayerVersionPermissionInput, c) in
          try await layerAccess("RemoveLayerVersionPermission", layer(i.layerName, c), i.versionNumber)
        }, run: removeLayerPermission),
      Operation(
        "GetLayerVersionPolicy",
        access: { [self] (i: GetLayerVersionPolicyInput, c) in
          try await layerAccess("GetLayerVersionPolicy", layer(i.layerName, c), i.versionNumber)
        }, run: getLayerPolicy),
    ]
  }

  private func layer(_ name: String, _ call: Call) throws -> LayerID {
    try LayerID(name, account: call.account, region: call.region)
  }

  private func addLayerPermission(_ input: AddLayerVersionPermissionInput, _ call: Call) async throws
    -> AddLayerVersionPermissionOutput
  {
    let id = try layer(input.layerName, call)
    let statement = try ResourcePolicy.Statement(input, resource: id.arn(input.versionNumber))
    let revision = ambient.uuid()
    try await store.transact { tx in
      let old = try Self.layerPolicy(id, input.versionNumber, input.revisionId, tx)
      var policy = old ?? ResourcePolicy(revisionID: revision)
      try policy.add(statement, revisionID: revision)
      try PolicyRows.save(policy, at: Keys.layerPolicy(id, input.versionNumber), in: tx)
    }
    var output = AddLayerVersionPermissionOutput()
    (output.statement, output.revisionId) = (statement.text, revision)
    return output
  }

  private func removeLayerPermission(_ input: RemoveLayerVersionPermissionInput, _ call: Call) async throws {
    let id = try layer(input.layerName, call)
    let revision = ambient.uuid()
    try await store.transact { tx in
      let old = try Self.layerPolicy(id, input.versionNumber, input.revisionId, tx)
      guard var policy = old else { throw LambdaError.noStatement(input.statementId) }
      try policy.remove(sid: input.statementId, revisionID: revision)
      try PolicyRows.save(policy, at: Keys.layerPolicy(id, input.versionNumber), in: tx)
    }
  }

  private func getLayerPolicy(_ input: GetLayerVersionPolicyInput, _ call: Call) async throws -> GetLayerVersionPolicyOutput {
    let id = try layer(input.layerName, call)
    let policy = try await store.read { try Self.layerPolicy(id, input.versionNumber, nil, $0) }
    var output = GetLayerVersionPolicyOutput()
    (output.policy, output.revisionId) = try policy.map { ($0.text, $0.revisionID) }.orThrow(LambdaError.noPolicy())
    return output
  }

  /// The policy of a version that must be there, if it is as the caller has seen it.
  private static func layerPolicy(_ id: LayerID, _ number: Int, _ revision: String?, _ reader: any Reader) throws
    -> ResourcePolicy?
  {
    guard try LayerRows(reader).version(id, number) != nil else {
      throw LambdaError.notFound("Layer version \(id.arn(number)) does not exist.")
    }
    let policy = try PolicyRows(reader).policy(at: Keys.layerPolicy(id, number))
    if let revision, revision != policy?.revisionID { throw LambdaError.wrongRevision(api: "GetLayerPolicy") }
    return policy
  }
}

extension ResourcePolicy.Statement {
  /// - Parameter resource: the ARN of the layer version. The model has checked the form of action and principal.
  fileprivate init(_ input: AddLayerVersionPermissionInput, resource: String) throws {
    guard input.action == "lambda:GetLayerVersion" else {
      throw LambdaError.constraint(input.action, at: "action", "satisfy regular expression pattern: lambda:GetLayerVersion")
    }
    let principal: JSON
    if input.principal == "*" {
      principal = "*"
    } else if let account = AccountID(input.principal) {
      principal = ["AWS": .string("arn:aws:iam::\(account):root")]
    } else if let arn = ARN(input.principal), arn.service == "iam", AccountID(arn.account) != nil, arn.resource == "root" {
      principal = ["AWS": .string(input.principal)]
    } else {
      throw LambdaError.badPrincipal()
    }
    if input.organizationId != nil, input.principal != "*" {
      throw LambdaError.invalidParameter("OrganizationId can only be given together with the principal *.")
    }
    var members: [(String, JSON)] = [
      ("Sid", .string(input.statementId)), ("Effect", "Allow"), ("Principal", principal), ("Action", .string(input.action)),
      ("Resource", .string(resource)),
    ]
    if let organisation = input.organizationId {
      members.append(("Condition", ["StringEquals": ["aws:PrincipalOrgID": .string(organisation)]]))
    }
    self.init(sid: input.statementId, text: JSON.object(JSONObject(members)).text)
  }
}
