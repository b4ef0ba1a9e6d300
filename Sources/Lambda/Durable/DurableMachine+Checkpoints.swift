import Base

/// What follows from the checkpoints of the function.
extension DurableMachine {
  /// The operations of the last answer, when this is the last checkpoint once more.
  func repeated(token: String, clientToken: String?, at now: Instant) -> [String]? {
    guard let last = execution.lastCheckpoint, let clientToken, last.clientToken == clientToken, last.token == token,
      execution.token != nil, now - last.time <= DurableLimits.repeatWindow
    else { return nil }
    return last.operations
  }

  /// Takes all updates, or none of them.
  /// - Parameter due: operations whose time has come; a function that goes on running sees them in the answer.
  /// - Returns: the operations that the function has not seen as they are now.
  mutating func checkpoint(
    _ updates: [DurableUpdate], token: String, clientToken: String?, due: [String], at now: Instant
  ) throws -> [String] {
    // Each operation can be started and ended in one request.
    guard updates.count <= 2 * DurableLimits.operations + 1 else { throw Self.tooManyOperations }
    try Self.checkTogether(updates)
    for update in updates { try apply(update, at: now) }
    guard execution.operationCount <= DurableLimits.operations else { throw Self.tooManyOperations }
    guard execution.storedBytes <= DurableLimits.storedBytes else {
      throw DurableRefusal("The durable execution exceeds the limit of \(DurableLimits.storedBytes) bytes of data.")
    }
    let mine = changed
    guard execution.status == .running else { return mine }
    // Chained invocations are left to the runner.
    let passed = try due.filter { if case .chainedInvoke = try operation($0)?.details { false } else { true } }
    _ = try fire(passed, at: now)
    let known = Set(mine)
    let shown = execution.unseen.filter { !known.contains($0) } + mine
    let next = secrets.token(execution.id)
    update {
      $0.unseen = []
      $0.token = next
      $0.lastCheckpoint = clientToken.map {
        DurableExecution.Checkpoint(token: token, clientToken: $0, operations: shown, time: now)
      }
    }
    return shown
  }

  private static let tooManyOperations = DurableRefusal(
    "The durable execution exceeds the limit of \(DurableLimits.operations) operations.")

  /// The rules for the updates of one request.
  private static func checkTogether(_ updates: [DurableUpdate]) throws {
    guard updates.filter({ $0.kind == .execution }).count <= 1 else {
      throw DurableRefusal("Cannot checkpoint multiple EXECUTION updates.")
    }
    var seen: [String: DurableUpdate] = [:]
    for (place, update) in updates.enumerated() {
      if update.kind == .execution {
        guard place == updates.count - 1 else { throw DurableRefusal("EXECUTION checkpoint must be the last update.") }
        continue
      }
      if let before = seen.updateValue(update, forKey: update.id) {
        guard before.action == .start, before.kind == update.kind, update.action != .start,
          update.kind == .step || update.kind == .context
        else { throw DurableRefusal("Cannot update the same operation twice in a single request.") }
      }
    }
  }

  private mutating func apply(_ update: DurableUpdate, at now: Instant) throws {
    if let error = update.error, error.size >= DurableLimits.errorBytes {
      throw DurableRefusal("Error object size must be less than \(DurableLimits.errorBytes) bytes.")
    }
    if update.kind == .execution { return try close(update, at: now) }
    let limit = update.kind == .chainedInvoke ? DurableLimits.asynchronousPayload : DurableLimits.operationPayload
    guard update.payload?.utf8.count ?? 0 <= limit else {
      let what = update.kind == .chainedInvoke ? "CHAINED_INVOKE input" : update.kind.rawValue
      throw DurableRefusal(Self.tooLarge(what, limit))
    }
    let operation = try operation(update.id)
    if let operation { try Self.checkSame(operation, update) }
    if let parent = update.parent {
      guard try self.operation(parent)?.kind == .context else { throw DurableRefusal("Invalid parent operation id.") }
    }
    switch update.kind {
    case .context: try applyContext(update, operation, at: now)
    case .step: try applyStep(update, operation, at: now)
    case .wait: try applyWait(update, operation, at: now)
    case .callback: try applyCallback(update, operation, at: now)
    case .chainedInvoke: try applyChain(update, operation, at: now)
    case .execution: break
    }
  }

  private static func checkSame(_ operation: DurableOperation, _ update: DurableUpdate) throws {
    guard operation.kind == update.kind else { throw DurableRefusal("Inconsistent operation type.") }
    guard update.subType == nil || update.subType == operation.subType else {
      throw DurableRefusal("Inconsistent operation subtype.")
    }
    guard update.name == nil || update.name == operation.name else { throw DurableRefusal("Inconsistent operation name.") }
    guard update.parent == operation.parent else { throw DurableRefusal("Inconsistent parent operation id.") }
  }

  static let wrongAction = DurableRefusal("Invalid action for the given operation type.")

  private static func checkContent(_ update: DurableUpdate) throws {
    if update.action == .succeed, update.error != nil { throw DurableRefusal("Cannot provide an Error for SUCCEED action.") }
    if update.action == .fail, update.payload != nil { throw DurableRefusal("Cannot provide a Payload for FAIL action.") }
  }

  private mutating func close(_ update: DurableUpdate, at now: Instant) throws {
    guard update.action == .succeed || update.action == .fail else { throw DurableRefusal("Invalid EXECUTION action.") }
    try Self.checkContent(update)
    guard update.payload?.utf8.count ?? 0 <= execution.resultLimit else {
      throw DurableRefusal(Self.tooLarge("Execution output", execution.resultLimit))
    }
    end(update.action == .succeed ? .succeeded : .failed, result: update.payload, error: update.error, at: now)
  }

