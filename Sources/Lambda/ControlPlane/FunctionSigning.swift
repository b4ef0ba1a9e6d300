import Base
import Fabric
import Store

/// Code signing configurations of functions, and what they mean for code.
extension ControlPlane {
  var functionSigningOperations: [Operation] {
    [
      Operation(
        "GetFunctionCodeSigningConfig",
        access: { [self] (i: GetFunctionCodeSigningConfigInput, c) in
          try await access("GetFunctionCodeSigningConfig", i.functionName, c)
        }, run: getFunctionSigning),
      Operation(
        "PutFunctionCodeSigningConfig",
        access: { [self] (i: PutFunctionCodeSigningConfigInput, c) in
          var access = try await access("PutFunctionCodeSigningConfig", i.functionName, c)
          access[0].conditionValues["lambda:codesigningconfigarn"] = [i.codeSigningConfigArn]
          return access + (try await signingAccess("PutFunctionCodeSigningConfig", i.codeSigningConfigArn, c))
        }, run: putFunctionSigning),
      Operation(
        "DeleteFunctionCodeSigningConfig",
        access: { [self] (i: DeleteFunctionCodeSigningConfigInput, c) in
          try await access("DeleteFunctionCodeSigningConfig", i.functionName, c)
        }, run: deleteFunctionSigning),
    ]
  }

  private func getFunctionSigning(_ input: GetFunctionCodeSigningConfigInput, _ call: Call) async throws
    -> GetFunctionCodeSigningConfigOutput
  {
    let name = try name(input.functionName, call)
    let function = try await store.read { try FunctionRows($0).required(name) }
    var output = GetFunctionCodeSigningConfigOutput()
    (output.codeSigningConfigArn, output.functionName) = (function.codeSigningID?.arn ?? "", name.id.name)
    return output
  }

  private func putFunctionSigning(_ input: PutFunctionCodeSigningConfigInput, _ call: Call) async throws
    -> PutFunctionCodeSigningConfigOutput
  {
    let arn = input.codeSigningConfigArn
    let id = try await setSigning(input.functionName, call) { function, tx in
      guard function.latest.image == nil else { throw LambdaError.signedImage() }
      function.codeSigning = try Self.requiredSigning(arn, function.id, tx).id.id
    }
    var output = PutFunctionCodeSigningConfigOutput()
    (output.codeSigningConfigArn, output.functionName) = (arn, id.name)
    return output
  }

  private func deleteFunctionSigning(_ input: DeleteFunctionCodeSigningConfigInput, _ call: Call) async throws {
    _ = try await setSigning(input.functionName, call) { function, _ in function.codeSigning = nil }
  }

  /// The code that the function has stays: a configuration is for code to come.
  private func setSigning(
    _ name: String, _ call: Call, _ body: @escaping @Sendable (inout StoredFunction, any Transaction) throws -> Void
  ) async throws -> FunctionID {
    let id = try unqualified(name, call)
    try await store.transact { tx in
      let old = try FunctionRows(tx).required(FunctionName(id: id, qualifier: nil))
      var function = old
      try body(&function, tx)
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
    }
    return id
  }

  /// - Throws: `CodeSigningConfigNotFoundException`, for one of another account or Region too.
  static func requiredSigning(_ arn: String, _ function: FunctionID, _ reader: any Reader) throws -> CodeSigning {
    guard let id = CodeSigningID(arn: arn), id.account == function.account, id.region == function.region,
      let config = try CodeSigningRows(reader).config(id)
    else { throw LambdaError.signingNotFound(arn) }
    return config
  }

  /// The configuration that a new function is to have, whose code is judged by it.
  func signing(_ input: CreateFunctionInput, _ id: FunctionID) async throws -> CodeSigningID? {
    guard let arn = input.codeSigningConfigArn, !arn.isEmpty else { return nil }
    guard input.packageType != "Image" else { throw LambdaError.signedImage() }
    let config = try await store.read { try Self.requiredSigning(arn, id, $0) }
    try await checkSigning(config.id, of: id)
    return config.id
  }

  /// Asked before code or layers are taken. Code is unsigned here: where signatures are asked for it is not taken.
  func checkSigning(_ id: CodeSigningID?, of function: FunctionID) async throws {
    guard let id, let config = try await store.read({ try CodeSigningRows($0).config(id) }) else { return }
    switch config.untrusted {
    case .enforce: throw LambdaError.unsignedCode(function)
    case .warn: metrics.add(.signatureValidationErrors, of: MetricTarget(function, qualifier: nil), at: ambient.now)
    }
  }
}

extension StoredFunction {
  var codeSigningID: CodeSigningID? { codeSigning.map { CodeSigningID(account: id.account, region: id.region, id: $0) } }
}
