import Store
import StoreRocksDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Eight callers write transactions of four keys with rising numbers. Each number is printed once it is acknowledged.
func writeForEver(_ directory: String) async throws {
  let store = try RocksDBStore(directory: directory)
  let counter = Counter(Key("counter"))
  try await withThrowingTaskGroup { group in
    for _ in 0..<8 {
      group.addTask {
        while true {
          let n = try await store.transact { tx in
            let n = try counter.next(tx)
            for (part, size) in [("a", 10), ("b", 300), ("c", 5000)] {
              try tx.set(Key(part, n), [UInt8](repeating: UInt8(truncatingIfNeeded: n), count: size))
            }
            return n
          }
          let line = Array("\(n)\n".utf8)
          // One write of less than a pipe's atomic size, so that lines are never mixed. The reader is gone when it fails.
          if write(1, line, line.count) != line.count { exit(0) }
        }
      }
    }
    try await group.waitForAll()
  }
}
