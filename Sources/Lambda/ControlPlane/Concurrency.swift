import Base
import Fabric
import Store

extension ControlPlane {
  var concurrencyOperations: [Operation] {
    [
      Operation(
        "PutFunctionConcurrency",
        access: { [self] (i: PutFunctionConcurrencyInput, c) in try await access("PutFunctionConcurrency", i.functionName, c) },
        run: putFunctionConcurrency),
      Operation(
        "GetFunctionConcurrency",
        access: { [self] (i: GetFunctionConcurrencyInput, c) in try await access("GetFunctionConcurrency", i.functionName, c) },
        run: getFunctionConcurrency),
      Operation(
        "DeleteFunctionConcurrency",
        access: { [self] (i: DeleteFunctionConcurrencyInput, c) in
          try await access("DeleteFunctionConcurrency", i.functionName, c)
        }, run: deleteFunctionConcurrency),
    ]
  }

  private func putFunctionConcurrency(_ input: PutFunctionConcurrencyInput, _ call: Call) async throws -> LambdaConcurrency {
    let id = try unqualified(input.functionName, call)
    let wanted = input.reservedConcurrentExecutions
    guard wanted >= 0 else {
      throw LambdaError.constraint(
        "\(wanted)", at: "reservedConcurrentExecutions", "have value greater than or equal to 0")
    }
    let limits = limits
    try await store.transact { tx in
      let rows = FunctionRows(tx)
      // This operation names the version in its error, unlike its siblings.
      guard let old = try rows.function(id) else { throw LambdaError.functionNotFound("\(id.arn):\(FunctionVersion.latest)") }
      let provisioned = try ProvisionedRows(tx).configs(id).values.reduce(0) { $0 + $1.requested }
      guard wanted >= provisioned else { throw LambdaError.reservationBelowProvisioned(wanted, provisioned) }
      let others = try Self.setAside(id.account, id.region, except: id, tx)
      guard limits.concurrency - others - wanted >= limits.unreservedConcurrency || wanted == 0 else {
        throw LambdaError.reservationTooLarge(limits)
      }
      var function = old
      function.reservedConcurrency = wanted
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
    }
    functionChanged(.changed(id))
    var output = LambdaConcurrency()
    output.reservedConcurrentExecutions = wanted
    return output
  }

  private func getFunctionConcurrency(_ input: GetFunctionConcurrencyInput, _ call: Call) async throws
    -> GetFunctionConcurrencyOutput
  {
    let id = try unqualified(input.functionName, call)
    var output = GetFunctionConcurrencyOutput()
    output.reservedConcurrentExecutions = try await store.read {
      try FunctionRows($0).required(FunctionName(id: id, qualifier: nil)).reservedConcurrency
    }
    return output
  }

  private func deleteFunctionConcurrency(_ input: DeleteFunctionConcurrencyInput, _ call: Call) async throws {
    let id = try unqualified(input.functionName, call)
    try await store.transact { tx in
      let old = try FunctionRows(tx).required(FunctionName(id: id, qualifier: nil))
      var function = old
      function.reservedConcurrency = nil
      try FunctionRows.save(function, replacing: old, in: tx, at: call.now)
    }
    functionChanged(.changed(id))
  }

  /// What each function of all accounts reserves.
  func reservations() async throws -> [FunctionID: Int] {
    try await store.read { reader in
      var found: [FunctionID: Int] = [:]
      try FunctionRows(reader).each { found[$0.id] = $0.reservedConcurrency }
      return found
    }
  }

  func reservation(of id: FunctionID) async throws -> Int? {
    try await store.read { try FunctionRows($0).function(id)?.reservedConcurrency }
  }
}
