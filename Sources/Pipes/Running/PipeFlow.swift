import Base
import Fabric

/// What happens to a batch: enrichment, the target's template, the target.
struct PipeFlow: Sendable {
  let targets: PipeTargets
  let log: PipeLog
  let hops: any HopPort
  let chaos: Chaos
  let ambient: Ambient

  /// - Returns: the ids of the events that have not gone through.
  func move(_ events: [PipeEvent], ids: [String], trace: TraceContext?, of pipe: Pipe, as caller: Caller) async -> Set<String> {
    let began = ambient.now
    let hop = hops.newID()
    let trace = trace ?? caller.trace
    var caller = caller
    caller.trace = trace.under(hop)
    var (failed, problem): (Set<String>, AWSError?) = ([], nil)
    do {
      try await chaos.meet(ChaosPoint(pipe, caller.trace), in: .adjusted)
      (failed, problem) = try await carry(events, ids, pipe, caller)
      if failed.isEmpty, !pipe.source.hasSuffix(".fifo"), let again = chaos.duplicate(ChaosPoint(pipe, caller.trace)) {
        var caller = caller
        caller.trace = again
        _ = try? await carry(events, ids, pipe, caller)
      }
    } catch {
      (failed, problem) = (Set(ids), error as? AWSError ?? .internalFailure(error))
    }
    hops.record(
      Hop(
        id: hop, parent: trace.parent, trace: trace.root, at: began, duration: ambient.now - began, account: pipe.name.account,
        region: pipe.name.region, service: "pipes", action: "deliver", source: pipe.name.arn, target: pipe.target,
        outcome: failed.isEmpty ? .delivered : .failed, reason: problem.map { "\($0.code): \($0.message)" }))
    await log.note(pipe, events: events, failed: failed.count, problem)
    return failed
  }

  func noteFiltered(_ traces: [TraceContext?], _ pipe: Pipe) {
    for case let trace? in traces {
      hops.record(
        Hop(
          id: hops.newID(), parent: trace.parent, trace: trace.root, at: ambient.now, account: pipe.name.account,
          region: pipe.name.region, service: "pipes", action: "filter", source: pipe.name.arn, target: pipe.target, outcome: .filtered,
          reason: "no pattern of the pipe's filter criteria matches"))
    }
  }

  private func carry(
    _ events: [PipeEvent], _ ids: [String], _ pipe: Pipe, _ caller: Caller
  ) async throws -> (failed: Set<String>, AWSError?) {
    var items = events
    if pipe.enrichment != nil {
      guard let enriched = try await targets.enrich(events, pipe, caller) else { return ([], nil) }
      let service = ARN(pipe.target)?.service ?? ""
      if let limit = PipesLimits.batchOfTarget[service], enriched.count > limit {
        throw PipesError.validation("The enrichment gave back \(enriched.count) events; the target takes \(limit) at a time.")
      }
      items = enriched
    }
    let result = try await targets.send(items, ids: ids, of: pipe, as: caller)
    // What an enrichment made cannot be told apart by where it came from.
    guard pipe.enrichment == nil || result.places.isEmpty else { return (Set(ids), result.error) }
    return (result.ids.union(result.places.map { ids[$0] }), result.error)
  }
}

extension ChaosPoint {
  fileprivate init(_ pipe: Pipe, _ trace: TraceContext) {
    self.init(
      service: "pipes", account: pipe.name.account, region: pipe.name.region, source: pipe.name.arn, target: pipe.target,
      resources: [pipe.name.arn, pipe.source, pipe.target], trace: trace)
  }
}
