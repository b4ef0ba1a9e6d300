import Base
import Fabric
import Store

extension ControlPlane {
  var recursionOperations: [Operation] {
    [
      Operation(
        "PutFunctionRecursionConfig",
        access: { [self] (i: PutFunctionRecursionConfigInput, c) in
          try await access("PutFunctionRecursionConfig", i.functionName, c)
        }, run: putRecursionConfig),
      Operation(
        "GetFunctionRecursionConfig",
        access: { [self] (i: GetFunctionRecursionConfigInput, c) in
          try await access("GetFunctionRecursionConfig", i.functionName, c)
        }, run: getRecursionConfig),
    ]
  }

  private func putRecursionConfig(_ input: PutFunctionRecursionConfigInput, _ call: Call) async throws
    -> PutFunctionRecursionConfigOutput
  {
    let id = try unqualified(input.functionName, call)
    guard input.recursiveLoop == "Allow" || input.recursiveLoop == "Terminate" else {
      throw LambdaError.constraint(input.recursiveLoop, at: "recursiveLoop", "satisfy enum value set: [Allow, Terminate]")
    }
    try await store.transact { tx in
      let old = try FunctionRows(tx).required(FunctionName(id: id, qualifier: nil))
      var function = old
      function.allowsRecursion = input.recursiveLoop == "Allow"
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
    }
    functionChanged(.changed(id))
    var output = PutFunctionRecursionConfigOutput()
    output.recursiveLoop = input.recursiveLoop
    return output
  }

  private func getRecursionConfig(_ input: GetFunctionRecursionConfigInput, _ call: Call) async throws
    -> GetFunctionRecursionConfigOutput
  {
    let id = try unqualified(input.functionName, call)
    let function = try await store.read { try FunctionRows($0).required(FunctionName(id: id, qualifier: nil)) }
    var output = GetFunctionRecursionConfigOutput()
    output.recursiveLoop = function.allowsRecursion ? "Allow" : "Terminate"
    return output
  }
}
