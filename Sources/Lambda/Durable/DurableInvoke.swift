import Base
import Fabric

extension DurableExecutions {
  /// Starts an execution, or finds the one of that name, and waits for its end.
  /// - Parameter invokedARN: as the caller named the function; it must say which version is meant.
  func invoke(
    _ resolved: ResolvedFunction, name: String? = nil, payload: [UInt8], invokedARN: String, trace: TraceContext
  ) async throws -> (id: DurableExecutionID, result: InvocationResult) {
    guard let settings = resolved.version.durable else { throw LambdaError.notDurable() }
    guard invokedARN != resolved.version.id.arn.text else { throw LambdaError.unqualifiedDurable() }
    guard settings.executionTimeout <= DurableLimits.synchronousSeconds else { throw LambdaError.durableTooLong() }
    if resolved.reservedConcurrency == 0 {
      throw LambdaError.throttled(reason: "ReservedFunctionConcurrentInvocationLimitExceeded")
    }
    let started = try await start(resolved, name: name, payload: payload, origin: .synchronous, trace: trace)
    let outcome = try await outcome(of: started.id)
    let result: InvocationOutcome
    if outcome.status == .succeeded {
      result = .success(Array((outcome.result ?? "").utf8))
    } else {
      let error = outcome.error ?? DurableError()
      result = .functionError(FunctionError(type: error.type, body: error.functionErrorBody))
    }
    return (started.id, InvocationResult(outcome: result, executedVersion: started.id.version, logTail: []))
  }
}
