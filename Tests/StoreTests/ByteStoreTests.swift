import Base
import Store
import Synchronization
import Testing

@Suite struct ByteStoreTests {
  private static func id(_ first: UInt8, _ rest: UInt8 = 7) -> ByteStoreID {
    guard let id = ByteStoreID([first] + [UInt8](repeating: rest, count: 15)) else { preconditionFailure("16 bytes") }
    return id
  }
  private func withStores(_ body: (any ByteStore) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try await body(MemoryByteStore())
    try await body(FileByteStore(directory: directory.path + "/bytes"))
  }

  @Test(arguments: [0, 1, 1000, 256 << 10, 1_000_003])
  func `bytes come back in any piece, and the tap has heard them in order`(_ size: Int) async throws {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 131 >> 3) }
    try await withStores { store in
      let heard = Mutex<[UInt8]>([])
      let sink = store.sink(Self.id(3)) { piece in heard.withLock { $0 += piece } }
      for start in stride(from: 0, to: size, by: 70_001) { try await sink.write(Array(bytes[start..<min(size, start + 70_001)])) }
      try await sink.drain()
      #expect(heard.withLock { $0 } == bytes)
      try await sink.finish()
      let found = try await store.source(Self.id(3))
      let source = try #require(found)
      #expect(source.count == size)
      #expect(try await source.read(at: 0, count: size) == bytes)
      if size > 10 { #expect(try await source.read(at: 3, count: 5) == Array(bytes[3..<8])) }
      await #expect(throws: StoreError.self) { try await source.read(at: size, count: 1) }
    }
  }

  @Test func `what is deleted is gone, but not for who reads it`() async throws {
    try await withStores { store in
      let sink = store.sink(Self.id(9)) { _ in }
      try await sink.write([1, 2, 3])
      try await sink.finish()
      #expect(try await store.list(folder: 9) == [Self.id(9)])
      let found = try await store.source(Self.id(9))
      let source = try #require(found)
      try await store.delete(Self.id(9))
      try await store.delete(Self.id(9))
      #expect(try await source.read(at: 0, count: 3) == [1, 2, 3])
      #expect(try await store.source(Self.id(9)) == nil)
      #expect(try await store.list(folder: 9) == [])
      #expect(try await store.list(folder: 8) == [])
    }
  }

  @Test func `a sink that is given up leaves nothing`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let store = try FileByteStore(directory: directory.path + "/bytes", threads: 1)
    do {
      let sink = store.sink(Self.id(1)) { _ in }
      try await sink.write([UInt8](repeating: 1, count: 300 << 10))
      try await sink.drain()
    }
    // On the same thread, so after the removal.
    #expect(try await store.list(folder: 1) == [])
  }

  @Test func `no name is used twice`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let store = try FileByteStore(directory: directory.path + "/bytes")
    for attempt in 0..<2 {
      let sink = store.sink(Self.id(1)) { _ in }
      try await sink.write([UInt8(attempt)])
      if attempt == 0 { try await sink.finish() } else { await #expect(throws: StoreError.self) { try await sink.finish() } }
    }
    #expect(try await store.source(Self.id(1))?.read(at: 0, count: 1) == [0])
  }
}
