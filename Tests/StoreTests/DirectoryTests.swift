import Base
import Foundation
import Store
import StoreRocksDB
import Testing

/// What only the embedded store does: its directory.
@Suite struct DirectoryTests {
  private func withDirectory(_ body: (String) async throws -> Void) async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    try await body(directory.path)
  }

  private func refusal(_ open: () throws -> Void) -> String {
    do { try open() } catch StoreError.cannotOpen(let reason) { return reason } catch { return "another error: \(error)" }
    return "opened"
  }

  @Test func `a closed store comes back as it was`() async throws {
    try await withDirectory { directory in
      for round in 0..<3 {
        let store = try RocksDBStore(directory: directory)
        let seen = try await store.transact { tx in
          let seen = try tx.entries(KeyRange(prefix: Key("k"))).count
          for n in 0..<100 { try tx.set(Key("k", round, n), [UInt8(n)]) }
          return seen
        }
        #expect(seen == round * 100)
        await store.close()
      }
    }
  }

  @Test func `a missing directory is made, for its owner only`() async throws {
    try await withDirectory { directory in
      let path = directory + "/a/b"
      try await RocksDBStore(directory: path).close()
      for made in ["/a", "/a/b"] {
        let attributes = try FileManager.default.attributesOfItem(atPath: directory + made)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
      }
    }
  }

  @Test func `a directory that is in use refuses and says so`() async throws {
    try await withDirectory { directory in
      let store = try RocksDBStore(directory: directory)
      let reason = refusal { _ = try RocksDBStore(directory: directory) }
      #expect(reason.contains("in use by another process") && reason.contains(directory))
      await store.close()
    }
  }

  @Test func `a directory in use by another process refuses and says so`() async throws {
    try await withDirectory { directory in
      let child = try ChildProcess("write", directory)
      let reasons = child.whileRunning { refusal { _ = try RocksDBStore(directory: directory) } }
      #expect(reasons.contains("in use by another process") && reasons.contains(directory))
    }
  }

  @Test func `a directory of a newer format refuses and names both versions`() async throws {
    try await withDirectory { directory in
      try await RocksDBStore(directory: directory, formatVersion: 7).close()
      let reason = refusal { _ = try RocksDBStore(directory: directory, formatVersion: 6) }
      #expect(reason.contains("format 7") && reason.contains("up to 6") && reason.contains(directory))
      try await RocksDBStore(directory: directory, formatVersion: 8).close()
    }
  }

  @Test func `a database that is not ours refuses`() async throws {
    try await withDirectory { directory in
      try await RocksDBStore(directory: directory).close()
      try FileManager.default.removeItem(atPath: directory + "/FORMAT")
      #expect(refusal { _ = try RocksDBStore(directory: directory) }.contains("no FORMAT file"))
      try "something else\n".write(toFile: directory + "/FORMAT", atomically: true, encoding: .utf8)
      #expect(refusal { _ = try RocksDBStore(directory: directory) }.contains("FORMAT"))
    }
  }

  @Test func `a path that cannot be a directory refuses`() async throws {
    try await withDirectory { directory in
      try Data().write(to: URL(fileURLWithPath: directory + "/file"))
      #expect(refusal { _ = try RocksDBStore(directory: directory + "/file") }.contains("not a directory"))
      #expect(refusal { _ = try RocksDBStore(directory: directory + "/file/below") }.contains("Not a directory"))
    }
  }

  @Test func `a queue is read at its head, whatever was deleted there`() async throws {
    try await withDirectory { directory in
      let store = try RocksDBStore(directory: directory)
      for round in 0..<40 {
        try await store.transact { tx in for n in 0..<50 { try tx.set(Key("q", round * 50 + n), [1]) } }
        for n in 0..<50 {
          let head = try await store.transact { tx in
            let head = try tx.first(KeyRange(prefix: Key("q")))?.key
            if let head { try tx.delete(head) }
            // Every tenth comes back in front of what was deleted, where the store knows of a gap.
            if n == 25 { try tx.set(Key("q", round * 50 + 3), [2]) }
            if n == 26 { try tx.delete(Key("q", round * 50 + 49)) }
            return head
          }
          let expected = n <= 25 ? n : n == 26 ? 3 : n - 1
          #expect(head == Key("q", round * 50 + expected), "round \(round), \(n)")
        }
        let left = try await store.transact { try $0.first(KeyRange(prefix: Key("q"))) == nil }
        #expect(left)
      }
      await store.close()
    }
  }
}
