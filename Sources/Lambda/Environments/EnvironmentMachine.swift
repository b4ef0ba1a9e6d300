import Base

/// Why an environment is made, as its function sees it in `AWS_LAMBDA_INITIALIZATION_TYPE`.
enum Initialization: String, Sendable {
  /// For an invocation.
  case onDemand = "on-demand"
  /// To be ready before there is one.
  case provisioned = "provisioned-concurrency"
}

/// The life of one execution environment: decides what follows from each event, and does nothing itself.
///
/// An environment outlives its runtime process: after a crash, a time-out or running out of memory it is *reset*, its
/// /tmp is kept, and the next invocation boots a new process in it (AWS: "Lambda runtime environment lifecycle").
/// Times are real and monotonic, because function code lives in real time.
struct EnvironmentMachine: Sendable {
  /// - booting may become ready, running, booting again (the init phase is done over), dying, reset or stopped
  /// - ready: the runtime waits for work; may become running, reset or stopped
  /// - running may become settling, dying, reset or stopped
  /// - settling: the answer is out, the runtime has not asked for more; may become ready, running, booting, dying, reset or
  ///   stopped
  /// - dying: the process has been killed; may become reset, booting or stopped
  /// - reset: there is no process; may become booting or stopped
  enum State: Sendable {
    case booting(Boot)
    case ready
    case running(Run)
    /// A runtime that has not asked for more at the deadline of what it answered will not do so any more.
    case settling(queued: Invocation?, deadline: Duration)
    /// - Parameter isFree: the environment was said to be free already, and may be given an invocation at any moment.
    case dying(queued: Invocation?, isFree: Bool)
    case reset
    case stopped
  }

  struct Boot: Sendable {
    var began: Duration
    var deadline: Duration
    /// The init phase failed before, so it is done over as part of an invocation and under its time-out.
    var isSuppressed: Bool
    var invocation: Invocation?
    var failure: FunctionError?
    var hasTimedOut = false
  }

  struct Run: Sendable {
    var invocation: Invocation
    var began: Duration
    var deadline: Duration
    /// Set for the first invocation of a cold environment.
    var initDuration: Duration?
    var answer = Answer.none
  }

  /// How far a running invocation has come with its answer.
  enum Answer: Sendable {
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
    case assigned(Invocation)
    case nextAsked
    case responded(requestID: String, [UInt8])
    case errorPosted(requestID: String, FunctionError)
    case initErrorPosted(FunctionError)
    /// The runtime sends its answer piece by piece.
    case streamBegan(requestID: String)
    case streamEnded(requestID: String, InvocationOutcome)
    /// The connection of a streamed answer ended before the answer did.
    case streamBroke(requestID: String)
    case exited(ProcessEnd)
    case launchFailed(String)
    /// Time has passed; deadlines are looked at.
    case ticked
    case stopAsked
  }

  enum Action: Sendable {
    case launch
    case kill
    /// Hands the invocation to the runtime that waits in `next`.
    case deliver(Invocation, deadline: Duration)
    case logStart(Invocation)
    case logInitReport(Duration, status: String, errorType: String?)
    /// The invocation is over: writes END and REPORT and tells whoever waits.
    case finish(Invocation, InvocationOutcome, Usage)
    /// The environment may get another invocation.
    case free
    /// The environment will never run again.
    case gone
    /// It was to be made ready ahead, and its init phase failed. It will never run.
    case initFailed
    /// The runtime's request does not fit the state; it gets 403.
    case rejectRequest
  }

  struct Usage: Sendable, Equatable {
    var duration: Duration
    var initDuration: Duration?
    /// `timeout` or `error`; nil when the function answered.
    var status: String?
    var errorType: String?
  }

  private(set) var state: State
  private let timeout: Duration
  private let initialization: Initialization

  /// A new environment boots at once; the first action is to launch.
  init(timeout: Duration, initialization: Initialization = .onDemand, now: Duration) {
    (self.timeout, self.initialization) = (timeout, initialization)
    state = .booting(Boot(began: now, deadline: now, isSuppressed: false))
    _ = turnCame(now)
  }

  /// How long the init phase may take: 10 s, and ahead of use 130 s or the function's time-out (AWS: "Init phase").
  private var initLimit: Duration {
    switch initialization {
    case .onDemand: .seconds(10)
    case .provisioned: max(.seconds(130), timeout)
    }
  }

  /// When `ticked` is due next, nil while nothing runs out.
  var deadline: Duration? {
    switch state {
    case .booting(let boot): boot.hasTimedOut ? nil : boot.deadline
    case .running(let run): run.deadline
    case .settling(_, let deadline): deadline
    case .ready, .dying, .reset, .stopped: nil
    }
  }

