import Base
import Store
import Testing

@Suite struct WatchTests {
  /// Whether a commit below the prefix was reported.
  private func fires(
    _ store: any Store, _ prefix: Key, _ body: @escaping @Sendable (any Transaction) throws -> Void
  ) async throws -> Bool {
    let stream = store.watch(prefix)
    _ = try? await store.transact(body)
    // Closing ends the stream, so a commit that was not reported gives nil instead of waiting for ever.
    await store.close()
    for await _ in stream { return true }
    return false
  }

  @Test(arguments: Backend.allCases)
  func `a watch fires after a commit below its prefix`(_ backend: Backend) async throws {
    for prefix in [Key(), Key("q"), Key("q", "a"), Key("q", "a", 7)] {
      try await withStore(backend) { store in
        let fired = try await fires(store, prefix) { try $0.set(Key("q", "a", 7), [1]) }
        #expect(fired)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a watch does not fire for other keys`(_ backend: Backend) async throws {
    for prefix in [Key("q", "b"), Key("r"), Key("q", "a", 7, 1), Key("p"), Key("q", "a", 6)] {
      try await withStore(backend) { store in
        let fired = try await fires(store, prefix) { try $0.set(Key("q", "a", 7), [1]) }
        #expect(!fired)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a watch does not fire when the body throws`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let fired = try await fires(store, Key("q")) { tx in
        try tx.set(Key("q", 1), [1])
        throw StoreError.corrupt("on purpose")
      }
      #expect(!fired)
    }
  }

  @Test(arguments: Backend.allCases)
  func `a watch fires when a large range is deleted`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      try await store.transact { tx in for n in 0..<2000 { try tx.set(Key("q", n), [1]) } }
      let fired = try await fires(store, Key("q", 1500)) { try $0.deleteAll(KeyRange(prefix: Key("q"))) }
        #expect(fired)
    }
  }

  @Test(arguments: Backend.allCases)
  func `many watchers on nested and distinct prefixes each hear their own`(_ backend: Backend) async throws {
    try await withStore(backend) { store in
      let streams = (0..<500).map { store.watch(Key("q", "name\($0)")) }
      let outer = store.watch(Key("q"))
      try await store.transact { try $0.set(Key("q", "name123", 1), [1]) }
      await store.close()
      var fired: [Int] = []
      for (n, stream) in streams.enumerated() { for await _ in stream { fired.append(n) } }
      #expect(fired == [123])
      var outerCount = 0
      for await _ in outer { outerCount += 1 }
      #expect(outerCount == 1)
    }
  }
}
