import Base

// How processes come to their end: by themselves, by their time, or because the environment is not needed any more.
extension EnvironmentMachine {
  /// The shutdown phase: first the runtime, then the extensions, then whatever is left is killed.
  struct Ending: Sendable {
    enum Stage: Sendable {
      case runtime(until: Duration)
      case extensions(until: Duration)
      /// Nothing lives any more, or it has been killed.
      case killed
    }
    /// What follows when the processes are gone.
    enum Afterwards: Sendable {
      /// - Parameter isFree: the environment was said to be free already, and may be given an invocation at any moment.
      case reset(isFree: Bool, queued: Invocation?)
      case bootFailure(Boot)
      case gone
    }
    var stage: Stage
    var afterwards: Afterwards
    var reason: ShutdownReason
    var began: Duration

    var deadline: Duration? {
      switch stage {
      case .runtime(let until), .extensions(let until): until
      case .killed: nil
      }
    }

    /// False when there is no place for an invocation.
    mutating func takes(_ invocation: Invocation) -> Bool {
      switch afterwards {
      case .reset(let isFree, nil): afterwards = .reset(isFree: isFree, queued: invocation)
      case .bootFailure(var boot) where boot.invocation == nil:
        boot.invocation = invocation
        afterwards = .bootFailure(boot)
      case .reset, .bootFailure, .gone: return false
      }
      return true
    }
  }

  /// AWS: "Shutdown phase". Without extensions nothing is waited for.
  static let shutdownLimit = Duration.milliseconds(2000)
  static let runtimeShutdownLimit = Duration.milliseconds(300)
  static let internalShutdownLimit = Duration.milliseconds(500)

  mutating func end(_ afterwards: Ending.Afterwards, _ reason: ShutdownReason, _ now: Duration) -> [Action] {
    let ending = Ending(stage: .killed, afterwards: afterwards, reason: reason, began: now)
    guard extensions.members.contains(where: \.isAlive) else { return kill(ending) }
    guard isRuntimeRunning else { return shutDownExtensions(ending) }
    var waiting = ending
    waiting.stage = .runtime(until: now + (extensions.hasInternal ? Self.internalShutdownLimit : Self.runtimeShutdownLimit))
    state = .ending(waiting)
    return [.terminateRuntime]
  }

  private mutating func shutDownExtensions(_ ending: Ending) -> [Action] {
    guard extensions.isAwaitedAtShutdown else { return kill(ending) }
    var waiting = ending
    let deadline = ending.began + Self.shutdownLimit
    waiting.stage = .extensions(until: deadline)
    state = .ending(waiting)
    return [.shutDownExtensions(ids: extensions.deliver(.shutdown).map(\.id), ending.reason, deadline: deadline)]
  }

  private mutating func kill(_ ending: Ending) -> [Action] {
    if case .gone = ending.afterwards {
      state = .stopped
      return [.kill, .gone]
    }
    var dying = ending
    dying.stage = .killed
    state = .ending(dying)
    return [.kill]
  }

  /// A process of the function has failed the environment: with what it was doing, it is reset.
  mutating func failed(_ message: String, type: String, wasKilled: Bool = false, _ now: Duration) -> [Action] {
    func error(_ requestID: String) -> FunctionError { .make(type, "RequestId: \(requestID) Error: \(message)") }
    switch state {
    case .booting(var boot):
      boot.failure = boot.failure ?? error(boot.invocation?.requestID ?? "")
      boot.failedAt = now
      return extensionStates + [.tell(.fault(requestID: boot.invocation?.requestID ?? "", message: message, errorType: type))]
        + end(.bootFailure(boot), .failure, now)
    case .restoring(let restore):
      return endRestore(restore, error(restore.invocation.requestID), .init(status: "error", errorType: type), now)
    case .running(let run):
      let (failure, kind) = run.failure(error(run.invocation.requestID), wasKilled: wasKilled)
      return [.tell(.fault(requestID: run.invocation.requestID, message: message, errorType: type))]
        + finish(run, .functionError(failure), status: "error", kind, now)
        + end(.reset(isFree: false, queued: nil), .failure, now)
    case .completing(let run, let outcome):
      return [.tell(.fault(requestID: run.invocation.requestID, message: message, errorType: type))]
        + finish(run, outcome, status: "error", type, now) + end(.reset(isFree: false, queued: nil), .failure, now)
    case .settling(let queued, _): return end(.reset(isFree: true, queued: queued), .failure, now)
    case .ready, .snapshotted: return end(.reset(isFree: true, queued: nil), .failure, now)
    case .ending, .reset, .stopped: return []
    }
  }

