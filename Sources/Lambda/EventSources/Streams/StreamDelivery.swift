import Base
import Fabric
import Logging
import Store

/// What the readers of streams need of others: the stream itself, the function, the store and the destination of what is given up.
/// All as the function's role.
struct StreamDelivery: Sendable {
  private static let pauseAfterFailure = Duration.milliseconds(250)
  private static let longestPause = Duration.seconds(15)

  let control: ControlPlane
  let invoker: any FunctionInvoker
  let targets: ReportTargets
  let roles: any RolePort
  let metrics: FunctionMetrics
  let hops: InvocationHops
  let chaos: Chaos
  let ambient: Ambient
  let logger: Logger

  var now: Instant { ambient.now }

  func wait(_ nudge: Nudge, until deadline: Instant) async { await nudge.wait(until: deadline, clock: ambient.clock) }

  func count(_ metric: MappingMetric, _ count: Int, _ mapping: EventSourceMapping) {
    metrics.add(metric, count, of: mapping, at: ambient.now)
  }

  // MARK: The stream

  func describe(_ mapping: EventSourceMapping) async throws -> StreamDescription {
    try await port(mapping).describe(mapping.source, as: try await caller(mapping))
  }

  func iterator(_ mapping: EventSourceMapping, _ shard: String, _ position: ShardRow.Position) async throws -> String {
    switch position {
    case .iterator(let iterator): return iterator
    case .after(let number): return try await iterator(mapping, shard, at: .after(sequenceNumber: number))
    // Nobody reads a finished shard; its end is as good a place as any.
    case .finished: return try await iterator(mapping, shard, at: .latest)
    }
  }
  func iterator(_ mapping: EventSourceMapping, _ shard: String, at position: StreamPosition) async throws -> String {
    try await port(mapping).iterator(mapping.source, shard: shard, at: position, as: try await caller(mapping))
  }
  func oldest(_ mapping: EventSourceMapping, _ shard: String) async throws -> String {
    try await iterator(mapping, shard, at: .trimHorizon)
  }

  func read(_ mapping: EventSourceMapping, _ iterator: String, limit: Int, wait: Duration) async throws -> StreamPage {
    try await port(mapping).read(mapping.source, iterator: iterator, limit: limit, wait: wait, as: try await caller(mapping))
  }

  /// Says so once, and waits for a while that grows.
  func cannotRead(_ mapping: EventSourceMapping, _ shard: String, _ error: any Error, _ failures: Int) async {
    if failures == 1 {
      logger.warning("a stream cannot be read", metadata: [
        "mapping": "\(mapping.uuid)", "stream": "\(mapping.source)", "shard": "\(shard)", "error": "\(error)",
      ])
      await note("PROBLEM: Cannot access stream \(mapping.source).", of: mapping)
    }
    try? await ambient.clock.sleepReal(for: min(Self.longestPause, Self.pauseAfterFailure * (1 << min(failures, 6))))
  }

  private func port(_ mapping: EventSourceMapping) throws -> any StreamPort {
    guard let port = control.streams[mapping.source.service] else {
      throw LambdaError.unsupported("An event source of the service \(mapping.source.service)")
    }
    return port
  }

  // MARK: The function

