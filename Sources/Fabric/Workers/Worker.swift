import Base
import Logging
import ServiceLifecycle

/// Background work: an idempotent function without input that compares what is with what should be.
///
/// It runs again when its time comes or when somebody nudges it. Errors are logged and the turn is tried again with a
/// growing pause, so a worker never gives up.
public protocol Worker: Sendable {
  var name: String { get }
  /// Nudges make the next turn come at once.
  var nudge: Nudge { get }
  func turn(_ now: Instant) async throws -> NextTurn
  /// After its last turn, at the end of its group: returns once nothing runs any more that the worker has begun.
  func stop() async
}

extension Worker {
  public func stop() async {}
}

public enum NextTurn: Sendable, Equatable {
  /// There is more to do now.
  case soon
  case at(Instant)
  case onNudge
}

/// Runs workers until graceful shutdown.
public struct WorkerGroup: Service {
  private let workers: [any Worker]
  private let clock: any AmbientClock
  private let logger: Logger

  public init(
    _ workers: [any Worker], clock: any AmbientClock, logger: Logger = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
  ) {
    (self.workers, self.clock, self.logger) = (workers, clock, logger)
  }

  public func run() async throws {
    await cancelWhenGracefulShutdown {
      await withDiscardingTaskGroup { group in
        for worker in workers { group.addTask { await run(worker) } }
        await Nudge().wait()  // for ever, so that a group without workers does not end the server
        group.cancelAll()
      }
    }
  }

  private func run(_ worker: any Worker) async {
    await takeTurns(worker)
    await worker.stop()
  }

  private func takeTurns(_ worker: any Worker) async {
    var failures = 0
    while !Task.isCancelled {
      var next: NextTurn
      do {
        next = try await worker.turn(clock.now())
        failures = 0
      } catch {
        // A cancellation that is not this task's own is a failure like others.
        if Task.isCancelled { return }
        failures += 1
        logger.error("worker failed", metadata: ["worker": "\(worker.name)", "error": "\(error)", "failures": "\(failures)"])
        // Real time: a frozen clock must not stop the retry of an internal failure.
        try? await clock.sleepReal(for: .milliseconds(min(100 << min(failures, 6), 5000)))
        next = .soon
      }
      switch next {
      case .soon: await Task.yield()
      case .at(let instant): await worker.nudge.wait(until: instant, clock: clock)
      case .onNudge: await worker.nudge.wait()
      }
    }
  }
}
