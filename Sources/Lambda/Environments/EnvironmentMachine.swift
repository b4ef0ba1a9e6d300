import Base

/// Why an environment is made, as its function sees it in `AWS_LAMBDA_INITIALIZATION_TYPE`.
enum Initialization: String, Sendable {
  /// For an invocation.
  case onDemand = "on-demand"
  /// To be ready before there is one.
  case provisioned = "provisioned-concurrency"
  /// To be initialised ahead and restored for its first invocation.
  case snapStart = "snap-start"
}

/// The life of one execution environment: decides what follows from each event, and does nothing itself.
///
/// An environment outlives its processes: after a crash, a time-out or running out of memory it is *reset*, its /tmp is kept, and
/// the next invocation boots new ones in it (AWS: "Lambda runtime environment lifecycle"). With extensions, its init is over when
/// the runtime and all of them have asked for their first event, and an invocation when they all have asked for the next one.
/// Times are real and monotonic, because function code lives in real time.
struct EnvironmentMachine: Sendable {
  /// - booting may become ready, snapshotted, running, ending, reset or stopped
  /// - snapshotted: initialised ahead, waits to be restored for an invocation; may become restoring, ending, reset or stopped
  /// - restoring may become running, ending or stopped
  /// - ready: all wait for work; may become running, ending, reset or stopped
  /// - running may become settling, completing, ending, reset or stopped
  /// - settling: the answer is out, the runtime has not asked for more; may become ready, running, booting, ending, reset or
  ///   stopped
  /// - completing: the answer is out, the runtime or an extension still works; may become ready, ending or stopped
  /// - ending: its processes are being ended; may become reset, booting or stopped
  /// - reset: there is no process; may become booting or stopped
  enum State: Sendable {
    case booting(Boot)
    case snapshotted
    case restoring(Restore)
    case ready
    case running(Run)
    /// Without extensions only: the environment is free already. A runtime that has not asked for more at the deadline of what it
    /// answered will not do so any more.
    case settling(queued: Invocation?, deadline: Duration)
    case completing(Run, InvocationOutcome)
    case ending(Ending)
    case reset
    case stopped
  }

  struct Boot: Sendable {
    var began: Duration
    var deadline: Duration
    /// The init phase failed before, so it is done over as part of an invocation and under its time-out.
    var isSuppressed: Bool
    var invocation: Invocation?
    /// The runtime has asked for its first invocation; extensions have not all done so.
    var isRuntimeReady = false
    var failure: FunctionError?
    var hasTimedOut = false
    /// Set when it has failed; the processes end after that.
    var failedAt: Duration?

    var phase: PlatformEvent.Phase { isSuppressed ? .invoke : .`init` }
  }

  struct Restore: Sendable {
    var invocation: Invocation
    var began: Duration
  }

  struct Run: Sendable {
    var invocation: Invocation
    var began: Duration
    var deadline: Duration
    /// Set for the first invocation of a cold environment.
    var initDuration: Duration?
    var restoreDuration: Duration?
    /// When the invocation was handed to the runtime: later than `began` after a suppressed init.
    var delivered: Duration
    var answered: Duration?
    /// When the runtime asked for more.
    var runtimeDone: Duration?
    var producedBytes: Int?
    /// Of an error that the runtime has posted.
    var errorType: String?
    var stream = Stream.none
  }

  /// How far a running invocation has come with a streamed answer.
  enum Stream: Sendable {
    /// → streaming
    case none
    /// A part of it is out, perhaps. → broken
    case streaming
    /// The runtime cut it off, and has been killed.
    case broken
  }

  enum Event: Sendable {
    /// A new environment has waited for its turn, and its init phase begins now.
    case turnCame
    /// The sandbox holds programs: these extensions are to be started, then the runtime. Without extensions there is no such event:
    /// the runtime is started with the sandbox.
    case prepared(extensions: [String])
    case assigned(Invocation)
    case nextAsked
    /// The runtime is initialised and waits to be restored (SnapStart).
    case restoreAsked
    case restoreErrorPosted(FunctionError)
    case responded(requestID: String, [UInt8])
    case errorPosted(requestID: String, FunctionError)
    case initErrorPosted(FunctionError)
    /// The runtime sends its answer piece by piece.
    case streamBegan(requestID: String)
    case streamEnded(requestID: String, InvocationOutcome)
    /// The connection of a streamed answer ended before the answer did.
    case streamBroke(requestID: String)
    case extensionAsked(id: String)
    case extensionReported(id: String, isInit: Bool, type: String)
    case extensionNotStarted(name: String, reason: String, type: String)
    case extensionEnded(name: String, ProcessEnd)
    /// The runtime is gone, and extensions are not.
    case runtimeEnded(ProcessEnd)
    /// The sandbox is gone.
    case exited(ProcessEnd)
    case launchFailed(String)
    /// Time has passed; deadlines are looked at.
    case ticked
    case stopAsked
  }