  /// Runs the function once.
  func invoke(_ call: ShardLane.Call, _ mapping: EventSourceMapping, _ shard: String) async -> StreamOutcome {
    let hop = hops.begin(call.batch.records.trace ?? TraceContext(ambient))
    func end(_ outcome: HopOutcome, _ reason: String? = nil) {
      hops.end(hop, "invoke", of: mapping.function, from: mapping.source.text, to: mapping.functionARN, outcome, reason)
    }
    let count = call.batch.records.count
    do {
      let resolved = try await control.resolve(FunctionName(id: mapping.function, qualifier: mapping.qualifier))
      let event = StreamEvent(source: mapping.source, shard: shard, role: resolved.version.role.text)
      if let last = call.batch.records.last {
        metrics.add(.iteratorAge, Double(max(0, (now - last.arrival).inMilliseconds)), of: MetricTarget(resolved), at: now)
      }
      let (requestID, result) = try await chaos.invoking(
        resolved.version, ChaosPoint(mapping, hop.trace), requestID: ambient.uuid()
      ) { again in
        try await invoker.invoke(
          resolved, payload: event.payload(call), invokedARN: mapping.functionARN, trace: again ?? hop.trace)
      }
      var response = StreamResponse(requestID: requestID, executedVersion: result.executedVersion, isFunctionError: false)
      switch result.outcome {
      case .success(let body):
        self.count(.invoked, count, mapping)
        end(.delivered)
        await note("OK", of: mapping)
        return .succeeded(body, response)
      case .functionError(let error):
        end(.failed, error.hopReason)
        self.count(.invoked, count, mapping)
        self.count(.failedInvoke, count, mapping)
        await note("PROBLEM: Function call failed", of: mapping)
        response.isFunctionError = true
        return .functionFailed(response)
      case .systemError(let reason): throw LambdaFailure(description: reason)
      }
    } catch {
      end(.failure(of: error), InvocationHops.reason(error))
      self.count(.failedInvoke, count, mapping)
      let isThrottled = (error as? AWSError)?.status == 429
      if !isThrottled {
        logger.warning("a batch of a stream could not be handed to its function", metadata: [
          "mapping": "\(mapping.uuid)", "shard": "\(shard)", "error": "\(error)",
        ])
      }
      await note(isThrottled ? "PROBLEM: Function throttled" : "PROBLEM: Function call failed", of: mapping)
      return .notRun
    }
  }

  /// Tells the destination, when there is one. Never throws: what cannot be delivered is lost, as on AWS, and the log says so.
  func discard(_ discard: StreamDiscard, _ mapping: EventSourceMapping, _ shard: String) async {
    let count = discard.batch.records.count
    self.count(.dropped, count, mapping)
    var record = StreamFailureRecord(discard: discard, mapping: mapping, shard: shard, requestID: ambient.uuid(), time: now)
    var metadata: Logger.Metadata = [
      "mapping": "\(mapping.uuid)", "shard": "\(shard)", "records": "\(count)", "condition": "\(discard.condition.rawValue)",
    ]
    guard let target = mapping.stream?.onFailure else {
      return logger.notice("records of a stream were given up", metadata: metadata)
    }
    do {
      let caller = try await caller(mapping)
      if target.service == "s3" {
        let role = if case .role(let session) = caller.principal { session.roleARN } else { "" }
        record.payload = StreamEvent(source: mapping.source, shard: shard, role: role).payload(ShardLane.Call(batch: discard.batch))
        try await targets.keep(record.json, below: "\(mapping.uuid)/\(shard)", in: target, as: caller)
      } else {
        try await targets.send(OutgoingMessage(body: record.json.utf8Text, traceHeader: caller.trace.header), to: target, as: caller)
      }
      self.count(.delivered, count, mapping)
    } catch {
      metrics.add(
        .destinationDeliveryFailures, of: MetricTarget(mapping.function, qualifier: mapping.qualifier), at: now)
      metadata["destination"] = "\(target)"
      metadata["error"] = "\(error)"
      logger.error("records of a stream were given up, and their destination could not be told", metadata: metadata)
    }
  }

  private func caller(_ mapping: EventSourceMapping) async throws -> Caller {
    let version = try await control.resolve(FunctionName(id: mapping.function, qualifier: mapping.qualifier)).version
    let session = try await roles.session(
      role: version.role, sessionName: version.id.name,
      by: ServicePrincipal("lambda.amazonaws.com", sourceARN: version.id.arn.text, sourceAccount: version.id.account))
    return Caller(principal: .role(session), account: version.id.account, region: version.id.region, trace: TraceContext(ambient))
  }

  // MARK: The store

  /// - Returns: false when another one reads the shard or the mapping is gone; nil when the store failed, and the position is
  ///   saved with the next batch.
  func save(_ row: ShardRow, _ mapping: EventSourceMapping, _ shard: String) async -> Bool? {
    do {
      return try await control.store.transact { try ShardRows.save(row, shard, of: mapping.uuid, in: $0) }
    } catch {
      logger.error("the position in a shard could not be saved", metadata: [
        "mapping": "\(mapping.uuid)", "shard": "\(shard)", "error": "\(error)",
      ])
      return nil
    }
  }

  /// What the last batch came to; written only when it is something else than before.
  private func note(_ result: String, of mapping: EventSourceMapping) async {
    let known = try? await control.store.read { try $0.get(Keys.mappingResult(mapping.uuid)) }
    guard known != Array(result.utf8) else { return }
    try? await control.store.transact { try ShardRows.note(result, of: mapping.uuid, in: $0) }
  }
}
