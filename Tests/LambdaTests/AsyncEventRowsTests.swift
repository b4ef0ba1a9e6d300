import Base
import Fabric
import Store
import StoreMemory
import Testing

@testable import Lambda

@Suite struct AsyncEventRowsTests {
  private let rows = AsyncEventRows(store: MemoryStore())

  private func function(_ name: String) -> FunctionID { FunctionID(account: .one, region: .usEast1, name: name) }
  private func event(_ id: String, of name: String = "f") -> AsyncEvent {
    AsyncEvent(
      requestID: id, function: function(name), payload: Array("{}".utf8),
      trace: TraceContext(root: "1-00000000-000000000000000000000000"), acceptedAt: .epoch, failures: 0, refusals: 0)
  }
  private func at(_ seconds: Int) -> Instant { Instant(seconds: Int64(seconds)) }
  private func taken(upTo seconds: Int, limit: Int = 10) async throws -> [String] {
    try await rows.take(upTo: at(seconds), limit: limit).events.map(\.requestID)
  }

  @Test func `events are taken in the order in which they are due, and the next one is told`() async throws {
    for (id, due) in [("c", 30), ("a", 10), ("b", 20)] { try await rows.add(event(id), due: at(due)) }
    #expect(try await taken(upTo: 40, limit: 1) == ["a"])
    let (events, next) = try await rows.take(upTo: at(20), limit: 10)
    #expect(events.map(\.requestID) == ["b"] && next == at(30))
    #expect(try await taken(upTo: 30) == ["c"])
    #expect(try await taken(upTo: 30).isEmpty)
  }

  @Test func `a function whose events take long holds up its own and nobody else's`() async throws {
    var seats = AsyncSeats()
    for _ in 0..<(AsyncSeats.perFunction - 1) { seats.enter(function("slow")) }
    for n in 10..<20 { try await rows.add(event("slow\(n)", of: "slow"), due: at(n)) }
    try await rows.add(event("quick", of: "quick"), due: at(30))
    #expect(try await rows.take(upTo: at(40), limit: 5, seats: seats).events.map(\.requestID) == ["slow10"])
    seats.enter(function("slow"))
    #expect(try await rows.take(upTo: at(40), limit: 10, seats: seats).events.map(\.requestID) == ["quick"])
    // Those in line come first, in their order, and are counted.
    seats.leave(function("slow"))
    try await rows.add(event("slow9", of: "slow"), due: at(41))
    #expect(try await rows.take(upTo: at(41), limit: 10, seats: seats).events.isEmpty)
    #expect(try await rows.counts(limit: 1000) == (10, 2))
    #expect(rows.queued == [function("slow")])
    #expect(try await rows.takeQueued(of: function("slow"), limit: 2).map(\.requestID) == ["slow11", "slow12"])
    // Whoever comes after a crash finds all of them.
    try await rows.complete(event("slow10", of: "slow"))
    try await rows.recover(at: at(50))
    let again = AsyncEventRows(store: rows.store)
    let left = try await again.take(upTo: at(50), limit: 100).events
    #expect(Set(left.map(\.requestID)) == Set((11..<20).map { "slow\($0)" } + ["slow9", "quick"]))
    #expect(try await rows.takeQueued(of: function("slow"), limit: 5).isEmpty && rows.queued.isEmpty)
  }

  @Test func `what becomes due before all that was looked at is not passed over`() async throws {
    for n in 10..<20 { try await rows.add(event("\(n)"), due: at(n)) }
    #expect(try await taken(upTo: 14).count == 5)
    try await rows.add(event("early"), due: at(3))
    #expect(try await taken(upTo: 14) == ["early"])
    try await rows.putBack(event("12"), due: at(12))
    try await rows.complete(event("13"), followedBy: [event("follower")])
    #expect(try await taken(upTo: 14) == ["follower", "12"])
    try await rows.recover(at: at(2))
    #expect(try await Set(taken(upTo: 2)) == ["10", "11", "12", "14", "early", "follower"])
    #expect(try await taken(upTo: 99).count == 5)
  }

  @Test func `nothing is lost between many who add and one who takes`() async throws {
    let rows = rows
    var found: Set<String> = []
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<8 {
        group.addTask {
          for n in 0..<50 {
            // Some of them before what the others add.
            try await rows.add(self.event("\(writer)-\(n)"), due: self.at((n * 7 + writer * 13) % 20))
          }
        }
      }
      while found.count < 400 {
        try Task.checkCancellation()
        found.formUnion(try await taken(upTo: 20, limit: 5))
        await Task.yield()
      }
      try await group.waitForAll()
    }
    #expect(found.count == 400)
  }
}
