import Base
import Foundation
import Store
import Testing

@Suite struct BlobStoreTests {
  private static let hashes = ["a", "b", "0"].map { String(repeating: $0, count: 64) }

  private func withBlobs(_ body: (any BlobStore) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try await body(MemoryBlobStore())
    try await body(FileBlobStore(directory: directory.path + "/blobs"))
  }

  @Test func `a blob comes back as it was put, and is gone once deleted`() async throws {
    try await withBlobs { blobs in
      let large = SeededRandom(seed: 1).bytes(3_000_000)
      let values: [[UInt8]] = [[], [1, 2, 3], large]
      for (hash, value) in zip(Self.hashes, values) { try await blobs.put(hash, value) }
      for (hash, value) in zip(Self.hashes, values) {
        let found = try await blobs.get(hash)
        #expect(found == value)
      }
      let all = try await blobs.list()
      #expect(all == Self.hashes.sorted())
      try await blobs.delete(Self.hashes[0])
      try await blobs.delete(Self.hashes[0])
      let gone = try await blobs.get(Self.hashes[0])
      #expect(gone == nil)
    }
  }

  @Test func `one blob may be put by many at once`() async throws {
    try await withBlobs { blobs in
      try await withThrowingTaskGroup { group in
        for _ in 0..<30 { group.addTask { try await blobs.put(Self.hashes[0], [7, 7]) } }
        try await group.waitForAll()
      }
      let (found, all) = (try await blobs.get(Self.hashes[0]), try await blobs.list())
      #expect(found == [7, 7] && all == [Self.hashes[0]])
    }
  }

  @Test(arguments: ["", "../../etc/passwd", String(repeating: "A", count: 64), String(repeating: "a", count: 63) + "/"])
  func `a name that is no hash is refused`(_ name: String) async throws {
    try await withBlobs { blobs in
      await #expect(throws: StoreError.self) { try await blobs.put(name, [1]) }
      await #expect(throws: StoreError.self) { try await blobs.get(name) }
      await #expect(throws: StoreError.self) { try await blobs.path(of: name) }
      await #expect(throws: StoreError.self) { try await blobs.delete(name) }
    }
  }

  @Test func `opening removes half-written files and keeps the others`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    var blobs = try FileBlobStore(directory: directory.path)
    try await blobs.put(Self.hashes[0], [1])
    let path = try #require(try await blobs.path(of: Self.hashes[0]))
    #expect(FileManager.default.contents(atPath: path) == Data([1]))
    let orphan = path + ".abcdef.new"
    try Data([1, 2]).write(to: URL(fileURLWithPath: orphan))
    blobs = try FileBlobStore(directory: directory.path)
    #expect(!FileManager.default.fileExists(atPath: orphan))
    let all = try await blobs.list()
    #expect(all == [Self.hashes[0]])
  }
}
