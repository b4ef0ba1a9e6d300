import Base
import Foundation
import Store
import StoreRocksDB
import Testing

@Suite(.serialized) struct CrashTests {
  @Test func `after kill -9 every acknowledged transaction is there and none is half there`() async throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let seed = SystemRandom().number(below: 1000)
    let random = SeededRandom(seed: seed)
    var acknowledged: Set<Int> = []
    for _ in 0..<6 {
      let lines = try ChildProcess("write", directory.path).killed(afterLines: 1 + Int(random.number(below: 1500)))
      #expect(!lines.isEmpty, "seed \(seed)")
      acknowledged.formUnion(lines.compactMap { Int($0) })
      let store = try RocksDBStore(directory: directory.path)
      let (counter, parts) = try await store.read { reader in
        (try Counter(Key("counter")).value(reader), try ["a", "b", "c"].map { try numbers($0, reader) })
      }
      await store.close()
      let all = Set(1...Int(counter))
      #expect(parts == [all, all, all], "seed \(seed)")
      #expect(acknowledged.isSubset(of: all), "seed \(seed)")
    }
  }

  private func numbers(_ part: String, _ reader: any Reader) throws -> Set<Int> {
    var found: Set<Int> = []
    let size = ["a": 10, "b": 300, "c": 5000][part]
    try reader.scan(KeyRange(prefix: Key(part))) { key, value in
      var parts = KeyReader(key, after: Key(part))
      let n = Int(try parts.int())
      if value.count == size, value.allSatisfy({ $0 == UInt8(truncatingIfNeeded: n) }) { found.insert(n) }
      return true
    }
    return found
  }

  @Test func `writes that the disk refuses fail, reads go on, and writes come back with the room`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let child = try ChildProcess("file-limit", directory.path)
    let lines = child.lines()
    #expect(child.exitStatus() == 0 && lines.last?.hasPrefix("ok") == true, "\(lines)")
  }

  /// A namespace of its own lets anybody mount a small file system, unless the machine forbids it.
  private static let canMount =
    (try? ChildProcess(["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).exitStatus()) == 0

  @Test(.enabled(if: canMount, "needs user namespaces or root, to mount a small file system"))
  func `a full disk refuses writes, keeps what was acknowledged, and recovers`() throws {
    let directory = try TemporaryDirectory()
    defer { directory.remove() }
    let script = "mount -t tmpfs -o size=60m tmpfs \"$1\" && exec \"$0\" full-disk \"$1\""
    let child = try ChildProcess(["unshare", "-Urm", "sh", "-c", script, ChildProcess.program, directory.path])
    let lines = child.lines()
    #expect(child.exitStatus() == 0 && lines.last?.hasPrefix("ok") == true, "\(lines)")
  }
}
