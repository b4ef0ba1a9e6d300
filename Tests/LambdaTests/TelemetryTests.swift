import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct TelemetryBufferTests {
  private func makeBuffer(items: Int = 3, bytes: Int = 100) -> TelemetryBuffer {
    TelemetryBuffer(.init(items: items, bytes: bytes, timeout: .milliseconds(50)))
  }
  private func sizes(_ batch: [[UInt8]]?) -> [Int]? { batch?.map(\.count) }
  private func event(_ size: Int) -> [UInt8] { [UInt8](repeating: 1, count: size) }

  @Test func `a batch goes out when its first event has waited long enough`() {
    var buffer = makeBuffer()
    #expect(buffer.due(now: .zero) == nil)
    _ = buffer.append(event(1), now: .milliseconds(10))
    _ = buffer.append(event(2), now: .milliseconds(30))
    #expect(buffer.due(now: .milliseconds(30)) == .milliseconds(60))
    #expect(sizes(buffer.take(now: .milliseconds(59))) == nil)
    #expect(sizes(buffer.take(now: .milliseconds(60))) == [1, 2])
    #expect(buffer.due(now: .milliseconds(60)) == nil)
  }

  @Test func `a batch that is full goes out at once, and so does one that is wanted`() {
    var byCount = makeBuffer()
    for size in 1...3 { _ = byCount.append(event(size), now: .zero) }
    #expect(sizes(byCount.take(now: .zero))?.count == 3)
    var bySize = makeBuffer()
    _ = bySize.append(event(100), now: .zero)
    #expect(sizes(bySize.take(now: .zero))?.count == 1)
    var wanted = makeBuffer()
    wanted.want()
    #expect(sizes(wanted.take(now: .zero)) == nil)
    _ = wanted.append(event(1), now: .zero)
    wanted.want()
    #expect(sizes(wanted.take(now: .zero))?.count == 1)
  }

  @Test func `what is more than two batches is dropped and counted`() {
    var buffer = makeBuffer()
    let taken = [10, 10, 10, 10, 10, 10, 10, 7].map { buffer.append(event($0), now: .zero) }
    #expect(taken == [true, true, true, true, true, true, false, false])
    #expect(sizes(buffer.take(now: .zero))?.count == 3)
    #expect(sizes(buffer.take(now: .zero))?.count == 3)
    let dropped = buffer.takeDropped()
    #expect(dropped?.records == 2 && dropped?.bytes == 17)
    let again = buffer.takeDropped()
    #expect(again == nil)
  }
}

@Suite struct PlatformLogTests {
  private let inv: Invocation = {
    var invocation = invocation("8c5dbd8c-aaaa-bbbb-cccc-0123456789ab")
    invocation.trace.sampled = "1"
    return invocation
  }()
  private func log(_ type: Initialization = .onDemand, json: String? = nil) -> SystemLog {
    var function = FunctionVersion.sample
    if let json { (function.logFormat, function.systemLogLevel) = (.json, json) }
    return SystemLog(PlatformRecord(function: function, initialization: type, logStream: "stream"))
  }
  private func line(_ event: PlatformEvent, _ type: Initialization = .onDemand, json: String? = nil) -> String? {
    log(type, json: json).line(for: event, at: Instant(milliseconds: 0))
  }

  @Test func `lines are worded as Lambda words them`() {
    let usage = EnvironmentMachine.Usage(
      duration: .microseconds(1_234_560), initDuration: nil, restoreDuration: .microseconds(204_270), status: "error",
      errorType: "Extension.Crash")
    let id = inv.requestID
    #expect(
      line(.report(inv, usage, maximumMemory: 77))
        == "REPORT RequestId: \(id)\tDuration: 1234.56 ms\tBilled Duration: 1439 ms\tMemory Size: 128 MB\tMax Memory Used: 77 MB\t"
        + "Restore Duration: 204.27 ms\tBilled Restore Duration: 205 ms\tStatus: error\tError Type: Extension.Crash"
        + "\nXRAY TraceId: \(inv.trace.root)\tSegmentId: 8c5dbd8caaaabbbb\tSampled: true\t\n")
    #expect(
      line(.initReport(.invoke, .milliseconds(12), .init(status: "error", errorType: "Extension.Crash")))
        == "INIT_REPORT Init Duration: 12.00 ms\tPhase: invoke\tStatus: error\tError Type: Extension.Crash\n")
    #expect(line(.restoreReport(.milliseconds(5), .init(status: "timeout"))) == "RESTORE_REPORT Restore Duration: 5.00 ms\tStatus: timeout\n")
    #expect(
      line(.fault(requestID: id, message: "exit code 0", errorType: "Extension.Crash"))
        == "RequestId: \(id) Error: exit code 0\nExtension.Crash\n")
  }

  @Test func `a successful init is in the log only where it ran ahead of the invocation`() {
    #expect(line(.initReport(.`init`, .milliseconds(7), .success)) == nil)
    #expect(line(.initReport(.`init`, .milliseconds(7), .success), .snapStart) == "INIT_REPORT Init Duration: 7.00 ms\tPhase: init\n")
  }

  @Test(arguments: [
    ("DEBUG", [true, true, true, true, true, true]), ("INFO", [true, false, false, true, true, true]),
    ("WARN", [false, false, false, false, true, false]),
  ] as [(String, [Bool])])
  func `the level of the configuration decides which events are in the JSON log`(level: String, expected: [Bool]) {
    let good = EnvironmentMachine.Usage(duration: .zero)
    let bad = EnvironmentMachine.Usage(duration: .zero, status: "timeout")
    let events: [PlatformEvent] = [
      .start(inv), .runtimeDone(inv, good), .initReport(.`init`, .zero, .success), .report(inv, good, maximumMemory: 1),
      .report(inv, bad, maximumMemory: 1), .extensionState(.init(name: "x", isExternal: true)),
    ]
    #expect(events.map { line($0, json: level) != nil } == expected)
    #expect(line(.end(requestID: "x"), json: level) == nil)
  }

  @Test(arguments: [
    (#"{"timestamp":"t","level":"INFO","message":"m"}"#, false), (#"{"timestamp":"t","level":"WARNING","message":"m"}"#, true),
    (#"{"timestamp":"t","level":"ERROR"}"#, true), (#"{"level":"DEBUG"}"#, true), ("INFO plain text", true), ("{broken", true),
    (#"{"timestamp":"t","level":"odd"}"#, true),
  ])
  func `records of function code below its level are left out`(message: String, passes: Bool) throws {
    var function = FunctionVersion.sample
    #expect(ApplicationLogFilter(function) == nil)
    (function.logFormat, function.applicationLogLevel) = (.json, "WARN")
    #expect(try #require(ApplicationLogFilter(function)).passes(message) == passes)
  }
}
