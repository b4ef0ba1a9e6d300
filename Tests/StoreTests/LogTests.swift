import Base
import Store
import Testing

@Suite struct LogTests {
  private let log = Log(Key("stream", 1))
  private let other = Log(Key("stream", 2))
  private func at(_ seconds: Int64) -> Instant { Instant(seconds: seconds) }

  private func inTransaction(
    _ backend: Backend, _ body: @escaping @Sendable (any Transaction) throws -> Void
  ) async throws {
    try await withStore(backend) { store in try await store.transact(body) }
  }

  @Test(arguments: Backend.allCases)
  func `entries have numbers that go up by one in each log`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      let appended = [
        try log.append([[1], [2]], at: at(5), tx).numbers, try other.append([[9]], at: at(5), tx).numbers,
        try log.append([[3]], at: at(6), tx).numbers, try log.append([], at: at(6), tx).numbers,
      ]
      #expect(appended == [0..<2, 0..<1, 2..<3, 3..<3])
      let page = try log.read(from: 0, limit: 10, bytes: 100, tx)
      #expect(
        page.entries == [
          Log.Entry(number: 0, time: at(5), bytes: [1]), Log.Entry(number: 1, time: at(5), bytes: [2]),
          Log.Entry(number: 2, time: at(6), bytes: [3]),
        ])
      #expect(page.next == 3 && page.isAtEnd)
      let extent = try log.extent(tx)
      #expect(extent == Log.Extent(first: 0, next: 3, lastTime: at(6)))
    }
  }

  @Test(arguments: Backend.allCases)
  func `a page begins inside what was appended together, and ends at its limits`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      for start in [0, 4, 8] as [UInt8] { try log.append((start..<(start + 4)).map { [$0, $0] }, at: at(1), tx) }
      func numbers(_ from: Int64, _ limit: Int, _ bytes: Int) throws -> [Int64] {
        try log.read(from: from, limit: limit, bytes: bytes, tx).entries.map(\.number)
      }
      let pages = [
        try numbers(2, 5, 100), try numbers(7, 9, 100), try numbers(0, 9, 5), try numbers(3, 9, 1), try numbers(12, 9, 9),
        try numbers(-5, 1, 9), try numbers(0, 0, 9),
      ]
      #expect(pages == [[2, 3, 4, 5, 6], [7, 8, 9, 10, 11], [0, 1], [3], [], [0], []])
      let (inside, end, none) = (
        try log.read(from: 0, limit: 4, bytes: 100, tx), try log.read(from: 8, limit: 4, bytes: 100, tx),
        try log.read(from: 0, limit: 0, bytes: 9, tx)
      )
      #expect(!inside.isAtEnd && inside.next == 4 && end.isAtEnd && end.next == 12 && !none.isAtEnd && none.next == 0)
    }
  }

  @Test(arguments: Backend.allCases)
  func `large appends are read as they were written`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      let items = (0..<40).map { [UInt8](repeating: UInt8($0), count: 10_000) }
      try log.append(items, at: at(1), tx)
      var read: [[UInt8]] = [], next: Int64 = 0
      repeat {
        let page = try log.read(from: next, limit: 100, bytes: 35_000, tx)
        #expect(page.entries.count <= 3)
        read += page.entries.map(\.bytes)
        next = page.next
      } while next < 40
      #expect(read == items)
    }
  }

  @Test(arguments: Backend.allCases)
  func `times never go back, and the first entry of a time is found`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      let empty = try log.number(since: at(0), tx)
      #expect(empty == 0)
      for (time, count) in [(10, 3), (20, 1), (15, 2), (30, 4)] as [(Int64, Int)] {
        try log.append([[UInt8]](repeating: [0], count: count), at: at(time), tx)
      }
      let found = try [0, 10, 11, 20, 21, 30, 31].map { try log.number(since: at($0), tx) }
      #expect(found == [0, 0, 3, 3, 6, 6, 10])
      let times = [try log.time(of: 0, tx), try log.time(of: 4, tx), try log.time(of: 9, tx), try log.time(of: 10, tx)]
      #expect(times == [at(10), at(20), at(30), nil])
    }
  }

  @Test(arguments: Backend.allCases)
  func `what is trimmed is gone, its numbers are not used again, and readers go on with what is kept`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      for n in 0..<300 { try log.append([[UInt8(n % 256)], [1]], at: at(Int64(n)), tx) }
      // Before anything is trimmed the old is passed over already.
      let hidden = try log.read(from: 0, limit: 1, bytes: 9, since: at(200), tx)
      #expect(hidden.entries.map(\.number) == [400])
      let gone = [try log.trim(before: at(200), tx), try log.trim(before: at(200), tx), try log.trim(before: at(0), tx)]
      #expect(gone == [400, 0, 0])
      let page = try log.read(from: 7, limit: 2, bytes: 9, tx)
      #expect(page.entries.map(\.number) == [400, 401])
      let all = try log.trim(before: at(1000), tx)
      #expect(all == 200)
      let (extent, rest) = (try log.extent(tx), try log.read(from: 0, limit: 9, bytes: 9, tx))
      #expect(extent == Log.Extent(first: 600, next: 600, lastTime: at(299)) && extent.isEmpty)
      #expect(rest.entries.isEmpty && rest.isAtEnd && rest.next == 600)
      let next = try log.append([[5]], at: at(2000), tx).numbers
      #expect(next == 600..<601)
      try log.removeAll(tx)
      let left = try tx.entries(KeyRange(prefix: Key("stream", 1)))
      #expect(left.isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a log that is empty again takes the time as it is, also when the clock was set back`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      try log.append([[0]], at: at(100), tx)
      let kept = try log.append([[1]], at: at(10), tx)
      try log.remove(before: 2, tx)
      let later = try log.append([[2]], at: at(10), tx)
      #expect(kept.time == at(100) && later.time == at(10))
      let times = (try log.time(of: 2, tx), try log.number(since: at(10), tx), try log.number(since: at(11), tx))
      #expect(times.0 == at(10) && times.1 == 2 && times.2 == 3)
    }
  }

  @Test(arguments: Backend.allCases)
  func `entries that are done are removed, also from within what was appended together`(_ backend: Backend) async throws {
    try await inTransaction(backend) { tx in
      for start in [0, 4] as [UInt8] { try log.append((start..<(start + 4)).map { [$0] }, at: at(Int64(start)), tx) }
      func left() throws -> [Int64] { try log.read(from: 0, limit: 99, bytes: 99, tx).entries.map(\.number) }
      try log.remove(before: 2, tx)
      let part = try left()
      try log.remove(before: 1, tx)
      try log.remove(before: 5, tx)
      let less = try left()
      let oldest = try log.time(of: 0, tx)
      #expect(part == [2, 3, 4, 5, 6, 7] && less == [5, 6, 7] && oldest == at(4))
      try log.remove(before: 99, tx)
      let (extent, chunks) = (try log.extent(tx), try tx.entries(KeyRange(prefix: log.watchPrefix)))
      #expect(extent == Log.Extent(first: 8, next: 8, lastTime: at(4)) && chunks.isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `whoever appends at the same time gets numbers of his own`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let numbers = try await withThrowingTaskGroup(of: [Int64].self) { group in
        for n in 0..<40 {
          group.addTask { try await store.transact { Array(try log.append([[UInt8(n)], [UInt8(n)]], at: at(1), $0).numbers) } }
        }
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(numbers.sorted() == Array(0..<80))
      let entries = try await store.read { try log.read(from: 0, limit: 100, bytes: 1000, $0).entries }
      let pairs = stride(from: 0, to: 80, by: 2).allSatisfy { entries[$0].bytes == entries[$0 + 1].bytes }
      #expect(entries.count == 80 && pairs)
    }
  }
}
