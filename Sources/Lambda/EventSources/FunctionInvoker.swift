import Fabric

/// Runs functions for pollers; tests put a script in its place.
protocol FunctionInvoker: Sendable {
  /// - Throws: `AWSError`: the function is not ready, its concurrency is used up, or the chain of invocations is a loop.
  func invoke(_ resolved: ResolvedFunction, payload: [UInt8], invokedARN: String, trace: TraceContext) async throws
    -> (requestID: String, result: InvocationResult)
}

extension Invoker: FunctionInvoker {
  func invoke(_ resolved: ResolvedFunction, payload: [UInt8], invokedARN: String, trace: TraceContext) async throws
    -> (requestID: String, result: InvocationResult)
  {
    try await invoke(resolved, payload: payload, requestID: nil, invokedARN: invokedARN, trace: trace)
  }
}
