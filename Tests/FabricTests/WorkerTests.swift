import Base
import Fabric
import Logging
import ServiceLifecycle
import Synchronization
import TestCloud
import Testing

/// Counts its turns and answers each as the script says; at its end it waits for a nudge.
private final class ScriptedWorker: Worker {
  enum Step { case next(NextTurn), fail(any Error) }
  let name = "scripted"
  let nudge = Nudge()
  private let state: Mutex<(steps: [Step], turns: [Instant])>

  init(_ steps: [Step]) { state = Mutex((steps, [])) }
  var turns: [Instant] { state.withLock { $0.turns } }

  func turn(_ now: Instant) async throws -> NextTurn {
    let step = state.withLock { state -> Step in
      state.turns.append(now)
      return state.steps.isEmpty ? .next(.onNudge) : state.steps.removeFirst()
    }
    switch step {
    case .next(let next): return next
    case .fail(let error): throw error
    }
  }
}

private struct Broken: Error {}

@Suite(.timeLimit(.minutes(1))) struct WorkerGroupTests {
  /// Runs the worker while the body does, then ends it.
  private func with(_ worker: ScriptedWorker, _ body: (TestClock) async throws -> Void) async throws {
    let clock = TestClock(.epoch)
    let running = Task { try await WorkerGroup([worker], clock: clock).run() }
    try await body(clock)
    running.cancel()
    try await running.value
  }

  @Test func `a worker has its first turn at once and the next on a nudge`() async throws {
    let worker = ScriptedWorker([])
    try await with(worker) { clock in
      await eventually { worker.turns.count == 1 }
      clock.advance(.hours(1))
      for _ in 0..<50 { await Task.yield() }
      #expect(worker.turns.count == 1)
      worker.nudge.nudge()
      await eventually { worker.turns.count == 2 }
    }
    #expect(worker.turns == [.epoch, .epoch + .hours(1)])
  }

  @Test func `a worker has its turn when its time comes`() async throws {
    let worker = ScriptedWorker([.next(.at(.epoch + .seconds(30)))])
    try await with(worker) { clock in
      await eventually { clock.sleeperCount == 1 }
      clock.advance(.seconds(29))
      for _ in 0..<50 { await Task.yield() }
      #expect(worker.turns.count == 1)
      clock.advance(.seconds(1))
      await eventually { worker.turns.count == 2 }
    }
  }

  @Test func `a nudge comes before the time`() async throws {
    let worker = ScriptedWorker([.next(.at(.distantFuture))])
    try await with(worker) { clock in
      await eventually { clock.sleeperCount == 1 }
      worker.nudge.nudge()
      await eventually { worker.turns.count == 2 }
    }
  }

  @Test func `a worker with more to do goes on without waiting`() async throws {
    let worker = ScriptedWorker(Array(repeating: .next(.soon), count: 100))
    try await with(worker) { _ in await eventually { worker.turns.count == 101 } }
  }

  @Test func `a failed turn is tried again after a pause that grows`() async throws {
    let worker = ScriptedWorker(Array(repeating: .fail(Broken()), count: 9))
    try await with(worker) { clock in
      for (turn, pause) in [200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000].enumerated() {
        await eventually { worker.turns.count == turn + 1 && clock.sleeperCount == 1 }
        clock.advance(.milliseconds(pause - 1))
        for _ in 0..<20 { await Task.yield() }
        #expect(worker.turns.count == turn + 1)
        clock.advance(.milliseconds(1))
      }
      await eventually { worker.turns.count == 10 }
    }
  }

  @Test func `a success makes the next pause short again`() async throws {
    let worker = ScriptedWorker([.fail(Broken()), .fail(Broken()), .next(.soon), .fail(Broken())])
    try await with(worker) { clock in
      for (turns, pause) in [(1, 200), (2, 400), (4, 200)] {
        await eventually { worker.turns.count == turns && clock.sleeperCount == 1 }
        clock.advance(.milliseconds(pause))
      }
      await eventually { worker.turns.count == 5 }
    }
  }

  @Test func `a cancellation from within a turn does not end the worker`() async throws {
    let worker = ScriptedWorker([.fail(CancellationError())])
    try await with(worker) { clock in
      await eventually { clock.sleeperCount == 1 }
      clock.advance(.seconds(1))
      await eventually { worker.turns.count == 2 }
    }
  }

  @Test func `graceful shutdown ends the group, whatever its workers wait for`() async throws {
    let workers = [ScriptedWorker([]), ScriptedWorker([.next(.at(.distantFuture))]), ScriptedWorker([.fail(Broken())])]
    let clock = TestClock()
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: WorkerGroup(workers, clock: clock))], logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() }))
    let running = Task { try await group.run() }
    await eventually { workers.allSatisfy { $0.turns.count == 1 } && clock.sleeperCount == 2 }
    await group.triggerGracefulShutdown()
    try await running.value
    #expect(clock.sleeperCount == 0)
  }

  @Test func `a group without workers runs until it is ended`() async throws {
    let running = Task { try await WorkerGroup([], clock: TestClock()).run() }
    for _ in 0..<50 { await Task.yield() }
    running.cancel()
    try await running.value
  }
}
