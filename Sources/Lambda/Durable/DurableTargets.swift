import Base
import Fabric

/// Finds out where a chained invocation leads, and whether the function's role may go there.
struct DurableTargets: Sendable {
  let control: ControlPlane
  let roles: any RolePort
  let authoriser: any Authoriser
  let ambient: Ambient

  /// - Throws: `DurableRefusal` for what the whole checkpoint is refused for.
  func find(_ options: ChainedInvokeOptions, for id: DurableExecutionID) async throws -> DurableTarget {
    var target = DurableTarget(text: options.functionName, tenant: options.tenantId, answer: .refused(DurableError()))
    do {
      let name = try FunctionName(options.functionName, account: id.function.account, region: id.function.region)
      target.function = name.id
      // The machine refuses other accounts.
      guard name.id.account == id.function.account else { return target }
      if options.tenantId != nil { throw LambdaError.unsupported("TenantId") }
      target.answer = try await answer(name, id)
    } catch let error as AWSError {
      if target.function == nil, error.code == "ResourceNotFoundException" {
        throw DurableRefusal("Cannot start a CHAINED_INVOKE on a function in another region.")
      }
      target.answer = .refused(DurableError(error.message, type: error.code))
    }
    return target
  }

  private func answer(_ name: FunctionName, _ id: DurableExecutionID) async throws -> DurableTarget.Answer {
    let resolved = try await control.resolve(name)
    let owner = try await control.resolve(id.function, qualifier: id.version).version
    let session = try await roles.session(
      role: owner.role, sessionName: owner.id.name, by: ServicePrincipal("lambda.amazonaws.com"))
    let caller = Caller(
      principal: .role(session), account: id.function.account, region: id.function.region, trace: TraceContext(ambient))
    let access = Access("lambda:InvokeFunction", on: name.arn, owner: name.id.account, resourcePolicy: resolved.policy)
    try await authoriser.authorise(access.having(resolved.tags), as: caller, now: ambient.now)
    guard let settings = resolved.version.durable else { return .plain(version: resolved.version.version) }
    guard name.qualifier != nil else { throw LambdaError.unqualifiedDurable() }
    return .durable(version: resolved.version.version, settings)
  }
}