  /// Ends an invocation whose environment is not able to go on.
  private mutating func finish(
    _ run: Run, _ outcome: InvocationOutcome, status: String, _ errorType: String?, _ now: Duration
  ) -> [Action] {
    var usage = usage(of: run, now)
    firstInit = nil
    if status == "timeout" { usage.duration = timeout }
    (usage.status, usage.errorType) = (status, errorType)
    return (run.runtimeDone == nil ? [.tell(.runtimeDone(run.invocation, usage))] : []) + [.finish(run.invocation, outcome, usage)]
  }

  mutating func initFailed(_ error: FunctionError, _ now: Duration) -> [Action] {
    guard case .booting(var boot) = state, !boot.isRuntimeReady else { return [.rejectRequest] }
    (boot.failure, boot.failedAt) = (error, now)
    return extensionStates + end(.bootFailure(boot), .failure, now)
  }

  mutating func runtimeEnded(_ end: ProcessEnd, _ now: Duration) -> [Action] {
    isRuntimeRunning = false
    if case .ending(let ending) = state {
      guard case .runtime = ending.stage else { return [] }
      return shutDownExtensions(ending)
    }
    return failed(FunctionError.words(for: end), type: FunctionError.type(of: end), wasKilled: end == .signalled(9), now)
  }

  mutating func extensionNotStarted(_ name: String, _ reason: String, _ type: String, _ now: Duration) -> [Action] {
    extensions.failedToLaunch(name, type: type)
    return failed(reason, type: "Extension.LaunchError", now)
  }

  mutating func extensionEnded(_ name: String, _ end: ProcessEnd, _ now: Duration) -> [Action] {
    extensions.ended(name)
    if case .ending(let ending) = state {
      guard case .extensions = ending.stage, !extensions.isAwaitedAtShutdown else { return [] }
      return kill(ending)
    }
    if case .outOfMemory = end { return failed(FunctionError.words(for: end), type: FunctionError.type(of: end), now) }
    return failed(end.asExtension, type: reportedFailure ?? "Extension.Crash", now)
  }

  mutating func exited(_ end: ProcessEnd, _ now: Duration) -> [Action] {
    isRuntimeRunning = false
    switch state {
    case .booting(let boot): return bootFailed(boot, end, now)
    case .restoring(let restore):
      let error = FunctionError.exit(restore.invocation.requestID, end)
      // There is no process any more: what ends it has nothing left to do.
      let actions = endRestore(restore, error, .init(status: "error", errorType: error.type), now)
      state = .reset
      return actions.filter { if case .kill = $0 { false } else { true } } + [.free]
    case .running(let run):
      let (error, type) = run.failure(.exit(run.invocation.requestID, end), wasKilled: end == .signalled(9))
      let words = PlatformEvent.fault(
        requestID: run.invocation.requestID, message: FunctionError.words(for: end), errorType: FunctionError.type(of: end))
      state = .reset
      return [.tell(words)] + finish(run, .functionError(error), status: "error", type, now) + [.free]
    case .completing(let run, let outcome):
      state = .reset
      return finish(run, outcome, status: "error", FunctionError.type(of: end), now) + [.free]
    case .ready, .snapshotted, .settling(nil, _):
      state = .reset
      return []
    case .settling(let queued?, _): return reboot(for: queued, now)
    case .ending(let ending): return ended(ending, end, now)
    case .reset, .stopped: return []
    }
  }

  private mutating func ended(_ ending: Ending, _ end: ProcessEnd, _ now: Duration) -> [Action] {
    switch ending.afterwards {
    case .reset(_, let queued?): return reboot(for: queued, now)
    case .reset(let isFree, nil):
      state = .reset
      return isFree ? [] : [.free]
    case .bootFailure(let boot): return bootFailed(boot, end, now)
    case .gone:
      state = .stopped
      return [.gone]
    }
  }

