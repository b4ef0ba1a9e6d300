import Base
import Fabric
import Store
import StoreMemory
import Testing

@testable import Lambda

@Suite struct RemovalTests {
  private static func event(_ id: String, of account: AccountID) -> AsyncEvent {
    AsyncEvent(
      requestID: id, function: FunctionID(account: account, region: .usEast1, name: "f"), payload: Array("{}".utf8),
      trace: TraceContext(root: "1-00000000-000000000000000000000000"), acceptedAt: .epoch, failures: 0, refusals: 0)
  }

  @Test func `events of an emptied account are gone, whether they wait or are being tried, and those of others stay`() async throws {
    let rows = AsyncEventRows(store: MemoryStore())
    // More than one step of the removal.
    for n in 0..<600 { try await rows.add(Self.event("one-\(n)", of: .one), due: Instant(milliseconds: Int64(n))) }
    for n in 0..<3 { try await rows.add(Self.event("two-\(n)", of: .two), due: Instant(milliseconds: Int64(n))) }
    let tried = try await rows.take(upTo: Instant(milliseconds: 0), limit: 10).events
    #expect(tried.count == 2)
    #expect(try await rows.counts(limit: 1000) == (601, 2))
    try await rows.removeAll(of: .one)
    #expect(try await rows.counts(limit: 1000) == (2, 1))
    // The attempt that was under way does not bring its event back; another account's does come back.
    for event in tried { try await rows.putBack(event, due: Instant(seconds: 5)) }
    #expect(try await rows.counts(limit: 1000) == (3, 0))
    #expect(try await rows.take(upTo: Instant(seconds: 9), limit: 10).events.allSatisfy { $0.function.account == .two })
  }

  @Test func `counting stops at its limit`() async throws {
    let rows = AsyncEventRows(store: MemoryStore())
    for n in 0..<20 { try await rows.add(Self.event("\(n)", of: .one), due: .epoch) }
    #expect(try await rows.counts(limit: 7) == (7, 0))
  }

  @Test func `functions of an emptied account are gone with all that belongs to them`() async throws {
    let t = TestPlane()
    _ = try await t.create()
    _ = try await t.create("other") { $0.publish = true }
    try await t.run(TestPlane.creation { $0.role = "arn:aws:iam::222222222222:role/orders" }, account: .two)
    try await t.plane.removeMappings(of: .one)
    try await t.plane.removeFunctions(of: .one)
    let keys = try await t.store.read { try $0.entries(KeyRange(prefix: Key("lambda"))).map(\.key) }
    let account = { (account: AccountID) in keys.filter { key in key.description.contains(Array(account.text.utf8).hex) }.count }
    #expect(account(.one) == 0)
    #expect(account(.two) > 0)
    await #expect(throws: AWSError.self) {
      try await t.plane.resolve(FunctionID(account: .one, region: .usEast1, name: "orders"), qualifier: nil)
    }
    // The name is free again.
    _ = try await t.create()
  }
}
