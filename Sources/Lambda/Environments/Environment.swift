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
    /// It was to be ready ahead of use, and its function fails with this type of error while it is initialised.
    case initFailed(type: String)
    /// An invocation is over, and its extensions went on for so long after the runtime was done.
    case extensionsWorked(Invocation, FunctionVersion, Duration)
  }

  /// What a runtime gets for asking for the next invocation.
  enum NextAnswer: Sendable {
    case invocation(Invocation, deadline: Instant)
    /// It goes on after its snapshot.
    case restored
    /// The request does not fit the state of the environment.
    case rejected
    /// The connection was given up, or the environment ends.
    case nothing
  }

  enum Order: Sendable { case launch, end }

  struct Guarded {
    var machine: EnvironmentMachine
    /// Decided and not yet performed, in order. Whoever finds nobody at it performs them.
    var pending: [EnvironmentMachine.Action] = []
    var isPerforming = false
    var waiter: CheckedContinuation<NextAnswer, Never>?
    /// Decided for the runtime, which has not asked yet.
    var mailbox: NextAnswer?
    /// The same for extensions, by their identifiers.
    var extensionWaiters: [String: (request: UInt64, continuation: CheckedContinuation<ExtensionAnswer, Never>)] = [:]
    var extensionRequests: UInt64 = 0
    var extensionMail: [String: [UInt8]] = [:]
    var completions: [String: InvocationCompletion] = [:]
    var process: (any EnvironmentProcess)?
    /// A process that was there before the environment: its first one.
    var attached: (any EnvironmentProcess)?
    var held = HeldTime()
    /// Counts how often the runtime or an extension has begun to wait for work.
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
  let logStream: String
  let initialization: Initialization
  let systemLog: SystemLog
  let guarded: Mutex<Guarded>
  let telemetry: TelemetryHub
  let log: Mutex<InvocationLog>
  let ambient: Ambient
  private let freezer: Freezer?
  let report: @Sendable (EnvironmentID, Report) -> Void
  private let writeLog: @Sendable ([LogLine], _ environment: Environment) -> Void
  private let orders: AsyncStream<Order>
  let orderSink: AsyncStream<Order>.Continuation

  init(
    id: EnvironmentID, function: FunctionVersion, initialization: Initialization = .onDemand, logStream: String, ambient: Ambient,
    freezer: Freezer? = nil, attached: (any EnvironmentProcess)? = nil, echo: (@Sendable (String) -> Void)? = nil,
    writeLog: @escaping @Sendable ([LogLine], Environment) -> Void,
    report: @escaping @Sendable (EnvironmentID, Report) -> Void
  ) {
    (self.id, self.function, self.logStream, self.ambient, self.freezer) = (id, function, logStream, ambient, freezer)
    (self.writeLog, self.report, self.initialization) = (writeLog, report, initialization)
    let record = PlatformRecord(function: function, initialization: initialization, logStream: logStream)
    systemLog = SystemLog(record)
    telemetry = TelemetryHub(record, clock: ambient.clock)
    log = Mutex(InvocationLog(function, echo: echo))
    let now = ambient.clock.monotonic()
    var first = Guarded(machine: EnvironmentMachine(timeout: function.timeout, initialization: initialization, now: now))
    first.attached = attached
    if attached != nil { first.held.set(.start, true, at: now) }
    guarded = Mutex(first)
    (orders, orderSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // at most one launch and one end wait
    orderSink.yield(.launch)
    tell(.initStart(.`init`))
  }

  /// Whether the keys that the runtime got would end during an invocation that starts now.
  func isStale(at now: Instant) -> Bool {
    guarded.withLock { $0.credentialsExpireAt <= now + function.timeout + .minutes(1) }
  }

  /// Whether the time of an attached process stands still: it has not begun, or a debugger holds it.
  func hold(_ holder: HeldTime.Holder, _ isHeld: Bool) {
    guarded.withLock { $0.held.set(holder, isHeld, at: ambient.clock.monotonic()) }
  }

  /// The keys of the running process for whoever knows its token.
  func keys(token: String) -> SessionCredentials? {
    guard let keys = guarded.withLock({ $0.process?.sandboxed?.keys }), keys.token == token else { return nil }
    return keys.credentials
  }

  /// Whether an answer that names an attempt is meant for it: another attempt of the same request must not be answered.
  func runs(_ requestID: String, attempt: String) -> Bool {
    guarded.withLock { guarded in
      guard case .running(let run) = guarded.machine.state, run.invocation.requestID == requestID else { return true }
      return run.invocation.attemptID == attempt
    }
  }

  // MARK: From the placement

  /// Runs one invocation. Only for an environment that is free.
  func run(_ invocation: Invocation, _ completion: @escaping InvocationCompletion) {
    guarded.withLock { $0.completions[invocation.attemptID] = completion }
    feed(.assigned(invocation))
  }

  /// Ends the environment, whatever it does; its extensions are told first.
  func stop() { feed(.stopAsked) }

  // MARK: From the runtime

  func next() async -> NextAnswer { await wait(asking: .nextAsked) }

  /// The runtime is initialised and waits for its snapshot to be restored.
  func restoreNext() async -> NextAnswer { await wait(asking: .restoreAsked) }

  private func wait(asking event: EnvironmentMachine.Event) async -> NextAnswer {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<NextAnswer, Never>) in
        if let answer = guarded.withLock({ $0.mailbox.take() }) { continuation.resume(returning: answer); return }
        drain()
        guard feed(event) else { continuation.resume(returning: .rejected); return }
        var rest: UInt64 = 0
        let late = guarded.withLock { guarded -> NextAnswer? in
          if let answer = guarded.mailbox.take() { return answer }
          if case .stopped = guarded.machine.state { return .nothing }
          if Task.isCancelled { return .nothing }
          guarded.waiter?.resume(returning: .nothing)
          guarded.waiter = continuation
          guarded.rests += 1
          rest = guarded.rests
          return nil
        }
        if let late { continuation.resume(returning: late) } else { rests(rest) }
      }
    } onCancel: {
      guarded.withLock { $0.waiter.take() }?.resume(returning: .nothing)
    }
  }

  /// Somebody has begun to wait; when all do, there is nothing to run.
  func rests(_ rest: UInt64) {
    if guarded.withLock({ $0.machine.isResting }) { freezer?.rests(self, rest) }
  }

  /// Stops every process of the function between two instructions, if nothing has come since.
  func freeze(ifStillAt rest: UInt64) {
    guarded.withLock { guarded in
      guard guarded.rests == rest, guarded.machine.isResting, guarded.waiter != nil, !guarded.isKilled, let process = guarded.process
      else { return }
      process.setFrozen(true)
      guarded.isFrozen = true
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
  func failRestore(_ error: FunctionError) -> Bool {
    drain()
    return feed(.restoreErrorPosted(error))
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

  func tellBooted() { guarded.withLock { $0.booted.take() }?() }

  private func takeAttached() -> (any EnvironmentProcess)? {
    guard let process = guarded.withLock({ $0.attached.take() }) else { return nil }
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
    } catch LaunchFailure.workingDirectory(let reason) {
      guarded.withLock { $0.process = nil }
      tellBooted()
      feed(.exited(.noWorkingDirectory(reason)))
      return
    } catch {
      guarded.withLock { ($0.failure, $0.process) = ("\(error)", nil) }
      feed(.launchFailed("\(error)"))
      return
    }
    async let programs: Void = runPrograms(of: process.sandboxed)
    async let copying: Void = process.whileRunning {
      self.drain(process)
      self.flush()
    }
    let (end, peak) = await process.end()
    process.sandboxed?.finishOrders()
    await programs
    await copying
    telemetry.reset()
    log.withLock { $0.settle(at: ambient.now, publish) }
    let waiters = guarded.withLock { guarded in
      (guarded.process, guarded.isFrozen, guarded.isKilled) = (nil, false, false)
      guarded.peakMemoryBytes = end == .outOfMemory ? function.memoryMegabytes << 20 : peak ?? 0
      (guarded.mailbox, guarded.extensionMail) = (nil, [:])
      defer { guarded.extensionWaiters = [:] }
      return guarded.extensionWaiters.values
    }
    for waiter in waiters { waiter.continuation.resume(returning: .nothing) }
    await process.release()
    tellBooted()
    feed(.exited(end))
  }

  /// How long START, or words without a line end, may wait for more before readers of the log see them.
  private static let longestUnseen = Duration.seconds(1)

  /// How long a boot may keep others from booting.
  private static let longestBoot = Duration.seconds(2)

  /// Looks at the deadline when it may have come, and hands on what the log holds. It is not woken for each invocation: no
  /// deadline of an invocation is nearer than the function's time-out, so that is how long it may sleep without looking. The
  /// phases of a shutdown are shorter, and wake it.
  private func watch() async {
    let began = ambient.clock.monotonic()
    while !Task.isCancelled {
      let (deadline, now) = guarded.withLock { ($0.machine.deadline, $0.held.now(ambient.clock.monotonic())) }
      let pause = min(deadline.map { $0 - now } ?? function.timeout, function.timeout, Self.longestUnseen)
      if pause > .zero {
        guard await sleep(pause) else { return }
      }
      feed(.ticked)
      flush()
      if ambient.clock.monotonic() - began >= Self.longestBoot { tellBooted() }
    }
  }
  let watchNudge = Nudge()

  /// False when the task is cancelled.
  private func sleep(_ pause: Duration) async -> Bool {
    await withDiscardingTaskGroup { group in
      let either = Nudge()
      group.addTask { [watchNudge] in await watchNudge.wait(); either.nudge() }
      group.addTask { [ambient] in try? await ambient.clock.sleepReal(for: pause); either.nudge() }
      await either.wait()
      group.cancelAll()
    }
    return !Task.isCancelled
  }

  // MARK: The log

  /// What the runtime wrote before it said that it is done must stand before END in the log.
  func drain() {
    if let process = guarded.withLock({ $0.process }) { drain(process) }
  }

  /// Taken under the lock of the log, so that it stands there in the order in which it was written.
  func drain(_ process: any EnvironmentProcess) {
    log.withLock { log in
      for (source, bytes) in process.takeOutput() { log.output(bytes, from: source, at: ambient.now, publish) }
    }
  }

  /// Handed on under the lock for the same reason; the forwarder only queues.
  func flush() {
    log.withLock { log in
      let lines = log.take()
      if !lines.isEmpty { writeLog(lines, self) }
    }
  }

  func publish(_ kind: TelemetryKind, _ message: String, _ now: Instant) {
    telemetry.publish(kind, message, at: now)
  }

  func tell(_ event: PlatformEvent) {
    log.withLock { log in
      let now = ambient.now
      log.platform(systemLog.line(for: event, at: now), at: now)
      telemetry.publish(event, at: now)
    }
  }

  // MARK: Decisions and their effects

  /// False when the machine rejects the event.
  @discardableResult
  func feed(_ event: EnvironmentMachine.Event) -> Bool {
    decide { machine, now in
      let actions = machine.handle(event, now: now)
      if case .rejectRequest? = actions.first { return (false, []) }
      return (true, actions)
    }
  }

  /// Lets the machine decide and performs what it has decided. Actions of several decisions are performed in their order: while
  /// somebody is at it, others leave theirs to him.
  func decide<T>(_ body: (inout EnvironmentMachine, Duration) -> (T, [EnvironmentMachine.Action])) -> T {
    let (result, isOurs) = guarded.withLock { guarded in
      let (result, actions) = body(&guarded.machine, guarded.held.now(ambient.clock.monotonic()))
      guarded.pending += actions
      defer { guarded.isPerforming = guarded.isPerforming || !guarded.pending.isEmpty }
      return (result, !guarded.isPerforming && !guarded.pending.isEmpty)
    }
    guard isOurs else { return result }
    while true {
      let actions = guarded.withLock { guarded in
        defer { guarded.pending = [] }
        if guarded.pending.isEmpty { guarded.isPerforming = false }
        return guarded.pending
      }
      if actions.isEmpty { return result }
      for action in actions { perform(action) }
    }
  }
}
