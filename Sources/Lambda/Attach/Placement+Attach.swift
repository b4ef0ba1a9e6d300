import Base

/// Processes that developers attach in place of environments of ours.
extension Placement {
  /// An environment whose process is there already. It gets nothing before `attach`.
  /// - Parameter echo: gets the lines of the platform.
  func makeAttached(
    _ function: FunctionVersion, _ process: any EnvironmentProcess, echo: @escaping @Sendable (String) -> Void
  ) -> Environment {
    makeEnvironment(EnvironmentID(number: state.withLock { $0.newID() }), function, attached: process, echo: echo)
  }

  func isAttached(_ function: FunctionVersion) -> Bool {
    state.withLock { $0.seats[PoolKey(function: function.id, version: function.version)] != nil }
  }

  /// From here on it gets all invocations; what already runs or waits ends elsewhere, and what is idle is there for later. False when
  /// another one is attached.
  func attach(_ environment: Environment) -> Bool {
    let key = PoolKey(function: environment.function.id, version: environment.function.version)
    let isAttached = state.withLock { state in
      guard state.seats[key] == nil, !state.isStopping else { return false }
      state.seats[key] = AttachedSeat(environment.id)
      state.environments[environment.id] = (environment, key)
      return true
    }
    if isAttached { perform([.start(environment)]) }
    return isAttached
  }

  /// Its process is no more, or not to be used any more: it ends after what it works on, and sandboxes take what waits.
  /// - Parameter end: tells it of its end, when nothing new can come to it.
  func detach(_ environment: Environment, end: () -> Void) {
    let key = PoolKey(function: environment.function.id, version: environment.function.version)
    let (effects, isBusy) = state.withLock { state -> ([Effect], Bool) in
      guard let seat = state.seats[key], seat.id == environment.id else { return ([], false) }
      state.detached.insert(environment.id)
      return (unseat(key, environment.id, &state), seat.isBusy)
    }
    end()
    if !isBusy { environment.stop() }
    perform(effects)
  }

  func hand(_ waiter: WaiterID?, _ key: PoolKey, _ state: inout State) -> [Effect] {
    guard let waiter, let id = state.seats[key]?.id, let environment = state.environments[id]?.environment,
      let waiting = state.waiting.removeValue(forKey: waiter)
    else { return [] }
    return [.run(environment, waiting)]
  }

  /// Those who wait for an attached process are served by the pool.
  func unseat(_ key: PoolKey, _ id: EnvironmentID, _ state: inout State) -> [Effect] {
    guard state.seats[key]?.id == id, var seat = state.seats.removeValue(forKey: key) else { return [] }
    return seat.leave().flatMap { waiter -> [Effect] in
      guard let waiting = state.waiting.removeValue(forKey: waiter) else { return [] }
      return [.again(waiting)]
    }
  }

  func attached(of state: State, _ isMeant: (PoolKey) -> Bool) -> [Effect] {
    state.seats.filter { isMeant($0.key) }.compactMap { state.environments[$0.value.id]?.environment }.map { .stop($0) }
  }
}
