import Base
import Testing

@testable import Lambda

@Suite struct AttachTests {
  private func seat() -> AttachedSeat { AttachedSeat(EnvironmentID(number: 1)) }

  @Test func `a process gets one invocation after the other, in their order`() {
    var seat = seat()
    #expect(seat.invoke(1) == nil, "it has not asked for work yet")
    #expect(seat.invoke(2) == nil)
    #expect(seat.freed() == 1)
    #expect(seat.isBusy)
    #expect(seat.invoke(3) == nil)
    #expect(seat.freed() == 2)
    #expect(seat.freed() == 3)
    #expect(seat.freed() == nil)
    #expect(!seat.isBusy)
    #expect(seat.invoke(4) == 4)
    #expect(seat.waiting == 0)
  }

  @Test func `who waits when it leaves is left over, who is served is not`() {
    var seat = seat()
    for waiter in [1, 2, 3] as [WaiterID] { _ = seat.invoke(waiter) }
    #expect(seat.freed() == 1)
    #expect(seat.leave() == [2, 3])
    #expect(seat.isBusy)
  }

  @Test func `time stands still while somebody holds it, and goes on where it was`() {
    var time = HeldTime()
    #expect(time.now(.seconds(10)) == .seconds(10))
    time.set(.debugger, true, at: .seconds(10))
    time.set(.debugger, true, at: .seconds(11))
    #expect(time.now(.seconds(15)) == .seconds(10))
    time.set(.start, true, at: .seconds(16))
    time.set(.debugger, false, at: .seconds(17))
    #expect(time.now(.seconds(18)) == .seconds(10))
    time.set(.start, false, at: .seconds(20))
    #expect(time.now(.seconds(20)) == .seconds(10))
    #expect(time.now(.seconds(21)) == .seconds(11))
    time.set(.start, false, at: .seconds(22))
    #expect(time.now(.seconds(23)) == .seconds(13))
  }

  @Test func `output that nobody takes has a limit, and the end is told once`() async {
    let process = AttachedProcess {}
    #expect(process.wrote(Array("words".utf8)))
    #expect(!process.wrote([UInt8](repeating: 0, count: AttachedProcess.maximumOutput)))
    #expect(process.takeOutput().flatMap(\.1) == Array("words".utf8))
    process.ended(.exited(3))
    process.ended(.signalled(9))
    #expect(await process.end().end == .exited(3))
  }
}
