import Base
import Fabric
import Logging
import Store
import Synchronization

/// The durable queue of asynchronous invocations: an event is kept until its function has handled it or it is given up.
final class AsyncQueue: Sendable {
  /// Events looked at in one transaction.
  private static let step = 200

  private let rows: AsyncEventRows
  private let control: ControlPlane
  private let invoker: Invoker
  private let executions: DurableExecutions
  private let deadLetters: DeadLetters
  private let destinations: Destinations
  private let metrics: FunctionMetrics
  private let hops: InvocationHops
  private let chaos: Chaos
  private let ambient: Ambient
  private let logger: Logger
  private let nudge = Nudge()
  private let seats = Mutex(AsyncSeats())

  init(
    store: any Store, control: ControlPlane, invoker: Invoker, executions: DurableExecutions, deadLetters: DeadLetters,
    destinations: Destinations, metrics: FunctionMetrics, hops: InvocationHops, chaos: Chaos, ambient: Ambient, logger: Logger
  ) {
    (self.hops, self.chaos) = (hops, chaos)
    rows = AsyncEventRows(store: store)
    (self.control, self.invoker, self.executions) = (control, invoker, executions)
    (self.deadLetters, self.destinations, self.metrics) = (deadLetters, destinations, metrics)
    (self.ambient, self.logger) = (ambient, logger)
  }

  /// Returns once the event is durable.
  func accept(_ event: AsyncEvent) async throws {
    try await rows.add(event, due: event.acceptedAt)
    metrics.add(.asyncEventsReceived, of: event.metricTarget, at: event.acceptedAt)
    nudge.nudge()
  }

  func removeAll(of account: AccountID) async throws { try await rows.removeAll(of: account) }
  /// Each counted up to 1,000.
  func counts() async throws -> (due: Int, taken: Int) { try await rows.counts(limit: 1000) }

