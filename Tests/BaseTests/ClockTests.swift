import Base
import Synchronization
import Testing

/// Lets other tasks run until something holds; no time passes.
private func until(_ condition: @autoclosure () -> Bool) async { while !condition() { await Task.yield() } }

@Suite(.timeLimit(.minutes(1))) struct TestClockTests {
  @Test func `sleepers wake in time when the clock is moved, and not before`() async throws {
    let clock = TestClock(.epoch)
    let woken = Mutex<[Int]>([])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for second in [5, 1, 3] {
        group.addTask {
          try await clock.sleep(until: .epoch + .seconds(second))
          woken.withLock { $0.append(second) }
        }
      }
      await until(clock.sleeperCount == 3)
      clock.advance(.milliseconds(999))
      #expect(clock.sleeperCount == 3)
      clock.advance(.milliseconds(1))
      await until(woken.withLock { $0 } == [1])
      #expect(clock.sleeperCount == 2)
      clock.advance(.hours(1))
      await until(woken.withLock { $0.count } == 3)
      try await group.waitForAll()
    }
    #expect(clock.now() == .epoch + .seconds(3601))
    #expect(clock.wallNow() == clock.now())
    #expect(clock.monotonic() == .seconds(3601))
  }

  @Test func `a time that has come needs no waiting`() async throws {
    let clock = TestClock()
    try await clock.sleep(until: clock.now())
    try await clock.sleep(until: .epoch)
    try await clock.sleepReal(for: .zero)
  }

  @Test func `a cancelled sleeper is told so, before or while it sleeps`() async {
    let clock = TestClock()
    for cancelsFirst in [true, false] {
      let task = Task { try await clock.sleep(until: .distantFuture) }
      if !cancelsFirst { await until(clock.sleeperCount == 1) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    #expect(clock.sleeperCount == 0)
  }
}

@Suite(.timeLimit(.minutes(1))) struct AdjustableClockTests {
  let start = Instant(seconds: 1_800_000_000)

  @Test func `a frozen clock stands still and moves by what it is told`() {
    let clock = AdjustableClock(mode: .frozen(at: start))
    #expect(clock.now() == start)
    clock.advance(by: .hours(6))
    #expect(clock.now() == start + .hours(6))
    #expect(clock.mode == .frozen(at: start + .hours(6)))
    clock.freeze()
    #expect(clock.mode == .frozen(at: start + .hours(6)))
    clock.advance(by: .seconds(-5))
    clock.advance(by: .zero)
    #expect(clock.now() == start + .hours(6))
  }

  @Test func `a clock that runs on goes on from where it stood`() {
    let clock = AdjustableClock(mode: .frozen(at: start))
    clock.resume()
    let now = clock.now()
    #expect(now >= start && now < start + .minutes(1))
    guard case .running(let offset) = clock.mode else { Issue.record("must run"); return }
    clock.resume()
    #expect(clock.mode == .running(offset: offset), "to resume what runs changes nothing")
    clock.advance(by: .days(1))
    #expect(clock.mode == .running(offset: offset + .days(1)))
    clock.reset()
    #expect(clock.mode == .running(offset: .zero))
  }

  @Test func `real time and durations do not follow`() {
    let clock = AdjustableClock()
    let (wall, monotonic) = (clock.wallNow(), clock.monotonic())
    clock.advance(by: .days(365))
    #expect(clock.wallNow() - wall < .minutes(1))
    #expect(clock.monotonic() - monotonic < .minutes(1))
    #expect(clock.now() - wall >= .days(365))
  }

  @Test(arguments: [true, false]) func `an advance wakes who is due, however far away that was`(_ isFrozen: Bool) async throws {
    let clock = AdjustableClock(mode: isFrozen ? .frozen(at: start) : .running(offset: .zero))
    let woken = Mutex<[Int]>([])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for years in [1, 500, 7000] {
        let deadline = clock.now() + .days(365 * years)
        group.addTask {
          try await clock.sleep(until: deadline)
          woken.withLock { $0.append(years) }
        }
      }
      while woken.withLock({ $0.count }) < 1 { clock.advance(by: .days(365)); await Task.yield() }
      #expect(woken.withLock { $0 } == [1])
      clock.advance(by: .days(365 * 500))
      await until(woken.withLock { $0.count } == 2)
      clock.advance(by: .days(365 * 7000))
      try await group.waitForAll()
    }
    #expect(woken.withLock { $0 } == [1, 500, 7000])
  }

  @Test func `a deadline of some milliseconds comes by itself`() async throws {
    let clock = AdjustableClock()
    let deadline = clock.now() + .milliseconds(5)
    try await clock.sleep(until: deadline)
    #expect(clock.now() >= deadline)
  }

  @Test func `a later sleeper with an earlier deadline is not kept waiting`() async throws {
    let clock = AdjustableClock()
    let far = Task { try await clock.sleep(until: .distantFuture) }
    try await clock.sleep(until: clock.now() + .milliseconds(3))
    far.cancel()
    await #expect(throws: CancellationError.self) { try await far.value }
  }

  @Test func `time that runs on again reaches who went to sleep while it stood`() async throws {
    let clock = AdjustableClock(mode: .frozen(at: start))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await clock.sleep(until: start + .milliseconds(5)) }
      await Task.yield()
      clock.resume()
      try await group.waitForAll()
    }
    #expect(clock.now() >= start + .milliseconds(5))
  }

  @Test func `a thousand cancelled sleepers leave those that stay alone`() async throws {
    let clock = AdjustableClock(mode: .frozen(at: start))
    let stays = Task { try await clock.sleep(until: start + .hours(2)) }
    for n in 0..<1000 {
      let task = Task { try await clock.sleep(until: start + .hours(1) + .seconds(n)) }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
    }
    clock.advance(by: .hours(2))
    try await stays.value
  }
}
