import Base
import Store
import Testing

/// What every backend promises (Store.swift).
@Suite struct ContractTests {
  @Test(arguments: Backend.allCases)
  func `keys come back in the order of their parts`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let keys = [
        Key("a", Int64.min), Key("a", -1), Key("a", 0), Key("a", 1), Key("a", 256), Key("a", Int64.max), Key("a\u{0}"),
        Key("aa"), Key("b"), Key("b", "x"), Key("b", "x", 1), Key("é"),
      ]
      try await store.transact { tx in for key in keys.shuffled() { try tx.set(key, key.bytes) } }
      let found = try await store.read { try $0.entries(KeyRange(prefix: Key())).map(\.key) }
      #expect(found == keys)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a scan keeps to its range in both directions and stops when told`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in
        for n in 0..<2000 { try tx.set(Key("p", n), [1]) }
        try tx.set(Key("o", 1), [2])
        try tx.set(Key("q", 1), [2])
      }
      let (forward, backward, firstThree, lastThree, middle, none) = try await store.read { reader in
        (
          try reader.entries(KeyRange(prefix: Key("p"))).map(\.key),
          try reader.entries(KeyRange(prefix: Key("p")), reverse: true).map(\.key),
          try reader.entries(KeyRange(prefix: Key("p")), limit: 3).map(\.key),
          try reader.entries(KeyRange(prefix: Key("p")), limit: 3, reverse: true).map(\.key),
          try reader.entries(KeyRange(Key("p", 10), Key("p", 13))).map(\.key),
          try reader.entries(KeyRange(Key("p", 13), Key("p", 10)))
        )
      }
      let all = (0..<2000).map { Key("p", $0) }
      #expect(forward == all)
      #expect(backward == all.reversed())
      #expect(firstThree == Array(all[..<3]))
      #expect(lastThree == Array(all.reversed()[..<3]))
      #expect(middle == Array(all[10..<13]))
      #expect(none.isEmpty)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a transaction sees its own writes and deletes in gets and scans`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in for n in [1, 3, 5, 7] { try tx.set(Key("k", n), [0]) } }
      let seen = try await store.transact { tx in
        try tx.set(Key("k", 2), [9])
        try tx.set(Key("k", 3), [9])
        try tx.delete(Key("k", 5))
        try tx.set(Key("k", 8), [9])
        try tx.set(Key("k", 1), [4])
        try tx.delete(Key("k", 1))
        try tx.set(Key("k", 0), [])
        return (
          try tx.entries(KeyRange(prefix: Key("k"))).map { "\($0.key == Key("k", 3) ? "three" : "") \($0.value)" },
          try tx.entries(KeyRange(prefix: Key("k")), reverse: true).map(\.key),
          try [0, 1, 2, 3, 5, 7].map { try tx.get(Key("k", $0)) }
        )
      }
      #expect(seen.0 == [" []", " [9]", "three [9]", " [0]", " [9]"])
      #expect(seen.1 == [8, 7, 3, 2, 0].map { Key("k", $0) })
      #expect(seen.2 == [[], nil, [9], [9], nil, [0]])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a scan's body may write, and entries ahead are seen as they then are`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in for n in 0..<6 { try tx.set(Key("k", n * 10), [0]) } }
      let seen = try await store.transact { tx in
        var seen: [Key] = []
        try tx.scan(KeyRange(prefix: Key("k"))) { key, _ in
          seen.append(key)
          try tx.delete(key)
          if key == Key("k", 10) {
            try tx.delete(Key("k", 20))
            try tx.set(Key("k", 25), [1])
            try tx.set(Key("k", 5), [1])
          }
          return true
        }
        return seen
      }
      #expect(seen == [0, 10, 25, 30, 40, 50].map { Key("k", $0) })
      let left = try await store.read { try $0.entries(KeyRange(prefix: Key("k"))).map(\.key) }
      #expect(left == [Key("k", 5)])
    }
  }

  @Test(arguments: Backend.allCases)
  func `a body that throws leaves nothing behind and harms no other`(_ backend: Backend) async throws {
    struct Refusal: Error {}
    try await withStore(backend) { store in
      try await store.transact { tx in for n in 0..<400 { try tx.set(Key("old", n), [1]) } }
      try await withThrowingTaskGroup { group in
        for n in 0..<200 {
          group.addTask {
            do {
              try await store.transact { tx in
                try tx.set(Key("new", n), [2])
                try tx.set(Key("shared"), [UInt8(n % 251)])
                if n % 2 == 1 {
                  try tx.deleteAll(KeyRange(prefix: Key("old")))
                  try tx.delete(Key("new", n - 1))
                  throw Refusal()
                }
              }
              #expect(n % 2 == 0)
            } catch is Refusal { #expect(n % 2 == 1) }
          }
        }
        try await group.waitForAll()
      }
      let (old, new, shared) = try await store.read { reader in
        (
          try reader.entries(KeyRange(prefix: Key("old"))).count, try reader.entries(KeyRange(prefix: Key("new"))).map(\.key),
          try reader.get(Key("shared"))
        )
      }
      #expect(old == 400)
      #expect(new == stride(from: 0, to: 200, by: 2).map { Key("new", $0) })
      #expect(shared?.count == 1)
    }
  }

  @Test(arguments: Backend.allCases)
  func `transactions of a thousand tasks run as if one after another`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let results = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<1000 {
          group.addTask {
            try await store.transact { tx in
              let n = try tx.get(Key("n")).map { Int($0[0]) << 8 | Int($0[1]) } ?? 0
              try tx.set(Key("n"), [UInt8((n + 1) >> 8), UInt8((n + 1) & 255)])
              return n
            }
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(results.sorted() == Array(0..<1000))
    }
  }

  @Test(arguments: Backend.allCases)
  func `a read sees one moment, and everything acknowledged before it`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in
        try tx.set(Key("a"), [0])
        try tx.set(Key("b"), [0])
      }
      let writer = Task {
        for n in 1...200 {
          try await store.transact { tx in
            try tx.set(Key("a"), [UInt8(n)])
            try tx.set(Key("b"), [UInt8(n)])
          }
          let seen = try await store.read { try $0.get(Key("b")) }
          #expect(seen == [UInt8(n)])
        }
      }
      for _ in 0..<400 {
        let (a, b, again) = try await store.read { reader in
          let a = try reader.get(Key("a"))
          let scanned = try reader.entries(KeyRange(prefix: Key("b"))).first?.value
          return (a, scanned, try reader.get(Key("a")))
        }
        #expect(a == b && a == again)
      }
      try await writer.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `deleteAll removes a range of any size and nothing else`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      for size in [0, 1, 300, 3000] {
        try await store.transact { tx in
          try tx.set(Key("a"), [1])
          for n in 0..<size { try tx.set(Key("m", n), [1]) }
          try tx.set(Key("z"), [1])
        }
        let inside = try await store.transact { tx in
          try tx.set(Key("m", -1), [2])
          try tx.deleteAll(KeyRange(prefix: Key("m")))
          let empty = try tx.first(KeyRange(prefix: Key("m"))) == nil
          try tx.set(Key("m", 5), [3])
          return (empty, try tx.get(Key("m", 6)), try tx.entries(KeyRange(prefix: Key())).map(\.key))
        }
        #expect(inside.0)
        #expect(inside.1 == nil)
        #expect(inside.2 == [Key("a"), Key("m", 5), Key("z")])
        let after = try await store.read { try $0.entries(KeyRange(prefix: Key()), reverse: true).map(\.key) }
        #expect(after == [Key("z"), Key("m", 5), Key("a")])
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `values of a megabyte survive`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let value = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
      try await store.transact { tx in try tx.set(Key("big"), value) }
      let found = try await store.read { try $0.get(Key("big")) }
      #expect(found == value)
    }
  }

  @Test(arguments: Backend.allCases)
  func `random work gives what a plain dictionary gives`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      var model: [Key: [UInt8]] = [:]
      for seed in 0..<60 {
        model = try await RandomWork(seed: UInt64(seed)).run(store, model)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a closed store refuses`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in try tx.set(Key("a"), [1]) }
      await store.close()
      await #expect(throws: StoreError.closed) { try await store.transact { tx in try tx.set(Key("a"), [2]) } }
      await #expect(throws: StoreError.closed) { try await store.read { try $0.get(Key("a")) } }
      for await _ in store.watch(Key("a")) { Issue.record("a closed store has no changes") }
    }
  }

  @Test(arguments: Backend.allCases)
  func `access that is kept beyond its body is refused`(_ backend: Backend) async throws {
    final class Keep: @unchecked Sendable { var transaction: (any Transaction)? }  // Only the test's own task reads it.
    try await withStore(backend) { store in
      let keep = Keep()
      try await store.transact { tx in keep.transaction = tx }
      #expect(throws: StoreError.closed) { try keep.transaction?.set(Key("late"), [1]) }
      #expect(throws: StoreError.closed) { try keep.transaction?.get(Key("late")) }
    }
  }
}

/// What the operator's tools rely on (StoreBackend.swift).
@Suite struct ImageTests {
  private static func backend(_ store: any Store) throws -> any StoreBackend { try #require(store as? any StoreBackend) }

  @Test(arguments: Backend.allCases)
  func `an image is one moment, read page by page while the store goes on`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let store = try Self.backend(store)
      try await store.transact { tx in for n in 0..<1000 { try tx.set(Key("p", n), [UInt8](repeating: 1, count: 100)) } }
      let image = try await store.image()
      try await store.transact { tx in
        try tx.deleteAll(KeyRange(prefix: Key("p")))
        try tx.set(Key("p", 1000), [2])
      }
      var found: [Key] = []
      var pages = 0
      while true {
        let page = try await image.entries(after: found.last, bytes: 5000)
        if page.isEmpty { break }
        #expect(page.allSatisfy { $0.value == [UInt8](repeating: 1, count: 100) })
        found += page.map(\.key)
        pages += 1
      }
      #expect(found == (0..<1000).map { Key("p", $0) })
      #expect(pages > 10)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a read of many rows sees them all, whatever its body does with errors`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { transaction in for n in 0..<1000 { try transaction.set(Key("p", n), [UInt8(n % 256)]) } }
      let found = try await store.read { reader in
        var count = 0
        try? reader.scan(KeyRange(prefix: Key("p"))) { _, _ in
          count += 1
          return true
        }
        return count
      }
      #expect(found == 1000)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a read behind many deleted rows finds what is there`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { transaction in for n in 0..<3000 { try transaction.set(Key("p", n), [1]) } }
      for start in stride(from: 0, to: 2999, by: 100) {
        try await store.transact { transaction in for n in start..<min(start + 100, 2999) { try transaction.delete(Key("p", n)) } }
      }
      for _ in 0..<3 { #expect(try await store.read { try $0.first(KeyRange(prefix: Key("p")))?.key } == Key("p", 2999)) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `what the store does is counted`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let store = try Self.backend(store)
      let before = store.statistics
      for n in 0..<3 { try await store.transact { try $0.set(Key("p", n), [1]) } }
      _ = try await store.read { try $0.get(Key("p", 1)) }
      #expect(store.statistics.transactions - before.transactions == 3)
      #expect(store.statistics.reads - before.reads == 1)
      if backend == .rocksDB { #expect(store.statistics.commitSeconds.count >= 1) }
    }
  }
}
