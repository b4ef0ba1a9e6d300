import Base
import Testing

@testable import Fabric

@Suite struct DeliveryLinesTests {
  private func delivery(_ target: String, _ number: Int64, bytes: Int = 0) -> Delivery {
    var delivery = Delivery(
      source: "s", target: target, sender: .service(ServicePrincipal("sns.amazonaws.com")), account: .local, region: .usEast1,
      content: [UInt8](repeating: 0, count: bytes), trace: TraceContext(root: "1-00000000-000000000000000000000000"), acceptedAt: .epoch)
    delivery.id = String(number)
    delivery.token = .init(number: number)
    return delivery
  }

  private func lines(_ change: (inout DeliveryLines.Limits) -> Void = { _ in }) -> DeliveryLines {
    var limits = DeliveryLines.Limits()
    change(&limits)
    return DeliveryLines(limits)
  }

  @Test func `a target starts eight, widens with each success and narrows with each failure`() {
    var lines = lines()
    for number in 1...16 { lines.admit(delivery("t", Int64(number))) }
    let first = lines.starts()
    #expect(first.map(\.id) == (1...8).map(String.init))
    lines.ended(first[0], succeeded: true)
    #expect(lines.starts().count == 2)
    lines.ended(first[1], succeeded: false)
    // Nine were allowed and are four now, but nine run less one.
    #expect(lines.starts().isEmpty)
    for ended in first[2...] { lines.ended(ended, succeeded: false) }
    #expect(lines.running == 2)
    #expect(lines.starts().isEmpty)
  }

  @Test func `targets take turns, and one with nothing under way starts although there is no room in all`() {
    var lines = lines { $0.running = 4 }
    for target in ["a", "b"] { for number in 1...4 { lines.admit(delivery(target, Int64(number))) } }
    #expect(lines.starts().map(\.target) == ["a", "b", "a", "b"])
    lines.admit(delivery("c", 9))
    #expect(lines.starts().map(\.target) == ["c"])
    #expect(lines.starts().isEmpty)
  }

  @Test func `what does not fit stays in the store and is read when there is room, once`() {
    var lines = lines { ($0.firstWidth, $0.width) = (2, 2) }
    for number in 1...10 { lines.admit(delivery("t", Int64(number))) }
    #expect(lines.loads().isEmpty)
    let started = lines.starts()
    #expect(started.count == 2 && lines.waiting == 2)
    for one in started { lines.ended(one, succeeded: true) }
    #expect(lines.starts().map(\.id) == ["3", "4"])
    let load = lines.loads()
    #expect(load.map(\.target) == ["t"] && load[0].after == 0)
    #expect(lines.loads().isEmpty)
    // One is said to have started while the store is read, and one only afterwards.
    lines.admit(delivery("t", 10))
    lines.loaded(DeliveryPage(deliveries: (3...6).map { delivery("t", $0) }, through: 6, isMore: true), of: "t")
    lines.admit(delivery("t", 5))
    #expect(lines.waiting == 2)
    for one in [3, 4] { lines.ended(delivery("t", Int64(one)), succeeded: true) }
    #expect(lines.starts().map(\.id) == ["5", "6"])
    #expect(lines.loads().map(\.after) == [6])
    lines.loaded(DeliveryPage(deliveries: (7...10).map { delivery("t", $0) }, through: 10, isMore: false), of: "t")
    for number in 5...10 {
      lines.ended(delivery("t", Int64(number)), succeeded: true)
      _ = lines.starts()
    }
    #expect(lines.running == 0 && lines.waiting == 0 && lines.bytes == 0)
    // Now they begin at once again, and those that are over do not begin anew.
    lines.admit(delivery("t", 9))
    lines.admit(delivery("t", 11))
    #expect(lines.starts().map(\.id) == ["11"])
  }

  @Test func `a target has a bounded number of bytes in memory, and one that has none may always begin`() {
    var lines = lines { ($0.bytes, $0.bytesOfTarget) = (10_000, 5_000) }
    for target in ["a", "b", "c", "d"] { for number in 1...5 { lines.admit(delivery(target, Int64(number), bytes: 4000)) } }
    #expect(lines.bytes <= 10_000 + 4 * 4_512)
    let started = lines.starts()
    #expect(Set(started.map(\.target)) == ["a", "b", "c", "d"])
    for one in started { lines.ended(one, succeeded: true) }
    #expect(Set(lines.loads().map(\.target)) == ["a", "b", "c", "d"])
  }

  @Test func `a target that would be read but for the bytes of others is read when they are gone`() {
    var lines = lines { ($0.bytes, $0.bytesOfTarget) = (5_000, 5_000) }
    lines.admit(delivery("a", 1, bytes: 4_000))
    lines.admit(delivery("b", 2, bytes: 10))
    lines.admit(delivery("b", 3, bytes: 10))
    let started = lines.starts()
    #expect(started.map(\.id) == ["1", "2"])
    #expect(lines.loads().isEmpty)
    lines.ended(started[0], succeeded: true)
    #expect(lines.loads().map(\.target) == ["b"])
  }
}
