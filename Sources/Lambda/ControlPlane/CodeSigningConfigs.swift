import Base
import Fabric
import Store

/// Code signing configurations by themselves.
extension ControlPlane {
  var codeSigningOperations: [Operation] {
    [
      Operation(
        "CreateCodeSigningConfig",
        access: { (i: CreateCodeSigningConfigInput, c) in
          [Access("lambda:CreateCodeSigningConfig", owner: c.account).bringing(i.tags)]
        }, run: createCodeSigning),
      Operation(
        "GetCodeSigningConfig",
        access: { [self] (i: GetCodeSigningConfigInput, c) in
          try await signingAccess("GetCodeSigningConfig", i.codeSigningConfigArn, c)
        }, run: getCodeSigning),
      Operation(
        "UpdateCodeSigningConfig",
        access: { [self] (i: UpdateCodeSigningConfigInput, c) in
          try await signingAccess("UpdateCodeSigningConfig", i.codeSigningConfigArn, c)
        }, run: updateCodeSigning),
      Operation(
        "DeleteCodeSigningConfig",
        access: { [self] (i: DeleteCodeSigningConfigInput, c) in
          try await signingAccess("DeleteCodeSigningConfig", i.codeSigningConfigArn, c)
        }, run: deleteCodeSigning),
      Operation(
        "ListCodeSigningConfigs",
        access: { (_: ListCodeSigningConfigsInput, c) in [Access("lambda:ListCodeSigningConfigs", owner: c.account)] },
        run: listCodeSignings),
      Operation(
        "ListFunctionsByCodeSigningConfig",
        access: { [self] (i: ListFunctionsByCodeSigningConfigInput, c) in
          try await signingAccess("ListFunctionsByCodeSigningConfig", i.codeSigningConfigArn, c)
        }, run: listSignedFunctions),
    ]
  }

  func signingAccess(_ action: String, _ arn: String, _ call: Call) async throws -> [Access] {
    let id = CodeSigningID(arn: arn)
    let tags = try await store.read { reader in try id.flatMap { try CodeSigningRows(reader).config($0)?.tags } }
    return [Access("lambda:\(action)", on: arn, owner: id?.account ?? call.account).having(tags ?? [:])]
  }

  private func createCodeSigning(_ input: CreateCodeSigningConfigInput, _ call: Call) async throws -> CreateCodeSigningConfigOutput {
    let id = CodeSigningID(
      account: call.account, region: call.region, id: "csc-" + ambient.text(CodeSigningID.length, of: CodeSigningID.alphabet))
    let config = CodeSigning(
      id: id, description: input.description ?? "", publishers: try Self.checked(input.allowedPublishers, call),
      untrusted: Self.policy(input.codeSigningPolicies) ?? .warn, tags: try Tags.checked(input.tags ?? [:]), modifiedAt: call.now)
    try await store.transact { tx in try CodeSigningRows.save(config, in: tx) }
    var output = CreateCodeSigningConfigOutput()
    output.codeSigningConfig = CodeSigningConfig(config)
    return output
  }

  private func getCodeSigning(_ input: GetCodeSigningConfigInput, _ call: Call) async throws -> GetCodeSigningConfigOutput {
    let arn = input.codeSigningConfigArn
    var output = GetCodeSigningConfigOutput()
    output.codeSigningConfig = CodeSigningConfig(try await store.read { try Self.signing(arn, call, $0) })
    return output
  }

  private func updateCodeSigning(_ input: UpdateCodeSigningConfigInput, _ call: Call) async throws -> UpdateCodeSigningConfigOutput {
    let arn = input.codeSigningConfigArn
    let publishers = try input.allowedPublishers.map { try Self.checked($0, call) }
    let (description, policy) = (input.description, Self.policy(input.codeSigningPolicies))
    let config = try await store.transact { tx in
      var config = try Self.signing(arn, call, tx)
      config.description = description ?? config.description
      config.publishers = publishers ?? config.publishers
      config.untrusted = policy ?? config.untrusted
      config.modifiedAt = call.now
      try CodeSigningRows.save(config, in: tx)
      return config
    }
    var output = UpdateCodeSigningConfigOutput()
    output.codeSigningConfig = CodeSigningConfig(config)
    return output
  }

