import Base

/// What follows from what others tell an execution.
extension DurableMachine {
  /// Stopping what has ended changes nothing.
  mutating func stop(_ error: DurableError?, at now: Instant) { end(.stopped, error: error ?? DurableError(), at: now) }

  /// The answer to a callback.
  /// - Returns: false when nobody waits for it any more.
  mutating func complete(callback id: String, of operation: String, with answer: DurableAnswer, at now: Instant) throws -> Bool {
    guard var operation = try waiting(for: id, operation, at: now) else { return false }
    operation.ended = now
    switch answer {
    case .success(let result):
      (operation.status, operation.result) = (.succeeded, result)
      try tell(operation, at: now)
      record(.callbackSucceeded(result: result), of: operation, at: now)
    case .failure(let error):
      (operation.status, operation.error) = (.failed, error)
      try tell(operation, at: now)
      record(.callbackFailed(error), of: operation, at: now)
    }
    return true
  }

  mutating func heartbeat(callback id: String, of operation: String, at now: Instant) throws -> Bool {
    guard var operation = try waiting(for: id, operation, at: now), case .callback(var callback) = operation.details else {
      return false
    }
    guard let heartbeat = callback.heartbeat else { return true }
    callback.heartbeatDeadline = now + .seconds(heartbeat)
    operation.details = .callback(callback)
    try put(operation)
    return true
  }

  /// A callback whose time has come is over even before anybody has noted it.
  private func waiting(for id: String, _ operation: String, at now: Instant) throws -> DurableOperation? {
    guard execution.status == .running, execution.deadline > now, let operation = try self.operation(operation),
      case .callback(let callback) = operation.details, callback.id == id, operation.status == .started,
      (operation.due ?? .distantFuture) > now
    else { return nil }
    return operation
  }
}

enum DurableAnswer: Sendable, Equatable {
  case success(String?)
  case failure(DurableError?)
}
