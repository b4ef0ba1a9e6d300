import Base

/// Names an environment within this process.
struct EnvironmentID: Hashable, Sendable, CustomStringConvertible {
  var number: UInt64
  var description: String { "env-\(number)" }
}

/// Names an invocation that waits for an environment.
typealias WaiterID = UInt64

/// The environments of one version of a function: who is free, who waits, who must go. Decides; does nothing itself.
struct Pool: Sendable {
  enum Action: Sendable, Equatable {
    case start(EnvironmentID)
    case hand(EnvironmentID, to: WaiterID)
    case stop(EnvironmentID)
  }

  /// - starting may become busy or idle, or be removed
  /// - busy may become idle or be removed
  /// - idle may become busy or be removed
  private enum Slot: Sendable {
    case starting
    case busy
    case idle(since: Instant)
  }

  private var slots: [EnvironmentID: (slot: Slot, revision: String)] = [:]
  /// Free environments, the one used last at the end: it is the warmest.
  private var free: [EnvironmentID] = []
  private var waiters: [WaiterID] = []
  /// Those that were started ahead of any invocation and have not booted yet.
  private var ahead: Set<EnvironmentID> = []
  private(set) var revision: String
  /// The function is deleted: what becomes free is not kept.
  private var isRetired = false

  init(revision: String) { self.revision = revision }

  var isEmpty: Bool { slots.isEmpty && waiters.isEmpty }
  var waiting: Int { waiters.count }
  /// How many environments start, run an invocation, and wait for one.
  var counts: (starting: Int, busy: Int, idle: Int) {
    slots.values.reduce(into: (0, 0, 0)) { counts, entry in
      switch entry.slot {
      case .starting: counts.0 += 1
      case .busy: counts.1 += 1
      case .idle: counts.2 += 1
      }
    }
  }
  private var starting: Int { counts.starting }

  /// Whether one more invocation makes one more environment.
  var mustGrow: Bool { free.isEmpty && starting <= waiters.count }

  /// An invocation wants to run. It gets the warmest free environment; when there is none a new one is started for it,
  /// but whichever environment is free first takes it.
  mutating func invoke(_ waiter: WaiterID, newID: () -> EnvironmentID) -> [Action] {
    if let id = free.popLast() {
      slots[id]?.slot = .busy
      return [.hand(id, to: waiter)]
    }
    waiters.append(waiter)
    guard starting < waiters.count else { return [] }
    let id = newID()
    slots[id] = (.starting, revision)
    return [.start(id)]
  }

  /// A start that has not begun yet is taken back when others serve all who wait.
  mutating func takesBack(_ id: EnvironmentID) -> Bool {
    guard case .starting? = slots[id]?.slot, !ahead.contains(id), starting > waiters.count else { return false }
    slots[id] = nil
    return true
  }

  /// Starts an environment that nobody waits for yet.
  mutating func startAhead(newID: () -> EnvironmentID) -> [Action] {
    let id = newID()
    slots[id] = (.starting, revision)
    ahead.insert(id)
    return [.start(id)]
  }

  /// The environment can take an invocation: it has booted or has answered the one before.
  mutating func freed(_ id: EnvironmentID, now: Instant) -> [Action] {
    ahead.remove(id)
    guard let entry = slots[id] else { return [] }
    guard entry.revision == revision else {
      slots[id] = nil
      return [.stop(id)]
    }
    guard !waiters.isEmpty else {
      if case .idle = entry.slot { return [] }
      guard !isRetired else {
        slots[id] = nil
        return [.stop(id)]
      }
      slots[id]?.slot = .idle(since: now)
      free.append(id)
      return []
    }
    slots[id]?.slot = .busy
    return [.hand(id, to: waiters.removeFirst())]
  }

  /// The environment is no more. Those who wait are not left without one.
  mutating func gone(_ id: EnvironmentID, newID: () -> EnvironmentID) -> [Action] {
    slots[id] = nil
    ahead.remove(id)
    free.removeAll { $0 == id }
    guard waiters.count > starting else { return [] }
    let fresh = newID()
    slots[fresh] = (.starting, revision)
    return [.start(fresh)]
  }

  /// Gives up on everyone who waits, because environments cannot be started.
  mutating func abandonWaiters() -> [WaiterID] {
    defer { waiters = [] }
    return waiters
  }

  /// Code or configuration changed: nothing of the old revision takes another invocation.
  mutating func update(to revision: String, newID: () -> EnvironmentID) -> [Action] {
    isRetired = false
    guard revision != self.revision else { return [] }
    self.revision = revision
    var actions: [Action] = []
    for (id, entry) in slots.sorted(by: { $0.key.number < $1.key.number }) {
      if case .busy = entry.slot { continue }
      slots[id] = nil
      actions.append(.stop(id))
    }
    free = []
    for _ in waiters {
      let id = newID()
      slots[id] = (.starting, revision)
      actions.append(.start(id))
    }
    return actions
  }

  /// Stops environments that nobody has used for `limit`.
  mutating func expire(idleLongerThan limit: Duration, now: Instant) -> [Action] {
    var actions: [Action] = []
    free.removeAll { id in
      guard case .idle(let since)? = slots[id]?.slot, now - since >= limit else { return false }
      slots[id] = nil
      actions.append(.stop(id))
      return true
    }
    return actions
  }

  /// The function is deleted. Invocations that run or wait are finished, as on AWS; nothing is kept for others.
  mutating func retire() -> [Action] {
    isRetired = true
    defer { free = [] }
    return free.map { id in
      slots[id] = nil
      return .stop(id)
    }
  }

  /// When the environment that has been idle longest became so.
  var idleSince: Instant? {
    slots.values.compactMap { if case .idle(let since) = $0.slot { since } else { nil } }.min()
  }
}