  private func deleteCodeSigning(_ input: DeleteCodeSigningConfigInput, _ call: Call) async throws {
    let arn = input.codeSigningConfigArn
    try await store.transact { tx in
      let config = try Self.signing(arn, call, tx)
      guard try CodeSigningRows(tx).functions(of: config.id, after: nil, limit: 1).items.isEmpty else {
        throw LambdaError.signingInUse()
      }
      try CodeSigningRows.delete(config.id, in: tx)
    }
  }

  private func listCodeSignings(_ input: ListCodeSigningConfigsInput, _ call: Call) async throws -> ListCodeSigningConfigsOutput {
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let marker = input.marker
    let page = try await store.read { try CodeSigningRows($0).page(call.account, call.region, after: marker, limit: limit) }
    var output = ListCodeSigningConfigsOutput()
    (output.nextMarker, output.codeSigningConfigs) = (page.next, page.items.map { CodeSigningConfig($0) })
    return output
  }

  private func listSignedFunctions(_ input: ListFunctionsByCodeSigningConfigInput, _ call: Call) async throws
    -> ListFunctionsByCodeSigningConfigOutput
  {
    let limit = try Self.limit(input.maxItems, page: LambdaLimits.listPage)
    let (arn, marker) = (input.codeSigningConfigArn, input.marker)
    let page = try await store.read { reader in
      try CodeSigningRows(reader).functions(of: try Self.signing(arn, call, reader).id, after: marker, limit: limit)
    }
    var output = ListFunctionsByCodeSigningConfigOutput()
    (output.nextMarker, output.functionArns) = (page.next, page.items.map(\.arn.text))
    return output
  }

  /// - Throws: `ResourceNotFoundException` for one that is not there, or is another account's or Region's.
  private static func signing(_ arn: String, _ call: Call, _ reader: any Reader) throws -> CodeSigning {
    guard let id = CodeSigningID(arn: arn), id.account == call.account, id.region == call.region,
      let config = try CodeSigningRows(reader).config(id)
    else { throw LambdaError.noSuchSigning(arn) }
    return config
  }

  private static func policy(_ shape: CodeSigningPolicies?) -> CodeSigning.Policy? {
    shape?.untrustedArtifactOnDeployment.flatMap { CodeSigning.Policy(rawValue: $0) }
  }

  /// Whether a profile exists nobody here can tell; that it is the version of one, its ARN does.
  private static func checked(_ publishers: AllowedPublishers, _ call: Call) throws -> [String] {
    let arns = publishers.signingProfileVersionArns
    for text in arns {
      let parts = ARN(text).map { $0.resource.split(separator: "/") } ?? []
      guard let arn = ARN(text), arn.service == "signer", parts.count == 3, parts[0] == "signing-profiles" else {
        throw LambdaError.invalidParameter("The signing profile version ARN \(text) is not valid.")
      }
      guard arn.region == call.region.text else {
        throw LambdaError.invalidParameter("The signing profile version ARN \(text) is of another Region.")
      }
    }
    return arns
  }
}

extension CodeSigningConfig {
  fileprivate init(_ config: CodeSigning) {
    self.init()
    (codeSigningConfigId, codeSigningConfigArn) = (config.id.id, config.id.arn)
    (description, lastModified) = (config.description, config.modifiedAt.iso8601Milliseconds)
    var publishers = AllowedPublishers()
    publishers.signingProfileVersionArns = config.publishers
    allowedPublishers = publishers
    var policies = CodeSigningPolicies()
    policies.untrustedArtifactOnDeployment = config.untrusted.rawValue
    codeSigningPolicies = policies
  }
}
