import Base

// Answers that the runtime sends piece by piece.
extension EnvironmentMachine {
  /// The invocation that runs; nil when none does.
  var running: Invocation? { if case .running(let run) = state { run.invocation } else { nil } }

  mutating func streamBegan(_ requestID: String) -> [Action] {
    guard case .running(var run) = state, run.invocation.requestID == requestID, case .none = run.stream else { return [.rejectRequest] }
    run.stream = .streaming
    state = .running(run)
    return []
  }

  /// Whether the process is at its end or only its connection: what follows must not hang on which is noticed first.
  mutating func streamBroke(_ requestID: String) -> [Action] {
    guard case .running(var run) = state, run.invocation.requestID == requestID, case .streaming = run.stream else { return [] }
    run.stream = .broken
    state = .running(run)
    return [extensions.hasExternal ? .killRuntime : .kill]
  }
}

extension EnvironmentMachine.Run {
  /// An answer in one piece only before a stream has begun, and the end of a stream only after.
  func mayAnswer(_ isStreamed: Bool) -> Bool {
    switch stream {
    case .none: !isStreamed
    case .streaming: isStreamed
    case .broken: false
    }
  }

  /// What the caller sees of a failure, and its type for the log: a caller who has a part of the answer learns that the rest is
  /// missing, whatever has failed.
  /// - Parameter wasKilled: perhaps by us, because the stream broke.
  func failure(_ error: FunctionError, wasKilled: Bool) -> (FunctionError, type: String?) {
    switch stream {
    case .none: (error, error.type)
    case .streaming: (.truncated, error.type)
    case .broken: (.truncated, wasKilled ? FunctionError.truncated.type : error.type)
    }
  }
}
