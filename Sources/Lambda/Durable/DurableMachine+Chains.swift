import Base

/// What follows from chained invocations.
extension DurableMachine {
  mutating func applyChain(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    guard update.action == .start else { throw Self.wrongAction }
    guard found == nil else { throw DurableRefusal("Cannot start a CHAINED_INVOKE that already exist.") }
    guard let target = update.target else {
      throw DurableRefusal("Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.")
    }
    if let function = target.function {
      guard function.account == execution.id.function.account else {
        throw DurableRefusal("Cannot start a CHAINED_INVOKE on a function in another account.")
      }
      guard function.region == execution.id.function.region else {
        throw DurableRefusal("Cannot start a CHAINED_INVOKE on a function in another region.")
      }
    }
    try start(update, target, at: now)
  }

  private mutating func start(_ update: DurableUpdate, _ target: DurableTarget, at now: Instant) throws {
    var chain = DurableOperation.Chain(function: target.text, input: update.payload, state: .over)
    var child: DurableExecution?
    var version: String?
    switch target.answer {
    case .plain(let found): (version, chain.state) = (found, .due(now))
    case .durable(let found, let settings):
      (version, chain.state) = (found, .child)
      child = target.function.map { started(by: update.id, $0, found, settings, at: now) }
    case .refused: chain.input = nil
    }
    var operation = begin(update, .chainedInvoke(chain), at: now)
    record(
      .chainedInvokeStarted(
        function: target.text, tenant: target.tenant, input: chain.input, version: version, child: child?.id.arn),
      of: operation, at: now)
    if case .refused(let error) = target.answer {
      operation.ended = now
      try finish(&operation, .failed(error), at: now)
    }
    try put(operation)
    self.update { $0.storedBytes += chain.input?.utf8.count ?? 0 }
    if let child { add(DurableChild(execution: child, input: update.payload)) }
  }

  private func started(
    by operation: String, _ function: FunctionID, _ version: String, _ settings: DurableSettings, at now: Instant
  ) -> DurableExecution {
    let id = DurableExecutionID(
      function: function, version: version, name: secrets.uuid(), id: secrets.uuid())
    return DurableExecution(
      id: id, origin: .chained(by: execution.id, operation: operation), started: now, settings: settings,
      trace: execution.trace.visiting(execution.id.function), lane: .due(now))
  }

  /// A chained invocation is over.
  mutating func complete(chain id: String, with end: DurableChainEnd, at now: Instant) throws {
    guard execution.status == .running, var operation = try operation(id), operation.status == .started,
      case .chainedInvoke(var chain) = operation.details
    else { return }
    if case .refused(let delay) = end {
      chain.refusals += 1
      chain.state = .due(now + (delay ?? Self.refusalDelay(chain.refusals)))
      operation.details = .chainedInvoke(chain)
      return try put(operation)
    }
    chain.state = .over
    (operation.details, operation.ended) = (.chainedInvoke(chain), now)
    try finish(&operation, end, at: now)
    try tell(operation, at: now)
  }

  /// Gives a chained invocation its end, and the history its line.
  mutating func finish(_ operation: inout DurableOperation, _ end: DurableChainEnd, at now: Instant) throws {
    switch end {
    case .succeeded(let result):
      (operation.status, operation.result) = (.succeeded, result)
      record(.chainedInvokeSucceeded(result: result), of: operation, at: now)
    case .failed(let error):
      (operation.status, operation.error) = (.failed, error)
      record(.chainedInvokeFailed(error), of: operation, at: now)
    case .timedOut(let error):
      (operation.status, operation.error) = (.timedOut, error)
      record(.chainedInvokeTimedOut(error), of: operation, at: now)
    case .stopped(let error):
      (operation.status, operation.error) = (.stopped, error)
      record(.chainedInvokeStopped(error), of: operation, at: now)
    case .refused: break
    }
  }

  /// One second, then twice as long each time.
  static func refusalDelay(_ refusals: Int) -> Duration {
    min(.seconds(1 << min(max(refusals - 1, 0), 9)), DurableLimits.longestRefusalDelay)
  }
}

/// How a chained invocation ended.
enum DurableChainEnd: Sendable, Equatable {
  case succeeded(String?)
  case failed(DurableError?)
  case timedOut(DurableError?)
  case stopped(DurableError?)
  /// It could not be run now (throttling, our own failure); it is tried again.
  case refused(after: Duration?)

  /// Of the execution that was started for it.
  init(_ outcome: DurableOutcome, timeout: Int) {
    switch outcome.status {
    case .succeeded: self = .succeeded(outcome.result)
    case .timedOut:
      self = .timedOut(DurableError("CHAINED_INVOKE timed out after \(timeout) seconds.", type: "ChainedInvoke.Timeout"))
    case .stopped: self = .stopped(outcome.error)
    case .failed, .running: self = .failed(outcome.error)
    }
  }
}
