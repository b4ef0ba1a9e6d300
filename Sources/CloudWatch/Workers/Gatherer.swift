import Base
import Fabric

/// Commits the lines of the port a short time after the first came, or as soon as there are many.
struct Gatherer: Worker {
  let buffer: LogBuffer
  let clock: any AmbientClock

  var name: String { "logs.gatherer" }
  var nudge: Nudge { buffer.started }

  func turn(_ now: Instant) async throws -> NextTurn {
    let lines = buffer.lineCount
    if lines > 0, lines < LogsLimits.gatherLines {
      await withTaskGroup(of: Void.self) { group in
        group.addTask { try? await clock.sleepReal(for: LogsLimits.gatherTime) }
        group.addTask { await buffer.enough.wait() }
        await group.next()
        group.cancelAll()
      }
    }
    try await buffer.flush()
    return .onNudge
  }
}
