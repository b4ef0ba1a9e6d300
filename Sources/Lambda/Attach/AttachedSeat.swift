/// What waits for a process that somebody attached to a version of a function: it gets all invocations, one after the other, and
/// no environment is started beside it.
struct AttachedSeat: Sendable {
  let id: EnvironmentID
  /// - booting: it has not asked for work yet. Then busy or free.
  /// - busy, free: one follows the other.
  private enum Phase { case booting, busy, free }
  private var phase = Phase.booting
  /// In the order in which they came; bounded by the concurrency of the function.
  private var waiters: [WaiterID] = []

  init(_ id: EnvironmentID) { self.id = id }

  var waiting: Int { waiters.count }
  /// It works on an invocation.
  var isBusy: Bool { phase == .busy }

  /// - Returns: whom to hand it to now, if that can be.
  mutating func invoke(_ waiter: WaiterID) -> WaiterID? {
    guard phase == .free else {
      waiters.append(waiter)
      return nil
    }
    phase = .busy
    return waiter
  }

  /// It has booted or answered.
  mutating func freed() -> WaiterID? {
    guard !waiters.isEmpty else {
      phase = .free
      return nil
    }
    phase = .busy
    return waiters.removeFirst()
  }

  /// It is no more; who waits is for others to serve.
  mutating func leave() -> [WaiterID] {
    defer { waiters = [] }
    return waiters
  }
}