  mutating func begin(_ update: DurableUpdate, _ details: DurableOperation.Details, at now: Instant) -> DurableOperation {
    let operation = DurableOperation(
      id: update.id, parent: update.parent, name: update.name, subType: update.subType, sequence: execution.operationCount,
      started: now, details: details)
    self.update { $0.operationCount += 1 }
    return operation
  }

  private mutating func applyContext(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    switch update.action {
    case .start:
      guard found == nil else { throw DurableRefusal("Cannot start a CONTEXT that already exist.") }
      let operation = begin(update, .context(replaysChildren: update.replaysChildren), at: now)
      try put(operation)
      record(.contextStarted, of: operation, at: now)
    case .succeed, .fail:
      guard var operation = found, operation.status == .started else {
        throw DurableRefusal("Invalid current CONTEXT state to close.")
      }
      try Self.checkContent(update)
      if let replays = update.replaysChildren { operation.details = .context(replaysChildren: replays) }
      (operation.result, operation.error, operation.ended) = (update.payload, update.error, now)
      operation.status = update.action == .succeed ? .succeeded : .failed
      try put(operation)
      record(
        update.action == .succeed ? .contextSucceeded(result: update.payload) : .contextFailed(update.error), of: operation, at: now)
    case .retry, .cancel: throw Self.wrongAction
    }
  }

  private mutating func applyStep(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    guard (update.action == .retry) == (update.nextAttemptDelay != nil) else {
      if update.action == .cancel { throw Self.wrongAction }
      throw DurableRefusal("Invalid StepOptions for the given action.")
    }
    switch update.action {
    case .start:
      var operation = found ?? begin(update, .step(attempt: 0, next: nil), at: now)
      guard found == nil || operation.status == .ready else { throw DurableRefusal("Invalid current STEP state to start.") }
      operation.status = .started
      try put(operation)
      record(.stepStarted, of: operation, at: now)
    case .succeed, .fail, .retry: try endAttempt(update, found, at: now)
    case .cancel: throw Self.wrongAction
    }
  }

  private mutating func endAttempt(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    try Self.checkContent(update)
    if update.action == .retry, update.payload != nil, update.error != nil {
      throw DurableRefusal("Cannot provide both error and payload to RETRY a STEP.")
    }
    // A function may leave the start out.
    var operation = found ?? begin(update, .step(attempt: 0, next: nil), at: now)
    guard operation.status == .started || operation.status == .ready, case .step(let attempts, _) = operation.details else {
      throw DurableRefusal("Invalid current STEP state to \(update.action == .retry ? "re-attempt" : "close").")
    }
    let attempt = attempts + 1
    (operation.result, operation.error) = (update.payload, update.error)
    let next = update.nextAttemptDelay.map { now + .seconds($0) }
    operation.details = .step(attempt: attempt, next: next)
    switch update.action {
    case .succeed: (operation.status, operation.ended) = (.succeeded, now)
    case .fail: (operation.status, operation.ended) = (.failed, now)
    case .start, .retry, .cancel: operation.status = .pending
    }
    try put(operation)
    // A condition that does not hold yet is tried again without an error.
    let succeeded = update.action == .succeed || update.action == .retry && update.error == nil
    record(
      succeeded
        ? .stepSucceeded(result: update.payload, attempt: attempt, delay: update.nextAttemptDelay)
        : .stepFailed(update.error, attempt: attempt, delay: update.nextAttemptDelay), of: operation, at: now)
  }

  private mutating func applyWait(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    switch update.action {
    case .start:
      guard found == nil else { throw DurableRefusal("Cannot start a WAIT that already exist.") }
      guard let seconds = update.waitSeconds else { throw DurableRefusal("Update for WAIT operation requires WaitOptions.") }
      let end = now + .seconds(seconds)
      let operation = begin(update, .wait(seconds: seconds, end: end), at: now)
      try put(operation)
      record(.waitStarted(seconds: seconds, end: end), of: operation, at: now)
    case .cancel:
      guard var operation = found, operation.status == .started else {
        throw DurableRefusal("Cannot cancel a WAIT that does not exist or has already completed.")
      }
      (operation.status, operation.ended) = (.cancelled, now)
      try put(operation)
      record(.waitCancelled, of: operation, at: now)
    case .succeed, .fail, .retry: throw Self.wrongAction
    }
  }

  private mutating func applyCallback(_ update: DurableUpdate, _ found: DurableOperation?, at now: Instant) throws {
    guard update.action == .start else { throw Self.wrongAction }
    guard found == nil else { throw DurableRefusal("Cannot start a CALLBACK that already exist.") }
    let timeout = update.timeout.flatMap { $0 > 0 ? $0 : nil }
    let heartbeat = update.heartbeat.flatMap { $0 > 0 ? $0 : nil }
    let callback = DurableOperation.Callback(
      id: secrets.callback(execution.id, update.id), heartbeat: heartbeat, deadline: timeout.map { now + .seconds($0) },
      heartbeatDeadline: heartbeat.map { now + .seconds($0) })
    let operation = begin(update, .callback(callback), at: now)
    try put(operation)
    record(.callbackStarted(id: callback.id, heartbeat: heartbeat, timeout: timeout), of: operation, at: now)
  }
}
