import Base
import Store

/// What durable executions need to have run for them.
struct DurableWork: Sendable {
  /// As it was before.
  var execution: DurableExecution
  var effects: [DurableEffect]
}

extension DurableExecutions {
  /// Lets everything happen whose time has come, in some executions. What is to be done then is noted as taken.
  /// - Returns: also when the next time comes; that may have been already.
  func take(limit: Int) async throws -> (work: [DurableWork], next: Instant?) {
    let now = ambient.now
    return try await store.transact { [secrets] tx in
      var work: [DurableWork] = []
      for (key, _) in try tx.entries(KeyRange(prefix: DurableKeys.wakes), limit: limit) {
        var parts = KeyReader(key, after: DurableKeys.wakes)
        guard try parts.instant() <= now else { break }
        let place = try DurableKeys.execution(from: &parts)
        guard let execution = try DurableRows(tx).execution(at: place) else { try tx.delete(key); continue }
        let effects = try DurableChanges(tx: tx, secrets: secrets, now: now).tick(execution)
        if !effects.isEmpty { work.append(DurableWork(execution: execution, effects: effects)) }
      }
      guard let (key, _) = try tx.first(KeyRange(prefix: DurableKeys.wakes)) else { return (work, nil) }
      var parts = KeyReader(key, after: DurableKeys.wakes)
      return (work, try parts.instant())
    }
  }

  /// What another life of this server had begun was not finished by it.
  func recover() async throws {
    var isMore = true
    while isMore {
      let now = ambient.now
      isMore = try await store.transact { [secrets] tx in
        let left = try tx.entries(KeyRange(prefix: DurableKeys.taken), limit: 100)
        for (key, _) in left {
          try tx.delete(key)
          var parts = KeyReader(key, after: DurableKeys.taken)
          let place = try DurableKeys.execution(from: &parts)
          let operation = try parts.string()
          guard let execution = try DurableRows(tx).execution(at: place) else { continue }
          try DurableChanges(tx: tx, secrets: secrets, now: now).step(execution) {
            try $0.lost(operation.isEmpty ? nil : operation, at: now)
          }
        }
        return left.count == 100
      }
    }
  }

  /// The event of an invocation; nil when the execution does not wait for it any more.
  func event(for invocation: DurableInvocation, of id: DurableExecutionID) async throws -> [UInt8]? {
    try await store.read { try DurableInvocationEvent.bytes(DurableRows($0), id, invocation) }
  }

  func finish(_ invocation: DurableInvocation, of id: DurableExecutionID, with end: DurableInvocationEnd) async throws {
    try await step(id) { $0.invocationEnded(invocation.id, end, at: $1) }
  }

  func finish(chain operation: String, of id: DurableExecutionID, with end: DurableChainEnd) async throws {
    let now = ambient.now
    try await store.transact { [secrets] tx in
      // An execution that ended meanwhile does not change any more.
      try tx.delete(DurableKeys.taken(id, operation))
      guard let execution = try DurableRows(tx).execution(id) else { return }
      try DurableChanges(tx: tx, secrets: secrets, now: now).step(execution) { try $0.complete(chain: operation, with: end, at: now) }
    }
    nudge.nudge()
  }
}
