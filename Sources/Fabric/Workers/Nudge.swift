import Base
import Synchronization

/// A signal that somebody may wait for. A nudge while nobody waits is kept, several are one.
public final class Nudge: Sendable {
  /// idle: nobody waits, nothing is kept. kept: the next wait returns at once. waiting: who is woken by the next nudge.
  private enum State {
    case idle
    case kept
    case waiting([UInt64: CheckedContinuation<Void, Never>])
  }
  private struct Guarded {
    var state = State.idle
    var nextID: UInt64 = 0
    var cancelled: Set<UInt64> = []
  }
  private let guarded = Mutex(Guarded())

  public init() {}

  /// Wakes all who wait.
  public func nudge() {
    let waiters = guarded.withLock { guarded -> [CheckedContinuation<Void, Never>] in
      guard case .waiting(let waiters) = guarded.state else { guarded.state = .kept; return [] }
      guarded.state = .idle
      return Array(waiters.values)
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Returns after the next nudge, at once when one is kept, or when the task is cancelled.
  public func wait() async {
    let id = guarded.withLock { guarded -> UInt64 in
      guarded.nextID += 1
      return guarded.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let resumeNow = guarded.withLock { guarded -> Bool in
          if guarded.cancelled.remove(id) != nil { return true }
          switch guarded.state {
          case .kept:
            guarded.state = .idle
            return true
          case .idle: guarded.state = .waiting([id: continuation])
          case .waiting(var waiters):
            waiters[id] = continuation
            guarded.state = .waiting(waiters)
          }
          return false
        }
        if resumeNow { continuation.resume() }
      }
    } onCancel: {
      let waiter = guarded.withLock { guarded -> CheckedContinuation<Void, Never>? in
        if case .waiting(var waiters) = guarded.state, let waiter = waiters.removeValue(forKey: id) {
          guarded.state = waiters.isEmpty ? .idle : .waiting(waiters)
          return waiter
        }
        guarded.cancelled.insert(id)
        return nil
      }
      waiter?.resume()
    }
    guarded.withLock { _ = $0.cancelled.remove(id) }
  }

  /// Returns after the next nudge or once the adjusted time has come, whichever is first.
  public func wait(until deadline: Instant, clock: any AmbientClock) async {
    await wait { try? await clock.sleep(until: deadline) }
  }

  /// Returns after the next nudge or once so much real time has passed, whichever is first: for the limits of function code.
  public func wait(atMost limit: Duration, clock: any AmbientClock) async {
    await wait { try? await clock.sleepReal(for: limit) }
  }

  private func wait(orUntil end: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.wait() }
      group.addTask { await end() }
      await group.next()
      group.cancelAll()
    }
  }
}
