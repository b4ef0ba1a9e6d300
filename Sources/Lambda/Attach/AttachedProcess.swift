import Base
import Fabric
import Synchronization

/// A process of a developer that is the runtime of an environment. `dewpoint exec` started it, and tells of its output and its end.
final class AttachedProcess: EnvironmentProcess {
  /// Output that waits for the log. What comes above it is not taken.
  static let maximumOutput = 8 << 20

  private struct State {
    var output: [UInt8] = []
    var end: ProcessEnd?
    var waiter: CheckedContinuation<ProcessEnd, Never>?
  }
  private let state = Mutex(State())
  private let nudge = Nudge()
  private let onKill: @Sendable () -> Void

  /// - Parameter onKill: the process is to be ended: it has not answered in time, or its function is gone.
  init(onKill: @escaping @Sendable () -> Void) { self.onKill = onKill }

  /// Its session lasts for hours; who debugs for longer starts anew.
  var credentialsExpireAt: Instant { .distantFuture }
  func limitCPU() {}
  /// A process of the developer is never stopped, but for its time-out.
  func setFrozen(_ frozen: Bool) {}
  func peakMemoryBytes() -> Int? { nil }
  func release() {}
  /// Its developer ends it, or its time.
  func terminateRuntime() {}
  func killRuntime() { kill() }
  var sandboxed: RunningProcess? { nil }

  /// For the function it is gone at once, whenever it may really be.
  func kill() {
    onKill()
    ended(.signalled(9))
  }

  /// False when too much waits.
  func wrote(_ bytes: [UInt8]) -> Bool {
    let isTaken = state.withLock { state in
      guard state.output.count + bytes.count <= Self.maximumOutput else { return false }
      state.output += bytes
      return true
    }
    nudge.nudge()
    return isTaken
  }

  /// Only the first end counts.
  func ended(_ end: ProcessEnd) {
    let waiter = state.withLock { state -> CheckedContinuation<ProcessEnd, Never>? in
      guard state.end == nil else { return nil }
      state.end = end
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume(returning: end)
    nudge.nudge()
  }

  func takeOutput() -> [(LogSource, [UInt8])] {
    state.withLock { state in
      defer { state.output = [] }
      return [(.runtime, state.output)]
    }
  }

  func whileRunning(take: @Sendable () -> Void) async {
    while state.withLock({ $0.end == nil }) {
      await nudge.wait()
      take()
    }
  }

  func end() async -> (end: ProcessEnd, peakMemoryBytes: Int?) {
    let end = await withCheckedContinuation { continuation in
      let end = state.withLock { state -> ProcessEnd? in
        if state.end == nil { state.waiter = continuation }
        return state.end
      }
      if let end { continuation.resume(returning: end) }
    }
    return (end, nil)
  }
}
