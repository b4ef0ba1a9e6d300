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
    /// Starts one that is kept ready.
    case provide(EnvironmentID)
    case hand(EnvironmentID, to: WaiterID)
    case stop(EnvironmentID)
  }

  /// - starting may become busy or idle, or be removed
  /// - busy may become idle or be removed
  /// - idle may become busy or be removed
  enum Phase: Sendable {
    case starting
    case busy
    case idle(since: Instant)
  }
  /// - onDemand: started for an invocation, and stopped when it has been idle for too long
  /// - provisioned: started ahead, and kept as long as it is wanted; may become onDemand or leaving
  /// - leaving: stopped when it becomes free
  enum Role: Sendable {
    case onDemand
    case provisioned
    case leaving
  }
  struct Slot: Sendable {
    var phase: Phase
    var role: Role
    var revision: String

    var hasBooted: Bool { if case .starting = phase { false } else { true } }
  }

  var slots: [EnvironmentID: Slot] = [:]
  /// Free environments, the one used last at the end: it is the warmest.
  var free: [EnvironmentID] = []
  /// Free ones among those that are kept ready. They are used first.
  var ready: [EnvironmentID] = []
  private var waiters: [WaiterID] = []
  /// Those that were started ahead of any invocation and have not booted yet.
  private var ahead: Set<EnvironmentID> = []
  private(set) var revision: String
  /// The function is deleted: what becomes free is not kept.
  private var isRetired = false
  var provision: Provision?

  init(revision: String) { self.revision = revision }

  var isEmpty: Bool { slots.isEmpty && waiters.isEmpty && provision == nil }
  var waiting: Int { waiters.count }
  /// How many environments start, run an invocation, and wait for one.
  var counts: (starting: Int, busy: Int, idle: Int) {
    slots.values.reduce(into: (0, 0, 0)) { counts, slot in
      switch slot.phase {
      case .starting: counts.0 += 1
      case .busy: counts.1 += 1
      case .idle: counts.2 += 1
      }
    }
  }
  /// Those on their way for who waits: one that is kept ready may fail without anybody's invocation.
  private var starting: Int {
    slots.values.count { !$0.hasBooted && $0.role == .onDemand }
  }

  /// Whether one more invocation makes one more environment.
  var mustGrow: Bool { ready.isEmpty && free.isEmpty && starting <= waiters.count }

  /// An invocation wants to run. It gets the warmest free environment; when there is none a new one is started for it,
  /// but whichever environment is free first takes it.
  mutating func invoke(_ waiter: WaiterID, newID: () -> EnvironmentID) -> [Action] {
    if let id = ready.popLast() ?? free.popLast() {
      slots[id]?.phase = .busy
      return [.hand(id, to: waiter)]
    }
    waiters.append(waiter)
    guard starting < waiters.count else { return [] }
    return [start(newID())]
  }

  private mutating func start(_ id: EnvironmentID) -> Action {
    slots[id] = Slot(phase: .starting, role: .onDemand, revision: revision)
    return .start(id)
  }

  /// A start that has not begun yet is taken back when others serve all who wait.
  mutating func takesBack(_ id: EnvironmentID) -> Bool {
    guard let slot = slots[id], !slot.hasBooted, slot.role == .onDemand, !ahead.contains(id), starting > waiters.count else { return false }
    slots[id] = nil
    return true
  }

  /// Starts an environment that nobody waits for yet.
  mutating func startAhead(newID: () -> EnvironmentID) -> [Action] {
    let id = newID()
    slots[id] = Slot(phase: .starting, role: .onDemand, revision: revision)
    ahead.insert(id)
    return [.start(id)]
  }

  /// The environment can take an invocation: it has booted or has answered the one before.
  mutating func freed(_ id: EnvironmentID, now: Instant) -> [Action] {
    ahead.remove(id)
    guard let slot = slots[id] else { return [] }
    guard slot.revision == revision, slot.role != .leaving else {
      slots[id] = nil
      return [.stop(id)]
    }
    defer { noteProgress() }
    guard !waiters.isEmpty else {
      if case .idle = slot.phase { return [] }
      guard !isRetired else {
        slots[id] = nil
        return [.stop(id)]
      }
      slots[id]?.phase = .idle(since: now)
      if slot.role == .provisioned { ready.append(id) } else { free.append(id) }
      return []
    }
    slots[id]?.phase = .busy
    return [.hand(id, to: waiters.removeFirst())]
  }

  /// The environment is no more. Those who wait are not left without one.
  mutating func gone(_ id: EnvironmentID, newID: () -> EnvironmentID) -> [Action] {
    forget(id)
    let replacements = fill(newID)
    guard waiters.count > starting else { return replacements }
    return replacements + [start(newID())]
  }

  mutating func forget(_ id: EnvironmentID) {
    slots[id] = nil
    ahead.remove(id)
    free.removeAll { $0 == id }
    ready.removeAll { $0 == id }
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
    let stops = stopAll { if case .busy = $0.phase { false } else { true } }
    return stops + waiters.map { _ in start(newID()) } + fill(newID)
  }

  /// Stops those that the condition names, in the order in which they were made.
  mutating func stopAll(where condition: (Slot) -> Bool) -> [Action] {
    let ids = slots.filter { condition($0.value) }.keys.sorted { $0.number < $1.number }
    for id in ids { forget(id) }
    return ids.map { .stop($0) }
  }

  /// Stops environments that nobody has used for `limit`.
  mutating func expire(idleLongerThan limit: Duration, now: Instant) -> [Action] {
    var actions: [Action] = []
    free.removeAll { id in
      guard case .idle(let since)? = slots[id]?.phase, now - since >= limit else { return false }
      slots[id] = nil
      actions.append(.stop(id))
      return true
    }
    return actions
  }

  /// The function is deleted. Invocations that run or wait are finished, as on AWS; nothing is kept for others.
  mutating func retire() -> [Action] {
    isRetired = true
    provision = nil
    return stopAll { slot in
      switch slot.phase {
      case .idle: true
      case .starting: slot.role == .provisioned
      case .busy: false
      }
    }
  }

  /// When the environment became idle that has been so longest, of those that expire.
  var idleSince: Instant? {
    free.compactMap { if case .idle(let since)? = slots[$0]?.phase { since } else { nil } }.min()
  }
}