  private mutating func bootFailed(_ boot: Boot, _ end: ProcessEnd, _ now: Duration) -> [Action] {
    let requestID = boot.invocation?.requestID ?? ""
    let error = boot.failure ?? FunctionError.exit(requestID, end)
    let type = error.type ?? "Runtime.Unknown"
    let how = PlatformEvent.Ending(
      status: boot.hasTimedOut ? "timeout" : "error", errorType: boot.hasTimedOut ? nil : type)
    var actions: [Action] = []
    if boot.failedAt == nil {
      actions = extensionStates + [.tell(.fault(requestID: requestID, message: FunctionError.words(for: end), errorType: type))]
    }
    actions += [
      .tell(.initRuntimeDone(boot.phase, how)), .tell(.initReport(boot.phase, (boot.failedAt ?? now) - boot.began, how)),
    ]
    guard let invocation = boot.invocation else {
      guard initialization == .onDemand else {
        state = .stopped
        return actions + [.initFailed(type: boot.hasTimedOut ? "Sandbox.Timedout" : type)]
      }
      state = .reset
      return actions + [.free]
    }
    guard boot.isSuppressed else { return actions + reboot(for: invocation, now) }
    state = .reset
    // What failed before it knew of the invocation names it now.
    let usage = Usage(duration: (boot.failedAt ?? now) - boot.began, status: "error", errorType: type)
    return actions + [
      .tell(.start(invocation)), .tell(.runtimeDone(invocation, usage)), .finish(invocation, .functionError(error), usage), .free,
    ]
  }

  mutating func launchFailed(_ reason: String) -> [Action] {
    let waiting = waitingInvocation
    state = .stopped
    return (waiting.map { [.finish($0, .systemError(reason), Usage(duration: .zero))] } ?? []) + [.gone]
  }

  private var waitingInvocation: Invocation? {
    switch state {
    case .booting(let boot): boot.invocation
    case .restoring(let restore): restore.invocation
    case .settling(let queued, _): queued
    case .running(let run): run.invocation
    case .completing(let run, _): run.invocation
    case .ending(let ending):
      switch ending.afterwards {
      case .reset(_, let queued): queued
      case .bootFailure(let boot): boot.invocation
      case .gone: nil
      }
    case .ready, .snapshotted, .reset, .stopped: nil
    }
  }

  mutating func ticked(_ now: Duration) -> [Action] {
    guard let deadline, now >= deadline else { return [] }
    switch state {
    case .booting(var boot):
      if boot.isSuppressed, let invocation = boot.invocation {
        let usage = Usage(duration: timeout, status: "timeout")
        return extensionStates + [
          .tell(.start(invocation)), .tell(.runtimeDone(invocation, usage)),
          .finish(invocation, .functionError(.timeout(invocation.requestID, after: timeout)), usage),
        ] + end(.reset(isFree: false, queued: nil), .timeout, now)
      }
      (boot.hasTimedOut, boot.failedAt) = (true, now)
      return extensionStates + end(.bootFailure(boot), .timeout, now)
    case .restoring(let restore):
      let error = FunctionError.timeout(restore.invocation.requestID, after: Self.restoreLimit)
      return endRestore(restore, error, .init(status: "timeout"), now)
    case .running(let run):
      let error = FunctionError.timeout(run.invocation.requestID, after: timeout)
      return finish(run, .functionError(error), status: "timeout", nil, now) + end(.reset(isFree: false, queued: nil), .timeout, now)
    case .completing(let run, let outcome):
      return finish(run, outcome, status: "timeout", nil, now) + end(.reset(isFree: false, queued: nil), .timeout, now)
    case .settling(let queued, _):
      return end(.reset(isFree: true, queued: queued), .timeout, now)
    case .ending(let ending):
      switch ending.stage {
      case .runtime: return [.killRuntime] + shutDownExtensions(ending)
      case .extensions: return kill(ending)
      case .killed: return []
      }
    case .snapshotted, .ready, .reset, .stopped:
      return []
    }
  }

  mutating func stop(_ now: Duration) -> [Action] {
    if case .stopped = state { return [] }
    let finish = waitingInvocation.map {
      [Action.finish($0, .systemError("the environment was stopped"), Usage(duration: .zero))]
    } ?? []
    if case .ending(var ending) = state, ending.deadline != nil {
      ending.afterwards = .gone
      state = .ending(ending)
      return finish
    }
    if case .ending = state { extensions = ExtensionSet() }
    if case .reset = state { extensions = ExtensionSet() }
    return finish + end(.gone, .spindown, now)
  }
}
