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
    var function: FunctionVersion
    var completion: InvocationCompletion
  }
  struct State {
    var pools: [PoolKey: Pool] = [:]
    var functions: [PoolKey: FunctionVersion] = [:]
    var environments: [EnvironmentID: (environment: Environment, key: PoolKey)] = [:]
    var waiting: [WaiterID: Waiting] = [:]
    /// What developers have attached; no pool of such a version gets an invocation.
    var seats: [PoolKey: AttachedSeat] = [:]
    /// Once attached: they end after what they work on.
    var detached: Set<EnvironmentID> = []
    var ledger: ConcurrencyLedger
    var rates = RateLimits()
    var nextID: UInt64 = 0
    var isStopping = false
    /// Who waits for environments that are initialised ahead.
    var snapshots: [EnvironmentID: CheckedContinuation<SnapshotOutcome, Never>] = [:]
    /// The idle worker comes by itself when the next environment is due; later ones need not tell it.
    var isExpiryPlanned = false
    /// Invocations of versions with provisioned concurrency: how many found an environment that was ready.
    var provisionedInvocations = 0
    var spilledInvocations = 0

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
    /// It ends with this, without an environment.
    case fail(Waiting, InvocationOutcome)
    case tell(CheckedContinuation<SnapshotOutcome, Never>, SnapshotOutcome)
    /// It waited for what is no more.
    case again(Waiting)
  }

  let state: Mutex<State>
  let ambient: Ambient
  private let logForwarder: LogForwarder
  let memory: MemoryReturn
  private let metrics: FunctionMetrics
  private let hotReload: HotReload
  let idleLimit: Duration
  let gate = StartGate()
  private let freezer: Freezer
  private let starts: AsyncStream<Environment>
  private let startSink: AsyncStream<Environment>.Continuation
  /// Nudged when an environment becomes free, so that its expiry is planned.
  let idleNudge = Nudge()

  /// - Parameters:
  ///   - accountLimit: concurrent executions of an account in a Region.
  ///   - idleLimit: how long an environment is kept without work; AWS does not state its own figure.
  init(
    ambient: Ambient, logForwarder: LogForwarder, metrics: FunctionMetrics, hotReload: HotReload,
    accountLimit: Int = LambdaLimits.accountConcurrency, idleLimit: Duration = .minutes(10)
  ) {
    state = Mutex(State(ledger: ConcurrencyLedger(accountLimit: accountLimit)))
    (self.ambient, self.logForwarder, self.metrics) = (ambient, logForwarder, metrics)
    memory = MemoryReturn(ambient.clock)
    (self.hotReload, self.idleLimit) = (hotReload, idleLimit)
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
        group.addTask { await self.live(environment, launcher) }
      }
    }
  }

  /// From its start to its end. With a spare there is next to nothing to boot, so it need not wait for its turn; and a process that
  /// was attached is there already.
  private func live(_ environment: Environment, _ launcher: Launcher) async {
    let isAttached = environment.guarded.withLock { $0.attached != nil }
    let prepared = isAttached ? nil : try? await launcher.prepare(environment)
    let isAhead = environment.initialization == .provisioned || state.withLock { $0.snapshots[environment.id] != nil }
    // What is attached or spare has booted already.
    let purpose: StartGate.Purpose? = isAttached || prepared?.spare != nil ? nil : isAhead ? .later : .invocation
    if let purpose { await gate.enter(purpose) }
    let booted: @Sendable () -> Void = {
      if let purpose { self.gate.leave(purpose) }
      launcher.refill()
    }
    guard mayStart(environment.id) else {
      await launcher.discard(prepared)
      launcher.release(environment.id)
      return booted()
    }
    let first = Mutex(prepared)
    await environment.live(booted: booted) { environment in
      let prepared = first.withLock { first in
        defer { first = nil }
        return first
      }
      return try await launcher.launch(environment, prepared)
    }
    await launcher.discard(first.withLock { $0 })
    launcher.release(environment.id)
    memory.environmentEnded()
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
      defer { (state.pools, state.waiting, state.seats, state.snapshots) = ([:], [:], [:], [:]) }
      return state.snapshots.values.map { .tell($0, .abandoned) } + state.environments.values.map { .stop($0.environment) }
        + state.waiting.values.map { .fail($0, .systemError("the server is stopping")) }
    }
    perform(effects)
    startSink.finish()
  }

  /// Notes what a function reserves.
  func reserve(_ function: FunctionID, _ count: Int?) { state.withLock { $0.ledger.reserve(function, count) } }

  /// Runs an invocation to its end. Throws `AWSError` 429 when a limit of concurrency or rate is reached.
  /// - Parameter countsRate: whether it counts against the requests per second of the function and the account.
  func invoke(_ invocation: Invocation, on resolved: ResolvedFunction, countsRate: Bool) async throws -> InvocationResult {
    let admission = try await enter(resolved, countsRate)
    return await withCheckedContinuation { continuation in
      start(invocation, on: resolved, admission) { continuation.resume(returning: $0) }
    }
  }

  /// As `invoke`, without waiting for the end.
  func begin(
    _ invocation: Invocation, on resolved: ResolvedFunction, countsRate: Bool, completion: @escaping InvocationCompletion
  ) async throws {
    let admission = try await enter(resolved, countsRate)
    start(invocation, on: resolved, admission, completion)
  }

  private struct Admission {
    var seat: ConcurrencyLedger.Seat
    var load: ConcurrencyLedger.Load
  }

  private func enter(_ resolved: ResolvedFunction, _ countsRate: Bool) async throws -> Admission {
    try await hotReload.prepare(resolved.version)
    switch admit(resolved, countsRate) {
    case .success(let admission): return admission
    case .failure(let refusal):
      metrics.add(.throttles, of: MetricTarget(resolved), at: ambient.now)
      throw LambdaError.throttled(reason: refusal.reason.rawValue, retryAfter: refusal.retryAfter)
    }
  }

  private func start(
    _ invocation: Invocation, on resolved: ResolvedFunction, _ admission: Admission, _ completion: @escaping InvocationCompletion
  ) {
    let (function, seat) = (resolved.version, admission.seat)
    let run = metrics.began(resolved, on: seat, admission.load, at: ambient.now)
    let waiting = Waiting(invocation: invocation, function: function) { result in
      self.state.withLock { $0.ledger.leave(function.id, seat) }
      self.metrics.ended(run, result)
      completion(result)
    }
    place(waiting)
  }

  private struct Throttled: Error {
    var reason: ConcurrencyLedger.Refusal
    /// Seconds until it is worth another try, where that is known.
    var retryAfter: Int?
  }

  /// Counts the invocation as running, or says why it may not run now and when to come again.
  private func admit(_ resolved: ResolvedFunction, _ countsRate: Bool) -> Result<Admission, Throttled> {
    let (function, reserved) = (resolved.version, resolved.reservedConcurrency)
    let now = ambient.clock.monotonic()
    return state.withLock { state in
      let seat: ConcurrencyLedger.Seat
      do throws(ConcurrencyLedger.Refusal) {
        seat = try state.ledger.enter(function.id, version: function.version, reserved: reserved)
      } catch {
        return .failure(Throttled(reason: error))
      }
      func refuse(_ reason: ConcurrencyLedger.Refusal) -> Result<Admission, Throttled> {
        state.ledger.leave(function.id, seat)
        return .failure(Throttled(reason: reason, retryAfter: 1))
      }
      let limit = state.ledger.accountLimit
      if countsRate {
        guard state.rates.mayRequest(function.id, executions: reserved ?? limit, now) else {
          return refuse(reserved == nil ? .rate : .reservedRate)
        }
        guard state.rates.mayCall(ConcurrencyLedger.Scope(function.id), executions: limit, now) else { return refuse(.callerRate) }
      }
      let key = PoolKey(function: function.id, version: function.version)
      if state.seats[key] == nil, state.pools[key]?.mustGrow ?? true, !state.rates.mayScale(function.id, now) {
        return refuse(reserved == nil ? .account : .reserved)
      }
      return .success(Admission(seat: seat, load: state.ledger.load(function.id, version: function.version)))
    }
  }

  private func place(_ waiting: Waiting) {
    let function = waiting.function
    let key = PoolKey(function: function.id, version: function.version)
    let effects = state.withLock { state -> [Effect] in
      guard !state.isStopping else { return [.fail(waiting, .systemError("the server is stopping"))] }
      let waiter = state.newID()
      state.waiting[waiter] = waiting
      if state.seats[key] != nil { return hand(state.seats[key]?.invoke(waiter), key, &state) }
      state.functions[key] = function
      if let pool = state.pools[key], pool.provision != nil {
        if pool.ready.isEmpty { state.spilledInvocations += 1 } else { state.provisionedInvocations += 1 }
      }
      let revision = hotReload.revision(of: function)
      return change(key, &state, create: revision) { pool, newID in
        pool.update(to: revision, newID: newID) + pool.invoke(waiter, newID: newID)
      }
    }
    perform(effects)
  }

  /// The code of functions has changed on disk: what has nothing to do ends, the rest after its invocation.
  func reload(_ directory: String) {
    let effects = state.withLock { state -> [Effect] in
      state.functions.filter { $0.value.hotReloadDirectory == directory }.flatMap { key, function in
        let revision = hotReload.revision(of: function)
        return change(key, &state) { pool, newID in pool.update(to: revision, newID: newID) }
      }
    }
    perform(effects)
  }

  private func take(_ report: Environment.Report, from id: EnvironmentID) {
    if case .extensionsWorked(let invocation, let function, let duration) = report {
      let target = MetricTarget(function, invokedAs: invocation.invokedARN)
      return metrics.add(.postRuntimeExtensionsDuration, Double(duration.inMicroseconds) / 1000, of: target, at: ambient.now)
    }
    let (effects, mustPlan) = state.withLock { state -> ([Effect], Bool) in
      guard let key = state.environments[id]?.key else { return ([], false) }
      let effects = take(report, from: id, key, &state)
      let mustPlan = !state.isExpiryPlanned && state.pools[key]?.idleSince != nil
      if mustPlan { state.isExpiryPlanned = true }
      return (effects, mustPlan)
    }
    perform(effects)
    if mustPlan { idleNudge.nudge() }
  }

  private func take(_ report: Environment.Report, from id: EnvironmentID, _ key: PoolKey, _ state: inout State) -> [Effect] {
    switch report {
    case .extensionsWorked: return []
    case .free:
      if state.seats[key]?.id == id { return hand(state.seats[key]?.freed(), key, &state) }
      if state.detached.contains(id) { return (state.environments[id]?.environment).map { [.stop($0)] } ?? [] }
      return told(id, .taken, &state) + change(key, &state) { pool, _ in pool.freed(id, now: ambient.now) }
    case .gone where state.detached.contains(id) || state.seats[key]?.id == id:
      state.environments[id] = nil
      state.detached.remove(id)
      return unseat(key, id, &state)
    case .initFailed where state.pools[key]?.isProvisioned(id) == true:
      state.environments[id] = nil
      return change(key, &state) { pool, _ in pool.provisionFailed(id, "FUNCTION_ERROR_INIT_FAILURE") }
    case .initFailed(let type) where state.snapshots[id] != nil:
      state.environments[id] = nil
      return told(id, .failed(type: type), &state) + change(key, &state) { pool, newID in pool.gone(id, newID: newID) }
    case .initFailed(let type):
      // Of a version with SnapStart, whose first invocation waits for it.
      state.environments[id] = nil
      let error = FunctionError.make(type, "The function failed to initialize (\(type)); its log says why.")
      return abandonWaiters(key, &state).map { .fail($0, .functionError(error)) }
        + change(key, &state) { pool, newID in pool.gone(id, newID: newID) }
    case .gone(let failure?) where state.pools[key]?.isProvisioned(id) == true:
      state.environments[id] = nil
      return change(key, &state) { pool, _ in pool.provisionFailed(id, failure) }
    case .gone(let failure):
      state.environments[id] = nil
      var failed: [Effect] = []
      if let failure {
        // The next launch would fail in the same way; who waits is told instead of waiting for ever.
        failed = abandonWaiters(key, &state).map { .fail($0, .systemError(failure)) }
      }
      return told(id, .abandoned, &state) + failed + change(key, &state) { pool, newID in pool.gone(id, newID: newID) }
    }
  }

  private func abandonWaiters(_ key: PoolKey, _ state: inout State) -> [Waiting] {
    (state.pools[key]?.abandonWaiters() ?? []).compactMap { state.waiting.removeValue(forKey: $0) }
  }

  /// The function was deleted: what runs is finished, then nothing of it is left.
  func remove(_ function: FunctionID) {
    let effects = state.withLock { state -> [Effect] in
      state.ledger.provide(function, [:])
      return state.pools.keys.filter { $0.function == function }.flatMap { key in
        change(key, &state) { pool, _ in pool.retire() }
      } + attached(of: state) { $0.function == function }
    }
    perform(effects)
  }

  /// Ends every environment of an account, whatever it does, and returns when they are gone or the limit has passed.
  func removeAll(of account: AccountID, within limit: Duration) async {
    let effects = state.withLock { state -> [Effect] in
      let seated = state.seats.keys.filter { $0.function.account == account }.flatMap { key in
        (state.seats[key]?.leave() ?? []).compactMap { state.waiting.removeValue(forKey: $0) }
      }
      return seated.map { Effect.fail($0, .systemError("the account's resources were removed")) }
        + state.pools.keys.filter { $0.function.account == account }.flatMap { key -> [Effect] in
        state.ledger.provide(key.function, [:])
        let failed = abandonWaiters(key, &state).map { Effect.fail($0, .systemError("the account's resources were removed")) }
        return failed + change(key, &state) { pool, _ in pool.retire() }
          + state.environments.values.filter { $0.key == key }.map { .stop($0.environment) }
      } + attached(of: state) { $0.function.account == account }
    }
    perform(effects)
    let end = ambient.clock.monotonic() + limit
    while ambient.clock.monotonic() < end, state.withLock({ $0.environments.values.contains { $0.key.function.account == account } }) {
      try? await ambient.clock.sleepReal(for: .milliseconds(5))
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
      case .start(let id), .provide(let id):
        guard let function = state.functions[key] else { continue }
        let environment = makeEnvironment(id, function, action == .start(id) ? .onDemand : .provisioned)
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

  func makeEnvironment(
    _ id: EnvironmentID, _ function: FunctionVersion, _ initialization: Initialization = .onDemand,
    attached: (any EnvironmentProcess)? = nil, echo: (@Sendable (String) -> Void)? = nil
  ) -> Environment {
    let day = CivilTime(ambient.now)
    let kind = initialization == .onDemand && function.isSnapshotted && attached == nil ? .snapStart : initialization
    let stream =
      "\(padded(day.year, 4))/\(padded(day.month, 2))/\(padded(day.day, 2))/[\(function.version)]\(ambient.random.bytes(16).hex)"
    return Environment(
      id: id, function: function, initialization: kind, logStream: stream, ambient: ambient, freezer: freezer,
      attached: attached, echo: echo,
      writeLog: { [logForwarder] in logForwarder.forward($0, of: $1) }, report: { [weak self] in self?.take($1, from: $0) })
  }

  func perform(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .start(let environment): startSink.yield(environment)
      case .run(let environment, let waiting): environment.run(waiting.invocation, waiting.completion)
      case .stop(let environment): environment.stop()
      case .again(let waiting): place(waiting)
      case .fail(let waiting, let outcome):
        waiting.completion(InvocationResult(outcome: outcome, executedVersion: waiting.function.version, logTail: []))
      case .tell(let continuation, let outcome): continuation.resume(returning: outcome)
      }
    }
  }
}