  enum Action: Sendable {
    case launch
    case startExtensions([String])
    case startRuntime
    case kill
    /// The init phase is over: the processes get the share of the processor that the memory size buys.
    case limit
    /// Hands the invocation to the runtime that waits in `next`.
    case deliver(Invocation, deadline: Duration)
    /// Answers extensions that wait for their next event.
    case invokeExtensions(ids: [String], Invocation, deadline: Duration)
    case shutDownExtensions(ids: [String], ShutdownReason, deadline: Duration)
    /// Answers the runtime that waits to be restored.
    case restore
    /// Asks the runtime to end (SIGTERM), then makes it end.
    case terminateRuntime
    case killRuntime
    /// What the caller is shown of the log begins here.
    case beginLog
    case tell(PlatformEvent)
    /// The caller may have the answer; the invocation goes on.
    case answer(Invocation, InvocationOutcome, after: Duration)
    /// The invocation is over: writes END and REPORT and tells whoever waits.
    case finish(Invocation, InvocationOutcome, Usage)
    /// The environment may get another invocation.
    case free
    /// The environment will never run again.
    case gone
    /// It was to be made ready ahead, and its init phase failed with this type of error. It will never run.
    case initFailed(type: String)
    /// The request does not fit the state; it gets 403.
    case rejectRequest
    case refuse(ExtensionSet.Refusal)
  }

  struct Usage: Sendable, Equatable {
    var duration: Duration
    var initDuration: Duration?
    var restoreDuration: Duration?
    /// `timeout` or `error`; nil when the function answered.
    var status: String?
    var errorType: String?
    /// From the start of the invocation until the runtime asked for more.
    var runtimeDuration: Duration?
    /// Until the runtime answered, and from then until it asked for more.
    var responseLatency: Duration?
    var runtimeOverhead: Duration?
    /// From then until the last extension asked for more.
    var extensionOverhead: Duration?
    var producedBytes: Int?
  }

  var state: State
  var extensions = ExtensionSet()
  /// The runtime's process runs, as far as is known.
  var isRuntimeRunning = true
  /// What an extension has told of its failure; its process has yet to end.
  var reportedFailure: String?
  /// How long the init took when nobody waited for it; the first invocation reports it.
  var firstInit: Duration?
  let timeout: Duration
  let initialization: Initialization
  /// The init phase may take 10 s (AWS: "Init phase"); what is initialised ahead may take longer.
  static let initLimit = Duration.seconds(10)
  static let longInitLimit = Duration.seconds(130)
  /// AWS: "Restore phase".
  static let restoreLimit = Duration.seconds(10)

  /// A new environment boots at once; the first action is to launch.
  init(timeout: Duration, initialization: Initialization = .onDemand, now: Duration) {
    (self.timeout, self.initialization) = (timeout, initialization)
    let limit = initialization == .onDemand ? Self.initLimit : max(Self.longInitLimit, timeout)
    state = .booting(Boot(began: now, deadline: now + limit, isSuppressed: false))
  }

  /// When `ticked` is due next, nil while nothing runs out.
  var deadline: Duration? {
    switch state {
    case .booting(let boot): boot.deadline
    case .restoring(let restore): restore.began + Self.restoreLimit
    case .running(let run), .completing(let run, _): run.deadline
    case .settling(_, let deadline): deadline
    case .ending(let ending): ending.deadline
    case .snapshotted, .ready, .reset, .stopped: nil
    }
  }

  /// Nobody in it has anything to do: it may be frozen.
  var isResting: Bool {
    switch state {
    case .ready, .snapshotted: true
    case .booting, .restoring, .running, .settling, .completing, .ending, .reset, .stopped: false
    }
  }

