import Base
import Store
import Testing

/// `Table`, `Counter` and `Lease`, on every backend.
@Suite struct BlockTests {
  struct Person: Equatable, Sendable {
    var name: String
    var city: String?
  }

  static let people = Table<Person>(
    Key("people"),
    indexes: [
      Index("city") { $0.city.map { Key($0) } }, Index("initial") { Key(String($0.name.prefix(1))) },
    ],
    encode: { person in
      var row = RowWriter()
      row.string(person.name)
      row.optional(person.city)
      return row.bytes
    },
    decode: { bytes in
      var row = try RowReader(bytes)
      return Person(name: try row.string(), city: try row.optionalString())
    })

  @Test(arguments: Backend.allCases)
  func `a table's indexes follow its rows`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let seen = try await store.transact { tx in
        let people = Self.people
        try people.put(Key(1), Person(name: "Ann", city: "Oslo"), tx)
        try people.put(Key(2), Person(name: "Bob", city: "Oslo"), tx)
        try people.put(Key(3), Person(name: "Al"), tx)
        func names(_ index: String, _ key: Key) throws -> [String] {
          try people.list(by: index, key, limit: 9, tx).rows.map(\.row.name)
        }
        var seen = [try names("city", Key("Oslo")), try names("initial", Key("A")), try names("city", Key())]
        let old = try people.put(Key(1), Person(name: "Ann", city: "Rome"), tx)
        #expect(old == Person(name: "Ann", city: "Oslo"))
        seen += [try names("city", Key("Oslo")), try names("city", Key("Rome"))]
        let gone = try people.delete(Key(2), tx)
        #expect(gone?.name == "Bob")
        let nobody = try people.delete(Key(2), tx)
        #expect(nobody == nil)
        seen += [try names("city", Key("Oslo")), try names("initial", Key())]
        try people.deleteAll(tx)
        let left = try tx.entries(KeyRange(prefix: people.prefix))
        #expect(left.isEmpty)
        return seen
      }
      #expect(seen == [["Ann", "Bob"], ["Ann", "Al"], ["Ann", "Bob"], ["Bob"], ["Ann"], [], ["Ann", "Al"]])
    }
  }

  @Test(arguments: Backend.allCases)
  func `pages cover a table once, by id and by index`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in
        for n in 0..<25 { try Self.people.put(Key("p", n), Person(name: "N\(n)", city: n % 5 == 0 ? nil : "c\(n % 3)"), tx) }
        try Self.people.put(Key("q", 1), Person(name: "Q", city: "c1"), tx)
      }
      for limit in [1, 4, 20, 25, 100] {
        let (byID, byCity) = try await store.read { reader in
          (
            try Self.pages { try Self.people.list(idPrefix: Key("p"), after: $0, limit: limit, reader) },
            try Self.pages { try Self.people.list(by: "city", Key("c1"), after: $0, limit: limit, reader) }
          )
        }
        #expect(byID == (0..<25).map { "N\($0)" })
        #expect(byCity == (0..<25).filter { $0 % 5 != 0 && $0 % 3 == 1 }.map { "N\($0)" } + ["Q"])
      }
    }
  }

  private static func pages(_ page: (Key?) throws -> Table<Person>.Page) throws -> [String] {
    var names: [String] = []
    var after: Key?
    repeat {
      let page = try page(after)
      names += page.rows.map(\.row.name)
      after = page.next
    } while after != nil
    return names
  }

  @Test(arguments: Backend.allCases)
  func `counters in different scopes are apart, and zero takes no room`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in
        let (a, b) = (Counter(Key("n", "a")), Counter(Key("n", "b")))
        let numbers = [try a.next(tx), try a.next(tx), try b.add(-5, tx), try a.value(tx), try b.add(5, tx)]
        #expect(numbers == [1, 2, -5, 2, 0])
        let stored = try tx.entries(KeyRange(prefix: Key("n"))).map(\.key)
        #expect(stored == [a.key])
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `one owner has a lease until it ends`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in
        let lease = Lease(Key("lease"))
        func at(_ seconds: Int64) -> Instant { Instant(seconds: seconds) }
        func acquire(_ owner: String, _ now: Int64) throws -> Bool {
          try lease.acquire("job", owner: owner, until: at(now + 10), now: at(now), tx)
        }
        func renew(_ owner: String, _ now: Int64) throws -> Bool {
          try lease.renew("job", owner: owner, until: at(now + 10), now: at(now), tx)
        }
        let first = [try acquire("a", 0), try acquire("b", 5), try acquire("a", 6), try acquire("b", 15), try acquire("b", 16)]
        #expect(first == [true, false, true, false, true])
        let second = [try renew("a", 17), try renew("b", 20), try renew("b", 30), try acquire("a", 30)]
        #expect(second == [false, true, false, true])
        try lease.release("job", owner: "b", tx)
        let held = try lease.holder("job", now: at(31), tx)
        #expect(held == Lease.Holder(owner: "a", until: at(40)))
        try lease.release("job", owner: "a", tx)
        let free = try lease.holder("job", now: at(31), tx)
        #expect(free == nil)
      }
    }
  }
}
