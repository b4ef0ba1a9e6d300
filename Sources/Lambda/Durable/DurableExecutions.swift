import Base
import Fabric
import Store

/// The durable executions of all accounts: every change of them is one transaction here. What is to be run for them
/// is left to `DurableRunner`, which `nudge` wakes.
final class DurableExecutions: Sendable {
  let store: any Store
  let ambient: Ambient
  let secrets: DurableSecrets
  let nudge = Nudge()

  init(store: any Store, ambient: Ambient) {
    (self.store, self.ambient, secrets) = (store, ambient, DurableSecrets(ambient: ambient))
  }

  /// Starts an execution of a durable function, or finds the one that was started before under that name with the same input.
  /// - Parameter name: made up when nil.
  /// - Throws: `DurableExecutionAlreadyStartedException` for a name that is taken.
  func start(
    _ resolved: ResolvedFunction, name: String?, payload: [UInt8], origin: DurableExecution.Origin, trace: TraceContext
  ) async throws -> DurableExecution {
    guard let settings = resolved.version.durable else { throw LambdaError.notDurable() }
    let id = DurableExecutionID(
      function: resolved.version.id, version: resolved.version.version, name: name ?? ambient.uuid(), id: ambient.uuid())
    let now = ambient.now
    let execution = DurableExecution(id: id, origin: origin, started: now, settings: settings, trace: trace, lane: .due(now))
    let input = payload.isEmpty ? nil : payload.utf8Text
    let started = try await store.transact { [secrets] tx in
      let rows = DurableRows(tx)
      if let found = try rows.execution(id.function, named: id.name) {
        guard found.id.version == id.version, try rows.input(found.id) == input else {
          throw LambdaError.durableExecutionExists(found.id.arn)
        }
        return found
      }
      guard try rows.running(id.function) < DurableLimits.running else { throw LambdaError.tooManyDurableExecutions() }
      try DurableChanges(tx: tx, secrets: secrets, now: now).start(execution, input: input)
      return execution
    }
    nudge.nudge()
    return started
  }

  /// Waits for the end of an execution. Cancelling the task ends the wait, not the execution.
  func outcome(of id: DurableExecutionID) async throws -> DurableOutcome {
    let changes = store.watch(DurableKeys.execution(id))
    if let outcome = try await ended(id) { return outcome }
    for await _ in changes {
      if let outcome = try await ended(id) { return outcome }
    }
    throw LambdaError.service("nobody waits any more for the end of \(id.arn)")
  }

  private func ended(_ id: DurableExecutionID) async throws -> DurableOutcome? {
    try await store.read { reader in
      let rows = DurableRows(reader)
      guard let execution = try rows.execution(id) else { throw LambdaError.noDurableExecution() }
      return try rows.outcome(execution)
    }
  }

  /// A step of the machine; nil when there is no such execution.
  @discardableResult
  func step<T: Sendable>(
    _ id: DurableExecutionID, _ body: @escaping @Sendable (inout DurableMachine, Instant) throws -> T
  ) async throws -> T? {
    let now = ambient.now
    let result: T? = try await store.transact { [secrets] tx in
      guard let execution = try DurableRows(tx).execution(id) else { return nil }
      return try DurableChanges(tx: tx, secrets: secrets, now: now).step(execution) { try body(&$0, now) }
    }
    nudge.nudge()
    return result
  }

  func stop(_ id: DurableExecutionID, _ error: DurableError?) async throws -> Instant {
    let ended = try await step(id) { machine, now in
      machine.stop(error, at: now)
      return machine.execution.ended ?? now
    }
    guard let ended else { throw LambdaError.noDurableExecution() }
    return ended
  }

  func complete(callback id: String, with answer: DurableAnswer) async throws {
    guard let (execution, operation) = DurableSecrets.place(ofCallback: id) else { throw LambdaError.invalidCallback() }
    let isDone = try await step(execution) { try $0.complete(callback: id, of: operation, with: answer, at: $1) }
    guard isDone == true else { throw LambdaError.callbackOver() }
  }

  func heartbeat(callback id: String) async throws {
    guard let (execution, operation) = DurableSecrets.place(ofCallback: id) else { throw LambdaError.invalidCallback() }
    let isAlive = try await step(execution) { try $0.heartbeat(callback: id, of: operation, at: $1) }
    guard isAlive == true else { throw LambdaError.callbackOver() }
  }

