import Base
import Fabric

/// Invokes functions for whoever has the permission already: the API, the asynchronous queue, event source mappings.
final class Invoker: Sendable {
  private let placement: Placement
  private let ambient: Ambient

  init(placement: Placement, ambient: Ambient) { (self.placement, self.ambient) = (placement, ambient) }

  /// - Parameters:
  ///   - requestID: the same for all attempts of one event; a new one when nil.
  ///   - invokedARN: as the caller named the function.
  ///   - countsRate: the request counts against the function's rate: synchronous calls do.
  /// - Throws: `AWSError`: the function is not ready, or a concurrency limit is reached.
  func invoke(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String? = nil, invokedARN: String, trace: TraceContext,
    clientContext: String? = nil, wantsLogTail: Bool = false, countsRate: Bool = false
  ) async throws -> (requestID: String, result: InvocationResult) {
    switch resolved.version.state {
    case .pending where resolved.version.isSnapshotted: throw LambdaError.snapshotNotReady()
    case .pending: throw LambdaError.pending(resolved.version.id)
    case .failed: throw LambdaError.failedFunction(resolved.version.id)
    case .active: break
    }
    let id = resolved.version.id
    guard resolved.allowsRecursion || Lineage(trace.lineage).count(of: id) < Lineage.limit else {
      throw LambdaError.recursiveInvocation()
    }
    let attempt = ambient.uuid()
    let invocation = Invocation(
      requestID: requestID ?? attempt, attemptID: attempt, payload: payload.isEmpty ? Array("{}".utf8) : payload,
      clientContext: clientContext, invokedARN: invokedARN, trace: trace.visiting(id), wantsLogTail: wantsLogTail)
    return (invocation.requestID, try await placement.invoke(invocation, on: resolved, countsRate: countsRate))
  }
}
