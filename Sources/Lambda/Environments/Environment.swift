import Base
import Fabric
import Logging
import Sandbox
import Synchronization

/// One execution environment: performs what its machine decides, and is the other end of its runtime's API.
final class Environment: Sendable {
  /// What the environment tells the placement.
  enum Report: Sendable {
    case free
    /// It will not run again; with the reason when it could not be started.
    case gone(failure: String?)
    /// It was to be ready ahead of use, and its function fails while it is initialised.
    case initFailed
  }

  /// What a runtime gets for asking for the next invocation.
  enum NextAnswer: Sendable {
    case invocation(Invocation, deadline: Instant)
    /// The request does not fit the state of the environment.
    case rejected
    /// The connection was given up, or the environment ends.
    case nothing
  }

  enum Order: Sendable { case launch, end }

  private struct Guarded {
    var machine: EnvironmentMachine
    var waiter: CheckedContinuation<NextAnswer, Never>?
    /// Decided for the runtime, which has not asked yet.
    var mailbox: (Invocation, deadline: Instant)?
    var completions: [String: InvocationCompletion] = [:]
    var process: (any EnvironmentProcess)?
    /// A process that was there before the environment: its first one.
    var attached: (any EnvironmentProcess)?
    var held = HeldTime()
    /// Counts how often the runtime has begun to wait for work.
    var rests: UInt64 = 0
    var isFrozen = false
    /// The process has been killed: frozen now, it would not die.
    var isKilled = false
    var mustKill = false
    /// Told once, when the init phase needs the processor no more.
    var booted: (@Sendable () -> Void)?
    var credentialsExpireAt = Instant.distantFuture
    var failure: String?
    /// Of the last process, once it has ended.
    var peakMemoryBytes = 0
  }

  let id: EnvironmentID
  let function: FunctionVersion
  let initialization: Initialization
  let logStream: String
  private let systemLog: SystemLog
  private let guarded: Mutex<Guarded>
  private let log: Mutex<InvocationLog>
  private let ambient: Ambient
  private let freezer: Freezer?
  private let report: @Sendable (EnvironmentID, Report) -> Void
  private let writeLog: @Sendable ([LogLine], _ environment: Environment) -> Void
  private let orders: AsyncStream<Order>
  private let orderSink: AsyncStream<Order>.Continuation

