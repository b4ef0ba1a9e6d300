import Base
import Store
import Testing

@Suite struct DelayQueueTests {
  private let queue = DelayQueue(Key("work"))
  private func at(_ seconds: Int64) -> Instant { Instant(seconds: seconds) }

  private func inTransaction(
    _ backend: Backend, _ body: @escaping @Sendable (any Transaction) throws -> Void
  ) async throws {
    try await withStore(backend) { store in try await store.transact(body) }
  }

  @Test(arguments: Backend.allCases)
  func `items come in the order in which they become due, and then in that of their adding`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      for (id, due) in [("late", 30), ("b", 10), ("a", 10), ("first", 5)] as [(String, Int64)] {
        try queue.add(item: Array(id.utf8), id: id, due: at(due), tx)
      }
      let next = try queue.nextDue(tx)
      #expect(next == at(5))
      let (due, limited, early) = (
        try queue.due(upTo: at(10), limit: 10, tx), try queue.due(upTo: at(99), limit: 2, tx),
        try queue.due(upTo: at(4), limit: 9, tx)
      )
      #expect(due.map(\.id) == ["first", "b", "a"])
      #expect(due.map(\.item) == [Array("first".utf8), Array("b".utf8), Array("a".utf8)])
      #expect(limited.map(\.id) == ["first", "b"])
      #expect(early.isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `an id is there once`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      let added = [try queue.add(item: [1], id: "x", due: at(1), tx), try queue.add(item: [2], id: "x", due: at(0), tx)]
      #expect(added == [true, false])
      let (entry, count) = (try queue.get("x", tx), try queue.count(tx))
      #expect(entry == DelayQueue.Entry(id: "x", due: at(1), attempts: 0, item: [1]))
      #expect(count == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a leased item is due again when its lease ends, with the attempt counted`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      try queue.add(item: [1], id: "x", due: at(1), tx)
      let first = try queue.lease(upTo: at(2), limit: 5, until: at(10), tx)
      #expect(first == [DelayQueue.Entry(id: "x", due: at(10), attempts: 1, item: [1])])
      let none = try queue.lease(upTo: at(9), limit: 5, until: at(20), tx)
      #expect(none.isEmpty)
      let second = try queue.lease(upTo: at(10), limit: 5, until: at(20), tx)
      #expect(second.map(\.attempts) == [2])
      let outcomes = [
        try queue.complete("x", attempt: 1, tx), try queue.reschedule("x", due: at(3), attempt: 1, tx),
        try queue.complete("x", attempt: 2, tx), try queue.complete("x", tx),
      ]
      #expect(outcomes == [false, false, true, false])
      let (left, count, next) = (try queue.due(upTo: at(99), limit: 9, tx), try queue.count(tx), try queue.nextDue(tx))
      #expect(left.isEmpty && count == 0 && next == nil)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a rescheduled item keeps its attempts and may change its bytes`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      try queue.add(item: [1], id: "x", due: at(1), tx)
      _ = try queue.lease(upTo: at(1), limit: 1, until: at(60), tx)
      let moved = [try queue.reschedule("x", due: at(5), item: [9], tx), try queue.reschedule("y", due: at(5), tx)]
      #expect(moved == [true, false])
      let due = try queue.due(upTo: at(5), limit: 9, tx)
      #expect(due == [DelayQueue.Entry(id: "x", due: at(5), attempts: 1, item: [9])])
    }
  }

  @Test(arguments: Backend.allCases)
  func `workers that lease at the same time never get the same item`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in for n in 0..<300 { try queue.add(item: [], id: "\(n)", due: at(1), tx) } }
      let leased = try await withThrowingTaskGroup(of: [String].self) { group in
        for _ in 0..<40 {
          group.addTask { try await store.transact { try queue.lease(upTo: at(1), limit: 10, until: at(9), $0).map(\.id) } }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(leased.count == 300 && Set(leased).count == 300)
      let count = try await store.transact { tx in
        try queue.deleteAll(tx)
        return (try queue.count(tx), try tx.entries(KeyRange(prefix: queue.watchPrefix)).count)
      }
      #expect(count == (0, 0))
    }
  }
}
