import Base
import Fabric
import Store

extension ControlPlane {
  var managementOperations: [Operation] {
    [
      Operation(
        "GetRuntimeManagementConfig",
        access: { [self] (i: GetRuntimeManagementConfigInput, c) in
          try await access("GetRuntimeManagementConfig", i.functionName, i.qualifier, c)
        }, run: getRuntimeManagement),
      Operation(
        "PutRuntimeManagementConfig",
        access: { [self] (i: PutRuntimeManagementConfigInput, c) in
          try await access("PutRuntimeManagementConfig", i.functionName, i.qualifier, c)
        }, run: putRuntimeManagement),
    ]
  }

  private func getRuntimeManagement(_ input: GetRuntimeManagementConfigInput, _ call: Call) async throws
    -> GetRuntimeManagementConfigOutput
  {
    let version = try await managed(input.functionName, input.qualifier, call)
    var output = GetRuntimeManagementConfigOutput()
    (output.updateRuntimeOn, output.functionArn) = ("Auto", version.qualifiedARN)
    return output
  }

  /// The runtime is the interpreter of the host and moves with it, which is `Auto`; it cannot be held at a version.
  private func putRuntimeManagement(_ input: PutRuntimeManagementConfigInput, _ call: Call) async throws
    -> PutRuntimeManagementConfigOutput
  {
    let version = try await managed(input.functionName, input.qualifier, call)
    guard input.updateRuntimeOn == "Auto" else { throw LambdaError.unsupported("UpdateRuntimeOn \(input.updateRuntimeOn)") }
    guard input.runtimeVersionArn == nil else {
      throw LambdaError.invalidParameter("RuntimeVersionArn must not be specified when UpdateRuntimeOn is Auto.")
    }
    var output = PutRuntimeManagementConfigOutput()
    (output.updateRuntimeOn, output.functionArn) = ("Auto", version.qualifiedARN)
    return output
  }

  /// Aliases have no such setting.
  private func managed(_ function: String, _ qualifier: String?, _ call: Call) async throws -> FunctionVersion {
    let name = try name(function, qualifier, call)
    if let qualifier = name.qualifier, qualifier != FunctionVersion.latest, Int(qualifier) == nil {
      throw LambdaError.constraint(qualifier, at: "qualifier", #"satisfy regular expression pattern: (\$LATEST|[0-9]+)"#)
    }
    return try await store.read { try FunctionRows($0).version(name).version }
  }
}