  mutating func handle(_ event: Event, now: Duration) -> [Action] {
    switch event {
    case .turnCame: turnCame(now)
    case .assigned(let invocation): assigned(invocation, now)
    case .nextAsked: nextAsked(now)
    case .responded(let id, let body): answered(id, .success(body), now)
    case .errorPosted(let id, let error): answered(id, .functionError(error), now)
    case .streamBegan(let id): streamBegan(id)
    case .streamEnded(let id, let outcome): answered(id, outcome, now, isStreamed: true)
    case .streamBroke(let id): streamBroke(id)
    case .initErrorPosted(let error): initFailed(error)
    case .exited(let end): exited(end, now)
    case .launchFailed(let reason): launchFailed(reason)
    case .ticked: ticked(now)
    case .stopAsked: stop()
    }
  }

  private mutating func turnCame(_ now: Duration) -> [Action] {
    guard case .booting(var boot) = state, !boot.isSuppressed else { return [] }
    (boot.began, boot.deadline) = (now, now + initLimit)
    state = .booting(boot)
    return []
  }

  private mutating func assigned(_ invocation: Invocation, _ now: Duration) -> [Action] {
    switch state {
    case .ready:
      return run(invocation, began: now, initDuration: nil)
    case .booting(var boot) where boot.invocation == nil:
      boot.invocation = invocation
      state = .booting(boot)
      return []
    case .settling(nil, let deadline):
      state = .settling(queued: invocation, deadline: deadline)
      return []
    case .dying(nil, let isFree):
      state = .dying(queued: invocation, isFree: isFree)
      return []
    case .reset:
      return reboot(for: invocation, now)
    case .booting, .running, .settling, .dying, .stopped:
      return [.finish(invocation, .systemError("environment is not free"), Usage(duration: .zero))]
    }
  }

  private mutating func run(_ invocation: Invocation, began: Duration, initDuration: Duration?) -> [Action] {
    let deadline = began + timeout
    state = .running(Run(invocation: invocation, began: began, deadline: deadline, initDuration: initDuration))
    return [.logStart(invocation), .deliver(invocation, deadline: deadline)]
  }

  private mutating func reboot(for invocation: Invocation, _ now: Duration) -> [Action] {
    state = .booting(Boot(began: now, deadline: now + timeout, isSuppressed: true, invocation: invocation))
    return [.logStart(invocation), .launch]
  }

  private mutating func nextAsked(_ now: Duration) -> [Action] {
    switch state {
    case .booting(let boot):
      guard boot.failure == nil, !boot.hasTimedOut else { return [.rejectRequest] }
      guard let invocation = boot.invocation else {
        state = .ready
        // What was done ahead is no part of the first invocation.
        if initialization == .onDemand { firstInit = now - boot.began }
        return [.free]
      }
      guard boot.isSuppressed else { return run(invocation, began: now, initDuration: now - boot.began) }
      // START is in the log already, and the time of the init counts as the invocation's.
      state = .running(Run(invocation: invocation, began: boot.began, deadline: boot.deadline, initDuration: nil))
      return [.deliver(invocation, deadline: boot.deadline)]
    case .settling(let queued, _):
      guard let queued else { state = .ready; return [] }
      return run(queued, began: now, initDuration: nil)
    case .ready, .running, .dying, .reset, .stopped:
      return [.rejectRequest]
    }
  }
  /// How long the init took when nobody waited for it; the first invocation reports it.
  private var firstInit: Duration?

  /// The invocation that runs; nil when none does.
  var running: Invocation? { if case .running(let run) = state { run.invocation } else { nil } }

  private mutating func streamBegan(_ requestID: String) -> [Action] {
    guard case .running(var run) = state, run.invocation.requestID == requestID, case .none = run.answer else { return [.rejectRequest] }
    run.answer = .streaming
    state = .running(run)
    return []
  }

  /// Whether the process is at its end or only its connection: what follows must not hang on which is noticed first.
  private mutating func streamBroke(_ requestID: String) -> [Action] {
    guard case .running(var run) = state, run.invocation.requestID == requestID, case .streaming = run.answer else { return [] }
    run.answer = .broken
    state = .running(run)
    return [.kill]
  }

  private mutating func answered(
    _ requestID: String, _ outcome: InvocationOutcome, _ now: Duration, isStreamed: Bool = false
  ) -> [Action] {
    guard case .running(let run) = state, run.invocation.requestID == requestID, run.mayAnswer(isStreamed) else {
      return [.rejectRequest]
    }
    state = .settling(queued: nil, deadline: run.deadline)
    var usage = usage(of: run, now)
    if case .functionError(let error) = outcome, let type = error.type { (usage.status, usage.errorType) = ("error", type) }
    return [.finish(run.invocation, outcome, usage), .free]
  }

  private mutating func usage(of run: Run, _ now: Duration) -> Usage {
    defer { firstInit = nil }
    return Usage(duration: now - run.began, initDuration: run.initDuration ?? firstInit)
  }

  private mutating func initFailed(_ error: FunctionError) -> [Action] {
    guard case .booting(var boot) = state, boot.failure == nil else { return [.rejectRequest] }
    boot.failure = error
    state = .booting(boot)
    return [.kill]
  }