  /// Removes all executions of an account. What runs for them finds nothing to go on with.
  func removeAll(of account: AccountID) async throws {
    try await store.transact { tx in
      let prefix = DurableKeys.executions.appending(account)
      try tx.scan(KeyRange(prefix: prefix)) { _, row in
        if let wake = try DurableExecution.wake(ofRow: row) {
          try tx.delete(DurableKeys.wake(try DurableExecution(row: row).id, wake))
        }
        return true
      }
      for prefix in DurableKeys.all(of: account) { try tx.deleteAll(KeyRange(prefix: prefix)) }
    }
  }
}

// What the function asks for while it runs

extension DurableExecutions {
  /// - Returns: the token of the next checkpoint, nil when the execution has ended, and what the function has not seen yet.
  func checkpoint(
    _ id: DurableExecutionID, token: String, clientToken: String?, _ updates: [DurableUpdate]
  ) async throws -> (token: String?, operations: [DurableOperation]) {
    let now = ambient.now
    let answer = try await store.transact { [secrets] tx in
      let rows = DurableRows(tx)
      if let (token, shown) = try Self.repeated(rows, id, token, clientToken, secrets, now) { return (token, shown) }
      let execution = try Self.current(rows, id, token, at: now)
      let due = try rows.due(id, upTo: now)
      do {
        return try DurableChanges(tx: tx, secrets: secrets, now: now).step(execution) { machine in
          let shown = try machine.checkpoint(updates, token: token, clientToken: clientToken, due: due, at: now)
          return (machine.execution.token, try shown.compactMap { try machine.operation($0) })
        }
      } catch let refusal as DurableRefusal {
        throw LambdaError.invalidParameter(refusal.description)
      }
    }
    nudge.nudge()
    return answer
  }

  private static func repeated(
    _ rows: DurableRows, _ id: DurableExecutionID, _ token: String, _ clientToken: String?, _ secrets: DurableSecrets, _ now: Instant
  ) throws -> (token: String?, operations: [DurableOperation])? {
    guard let execution = try rows.execution(id) else { return nil }
    let machine = DurableMachine(execution, secrets: secrets) { try rows.operation(id, $0) }
    guard let shown = machine.repeated(token: token, clientToken: clientToken, at: now) else { return nil }
    return (execution.token, try shown.compactMap { try rows.operation(id, $0) })
  }

  /// The execution, if the token is that of its running invocation.
  private static func current(
    _ rows: DurableRows, _ id: DurableExecutionID, _ token: String, at now: Instant
  ) throws -> DurableExecution {
    if let owner = DurableSecrets.execution(ofToken: token), owner != id.id { throw LambdaError.foreignToken() }
    guard let execution = try rows.execution(id), execution.token == token, execution.status == .running,
      execution.deadline > now
    else { throw LambdaError.invalidToken() }
    return execution
  }

  /// A page of the operations that a replay needs; on the first one the execution itself.
  func state(
    _ id: DurableExecutionID, token: String, marker: String?, limit: Int
  ) async throws -> (operations: [OperationShape], next: String?) {
    let now = ambient.now
    let from = try marker.flatMap { $0.isEmpty ? nil : $0 }.map { text in
      guard let number = Int(text), number >= 0 else { throw LambdaError.invalidMarker() }
      return number
    }
    return try await store.read { reader in
      let rows = DurableRows(reader)
      let execution = try Self.current(rows, id, token, at: now)
      var page: [OperationShape] = from == nil ? [OperationShape(execution, input: try rows.input(id))] : []
      var bytes = 0
      let next = try rows.replayed(id, from: from ?? 0) { operation in
        guard page.count < limit, bytes <= DurableLimits.pageBytes else { return false }
        page.append(OperationShape(operation))
        bytes += operation.size
        return true
      }
      return (page, next.map(String.init))
    }
  }
}

extension DurableRows {
  /// The operations that a replay needs: without what lies below a context that has ended.
  /// - Parameters:
  ///   - from: the sequence number to begin with.
  ///   - body: false where it has no room for the operation.
  /// - Returns: the sequence number of the first operation that was not taken.
  func replayed(_ id: DurableExecutionID, from: Int, _ body: (DurableOperation) throws -> Bool) throws -> Int? {
    var hidden: Set<String> = []
    var next: Int?
    try operations(id) { operation in
      let isHidden = operation.parent.map(hidden.contains) ?? false
      if isHidden || operation.hidesChildren { hidden.insert(operation.id) }
      guard !isHidden, operation.sequence >= from else { return true }
      guard try body(operation) else { next = operation.sequence; return false }
      return true
    }
    return next
  }
}
