import Synchronization

/// A clock that stands still until a test moves it.
public final class TestClock: AmbientClock {
  private struct State {
    var now: Instant
    var monotonic: Duration = .zero
    var sleepers: [UInt64: (deadline: Instant, wake: CheckedContinuation<Void, any Error>)] = [:]
    var cancelled: Set<UInt64> = []
    var nextID: UInt64 = 0
  }
  private let state: Mutex<State>

  public init(_ start: Instant = Instant(seconds: 1_700_000_000)) { state = Mutex(State(now: start)) }

  public func now() -> Instant { state.withLock { $0.now } }
  public func wallNow() -> Instant { now() }
  public func monotonic() -> Duration { state.withLock { $0.monotonic } }
  public func sleepReal(for duration: Duration) async throws { try await sleep(until: now() + duration) }

  /// How many tasks wait for a time to come, so that a test can wait until its subject does.
  public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

  /// Moves time forward, wakes whoever is due, and returns the new time.
  @discardableResult
  public func advance(_ duration: Duration) -> Instant {
    let (now, due) = state.withLock { state -> (Instant, [CheckedContinuation<Void, any Error>]) in
      state.now = state.now + duration
      state.monotonic += duration
      let due = state.sleepers.filter { $0.value.deadline <= state.now }
      for id in due.keys { state.sleepers[id] = nil }
      return (state.now, due.values.sorted { $0.deadline < $1.deadline }.map(\.wake))
    }
    for wake in due { wake.resume() }
    return now
  }

  public func sleep(until deadline: Instant) async throws {
    let id = state.withLock { state -> UInt64 in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
        let outcome = state.withLock { state -> Result<Void, any Error>? in
          if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
          if state.now >= deadline { return .success(()) }
          state.sleepers[id] = (deadline, continuation)
          return nil
        }
        if let outcome { continuation.resume(with: outcome) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        let sleeper = state.sleepers.removeValue(forKey: id)
        if sleeper == nil { state.cancelled.insert(id) }
        return sleeper
      }
      sleeper?.wake.resume(throwing: CancellationError())
    }
    state.withLock { _ = $0.cancelled.remove(id) }
  }
}
