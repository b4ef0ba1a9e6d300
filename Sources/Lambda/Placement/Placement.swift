import Base
import Fabric
import Logging
import Synchronization

/// Gives each invocation an environment: performs what the pools decide.
final class Placement: Sendable {
  /// Names the pool of one version of a function.
  struct PoolKey: Hashable, Sendable { var function: FunctionID; var version: String }

  struct Waiting {
    var invocation: Invocation
    var completion: InvocationCompletion
  }
  struct State {
    var pools: [PoolKey: Pool] = [:]
    var functions: [PoolKey: FunctionVersion] = [:]
    var environments: [EnvironmentID: (environment: Environment, key: PoolKey)] = [:]
    var waiting: [WaiterID: Waiting] = [:]
    var ledger: ConcurrencyLedger
    var rates = RateLimits()
    var nextID: UInt64 = 0
    var isStopping = false
    /// Who waits for environments that are initialised ahead.
    var snapshots: [EnvironmentID: CheckedContinuation<SnapshotOutcome, Never>] = [:]

    mutating func newID() -> UInt64 {
      nextID += 1
      return nextID
    }
  }
  /// What is done after the decision, outside the lock.
  enum Effect {
    case start(Environment)
    case run(Environment, Waiting)
    case stop(Environment)
    case fail(Waiting, String)
    case tell(CheckedContinuation<SnapshotOutcome, Never>, SnapshotOutcome)
  }

  let state: Mutex<State>
  let ambient: Ambient
  private let logForwarder: LogForwarder
  private let idleLimit: Duration
  let gate = StartGate()
  private let freezer: Freezer
  private let starts: AsyncStream<Environment>
  private let startSink: AsyncStream<Environment>.Continuation
  /// Nudged when an environment becomes free, so that its expiry is planned.
  let idleNudge = Nudge()

