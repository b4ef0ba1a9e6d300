import Base

/// Decides what follows for a durable execution from checkpoints, time, answers and signals. It sees the execution and, by
/// `find`, its operations; what a step changed is in `changed`, `events`, `outcome` and `children` and is stored as a whole or not at all.
struct DurableMachine {
  private(set) var execution: DurableExecution
  /// Operations that were looked at, as they are now.
  private(set) var operations: [String: DurableOperation] = [:]
  /// When operations changed in this step, by a count of all changes.
  private var changes: [String: Int] = [:]
  private var changeCount = 0
  private(set) var events: [DurableEvent] = []
  /// The execution ended in this step.
  private(set) var outcome: DurableOutcome?
  /// Executions that this step started.
  private(set) var children: [DurableChild] = []

  let secrets: DurableSecrets
  private let find: (String) throws -> DurableOperation?

  init(_ execution: DurableExecution, secrets: DurableSecrets, find: @escaping (String) throws -> DurableOperation?) {
    (self.execution, self.secrets, self.find) = (execution, secrets, find)
  }

  /// A new execution, whose first invocation is due.
  init(starting execution: DurableExecution, input: String?, secrets: DurableSecrets) {
    self.init(execution, secrets: secrets) { _ in nil }
    self.execution.storedBytes = input?.utf8.count ?? 0
    record(.executionStarted(input: input, timeout: execution.settings.executionTimeout), at: execution.started)
  }

  func operation(_ id: String) throws -> DurableOperation? { try operations[id] ?? find(id) }

  // What the parts of the machine share.

  /// Keeps an operation as it is now.
  mutating func put(_ operation: DurableOperation) throws {
    let before = try self.operation(operation.id)
    execution.pending += (operation.isPending ? 1 : 0) - (before?.isPending == true ? 1 : 0)
    // The history keeps what an earlier attempt came to.
    execution.storedBytes += operation.size - (operation.isLaterAttempt(than: before) ? 0 : before?.size ?? 0)
    operations[operation.id] = operation
    changeCount += 1
    changes[operation.id] = changeCount
  }

  /// Ids of operations that changed in this step, in the order of their last changes.
  var changed: [String] { changes.sorted { $0.value < $1.value }.map(\.key) }

  /// A new line of the history, of an operation or of the execution itself.
  mutating func record(_ details: DurableEvent.Details, of operation: DurableOperation? = nil, at now: Instant) {
    execution.eventCount += 1
    var event = DurableEvent(number: execution.eventCount, time: now, details: details)
    if let operation {
      (event.operation, event.name) = (operation.id, operation.name)
      (event.subType, event.parent) = (operation.subType, operation.parent)
    } else if case .invocationCompleted = details {
    } else {
      (event.operation, event.name) = (execution.id.id, execution.id.name)
    }
    events.append(event)
  }

  /// Something that the function did not do itself changed an operation: it is to hear of it.
  mutating func tell(_ operation: DurableOperation, at now: Instant) throws {
    try put(operation)
    execution.unseen.removeAll { $0 == operation.id }
    execution.unseen.append(operation.id)
    if case .idle = execution.lane { execution.lane = .due(now) }
  }

  mutating func end(_ status: DurableExecution.Status, result: String? = nil, error: DurableError? = nil, at now: Instant) {
    guard execution.status == .running else { return }
    (execution.status, execution.ended, execution.token) = (status, now, nil)
    (execution.unseen, execution.pending) = ([], 0)
    outcome = DurableOutcome(status: status, result: result, error: error)
    switch status {
    case .running: preconditionFailure("an execution does not end by running")
    case .succeeded: record(.executionSucceeded(result: result), at: now)
    case .failed: record(.executionFailed(error), at: now)
    case .timedOut: record(.executionTimedOut(error ?? DurableError()), at: now)
    case .stopped: record(.executionStopped(error ?? DurableError()), at: now)
    }
    execution.lastEvent = execution.eventCount
    // A running invocation still gets its line in the history.
    if case .running = execution.lane { return }
    leaveLane(at: now)
  }

