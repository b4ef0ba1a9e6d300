import Synchronization

/// Something that happens once and that any number of tasks may wait for.
package final class Completion: Sendable {
  private enum State {
    /// May become `complete`.
    case waiting([CheckedContinuation<Void, Never>])
    case complete
  }
  private let state = Mutex(State.waiting([]))

  package init() {}

  package func complete() {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      defer { state = .complete }
      if case .waiting(let waiters) = state { return waiters }
      return []
    }
    for waiter in waiters { waiter.resume() }
  }

  package func wait() async {
    await withCheckedContinuation { waiter in
      let isComplete = state.withLock { state -> Bool in
        guard case .waiting(let waiters) = state else { return true }
        state = .waiting(waiters + [waiter])
        return false
      }
      if isComplete { waiter.resume() }
    }
  }
}