  init(
    id: EnvironmentID, function: FunctionVersion, initialization: Initialization = .onDemand, logStream: String, ambient: Ambient,
    freezer: Freezer? = nil, attached: (any EnvironmentProcess)? = nil, echo: (@Sendable (String) -> Void)? = nil,
    writeLog: @escaping @Sendable ([LogLine], Environment) -> Void,
    report: @escaping @Sendable (EnvironmentID, Report) -> Void
  ) {
    (self.id, self.function, self.initialization, self.logStream) = (id, function, initialization, logStream)
    (self.ambient, self.freezer, self.writeLog, self.report) = (ambient, freezer, writeLog, report)
    systemLog = SystemLog(function, initialization)
    log = Mutex(InvocationLog(echo: echo))
    let now = ambient.clock.monotonic()
    var first = Guarded(machine: EnvironmentMachine(timeout: function.timeout, initialization: initialization, now: now))
    first.attached = attached
    if attached != nil { first.held.set(.start, true, at: now) }
    guarded = Mutex(first)
    (orders, orderSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // at most one launch and one end wait
    orderSink.yield(.launch)
    platformLog(systemLog.initStart(at: ambient.now))
  }

  /// Whether the keys that the runtime got would end during an invocation that starts now.
  func isStale(at now: Instant) -> Bool {
    guarded.withLock { $0.credentialsExpireAt <= now + function.timeout + .minutes(1) }
  }

  // MARK: From the placement

  /// Runs one invocation. Only for an environment that is free.
  func run(_ invocation: Invocation, _ completion: @escaping InvocationCompletion) {
    guarded.withLock { $0.completions[invocation.attemptID] = completion }
    feed(.assigned(invocation))
  }

  /// Its first process is one that was there before it.
  var isAttached: Bool { guarded.withLock { $0.attached != nil } }

  /// Whether the time of an attached process stands still: it has not begun, or a debugger holds it.
  func hold(_ holder: HeldTime.Holder, _ isHeld: Bool) {
    guarded.withLock { $0.held.set(holder, isHeld, at: ambient.clock.monotonic()) }
  }

  /// Ends the environment, whatever it does.
  func stop() { feed(.stopAsked) }

  // MARK: From the runtime

  func next() async -> NextAnswer {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<NextAnswer, Never>) in
        let answer = take()
        if let answer { continuation.resume(returning: answer); return }
        endInit()
        guard feed(.nextAsked) else { continuation.resume(returning: .rejected); return }
        var rest: UInt64 = 0
        let late = guarded.withLock { guarded -> NextAnswer? in
          if let (invocation, deadline) = guarded.mailbox {
            guarded.mailbox = nil
            return .invocation(invocation, deadline: deadline)
          }
          if case .stopped = guarded.machine.state { return .nothing }
          if Task.isCancelled { return .nothing }
          guarded.waiter?.resume(returning: .nothing)
          guarded.waiter = continuation
          guarded.rests += 1
          rest = guarded.rests
          return nil
        }
        if let late { continuation.resume(returning: late) } else { freezer?.rests(self, rest) }
      }
    } onCancel: {
      guarded.withLock { guarded in
        defer { guarded.waiter = nil }
        return guarded.waiter
      }?.resume(returning: .nothing)
    }
  }

  /// Stops every process of the function between two instructions, if nothing has come since.
  func freeze(ifStillAt rest: UInt64) {
    guarded.withLock { guarded in
      guard guarded.rests == rest, guarded.waiter != nil, !guarded.isKilled, let process = guarded.process else { return }
      process.setFrozen(true)
      guarded.isFrozen = true
    }
  }

  private func endInit() {
    tellBooted()
    do { try guarded.withLock { $0.process }?.limitCPU() } catch {
      platformLog("The CPU share could not be set: \(error)\n")
    }
  }

  private func take() -> NextAnswer? {
    guarded.withLock { guarded in
      guard let (invocation, deadline) = guarded.mailbox else { return nil }
      guarded.mailbox = nil
      return .invocation(invocation, deadline: deadline)
    }
  }

  /// False when the runtime does not run such an invocation.
  func respond(_ requestID: String, _ body: [UInt8]) -> Bool {
    drain()
    guard body.count <= RuntimeAPILimits.maximumResponse else { return feed(.errorPosted(requestID: requestID, .responseTooLarge)) }
    return feed(.responded(requestID: requestID, body))
  }
  func fail(_ requestID: String, _ error: FunctionError) -> Bool {
    drain()
    return feed(.errorPosted(requestID: requestID, error))
  }
  /// The runtime begins to send its answer in pieces. Nil when it does not run such an invocation.
  func beginStream(_ requestID: String, contentType: String) -> StreamTarget? {
    guard feed(.streamBegan(requestID: requestID)) else { return nil }
    let running = guarded.withLock { $0.machine.running }
    guard let running, running.requestID == requestID else { return nil }
    guard let pipe = running.pipe else { return .collected }
    pipe.begin(contentType: contentType)
    return .pipe(pipe)
  }
  /// False when the invocation is over already.
  func endStream(_ requestID: String, _ outcome: InvocationOutcome) -> Bool {
    drain()
    return feed(.streamEnded(requestID: requestID, outcome))
  }
  /// The connection ended before the answer did.
  func breakStream(_ requestID: String) { feed(.streamBroke(requestID: requestID)) }
  func failInit(_ error: FunctionError) -> Bool {
    drain()
    return feed(.initErrorPosted(error))
  }

  // MARK: The process

  /// Lives until the environment ends. `launch` makes the process and has it adopted; `booted` is called once, when
  /// the init phase is over or so long that it waits for something else than a processor.
  func live(
    booted: @escaping @Sendable () -> Void, _ launch: @Sendable (Environment) async throws -> any EnvironmentProcess
  ) async {
    guarded.withLock { $0.booted = booted }
    defer { tellBooted() }
    feed(.turnCame)
    await withDiscardingTaskGroup { group in
      group.addTask { await self.watch() }
      for await order in orders {
        guard case .launch = order else { break }
        await runProcess(launch)
      }
      group.cancelAll()
    }
    flush()
  }

  /// The process runs. Called by `launch` before the runtime can be heard.
  func adopt(_ process: any EnvironmentProcess) {
    let mustKill = guarded.withLock { guarded in
      guarded.process = process
      guarded.credentialsExpireAt = process.credentialsExpireAt
      defer { guarded.mustKill = false }
      return guarded.mustKill
    }
    if mustKill { process.kill() }
  }

  private func tellBooted() {
    let booted = guarded.withLock { guarded in
      defer { guarded.booted = nil }
      return guarded.booted
    }
    booted?()
  }

  private func takeAttached() -> (any EnvironmentProcess)? {
    guard let process = guarded.withLock({ guarded in
      defer { guarded.attached = nil }
      return guarded.attached
    }) else { return nil }
    // It needs no processor of the server's boots.
    tellBooted()
    adopt(process)
    return process
  }

  private func runProcess(_ launch: @Sendable (Environment) async throws -> any EnvironmentProcess) async {
    let process: any EnvironmentProcess
    do {
      process = if let attached = takeAttached() { attached } else { try await launch(self) }
    } catch LaunchFailure.entrypoint(let reason) {
      guarded.withLock { $0.process = nil }
      tellBooted()
      feed(.exited(.notStarted(reason)))
      return
    } catch {
      guarded.withLock { ($0.failure, $0.process) = ("\(error)", nil) }
      feed(.launchFailed("\(error)"))
      return
    }
    async let copying: Void = process.whileRunning {
      self.drain(process)
      self.flush()
    }
    let (end, peak) = await process.end()
    await copying
    log.withLock { $0.settle(at: ambient.now) }
    guarded.withLock { guarded in
      (guarded.process, guarded.isFrozen, guarded.isKilled) = (nil, false, false)
      guarded.peakMemoryBytes = end == .outOfMemory ? function.memoryMegabytes << 20 : peak ?? 0
    }
    await process.release()
    tellBooted()
    feed(.exited(end))
  }

  /// How long START, or words without a line end, may wait for more before readers of the log see them.
  private static let longestUnseen = Duration.seconds(1)

  /// How long a boot may keep others from booting.
  private static let longestBoot = Duration.seconds(2)

  /// Looks at the deadline when it may have come, and hands on what the log holds. It is not woken for each invocation: no
  /// deadline is nearer than the function's time-out, so that is how long it may sleep without looking.
  private func watch() async {
    let began = ambient.clock.monotonic()
    while !Task.isCancelled {
      let (deadline, now) = guarded.withLock { ($0.machine.deadline, $0.held.now(ambient.clock.monotonic())) }
      let pause = min(deadline.map { $0 - now } ?? function.timeout, function.timeout, Self.longestUnseen)
      if pause > .zero {
        guard (try? await ambient.clock.sleepReal(for: pause)) != nil else { return }
      }
      feed(.ticked)
      flush()
      if ambient.clock.monotonic() - began >= Self.longestBoot { tellBooted() }
    }
  }

  /// What the runtime wrote before it said that it is done must stand before END in the log.
  private func drain() {
    if let process = guarded.withLock({ $0.process }) { drain(process) }
  }

  /// Taken under the lock of the log, so that it stands there in the order in which it was written.
  private func drain(_ process: any EnvironmentProcess) {
    log.withLock { log in
      let bytes = process.takeOutput()
      if !bytes.isEmpty { log.output(bytes, at: ambient.now) }
    }
  }

  /// Handed on under the lock for the same reason; the forwarder only queues.
  private func flush() {
    log.withLock { log in
      let lines = log.take()
      if !lines.isEmpty { writeLog(lines, self) }
    }
  }

  private func platformLog(_ text: String?) { log.withLock { $0.platform(text, at: ambient.now) } }

  // MARK: Decisions and their effects

  /// False when the machine rejects the event.
  @discardableResult
  private func feed(_ event: EnvironmentMachine.Event) -> Bool {
    let actions = guarded.withLock { $0.machine.handle(event, now: $0.held.now(ambient.clock.monotonic())) }
    var isAccepted = true
    for action in actions {
      if case .rejectRequest = action { isAccepted = false } else { perform(action) }
    }
    return isAccepted
  }

  private func perform(_ action: EnvironmentMachine.Action) {
    switch action {
    case .launch: orderSink.yield(.launch)
    case .kill:
      let process = guarded.withLock { guarded in
        if guarded.process == nil { guarded.mustKill = true } else { guarded.isKilled = true }
        return guarded.process
      }
      process?.kill()
    case .deliver(let invocation, let deadline): deliver(invocation, deadline)
    case .logStart(let invocation):
      let now = ambient.now
      log.withLock { $0.begin(systemLog.start(invocation.requestID, at: now), at: now) }
    case .logInitReport(let duration, let status, let type):
      platformLog(systemLog.initReport(duration, status: status, errorType: type, at: ambient.now))
    case .finish(let invocation, let outcome, let usage): finish(invocation, outcome, usage)
    case .free: report(id, .free)
    case .gone: end(.gone(failure: guarded.withLock { $0.failure }))
    case .initFailed: end(.initFailed)
    case .rejectRequest: break
    }
  }

  private func end(_ last: Report) {
    let waiter = guarded.withLock { guarded in
      defer { guarded.waiter = nil }
      return guarded.waiter
    }
    waiter?.resume(returning: .nothing)
    orderSink.yield(.end)
    report(id, last)
  }

  private func deliver(_ invocation: Invocation, _ deadline: Duration) {
    // Function code lives in real time, so that is what its deadline is told in.
    let (waiter, wall) = guarded.withLock { guarded in
      let wall = ambient.clock.wallNow() + (deadline - guarded.held.now(ambient.clock.monotonic()))
      defer { guarded.waiter = nil }
      if guarded.waiter == nil { guarded.mailbox = (invocation, wall) }
      if guarded.isFrozen {
        guarded.process?.setFrozen(false)
        guarded.isFrozen = false
      }
      return (guarded.waiter, wall)
    }
    waiter?.resume(returning: .invocation(invocation, deadline: wall))
  }

  private func finish(_ invocation: Invocation, _ outcome: InvocationOutcome, _ usage: EnvironmentMachine.Usage) {
    let (completion, process, last) = guarded.withLock { guarded in
      if let mailbox = guarded.mailbox, mailbox.0.attemptID == invocation.attemptID { guarded.mailbox = nil }
      return (guarded.completions.removeValue(forKey: invocation.attemptID), guarded.process, guarded.peakMemoryBytes)
    }
    let used = (process?.peakMemoryBytes() ?? last) >> 20
    let isTraced = function.tracing == .active || invocation.trace.sampled == "1"
    let tail = log.withLock { log in
      let now = ambient.now
      log.settle(at: now)
      log.platform(systemLog.end(invocation.requestID, usage, at: now), at: now)
      log.platform(
        systemLog.report(
          invocation.requestID, usage, maximumUsed: max(1, min(used, function.memoryMegabytes)),
          trace: isTraced ? invocation.trace.root : nil, at: now),
        at: now)
      return invocation.wantsLogTail ? log.tailBytes : []
    }
    flush()
    completion?(
      InvocationResult(outcome: outcome, executedVersion: function.version, logTail: tail, duration: usage.duration))
  }
}
