import Glibc
import LibFuzzer

// fuzz --target=NAME [options of libFuzzer] [corpus directories or files]
// libFuzzer passes over options that begin with two hyphens, but hands them to the processes that it starts itself.
let name = CommandLine.arguments.lazy.filter { $0.hasPrefix("--target=") }.map { String($0.dropFirst(9)) }.first
guard let name, let target = Target.all.first(where: { $0.name == name }) else {
  if CommandLine.arguments.contains("--list") {
    for target in Target.all { print(target.name) }
    exit(0)
  }
  print("usage: fuzz --target=NAME [options of libFuzzer]; NAME is one of \(Target.all.map(\.name).joined(separator: " "))")
  exit(2)
}
let chosen = target

var count = CommandLine.argc
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
exit(
  LLVMFuzzerRunDriver(&count, &arguments) { start, size in
    chosen.run(Array(UnsafeBufferPointer(start: start, count: size)))
    return 0
  })
