import Base
import Fabric
import Synchronization

/// Freezes environments that have nothing to do, so that function code runs during invocations only (AWS: "Lambda freezes the
/// execution environment when the runtime and each extension have completed").
///
/// After a short grace: between the invocations of a busy function nothing is frozen and thawed in vain.
final class Freezer: Sendable {
  private static let grace = Duration.milliseconds(5)

  private struct Idle {
    var environment: Environment
    /// Which of its rests it was; it may have worked and rested again since.
    var rest: UInt64
    var due: Duration
  }
  private struct State {
    /// In the order in which they are due, since the grace is the same for all. At most one for each rest of an environment, and
    /// rests are as frequent as invocations: bounded by what is invoked within the grace.
    var idle: [Idle] = []
  }
  private let state = Mutex(State())
  private let clock: any AmbientClock
  private let nudge = Nudge()

  init(clock: any AmbientClock) { self.clock = clock }

  /// The runtime of an environment waits for work.
  func rests(_ environment: Environment, _ rest: UInt64) {
    let due = clock.monotonic() + Self.grace
    let isFirst = state.withLock { state in
      state.idle.append(Idle(environment: environment, rest: rest, due: due))
      return state.idle.count == 1
    }
    if isFirst { nudge.nudge() }
  }

  /// Until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      guard let next = state.withLock({ $0.idle.first?.due }) else {
        await nudge.wait()
        continue
      }
      let pause = next - clock.monotonic()
      if pause > .zero {
        // A little longer, so that one wake-up serves many.
        guard (try? await clock.sleepReal(for: pause + .milliseconds(1))) != nil else { return }
      }
      freezeDue()
    }
  }

  private func freezeDue() {
    let now = clock.monotonic()
    let due = state.withLock { state -> ArraySlice<Idle> in
      let due = state.idle.prefix { $0.due <= now }
      state.idle.removeFirst(due.count)
      return due
    }
    for idle in due { idle.environment.freeze(ifStillAt: idle.rest) }
  }
}
