import Base
import Fabric
import Synchronization

/// Tells those who wait at a stream that something has come.
final class Arrivals: Sendable {
  /// One nudge for each wait: whoever comes is told, and all who wait are.
  private let waiting = Mutex<[Int: [ObjectIdentifier: Nudge]]>([:])

  func announce(_ stream: Int) {
    let nudges = waiting.withLock { $0[stream].map { Array($0.values) } ?? [] }
    for nudge in nudges { nudge.nudge() }
  }

  /// Returns after the next announcement or once the time has come. What was announced between a look and this call is missed for a
  /// moment: nobody waits longer than a second without looking again.
  func wait(for stream: Int, until deadline: Instant, clock: any AmbientClock) async {
    let nudge = Nudge()
    waiting.withLock { $0[stream, default: [:]][ObjectIdentifier(nudge)] = nudge }
    await nudge.wait(until: min(deadline, clock.now() + .seconds(1)), clock: clock)
    waiting.withLock { waiting in
      waiting[stream]?[ObjectIdentifier(nudge)] = nil
      if waiting[stream]?.isEmpty == true { waiting[stream] = nil }
    }
  }
}
