import Base

// SnapStart: an environment that has been initialised ahead waits to be restored for its first invocation.
extension EnvironmentMachine {
  mutating func restoreAsked(_ now: Duration) -> [Action] {
    guard initialization == .snapStart, case .booting(let boot) = state, !boot.isRuntimeReady else { return [.rejectRequest] }
    extensions.close()
    // Extensions are initialised beside the runtime; a snapshot does not wait for them.
    let told: [Action] =
      [.limit, .tell(.initRuntimeDone(boot.phase, .success))] + extensionStates
      + [.tell(.initReport(boot.phase, now - boot.began, .success))]
    state = .snapshotted
    guard let invocation = boot.invocation else { return told + [.free] }
    return told + restore(for: invocation, now)
  }

  mutating func restore(for invocation: Invocation, _ now: Duration) -> [Action] {
    state = .restoring(Restore(invocation: invocation, began: now))
    return [.beginLog, .tell(.restoreStart), .restore]
  }

  /// The runtime has run its hooks and asks for work.
  mutating func restored(_ restore: Restore, _ now: Duration) -> [Action] {
    let duration = now - restore.began
    let run = Run(
      invocation: restore.invocation, began: now, deadline: now + timeout, restoreDuration: duration, delivered: now)
    return [.tell(.restoreRuntimeDone(.success)), .tell(.restoreReport(duration, .success))] + deliver(run)
  }

  mutating func restoreFailed(_ error: FunctionError, _ now: Duration) -> [Action] {
    guard case .restoring(let restore) = state else { return [.rejectRequest] }
    return endRestore(restore, error, .init(status: "error", errorType: error.type ?? "Runtime.Unknown"), now)
  }

  mutating func endRestore(
    _ restore: Restore, _ error: FunctionError, _ how: PlatformEvent.Ending, _ now: Duration
  ) -> [Action] {
    let duration = now - restore.began
    let usage = Usage(duration: .zero, restoreDuration: duration, status: how.status, errorType: how.errorType)
    return [
      .tell(.restoreRuntimeDone(how)), .tell(.restoreReport(duration, how)), .tell(.start(restore.invocation)),
      .finish(restore.invocation, .functionError(error), usage),
    ] + end(.reset(isFree: false, queued: nil), how.status == "timeout" ? .timeout : .failure, now)
  }
}