  private mutating func exited(_ end: ProcessEnd, _ now: Duration) -> [Action] {
    switch state {
    case .booting(let boot): return bootFailed(boot, end, now)
    case .running(let run):
      state = .reset
      var usage = usage(of: run, now)
      let (error, type) = Self.failure(of: run, end)
      (usage.status, usage.errorType) = ("error", type)
      return [.finish(run.invocation, .functionError(error), usage), .free]
    case .ready, .settling(nil, _), .dying(nil, isFree: true):
      state = .reset
      return []
    case .dying(nil, isFree: false):
      state = .reset
      return [.free]
    case .settling(let queued?, _), .dying(let queued?, _):
      return reboot(for: queued, now)
    case .reset, .stopped:
      return []
    }
  }

  /// What the caller sees, and the type of error for the log: a caller who has a part of the answer learns that the rest is
  /// missing, whatever ended the process.
  private static func failure(of run: Run, _ end: ProcessEnd) -> (FunctionError, type: String?) {
    let exit = FunctionError.exit(run.invocation.requestID, end)
    switch run.answer {
    case .none: return (exit, exit.type)
    case .streaming: return (.truncated, exit.type)
    case .broken: return (.truncated, end == .signalled(9) ? FunctionError.truncated.type : exit.type)
    }
  }

  private mutating func bootFailed(_ boot: Boot, _ end: ProcessEnd, _ now: Duration) -> [Action] {
    let error = boot.failure ?? FunctionError.exit(boot.invocation?.requestID ?? "", end)
    if boot.isSuppressed, let invocation = boot.invocation {
      state = .reset
      let usage = Usage(duration: now - boot.began, status: "error", errorType: error.type ?? "Runtime.Unknown")
      return [.finish(invocation, .functionError(error), usage), .free]
    }
    let report = Action.logInitReport(
      now - boot.began, status: boot.hasTimedOut ? "timeout" : "error",
      errorType: boot.hasTimedOut ? nil : error.type ?? "Runtime.Unknown")
    guard let invocation = boot.invocation else {
      guard initialization == .onDemand else {
        state = .stopped
        return [report, .initFailed]
      }
      state = .reset
      return [report, .free]
    }
    return [report] + reboot(for: invocation, now)
  }

  private mutating func launchFailed(_ reason: String) -> [Action] {
    let waiting: Invocation? =
      switch state {
      case .booting(let boot): boot.invocation
      case .settling(let queued, _), .dying(let queued, _): queued
      case .running(let run): run.invocation
      case .ready, .reset, .stopped: nil
      }
    state = .stopped
    return (waiting.map { [.finish($0, .systemError(reason), Usage(duration: .zero))] } ?? []) + [.gone]
  }

  private mutating func ticked(_ now: Duration) -> [Action] {
    switch state {
    case .booting(var boot):
      guard now >= boot.deadline, !boot.hasTimedOut else { return [] }
      if boot.isSuppressed, let invocation = boot.invocation {
        state = .dying(queued: nil, isFree: false)
        let error = FunctionError.timeout(invocation.requestID, after: timeout)
        return [.finish(invocation, .functionError(error), Usage(duration: timeout, status: "timeout")), .kill]
      }
      boot.hasTimedOut = true
      state = .booting(boot)
      return [.kill]
    case .running(let run):
      guard now >= run.deadline else { return [] }
      state = .dying(queued: nil, isFree: false)
      var usage = usage(of: run, now)
      usage.duration = timeout
      usage.status = "timeout"
      let error = FunctionError.timeout(run.invocation.requestID, after: timeout)
      return [.finish(run.invocation, .functionError(error), usage), .kill]
    case .settling(let queued, let deadline):
      guard now >= deadline else { return [] }
      state = .dying(queued: queued, isFree: true)
      return [.kill]
    case .ready, .dying, .reset, .stopped:
      return []
    }
  }

  private mutating func stop() -> [Action] {
    if case .stopped = state { return [] }
    let waiting: (Invocation, Duration)? =
      switch state {
      case .booting(let boot): boot.invocation.map { ($0, .zero) }
      case .settling(let queued, _), .dying(let queued, _): queued.map { ($0, .zero) }
      case .running(let run): (run.invocation, .zero)
      case .ready, .reset, .stopped: nil
      }
    state = .stopped
    let finish = waiting.map { [Action.finish($0.0, .systemError("the environment was stopped"), Usage(duration: $0.1))] } ?? []
    return finish + [.kill, .gone]
  }
}

extension EnvironmentMachine.Run {
  /// An answer in one piece only before a stream has begun, and the end of a stream only after.
  fileprivate func mayAnswer(_ isStreamed: Bool) -> Bool {
    switch answer {
    case .none: !isStreamed
    case .streaming: isStreamed
    case .broken: false
    }
  }
}
