import Base
import Store
import StoreRocksDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A way to have no room, and to have it again.
protocol Shortage {
  func begin()
  func end()
}

/// No file may grow beyond 512 kB: works for everybody, and fails as EFBIG.
struct FileLimit: Shortage {
  private let bytes: rlim_t = 512 << 10
  func begin() {
    signal(SIGXFSZ, SIG_IGN)
    set(bytes)
  }
  func end() {
    var limit = rlimit()
    getrlimit(fileSize, &limit)
    set(limit.rlim_max)
  }
  private func set(_ bytes: rlim_t) {
    var limit = rlimit()
    getrlimit(fileSize, &limit)
    limit.rlim_cur = bytes
    guard setrlimit(fileSize, &limit) == 0 else { fail("setrlimit: \(errno)") }
  }
  #if canImport(Glibc)
    private var fileSize: __rlimit_resource_t { __rlimit_resource_t(RLIMIT_FSIZE.rawValue) }
  #else
    private var fileSize: Int32 { RLIMIT_FSIZE }
  #endif
}

/// Fills a small file system of the test's own to the last byte but 300 kB.
struct FilledDisk: Shortage {
  private let filler: String
  init(_ directory: String) { filler = directory + "/filler" }
  func begin() {
    let file = open(filler, O_WRONLY | O_CREAT, 0o600)
    let block = [UInt8](repeating: 1, count: 4096)
    var count = 0
    while write(file, block, block.count) == block.count { count += 1 }
    guard errno == ENOSPC, count > 100 else { fail("filling the disk: \(errno)") }
    ftruncate(file, off_t((count - 75) * block.count))
    close(file)
  }
  func end() { unlink(filler) }
}

/// Writes until the disk refuses, and checks that nothing acknowledged is lost, then and after room is made.
func runOut(_ directory: String, _ shortage: any Shortage) async throws {
  var store = try RocksDBStore(directory: directory + "/data")
  // Not compressible, so that the table files need as much room as the log.
  let value = SeededRandom(seed: 1).bytes(30_000)
  func put(_ n: Int) async throws { try await store.transact { try $0.set(Key("row", n), value) } }
  func check(_ acknowledged: [Int], _ when: String) async throws {
    let found = try await store.read { reader in try acknowledged.filter { try reader.get(Key("row", $0)) == value } }
    guard found == acknowledged else { fail("\(when): \(acknowledged.count - found.count) acknowledged rows are missing") }
  }

  var acknowledged: [Int] = []
  for n in 0..<5 {
    try await put(n)
    acknowledged.append(n)
  }
  shortage.begin()
  var refusals = 0
  for n in 5..<3000 where refusals < 10 {
    do {
      try await put(n)
      acknowledged.append(n)
    } catch StoreError.unavailable { refusals += 1 }
  }
  guard refusals == 10 else { fail("the shortage was not felt") }
  try await check(acknowledged, "while writes are refused")
  shortage.end()
  try await put(9999)
  acknowledged.append(9999)
  try await check(acknowledged, "after room is made")
  await store.close()
  store = try RocksDBStore(directory: directory + "/data")
  try await check(acknowledged, "after opening again")
  await store.close()
  print("ok \(acknowledged.count)")
}