  mutating func handle(_ event: Event, now: Duration) -> [Action] {
    switch event {
    case .turnCame: turnCame(now)
    case .prepared(let names): prepared(names, now)
    case .assigned(let invocation): assigned(invocation, now)
    case .nextAsked: nextAsked(now)
    case .restoreAsked: restoreAsked(now)
    case .restoreErrorPosted(let error): restoreFailed(error, now)
    case .responded(let id, let body): answered(id, .success(body), now)
    case .errorPosted(let id, let error): answered(id, .functionError(error), now)
    case .streamBegan(let id): streamBegan(id)
    case .streamEnded(let id, let outcome): answered(id, outcome, now, isStreamed: true)
    case .streamBroke(let id): streamBroke(id)
    case .initErrorPosted(let error): initFailed(error, now)
    case .extensionAsked(let id): extensionAsked(id, now)
    case .extensionReported(let id, let isInit, let type): extensionReported(id, isInit: isInit, type)
    case .extensionNotStarted(let name, let reason, let type): extensionNotStarted(name, reason, type, now)
    case .extensionEnded(let name, let end): extensionEnded(name, end, now)
    case .runtimeEnded(let end): runtimeEnded(end, now)
    case .exited(let end): exited(end, now)
    case .launchFailed(let reason): launchFailed(reason)
    case .ticked: ticked(now)
    case .stopAsked: stop(now)
    }
  }

  /// An extension introduces itself: it is registered, and perhaps the runtime may start now.
  mutating func register(
    _ name: String, id: String, events: [String], now: Duration
  ) -> Result<[Action], ExtensionSet.Refusal> {
    do throws(ExtensionSet.Refusal) {
      let wasComplete = extensions.hasRegistered
      _ = try extensions.register(name, id: id, events: events)
      guard case .booting = state, !wasComplete, extensions.hasRegistered else { return .success([]) }
      isRuntimeRunning = true
      return .success([.startRuntime])
    } catch {
      return .failure(error)
    }
  }

  private mutating func turnCame(_ now: Duration) -> [Action] {
    guard case .booting(var boot) = state, !boot.isSuppressed else { return [] }
    (boot.began, boot.deadline) = (now, now + (boot.deadline - boot.began))
    state = .booting(boot)
    return []
  }

  private mutating func prepared(_ names: [String], _ now: Duration) -> [Action] {
    guard case .booting = state else { return [] }
    (extensions, isRuntimeRunning, reportedFailure) = (ExtensionSet(external: names), false, nil)
    guard !extensions.isOverLimit else {
      for name in names { extensions.failedToLaunch(name, type: "TooManyExtensions") }
      return failed("ErrTooManyExtensions", type: "Extension.LaunchError", now)
    }
    return [.startExtensions(names)]
  }

  private mutating func assigned(_ invocation: Invocation, _ now: Duration) -> [Action] {
    switch state {
    case .ready:
      return run(invocation, began: now, initDuration: nil)
    case .snapshotted:
      return restore(for: invocation, now)
    case .booting(var boot) where boot.invocation == nil:
      boot.invocation = invocation
      state = .booting(boot)
      return []
    case .settling(nil, let deadline):
      state = .settling(queued: invocation, deadline: deadline)
      return []
    case .ending(var ending) where ending.takes(invocation):
      state = .ending(ending)
      return []
    case .reset:
      return reboot(for: invocation, now)
    case .booting, .restoring, .running, .settling, .completing, .ending, .stopped:
      return [.finish(invocation, .systemError("environment is not free"), Usage(duration: .zero))]
    }
  }

  private mutating func run(_ invocation: Invocation, began: Duration, initDuration: Duration?) -> [Action] {
    let run = Run(
      invocation: invocation, began: began, deadline: began + timeout, initDuration: initDuration, delivered: began)
    return [.beginLog] + deliver(run)
  }

  mutating func deliver(_ run: Run) -> [Action] {
    state = .running(run)
    let addressed = extensions.deliver(.invoke).map(\.id)
    return [.tell(.start(run.invocation))]
      + (addressed.isEmpty ? [] : [.invokeExtensions(ids: addressed, run.invocation, deadline: run.deadline)])
      + [.deliver(run.invocation, deadline: run.deadline)]
  }

  mutating func reboot(for invocation: Invocation, _ now: Duration) -> [Action] {
    state = .booting(Boot(began: now, deadline: now + timeout, isSuppressed: true, invocation: invocation))
    (extensions, isRuntimeRunning, reportedFailure) = (ExtensionSet(), true, nil)
    return [.beginLog, .tell(.initStart(.invoke)), .launch]
  }

