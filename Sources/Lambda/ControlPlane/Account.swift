import Base
import Fabric
import Store

extension ControlPlane {
  var accountOperations: [Operation] {
    [
      Operation(
        "GetAccountSettings",
        access: { (_: GetAccountSettingsInput, c) in [Access("lambda:GetAccountSettings", owner: c.account)] },
        run: getAccountSettings)
    ]
  }

  private func getAccountSettings(_ input: GetAccountSettingsInput, _ call: Call) async throws -> GetAccountSettingsOutput {
    let (count, bytes, reserved) = try await store.read { reader in
      let rows = FunctionRows(reader)
      var (count, bytes) = (0, 0)
      try rows.each(call.account, call.region) { function in
        count += 1
        bytes += function.latest.codeSize
        bytes += try rows.versions(function.id).reduce(0) { $0 + $1.codeSize }
      }
      bytes += try LayerRows(reader).totalSize(call.account, call.region)
      return (count, bytes, try Self.reserved(of: call.account, call.region, rows))
    }
    var limit = AccountLimit()
    limit.totalCodeSize = LambdaLimits.codeStorageBytes
    (limit.codeSizeUnzipped, limit.codeSizeZipped) = (LambdaLimits.unzippedBytes, LambdaLimits.zippedBytes)
    limit.concurrentExecutions = LambdaLimits.accountConcurrency
    limit.unreservedConcurrentExecutions = LambdaLimits.accountConcurrency - reserved
    var usage = AccountUsage()
    (usage.totalCodeSize, usage.functionCount) = (bytes, count)
    var output = GetAccountSettingsOutput()
    (output.accountLimit, output.accountUsage) = (limit, usage)
    return output
  }
}