  /// The execution has ended and nothing runs for it.
  private mutating func leaveLane(at now: Instant) {
    if case .asynchronous = execution.origin { execution.lane = .reportDue(now) } else { execution.lane = .over }
  }

  mutating func setLane(_ lane: DurableExecution.Lane) { execution.lane = lane }
  mutating func update(_ body: (inout DurableExecution) -> Void) { body(&execution) }
  mutating func add(_ child: DurableChild) { children.append(child) }

  /// The invocation is over; what becomes of an execution that ended meanwhile.
  /// - Parameter unheard: what the function was to hear of, and perhaps did not.
  /// - Returns: whether the execution goes on.
  mutating func leaveInvocation(unheard: [String] = [], at now: Instant) -> Bool {
    execution.token = nil
    guard execution.status == .running else { leaveLane(at: now); return false }
    let changedSince = Set(execution.unseen)
    execution.unseen = unheard.filter { !changedSince.contains($0) } + execution.unseen
    return true
  }
}

/// An execution to start together with the step that asked for it.
struct DurableChild: Sendable, Equatable {
  var execution: DurableExecution
  var input: String?
}

/// What is to be done once a step is stored.
enum DurableEffect: Sendable, Equatable {
  case invoke(DurableInvocation)
  /// Invoke the function that an operation names.
  case chain(operation: String)
  /// Tell dead-letter queue and destinations of the end.
  case report
  /// The execution is no longer kept.
  case forget
}

// Time

extension DurableMachine {
  /// Lets everything happen whose time has come.
  /// - Parameter due: operations that may be due.
  mutating func tick(due: [String], at now: Instant) throws -> [DurableEffect] {
    var effects: [DurableEffect] = []
    if execution.status == .running, execution.deadline <= now {
      let error = DurableError("Execution timed out after \(execution.settings.executionTimeout) seconds.")
      end(.timedOut, error: error, at: now)
    }
    if execution.status == .running { effects = try fire(due, at: now) }
    switch execution.lane {
    case .due(let time) where time <= now && execution.status == .running: effects.append(.invoke(startInvocation(at: now)))
    case .reportDue(let time) where time <= now:
      setLane(.reporting)
      effects.append(.report)
    case .over: if let until = execution.retainedUntil, until <= now { effects.append(.forget) }
    default: break
    }
    return effects
  }

  /// Completes waits, pauses between attempts and callbacks whose time has come, and starts chained invocations.
  mutating func fire(_ due: [String], at now: Instant) throws -> [DurableEffect] {
    var effects: [DurableEffect] = []
    for id in due {
      guard var operation = try operation(id), let time = operation.due, time <= now else { continue }
      switch operation.details {
      case .wait(let seconds, _):
        (operation.status, operation.ended) = (.succeeded, now)
        try tell(operation, at: now)
        record(.waitSucceeded(seconds: seconds), of: operation, at: now)
      case .step(let attempt, _):
        (operation.status, operation.details) = (.ready, .step(attempt: attempt, next: nil))
        try tell(operation, at: now)
      case .callback(let callback): try timeOut(&operation, callback, at: now)
      case .chainedInvoke(var chain):
        chain.state = .running
        operation.details = .chainedInvoke(chain)
        try put(operation)
        effects.append(.chain(operation: id))
      case .context: break
      }
    }
    return effects
  }

  private mutating func timeOut(_ operation: inout DurableOperation, _ callback: DurableOperation.Callback, at now: Instant) throws {
    let isHeartbeat = (callback.heartbeatDeadline ?? .distantFuture) < (callback.deadline ?? .distantFuture)
    let type = isHeartbeat ? "Callback.Heartbeat" : "Callback.Timeout"
    operation.error = DurableError(isHeartbeat ? "Callback timed out on heartbeat" : "Callback timed out", type: type)
    (operation.status, operation.ended) = (.timedOut, now)
    try tell(operation, at: now)
    record(.callbackTimedOut(DurableError(type: type)), of: operation, at: now)
  }
}
