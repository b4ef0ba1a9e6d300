import Base
import Fabric

/// Invokes functions for whoever has the permission already: the API, the asynchronous queue, event source mappings.
final class Invoker: Sendable {
  private let placement: Placement
  private let metrics: FunctionMetrics
  private let ambient: Ambient
  private let executions: DurableExecutions
  private let hops: InvocationHops

  init(placement: Placement, metrics: FunctionMetrics, ambient: Ambient, executions: DurableExecutions, hops: InvocationHops) {
    (self.placement, self.metrics, self.ambient, self.executions) = (placement, metrics, ambient, executions)
    self.hops = hops
  }

  /// Invokes a function, or starts an execution of a durable one and waits for its end.
  /// - Parameters:
  ///   - requestID: the same for all attempts of one event; a new one when nil.
  ///   - invokedARN: as the caller named the function.
  ///   - countsRate: the request counts against the function's rate: synchronous calls do.
  ///   - source: who waits for the result, for a hop of this invocation; nil when the caller records it.
  /// - Throws: `AWSError`: the function is not ready, or a concurrency limit is reached.
  func invoke(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String? = nil, invokedARN: String, trace: TraceContext,
    clientContext: String? = nil, wantsLogTail: Bool = false, countsRate: Bool = false, by source: String? = nil
  ) async throws -> (requestID: String, result: InvocationResult) {
    if let source {
      return try await hops.recording(trace, of: resolved.version.id, from: source, to: invokedARN) { trace in
        try await invoke(
          resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: trace, clientContext: clientContext,
          wantsLogTail: wantsLogTail, countsRate: countsRate)
      }
    }
    guard resolved.version.durable != nil else {
      return try await run(
        resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: trace, clientContext: clientContext,
        wantsLogTail: wantsLogTail, countsRate: countsRate)
    }
    let (_, result) = try await executions.invoke(resolved, payload: payload, invokedARN: invokedARN, trace: trace)
    return (requestID ?? ambient.uuid(), result)
  }

  /// One invocation of a function, durable or not.
  func run(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String? = nil, invokedARN: String, trace: TraceContext,
    clientContext: String? = nil, wantsLogTail: Bool = false, countsRate: Bool = false, by source: String? = nil
  ) async throws -> (requestID: String, result: InvocationResult) {
    if let source {
      return try await hops.recording(trace, of: resolved.version.id, from: source, to: invokedARN) { trace in
        try await run(
          resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: trace, clientContext: clientContext,
          wantsLogTail: wantsLogTail, countsRate: countsRate)
      }
    }
    let invocation = try prepare(
      resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: trace, clientContext: clientContext,
      wantsLogTail: wantsLogTail)
    return (invocation.requestID, try await placement.invoke(invocation, on: resolved, countsRate: countsRate))
  }

  /// Starts an invocation whose answer comes through the pipe, and counts it against the function's rate. Throws as `invoke`.
  func stream(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String, invokedARN: String, trace: TraceContext,
    clientContext: String? = nil, wantsLogTail: Bool = false, by source: String, into pipe: ResponsePipe
  ) async throws {
    let hop = hops.begin(trace)
    let (hops, function) = (hops, resolved.version.id)
    do {
      try await begin(
        resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: hop.trace, clientContext: clientContext,
        wantsLogTail: wantsLogTail, into: pipe
      ) { result in
        let (outcome, reason) = result.outcome.hop
        hops.end(hop, "Invoke", of: function, from: source, to: invokedARN, outcome, reason)
      }
    } catch {
      hops.end(hop, "Invoke", of: function, from: source, to: invokedARN, .failure(of: error), InvocationHops.reason(error))
      throw error
    }
  }

  private func begin(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String, invokedARN: String, trace: TraceContext,
    clientContext: String?, wantsLogTail: Bool, into pipe: ResponsePipe, then done: @escaping @Sendable (InvocationResult) -> Void
  ) async throws {
    if resolved.version.durable != nil { throw LambdaError.unsupported("a streamed answer of a durable function") }
    var invocation = try prepare(
      resolved, payload: payload, requestID: requestID, invokedARN: invokedARN, trace: trace, clientContext: clientContext,
      wantsLogTail: wantsLogTail)
    invocation.pipe = pipe
    try await placement.begin(invocation, on: resolved, countsRate: true) { result in
      done(result)
      pipe.finish(result)
    }
  }

  private func prepare(
    _ resolved: ResolvedFunction, payload: [UInt8], requestID: String?, invokedARN: String, trace: TraceContext,
    clientContext: String?, wantsLogTail: Bool
  ) throws -> Invocation {
    switch resolved.version.state {
    case .pending where resolved.version.isSnapshotted: throw LambdaError.snapshotNotReady()
    case .pending: throw LambdaError.pending(resolved.version.id)
    case .failed: throw LambdaError.failedFunction(resolved.version.id)
    case .active: break
    }
    let id = resolved.version.id
    guard resolved.allowsRecursion || Lineage(trace.lineage).count(of: id) < Lineage.limit else {
      metrics.add(.recursiveInvocationsDropped, of: MetricTarget(resolved), at: ambient.now)
      throw LambdaError.recursiveInvocation()
    }
    let attempt = ambient.uuid()
    return Invocation(
      requestID: requestID ?? attempt, attemptID: attempt, payload: payload.isEmpty ? Array("{}".utf8) : payload,
      clientContext: clientContext, invokedARN: invokedARN, trace: trace.visiting(id), wantsLogTail: wantsLogTail)
  }
}