  /// Works until cancelled; what is under way then is finished first.
  func run() async {
    // What another life of this server had begun was not finished by it.
    while !Task.isCancelled {
      do { try await rows.recover(at: ambient.now); break } catch { await pause(error) }
    }
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        do {
          let next = try await dispatch(&group)
          if let next { await nudge.wait(until: next, clock: ambient.clock) } else { await nudge.wait() }
        } catch {
          await pause(error)
        }
      }
    }
  }

  private func pause(_ error: any Error) async {
    logger.error("the asynchronous queue cannot be read", metadata: ["error": "\(error)"])
    try? await ambient.clock.sleepReal(for: .seconds(1))
  }

  /// Starts what is due; returns when the next event will be.
  private func dispatch(_ group: inout DiscardingTaskGroup) async throws -> Instant? {
    for function in rows.queued {
      let room = seats.withLock { $0.room(of: function) }
      if room > 0 { begin(try await rows.takeQueued(of: function, limit: room), &group) }
    }
    let (events, next) = try await rows.take(upTo: ambient.now, limit: Self.step, seats: seats.withLock { $0 })
    begin(events, &group)
    return next
  }

  private func begin(_ events: [AsyncEvent], _ group: inout DiscardingTaskGroup) {
    seats.withLock { seats in for event in events { seats.enter(event.function) } }
    for event in events {
      group.addTask {
        await self.attempt(event)
        self.seats.withLock { $0.leave(event.function) }
        self.nudge.nudge()
      }
    }
  }

  private func attempt(_ event: AsyncEvent) async {
    let hop = hops.begin(event.trace)
    let name = FunctionName(id: event.function, qualifier: event.qualifier)
    let resolved: ResolvedFunction
    do { resolved = try await control.resolve(name) } catch {
      let isGone = (error as? AWSError)?.code == "ResourceNotFoundException"
      await settle(event, isGone ? .functionGone : .notRun(reason: "\(error)"), nil, nil, hop)
      return
    }
    guard !AsyncRetry.isTooOld(event, settings: resolved.asynchronous, now: ambient.now) else {
      return await settle(event, .tooOld, nil, resolved, hop)
    }
    if resolved.version.durable != nil { return await start(event, name, resolved, hop) }
    let (attempt, response) = await invoke(event, name, resolved, hop.trace)
    await settle(event, attempt, response, resolved, hop)
  }

  /// The event of a durable function becomes an execution, which has retries, dead letter and destinations of its own. Its
  /// name is the event's id, so that an event which is tried again finds its execution.
  private func start(_ event: AsyncEvent, _ name: FunctionName, _ resolved: ResolvedFunction, _ hop: OpenHop) async {
    do {
      guard name.qualifier != nil else { throw LambdaError.unqualifiedDurable() }
      _ = try await executions.start(
        resolved, name: event.requestID, payload: event.payload,
        origin: .asynchronous(requestID: event.requestID, qualifier: name.qualifier), trace: hop.trace)
      hops.end(hop, "invoke", of: event, .delivered)
      try await rows.complete(event)
    } catch let error as AWSError where error.code == "DurableExecutionAlreadyStartedException" {
      // Under this event's own name: by an earlier life of the server, of what the alias meant then.
      try? await rows.complete(event)
    } catch let error as AWSError where error.fault == .client && error.status != 429 {
      await settle(event, .functionFailed(FunctionError.make(error.code, error.message)), nil, resolved, hop)
    } catch {
      await settle(event, .notRun(reason: "\(error)"), nil, resolved, hop)
    }
  }

  private func invoke(
    _ event: AsyncEvent, _ name: FunctionName, _ resolved: ResolvedFunction, _ trace: TraceContext
  ) async -> (AsyncAttempt, AsyncResponse?) {
    if resolved.reservedConcurrency == 0 { return (.stoppedByZeroReservation, nil) }
    let now = ambient.now
    metrics.add(.asyncEventAge, Double(max(0, (now - event.acceptedAt).inMilliseconds)), of: event.metricTarget, at: now)
    do {
      let (_, result) = try await chaos.invoking(resolved.version, ChaosPoint(event, trace), requestID: event.requestID) { again in
        try await invoker.invoke(
          resolved, payload: event.payload, requestID: event.requestID, invokedARN: name.arn, trace: again ?? trace)
      }
      switch result.outcome {
      case .success(let body):
        return (.succeeded, AsyncResponse(executedVersion: result.executedVersion, isError: false, body: body))
      case .functionError(let error):
        return (
          .functionFailed(error), AsyncResponse(executedVersion: result.executedVersion, isError: true, body: error.body)
        )
      case .systemError(let reason): return (.notRun(reason: reason), nil)
      }
    } catch let error as AWSError where error.code == "RecursiveInvocationException" {
      return (.recursion, nil)
    } catch {
      return (.notRun(reason: "\(error)"), nil)
    }
  }

  private func settle(
    _ tried: AsyncEvent, _ attempt: AsyncAttempt, _ response: AsyncResponse?, _ resolved: ResolvedFunction?, _ hop: OpenHop
  ) async {
    var event = tried
    if let response, response.isError, resolved?.asynchronous?.onFailure != nil { event.lastResponse = response }
    let action = AsyncRetry.after(attempt, of: event, settings: resolved?.asynchronous, now: ambient.now)
    do {
      var caused = event
      caused.trace = hop.trace
      switch action {
      case .complete:
        hops.end(hop, "invoke", of: tried, .delivered)
        let target = resolved?.asynchronous?.onSuccess
        try await end(caused, .success, event.failures + 1, response, target, resolved)
      case .retry(let changed, let due):
        hops.end(hop, "invoke", of: tried, .retried(at: due), attempt.hopReason)
        try await rows.putBack(changed, due: due)
      case .giveUp(let reason):
        metrics.add(.asyncEventsDropped, of: event.metricTarget, at: ambient.now)
        let letter = await deadLetters.take(caused, reason, resolved?.version)
        let place = letter ?? resolved?.asynchronous?.onFailure
        hops.end(
          hop, "invoke", of: tried, place.map { .deadLettered(to: $0.text) } ?? .dropped,
          [reason.description, reason.isRetriesExhausted ? nil : attempt.hopReason].compactMap { $0 }.joined(separator: "; "))
        let runs = event.failures + (response == nil ? 0 : 1)
        try await end(caused, reason.condition, runs, event.lastResponse, resolved?.asynchronous?.onFailure, resolved)
      }
    } catch {
      // The row stays taken: the event is tried again by the next life of the server, which at-least-once allows.
      logger.error("an asynchronous event could not be settled", metadata: ["request": "\(event.requestID)", "error": "\(error)"])
    }
  }

  /// The event is over: its destination is told.
  private func end(
    _ event: AsyncEvent, _ condition: InvocationRecord.Condition, _ runs: Int, _ response: AsyncResponse?, _ target: ARN?,
    _ resolved: ResolvedFunction?
  ) async throws {
    guard let target, let function = resolved?.version else { return try await rows.complete(event) }
    let record = InvocationRecord(event: event, condition: condition, invocations: runs, response: response, time: ambient.now)
    let follower = await destinations.take(record, for: target, of: function)
    try await rows.complete(event, followedBy: follower.map { [$0] } ?? [])
    if let follower {
      metrics.add(.asyncEventsReceived, of: follower.metricTarget, at: follower.acceptedAt)
      nudge.nudge()
    }
  }
}

extension InvocationHops {
  /// An attempt of the event.
  fileprivate func end(_ hop: OpenHop, _ action: String, of event: AsyncEvent, _ outcome: HopOutcome, _ reason: String? = nil) {
    let name = FunctionName(id: event.function, qualifier: event.qualifier)
    end(
      hop, action, of: event.function, from: name.arn, to: name.arn, attempt: event.failures + event.refusals + 1, outcome, reason)
  }
}

extension AsyncGiveUp {
  /// Its description tells the last error.
  fileprivate var isRetriesExhausted: Bool { if case .retriesExhausted = self { true } else { false } }
}