  /// - Parameters:
  ///   - accountLimit: concurrent executions of an account in a Region.
  ///   - idleLimit: how long an environment is kept without work; AWS does not state its own figure.
  init(ambient: Ambient, logForwarder: LogForwarder, accountLimit: Int = 1000, idleLimit: Duration = .minutes(10)) {
    state = Mutex(State(ledger: ConcurrencyLedger(accountLimit: accountLimit)))
    (self.ambient, self.logForwarder, self.idleLimit) = (ambient, logForwarder, idleLimit)
    freezer = Freezer(clock: ambient.clock)
    (starts, startSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // bounded by the account's concurrency
  }

  /// Runs the environments until `stop`, which ends them all.
  func run(_ launcher: Launcher) async {
    await withDiscardingTaskGroup { group in
      group.addTask { [freezer] in await freezer.run() }
      await live(launcher)
      group.cancelAll()
    }
  }

  private func live(_ launcher: Launcher) async {
    await withDiscardingTaskGroup { group in
      for await environment in starts {
        group.addTask {
          await self.gate.enter()
          guard self.mayStart(environment.id) else { return self.gate.leave() }
          let booted: @Sendable () -> Void = {
            self.gate.leave()
            launcher.refill()
          }
          await environment.live(booted: booted) { try await launcher.launch($0) }
          launcher.release(environment.id)
        }
      }
    }
  }

  /// False for an environment that was stopped, or that nobody needs any more, before its turn came.
  private func mayStart(_ id: EnvironmentID) -> Bool {
    state.withLock { state in
      guard !state.isStopping, let key = state.environments[id]?.key else { return false }
      guard var pool = state.pools[key], pool.takesBack(id) else { return true }
      state.environments[id] = nil
      state.pools[key] = pool.isEmpty ? nil : pool
      if pool.isEmpty { state.functions[key] = nil }
      return false
    }
  }

  /// Lets running invocations end within the limit, then ends every environment. Nothing starts any more.
  func stop(within limit: Duration) async {
    state.withLock { $0.isStopping = true }
    let end = ambient.clock.monotonic() + limit
    while ambient.clock.monotonic() < end, state.withLock({ $0.ledger.total > 0 }) {
      try? await ambient.clock.sleepReal(for: .milliseconds(10))
    }
    let effects = state.withLock { state -> [Effect] in
      defer { (state.pools, state.waiting, state.snapshots) = ([:], [:], [:]) }
      return state.snapshots.values.map { .tell($0, .abandoned) } + state.environments.values.map { .stop($0.environment) }
        + state.waiting.values.map { .fail($0, "the server is stopping") }
    }
    perform(effects)
    startSink.finish()
  }

  /// Notes what a function reserves.
  func reserve(_ function: FunctionID, _ count: Int?) { state.withLock { $0.ledger.reserve(function, count) } }

  /// Runs an invocation to its end. Throws `AWSError` 429 when a limit of concurrency or rate is reached.
  /// - Parameter countsRate: whether it counts against the function's requests per second.
  func invoke(_ invocation: Invocation, on resolved: ResolvedFunction, countsRate: Bool) async throws -> InvocationResult {
    try enter(resolved, countsRate)
    return await withCheckedContinuation { continuation in
      start(invocation, on: resolved) { continuation.resume(returning: $0) }
    }
  }

  /// As `invoke`, without waiting for the end.
  func begin(
    _ invocation: Invocation, on resolved: ResolvedFunction, countsRate: Bool, completion: @escaping InvocationCompletion
  ) throws {
    try enter(resolved, countsRate)
    start(invocation, on: resolved, completion)
  }

  private func enter(_ resolved: ResolvedFunction, _ countsRate: Bool) throws {
    guard let (refusal, retryAfter) = admit(resolved, countsRate) else { return }
    throw LambdaError.throttled(reason: refusal.rawValue, retryAfter: retryAfter)
  }

  private func start(_ invocation: Invocation, on resolved: ResolvedFunction, _ completion: @escaping InvocationCompletion) {
    let function = resolved.version
    let waiting = Waiting(invocation: invocation) { result in
      self.state.withLock { $0.ledger.leave(function.id, reserved: resolved.reservedConcurrency) }
      completion(result)
    }
    place(waiting, function)
  }

  /// Counts the invocation as running, or says why it may not run now and when to come again.
  private func admit(_ resolved: ResolvedFunction, _ countsRate: Bool) -> (ConcurrencyLedger.Refusal, retryAfter: Int?)? {
    let (function, reserved) = (resolved.version, resolved.reservedConcurrency)
    let now = ambient.clock.monotonic()
    return state.withLock { state in
      if let refusal = state.ledger.enter(function.id, reserved: reserved) { return (refusal, nil) }
      if countsRate, !state.rates.mayRequest(function.id, executions: reserved ?? state.ledger.accountLimit, now) {
        state.ledger.leave(function.id, reserved: reserved)
        return (reserved == nil ? .rate : .reservedRate, 1)
      }
      let pool = state.pools[PoolKey(function: function.id, version: function.version)]
      if pool?.mustGrow ?? true, !state.rates.mayScale(function.id, now) {
        state.ledger.leave(function.id, reserved: reserved)
        return (reserved == nil ? .account : .reserved, 1)
      }
      return nil
    }
  }

  private func place(_ waiting: Waiting, _ function: FunctionVersion) {
    let key = PoolKey(function: function.id, version: function.version)
    let effects = state.withLock { state -> [Effect] in
      guard !state.isStopping else { return [.fail(waiting, "the server is stopping")] }
      let waiter = state.newID()
      state.waiting[waiter] = waiting
      state.functions[key] = function
      return change(key, &state, create: function.revisionID) { pool, newID in
        pool.update(to: function.revisionID, newID: newID) + pool.invoke(waiter, newID: newID)
      }
    }
    perform(effects)
  }

  private func take(_ report: Environment.Report, from id: EnvironmentID) {
    let effects = state.withLock { state -> [Effect] in
      guard let key = state.environments[id]?.key else { return [] }
      switch report {
      case .free:
        return told(id, .taken, &state) + change(key, &state) { pool, _ in pool.freed(id, now: ambient.now) }
      case .initFailed(let type):
        state.environments[id] = nil
        return told(id, .failed(type: type), &state) + change(key, &state) { pool, newID in pool.gone(id, newID: newID) }
      case .gone(let failure):
        state.environments[id] = nil
        var failed: [Effect] = []
        if let failure {
          // The next launch would fail in the same way; who waits is told instead of waiting for ever.
          let abandoned = state.pools[key]?.abandonWaiters() ?? []
          failed = abandoned.compactMap { state.waiting.removeValue(forKey: $0) }.map { .fail($0, failure) }
        }
        return told(id, .abandoned, &state) + failed + change(key, &state) { pool, newID in pool.gone(id, newID: newID) }
      }
    }
    perform(effects)
    idleNudge.nudge()
  }

  /// The function was deleted: what runs is finished, then nothing of it is left.
  func remove(_ function: FunctionID) {
    let effects = state.withLock { state -> [Effect] in
      state.pools.keys.filter { $0.function == function }.flatMap { key in
        change(key, &state) { pool, _ in pool.retire() }
      }
    }
    perform(effects)
  }

  /// Stops what has been idle for too long. Returns when that is due next.
  func expireIdle(at now: Instant) -> Instant? {
    let (effects, next) = state.withLock { state -> ([Effect], Instant?) in
      let effects = state.pools.keys.flatMap { key in
        change(key, &state) { pool, _ in pool.expire(idleLongerThan: idleLimit, now: now) }
      }
      return (effects, state.pools.values.compactMap(\.idleSince).min().map { $0 + idleLimit })
    }
    perform(effects)
    return next
  }

  /// Ends every environment of an account, whatever it does, and returns when they are gone or the limit has passed.
  func removeAll(of account: AccountID, within limit: Duration) async {
    let effects = state.withLock { state -> [Effect] in
      state.pools.keys.filter { $0.function.account == account }.flatMap { key -> [Effect] in
        let abandoned = (state.pools[key]?.abandonWaiters() ?? []).compactMap { state.waiting.removeValue(forKey: $0) }
        let failed = abandoned.map { Effect.fail($0, "the account's resources were removed") }
        return failed + change(key, &state) { pool, _ in pool.retire() }
          + state.environments.values.filter { $0.key == key }.map { .stop($0.environment) }
      }
    }
    perform(effects)
    let end = ambient.clock.monotonic() + limit
    while ambient.clock.monotonic() < end, state.withLock({ $0.environments.values.contains { $0.key.function.account == account } }) {
      try? await ambient.clock.sleepReal(for: .milliseconds(5))
    }
  }

  struct Counts: Sendable {
    var starting = 0
    var busy = 0
    var idle = 0
    /// Invocations that wait for an environment.
    var waiting = 0
    /// Invocations that run or wait.
    var invocations = 0
  }
  var counts: Counts {
    state.withLock { state in
      state.pools.values.reduce(into: Counts(invocations: state.ledger.total)) { sum, pool in
        let counts = pool.counts
        sum.starting += counts.starting
        sum.busy += counts.busy
        sum.idle += counts.idle
        sum.waiting += pool.waiting
      }
    }
  }

  /// Lets a pool decide and turns its actions into effects.
  func change(
    _ key: PoolKey, _ state: inout State, create revision: String? = nil,
    _ decide: (inout Pool, () -> EnvironmentID) -> [Pool.Action]
  ) -> [Effect] {
    guard var pool = state.pools[key] ?? revision.map({ Pool(revision: $0) }) else { return [] }
    var nextID = state.nextID
    func newID() -> EnvironmentID {
      nextID += 1
      return EnvironmentID(number: nextID)
    }
    var actions = decide(&pool, newID)[...]
    var effects: [Effect] = []
    while let action = actions.popFirst() {
      switch action {
      case .start(let id):
        guard let function = state.functions[key] else { continue }
        let environment = makeEnvironment(id, function)
        state.environments[id] = (environment, key)
        effects.append(.start(environment))
      case .stop(let id):
        if let environment = state.environments[id]?.environment { effects.append(.stop(environment)) }
      case .hand(let id, let waiter):
        guard let environment = state.environments[id]?.environment, let waiting = state.waiting[waiter] else { continue }
        if environment.isStale(at: ambient.now) {
          // Its keys end too soon: another environment takes the invocation.
          effects.append(.stop(environment))
          actions += pool.gone(id, newID: newID) + pool.invoke(waiter, newID: newID)
        } else {
          state.waiting[waiter] = nil
          effects.append(.run(environment, waiting))
        }
      }
    }
    state.nextID = nextID
    state.pools[key] = pool.isEmpty ? nil : pool
    if pool.isEmpty { state.functions[key] = nil }
    return effects
  }

  private func makeEnvironment(_ id: EnvironmentID, _ function: FunctionVersion) -> Environment {
    let day = CivilTime(ambient.now)
    let stream =
      "\(padded(day.year, 4))/\(padded(day.month, 2))/\(padded(day.day, 2))/[\(function.version)]\(ambient.random.bytes(16).hex)"
    return Environment(
      id: id, function: function, initialization: function.isSnapshotted ? .snapStart : .onDemand, logStream: stream, ambient: ambient,
      freezer: freezer,
      writeLog: { [logForwarder] in logForwarder.forward($0, of: $1) }, report: { [weak self] in self?.take($1, from: $0) })
  }

  func perform(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .start(let environment): startSink.yield(environment)
      case .run(let environment, let waiting): environment.run(waiting.invocation, waiting.completion)
      case .stop(let environment): environment.stop()
      case .fail(let waiting, let reason):
        waiting.completion(InvocationResult(outcome: .systemError(reason), executedVersion: "", logTail: []))
      case .tell(let continuation, let outcome): continuation.resume(returning: outcome)
      }
    }
  }
}

/// Ends environments that nobody has used for long.
struct IdleWorker: Worker {
  let placement: Placement
  var name: String { "lambda.idle-environments" }
  var nudge: Nudge { placement.idleNudge }

  func turn(_ now: Instant) async throws -> NextTurn {
    placement.expireIdle(at: now).map { .at(max($0, now + .seconds(1))) } ?? .onNudge
  }
}
