import Base
import Testing

@testable import Lambda

/// A pool with environments that are kept ready.
@Suite struct ProvisionTests {
  private struct Subject {
    var pool = Pool(revision: "r1")
    var last: UInt64 = 0
    let now = Instant(seconds: 1_000_000)

    private mutating func with(_ body: (inout Pool, () -> EnvironmentID) -> [Pool.Action]) -> [Pool.Action] {
      var last = last
      defer { self.last = last }
      return body(&pool) { last += 1; return EnvironmentID(number: last) }
    }
    mutating func provide(_ count: Int, _ request: String = "q1") -> [Pool.Action] {
      with { $0.provide(count, revision: request, newID: $1) }
    }
    mutating func invoke(_ waiter: WaiterID) -> [Pool.Action] { with { $0.invoke(waiter, newID: $1) } }
    mutating func gone(_ id: UInt64) -> [Pool.Action] { with { $0.gone(env(id), newID: $1) } }
    mutating func renew(_ id: UInt64) -> [Pool.Action] { let now = now; return with { $0.renew(env(id), now: now, newID: $1) } }
    mutating func update(_ revision: String) -> [Pool.Action] { with { $0.update(to: revision, newID: $1) } }
    mutating func freed(_ id: UInt64) -> [Pool.Action] { pool.freed(env(id), now: now) }
    /// Those with these numbers boot.
    mutating func boot(_ ids: ClosedRange<UInt64>) { for id in ids { _ = freed(id) } }
  }

  @Test func `what is asked for is started, and is ready when all of it has booted`() {
    var subject = Subject()
    #expect(subject.provide(2) == [.provide(env(1)), .provide(env(2))])
    #expect(subject.pool.provision?.progress == .allocating)
    #expect(subject.freed(1) == [])
    #expect((subject.pool.booted, subject.pool.provision?.progress) == (1, .allocating))
    #expect(subject.freed(2) == [])
    #expect((subject.pool.booted, subject.pool.provision?.progress) == (2, .ready))
    // Asked for again.
    #expect(subject.provide(2) == [])
  }

  @Test func `what is ready is used first, what is over it spills over, and only that expires`() {
    var subject = Subject()
    _ = subject.provide(1)
    subject.boot(1...1)
    #expect(subject.invoke(100) == [.hand(env(1), to: 100)])
    #expect(subject.invoke(101) == [.start(env(2))])
    #expect(subject.freed(2) == [.hand(env(2), to: 101)])
    #expect(subject.freed(2) == [])
    #expect(subject.freed(1) == [])
    #expect(subject.invoke(102) == [.hand(env(1), to: 102)])
    #expect(subject.freed(1) == [])
    #expect(subject.pool.expire(idleLongerThan: .minutes(10), now: subject.now + .hours(5)) == [.stop(env(2))])
    #expect(subject.pool.booted == 1 && subject.pool.idleSince == nil)
  }

  @Test func `an invocation does not wait for an environment that is still made ready, but takes it when it is first`() {
    var subject = Subject()
    _ = subject.provide(1)
    #expect(subject.pool.mustGrow)
    #expect(subject.invoke(100) == [.start(env(2))])
    #expect(subject.freed(1) == [.hand(env(1), to: 100)])
    #expect(subject.pool.provision?.progress == .ready)
    let isTakenBack = subject.pool.takesBack(env(2))
    #expect(isTakenBack)
    let staysProvisioned = !subject.pool.takesBack(env(1))
    #expect(staysProvisioned)
  }

  @Test func `more is started in addition, and of less those go first that do nothing`() {
    var subject = Subject()
    _ = subject.provide(3)
    subject.boot(1...3)
    _ = subject.invoke(100)  // 3 is the warmest
    #expect(subject.provide(4, "q2") == [.provide(env(4))])
    #expect(subject.pool.provision?.progress == .allocating)
    #expect(subject.provide(2, "q3") == [.stop(env(4)), .stop(env(1))])
    #expect((subject.pool.booted, subject.pool.provision?.progress) == (2, .ready))
    #expect(subject.pool.withdraw() == [.stop(env(2))])
    // It works on, and goes when it has answered.
    #expect(subject.freed(3) == [.stop(env(3))])
    #expect(subject.pool.isEmpty)
  }

  @Test func `one that fails ends the attempt until it is asked for anew`() {
    var subject = Subject()
    _ = subject.provide(3)
    subject.boot(1...1)
    #expect(subject.pool.provisionFailed(env(2), "why") == [.stop(env(3))])
    #expect(subject.pool.provision?.progress == .failed(reason: "why"))
    #expect(subject.provide(3) == [])
    #expect(subject.gone(1) == [])
    #expect(!subject.pool.isEmpty)
    #expect(subject.provide(3, "q2").count == 3)
    #expect(subject.pool.provision?.progress == .allocating)
  }

  @Test func `one that is lost is replaced, and what was ready stays so`() {
    var subject = Subject()
    _ = subject.provide(2)
    subject.boot(1...2)
    #expect(subject.gone(1) == [.provide(env(3))])
    #expect((subject.pool.booted, subject.pool.provision?.progress) == (1, .ready))
  }

  @Test func `one whose keys end soon serves until its replacement is ready`() {
    var subject = Subject()
    _ = subject.provide(1)
    subject.boot(1...1)
    #expect(subject.renew(1) == [.provide(env(2))])
    #expect(subject.invoke(100) == [.hand(env(1), to: 100)])
    #expect(subject.renew(1) == [])
    subject.boot(2...2)
    #expect(subject.invoke(101) == [.hand(env(2), to: 101)])
    #expect(subject.freed(1) == [])
    #expect(subject.pool.expire(idleLongerThan: .minutes(10), now: subject.now + .minutes(10)) == [.stop(env(1))])
  }

  @Test func `of another revision all of it is made anew, and of a deleted function nothing is kept`() {
    var subject = Subject()
    _ = subject.provide(1)
    subject.boot(1...1)
    #expect(subject.update("r2") == [.stop(env(1)), .provide(env(2))])
    #expect(subject.pool.retire() == [.stop(env(2))])
    #expect(subject.pool.isEmpty)
  }
}

private func env(_ n: UInt64) -> EnvironmentID { EnvironmentID(number: n) }
