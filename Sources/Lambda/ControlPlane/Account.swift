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
    let (used, setAside) = try await store.read { reader in
      (try CodeStorage.use(call.account, call.region, reader), try Self.setAside(call.account, call.region, reader))
    }
    var limit = AccountLimit()
    limit.totalCodeSize = limits.codeStorageBytes
    (limit.codeSizeUnzipped, limit.codeSizeZipped) = (LambdaLimits.unzippedBytes, LambdaLimits.zippedBytes)
    limit.concurrentExecutions = limits.concurrency
    limit.unreservedConcurrentExecutions = limits.concurrency - setAside
    var usage = AccountUsage()
    (usage.totalCodeSize, usage.functionCount) = (used.bytes, used.functions)
    var output = GetAccountSettingsOutput()
    (output.accountLimit, output.accountUsage) = (limit, usage)
    return output
  }
}
