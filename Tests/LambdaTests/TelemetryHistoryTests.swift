import Base
import Testing

@testable import Lambda

@Suite struct TelemetryHistoryTests {
  /// An init phase that says more than is kept for subscribers to come.
  @Test func `what a late subscriber could not be given is counted and told like what was dropped`() {
    var buffer = TelemetryBuffer(.init(items: 1000, bytes: 262_144, timeout: .milliseconds(50)))
    _ = buffer.append([1, 2, 3], now: .zero)
    buffer.missed((records: 7, bytes: 700))
    let lost = buffer.takeDropped()
    #expect(lost?.records == 7 && lost?.bytes == 700)
    let again = buffer.takeDropped()
    #expect(again == nil)
    buffer.missed((0, 0))
    let none = buffer.takeDropped()
    #expect(none == nil)
  }
}
