import Base
import Fabric
import TestCloud
import Testing

@Suite(.timeLimit(.minutes(1))) struct NudgeTests {
  @Test func `a nudge while nobody waits is kept, and several are one`() async {
    let nudge = Nudge()
    nudge.nudge()
    nudge.nudge()
    await nudge.wait()
    let second = Task { await nudge.wait() }
    for _ in 0..<20 { await Task.yield() }
    second.cancel()
    await second.value
    // The cancelled wait took nothing with it.
    nudge.nudge()
    await nudge.wait()
  }

  @Test func `one nudge wakes all who wait`() async {
    let nudge = Nudge()
    let waiting = Recorder<Int>()
    let woken = Recorder<Int>()
    await withTaskGroup(of: Void.self) { group in
      for n in 0..<20 {
        group.addTask {
          waiting.add(n)
          await nudge.wait()
          woken.add(n)
        }
      }
      await eventually { waiting.count == 20 }
      // A waiter may have said so and not wait yet: then a nudge is kept for it.
      await eventually {
        nudge.nudge()
        return woken.count == 20
      }
    }
  }

  @Test func `a cancelled wait returns, before or while it waits, and leaves a kept nudge alone`() async {
    let nudge = Nudge()
    let waits = Task { await nudge.wait() }
    for _ in 0..<20 { await Task.yield() }
    waits.cancel()
    await waits.value
    nudge.nudge()
    let cancelledFirst = Task {
      await withTaskCancellationHandler { await eventually { Task.isCancelled } } onCancel: {}
      await nudge.wait()
    }
    cancelledFirst.cancel()
    await cancelledFirst.value
    await nudge.wait()
  }

  @Test func `a wait with a deadline ends by the nudge`() async {
    let (nudge, clock) = (Nudge(), TestClock())
    let task = Task { await nudge.wait(until: .distantFuture, clock: clock) }
    await eventually { clock.sleeperCount == 1 }
    nudge.nudge()
    await task.value
    #expect(clock.sleeperCount == 0)
  }

  @Test func `a wait with a deadline ends by the time`() async {
    let (nudge, clock) = (Nudge(), TestClock())
    let task = Task { await nudge.wait(until: clock.now() + .seconds(10), clock: clock) }
    await eventually { clock.sleeperCount == 1 }
    clock.advance(.seconds(9))
    for _ in 0..<20 { await Task.yield() }
    #expect(clock.sleeperCount == 1)
    clock.advance(.seconds(1))
    await task.value
  }

  @Test func `a wait with a deadline ends when it is cancelled`() async {
    let (nudge, clock) = (Nudge(), TestClock())
    let task = Task { await nudge.wait(until: .distantFuture, clock: clock) }
    await eventually { clock.sleeperCount == 1 }
    task.cancel()
    await task.value
    #expect(clock.sleeperCount == 0)
  }

  @Test func `no nudge is lost between many who nudge and one who waits`() async {
    let nudge = Nudge()
    let done = Recorder<Int>()
        await withTaskGroup(of: Void.self) { group in
      for n in 0..<200 {
        group.addTask {
          done.add(n)
          nudge.nudge()
        }
      }
      group.addTask {
        while done.count < 200 { await nudge.wait() }
      }
    }
  }
}
