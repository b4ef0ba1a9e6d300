import Base
import Fabric
import StoreRocksDB
import Tracing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// What a hop costs when nobody looks: `hop-cost DIRECTORY` records hops as services do, on a new store in the directory, and prints
// what the caller waits for one and what processor time one costs altogether, writing and trimming included.

let hopsPerFlush = 2_000
let flushes = 150

func processorTime() -> Duration {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

guard CommandLine.arguments.count == 2 else {
  print("usage: hop-cost DIRECTORY")
  exit(2)
}
let clock = AdjustableClock()
let ambient = Ambient(clock: clock, random: SystemRandom())
let store = try RocksDBStore(directory: CommandLine.arguments[1])
let tracing = TracingService(store: store, ambient: ambient, configuration: .init(size: 16 << 20))
let caller = Principal.role(RoleSession(account: .local, roleName: "worker", roleID: "AROAEXAMPLE", sessionName: "worker"))

/// As SQS does for a message, with a trace of its own for every third.
func step(_ trace: inout TraceContext, _ number: Int) {
  if number % 3 == 0 { trace = TraceContext(ambient) }
  let hop = tracing.begin(trace, ambient)
  tracing.end(
    hop, ambient, account: .local, region: .usEast1, service: "sqs", action: "SendMessage", source: caller.hopSource,
    target: ARN("sqs", .usEast1, .local, "queue-\(number % 20)").text, outcome: .accepted)
  trace = hop.trace
}

var trace = TraceContext(ambient)
var recording = Duration.zero
let began = processorTime()
for flush in 0..<flushes {
  let start = clock.monotonic()
  for number in 0..<hopsPerFlush { step(&trace, flush * hopsPerFlush + number) }
  recording += clock.monotonic() - start
  try await tracing.flush()
  try await tracing.trimAll()
}
let spent = processorTime() - began
let count = Double(hopsPerFlush * flushes)
func microseconds(_ duration: Duration) -> Double { Double(duration.inMicroseconds) / count }
print(
  "\(Int(count)) hops: recording takes \(microseconds(recording)) µs of the caller, "
    + "a hop \(microseconds(spent)) µs of processor time in all (≤ 5)")
await store.close()
