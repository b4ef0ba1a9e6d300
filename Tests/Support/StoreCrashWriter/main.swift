// A process for the store's tests to kill, or to run out of disk.
import Store
import StoreRocksDB

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

let arguments = CommandLine.arguments
guard arguments.count == 3 else { fail("usage: store-crash-writer write|file-limit|full-disk DIRECTORY") }

switch arguments[1] {
case "write": try await writeForEver(arguments[2])
case "file-limit": try await runOut(arguments[2], FileLimit())
case "full-disk": try await runOut(arguments[2], FilledDisk(arguments[2]))
default: fail("unknown mode \(arguments[1])")
}

func fail(_ reason: String) -> Never {
  print("failed: \(reason)")
  exit(1)
}