  private mutating func nextAsked(_ now: Duration) -> [Action] {
    switch state {
    case .booting(var boot):
      guard !boot.isRuntimeReady else { return [.rejectRequest] }
      boot.isRuntimeReady = true
      extensions.close()
      state = .booting(boot)
      return initDone(boot, now)
    case .restoring(let restore):
      return restored(restore, now)
    case .settling(let queued, _):
      guard let queued else { state = .ready; return [] }
      return run(queued, began: now, initDuration: nil)
    case .completing(var run, let outcome) where run.runtimeDone == nil:
      run.runtimeDone = now
      state = .completing(run, outcome)
      return [.tell(.runtimeDone(run.invocation, usage(of: run, now)))] + completed(run, outcome, now)
    case .snapshotted, .ready, .running, .completing, .ending, .reset, .stopped:
      return [.rejectRequest]
    }
  }

  /// The init phase is over when all have asked for their first event.
  private mutating func initDone(_ boot: Boot, _ now: Duration) -> [Action] {
    guard boot.isRuntimeReady, extensions.isInitialised else { return [] }
    let told: [Action] =
      [.limit, .tell(.initRuntimeDone(boot.phase, .success))] + extensionStates
      + [.tell(.initReport(boot.phase, now - boot.began, .success))]
    let reported: Duration? = initialization == .onDemand ? now - boot.began : nil
    guard let invocation = boot.invocation else {
      state = .ready
      firstInit = reported
      return told + [.free]
    }
    guard boot.isSuppressed else { return told + run(invocation, began: now, initDuration: reported) }
    // The time of the init counts as the invocation's.
    return told + deliver(
      Run(invocation: invocation, began: boot.began, deadline: boot.deadline, initDuration: nil, delivered: now))
  }

  var extensionStates: [Action] { extensions.members.map { .tell(.extensionState($0)) } }

  private mutating func answered(
    _ requestID: String, _ outcome: InvocationOutcome, _ now: Duration, isStreamed: Bool = false
  ) -> [Action] {
    guard case .running(var run) = state, run.invocation.requestID == requestID, run.mayAnswer(isStreamed) else {
      return [.rejectRequest]
    }
    run.answered = now
    switch outcome {
    case .success(let body): run.producedBytes = body.count
    case .functionError(let error): run.errorType = error.type
    case .systemError: break
    }
    guard extensions.isEmpty else {
      state = .completing(run, outcome)
      return [.answer(run.invocation, outcome, after: now - run.began)]
    }
    state = .settling(queued: nil, deadline: run.deadline)
    run.runtimeDone = now
    let usage = usage(of: run, now)
    firstInit = nil
    return [.tell(.runtimeDone(run.invocation, usage)), .finish(run.invocation, outcome, usage), .free]
  }

  /// The invocation is over when the runtime and every extension have asked for more.
  private mutating func completed(_ run: Run, _ outcome: InvocationOutcome, _ now: Duration) -> [Action] {
    guard run.runtimeDone != nil, extensions.isResting else { return [] }
    state = .ready
    let usage = usage(of: run, now)
    firstInit = nil
    return [.finish(run.invocation, outcome, usage), .free]
  }

  func usage(of run: Run, _ now: Duration) -> Usage {
    let runtimeDone = run.runtimeDone ?? now
    return Usage(
      duration: now - run.began, initDuration: run.initDuration ?? firstInit, restoreDuration: run.restoreDuration,
      status: run.errorType == nil ? nil : "error", errorType: run.errorType, runtimeDuration: runtimeDone - run.began,
      responseLatency: run.answered.map { $0 - run.delivered }, runtimeOverhead: run.answered.map { runtimeDone - $0 },
      extensionOverhead: extensions.isEmpty || run.runtimeDone == nil ? nil : now - runtimeDone, producedBytes: run.producedBytes)
  }

  private mutating func extensionAsked(_ id: String, _ now: Duration) -> [Action] {
    do throws(ExtensionSet.Refusal) { try extensions.askedNext(id) } catch { return [.refuse(error)] }
    switch state {
    case .booting(let boot): return initDone(boot, now)
    case .completing(let run, let outcome): return completed(run, outcome, now)
    case .snapshotted, .restoring, .ready, .running, .settling, .ending, .reset, .stopped: return []
    }
  }

  private mutating func extensionReported(_ id: String, isInit: Bool, _ type: String) -> [Action] {
    do throws(ExtensionSet.Refusal) { try extensions.reported(id, isInit: isInit, type: type) } catch { return [.refuse(error)] }
    reportedFailure = reportedFailure ?? (isInit ? "Extension.InitError" : "Extension.ExitError")
    return []
  }
}

/// Why extensions are told to shut down.
enum ShutdownReason: String, Sendable { case spindown, timeout, failure }
