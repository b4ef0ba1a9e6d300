import Base
import Testing

@testable import Lambda

@Suite struct PoolTests {
  /// A pool with ids in order.
  private struct Subject {
    var pool = Pool(revision: "r1")
    var last: UInt64 = 0
    mutating func newID() -> EnvironmentID { last += 1; return EnvironmentID(number: last) }
    mutating func invoke(_ waiter: WaiterID) -> [Pool.Action] {
      var last = last
      defer { self.last = last }
      return pool.invoke(waiter) { last += 1; return EnvironmentID(number: last) }
    }
    mutating func gone(_ id: UInt64) -> [Pool.Action] {
      var last = last
      defer { self.last = last }
      return pool.gone(env(id)) { last += 1; return EnvironmentID(number: last) }
    }
    mutating func update(_ revision: String) -> [Pool.Action] {
      var last = last
      defer { self.last = last }
      return pool.update(to: revision) { last += 1; return EnvironmentID(number: last) }
    }
    func env(_ n: UInt64) -> EnvironmentID { EnvironmentID(number: n) }
  }
  private let now = Instant(seconds: 1_000_000)
  private func env(_ n: UInt64) -> EnvironmentID { EnvironmentID(number: n) }

  @Test func `each invocation without a free environment starts one, and whichever is free first takes it`() {
    var subject = Subject()
    #expect(subject.invoke(100) == [.start(env(1))])
    #expect(subject.invoke(101) == [.start(env(2))])
    #expect(subject.pool.freed(env(2), now: now) == [.hand(env(2), to: 100)])
    // It answers before the other one has booted.
    #expect(subject.pool.freed(env(2), now: now) == [.hand(env(2), to: 101)])
    #expect(subject.pool.freed(env(1), now: now) == [])
    #expect(subject.invoke(102) == [.hand(env(1), to: 102)])
  }

  @Test func `the environment that was used last is used first`() {
    var subject = Subject()
    for waiter in [100, 101, 102] as [WaiterID] { _ = subject.invoke(waiter) }
    for id in [1, 2, 3] as [UInt64] { _ = subject.pool.freed(env(id), now: now) }
    for id in [1, 2, 3] as [UInt64] { _ = subject.pool.freed(env(id), now: now + .seconds(Int(id))) }
    #expect(subject.invoke(103) == [.hand(env(3), to: 103)])
    #expect(subject.invoke(104) == [.hand(env(2), to: 104)])
  }

  @Test func `a start whose turn comes when others serve all who wait is taken back`() {
    var subject = Subject()
    for waiter in [100, 101, 102] as [WaiterID] { _ = subject.invoke(waiter) }
    let isTakenBackAtFirst = subject.pool.takesBack(env(2))
    #expect(!isTakenBackAtFirst)
    #expect(subject.pool.freed(env(1), now: now) == [.hand(env(1), to: 100)])
    #expect(subject.pool.freed(env(1), now: now) == [.hand(env(1), to: 101)])
    // One waits, and two boot.
    let areTakenBack = [subject.pool.takesBack(env(2)), subject.pool.takesBack(env(3))]
    #expect(areTakenBack == [true, false])
    #expect(subject.pool.counts == (1, 1, 0))
  }

  @Test func `of a deleted function what runs is finished, what waits is served, and nothing is kept`() {
    var subject = Subject()
    for waiter in [100, 101] as [WaiterID] { _ = subject.invoke(waiter) }
    for id in [1, 2] as [UInt64] { _ = subject.pool.freed(env(id), now: now) }
    #expect(subject.pool.freed(env(1), now: now) == [])
    #expect(subject.pool.retire() == [.stop(env(1))])
    #expect(subject.invoke(102) == [.start(env(3))])
    #expect(subject.pool.freed(env(2), now: now) == [.hand(env(2), to: 102)])
    #expect(subject.pool.freed(env(2), now: now) == [.stop(env(2))])
    #expect(subject.pool.freed(env(3), now: now) == [.stop(env(3))])
    #expect(subject.pool.isEmpty)
  }

  @Test func `a function that is made again keeps its environments again`() {
    var subject = Subject()
    #expect(subject.pool.retire() == [])
    #expect(subject.update("r2") == [])
    #expect(subject.invoke(100) == [.start(env(1))])
    #expect(subject.pool.freed(env(1), now: now) == [.hand(env(1), to: 100)])
    #expect(subject.pool.freed(env(1), now: now) == [])
    #expect(subject.invoke(101) == [.hand(env(1), to: 101)])
  }

  @Test func `an environment that goes while somebody waits is replaced`() {
    var subject = Subject()
    _ = subject.invoke(100)
    #expect(subject.gone(1) == [.start(env(2))])
    #expect(subject.pool.freed(env(2), now: now) == [.hand(env(2), to: 100)])
    #expect(subject.gone(2) == [])
    #expect(subject.pool.isEmpty)
  }

  @Test func `after an update idle environments go at once and busy ones when they have answered`() {
    var subject = Subject()
    _ = subject.invoke(100)
    _ = subject.invoke(101)
    _ = subject.pool.freed(env(1), now: now)
    _ = subject.pool.freed(env(2), now: now)
    _ = subject.pool.freed(env(2), now: now)  // 2 is idle, 1 works on
    #expect(subject.update("r2") == [.stop(env(2))])
    #expect(subject.invoke(102) == [.start(env(3))])
    #expect(subject.pool.freed(env(1), now: now) == [.stop(env(1))])
    #expect(subject.pool.freed(env(3), now: now) == [.hand(env(3), to: 102)])
  }

  @Test func `an environment expires when nobody has used it for the limit`() {
    var subject = Subject()
    _ = subject.invoke(100)
    _ = subject.pool.freed(env(1), now: now)
    _ = subject.pool.freed(env(1), now: now)
    #expect(subject.pool.expire(idleLongerThan: .minutes(10), now: now + .minutes(9)) == [])
    #expect(subject.pool.expire(idleLongerThan: .minutes(10), now: now + .minutes(10)) == [.stop(env(1))])
    #expect(subject.pool.isEmpty)
  }
}
