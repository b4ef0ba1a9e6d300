import Base
import Fabric
import Testing

@testable import Lambda

/// A machine whose operations are a dictionary.
private struct Machine {
  static let start = Instant(seconds: 1_000)
  var execution: DurableExecution
  var operations: [String: DurableOperation] = [:]
  var history: [String] = []

  init(origin: DurableExecution.Origin = .synchronous) {
    let settings = DurableSettings(executionTimeout: 3600, retentionDays: 1)
    let id = DurableExecutionID(function: DurableBench.function, version: "1", name: "n", id: "e")
    execution = DurableExecution(
      id: id, origin: origin, started: Self.start, settings: settings, trace: DurableBench.trace, lane: .due(Self.start))
  }

  mutating func step<T>(_ body: (inout DurableMachine) throws -> T) rethrows -> T {
    let known = operations
    var machine = DurableMachine(
      execution, secrets: DurableSecrets(ambient: Ambient(clock: TestClock(), random: SeededRandom(seed: 7)))) { known[$0] }
    let result = try body(&machine)
    execution = machine.execution
    operations.merge(machine.operations) { $1 }
    history += machine.events.map(\.typeName)
    return result
  }

  /// Runs a checkpoint a second after the start; the refusal's text, or nil.
  @discardableResult
  mutating func checkpoint(_ updates: DurableUpdate..., at now: Instant = start + .seconds(1)) -> String? {
    do {
      _ = try step { try $0.checkpoint(updates, token: "t", clientToken: nil, due: [], at: now) }
      return nil
    } catch {
      return "\(error)"
    }
  }
}

@Suite struct DurableCheckpointTests {
  private static let error = DurableError("e", type: "T")

  /// What is refused of an execution that has a started step `s`, context `c` and wait `w`.
  @Test(arguments: [
    ([.of(.execution, .succeed, "e"), .of(.execution, .succeed, "e")], "Cannot checkpoint multiple EXECUTION updates."),
    ([.of(.execution, .succeed, "e"), .step(.start, "x")], "EXECUTION checkpoint must be the last update."),
    ([.of(.execution, .start, "e")], "Invalid EXECUTION action."),
    ([.of(.execution, .succeed, "e") { $0.error = error }], "Cannot provide an Error for SUCCEED action."),
    ([.of(.execution, .fail, "e") { $0.payload = "1" }], "Cannot provide a Payload for FAIL action."),
    ([.wait("x", 1), .wait("x", 1)], "Cannot update the same operation twice in a single request."),
    ([.step(.start, "x"), .step(.start, "x")], "Cannot update the same operation twice in a single request."),
    ([.wait("s", 1)], "Inconsistent operation type."),
    ([.step(.succeed) { $0.name = "other" }], "Inconsistent operation name."),
    ([.step(.succeed) { $0.subType = "other" }], "Inconsistent operation subtype."),
    ([.step(.succeed) { $0.parent = "c" }], "Inconsistent parent operation id."),
    ([.step(.start, "x") { $0.parent = "s" }], "Invalid parent operation id."),
    ([.step(.start, "x") { $0.parent = "none" }], "Invalid parent operation id."),
    ([.step(.start)], "Invalid current STEP state to start."),
    ([.step(.retry)], "Invalid StepOptions for the given action."),
    ([.step(.succeed) { $0.nextAttemptDelay = 1 }], "Invalid StepOptions for the given action."),
    ([.step(.succeed) { $0.error = error }], "Cannot provide an Error for SUCCEED action."),
    (
      [.step(.retry) { $0.nextAttemptDelay = 1; $0.payload = "1"; $0.error = error }],
      "Cannot provide both error and payload to RETRY a STEP."
    ),
    ([.step(.cancel)], "Invalid action for the given operation type."),
    ([.of(.context, .start, "c")], "Cannot start a CONTEXT that already exist."),
    ([.of(.context, .succeed, "none")], "Invalid current CONTEXT state to close."),
    ([.of(.context, .retry, "c")], "Invalid action for the given operation type."),
    ([.wait("w", 1)], "Cannot start a WAIT that already exist."),
    ([.of(.wait, .start, "x")], "Update for WAIT operation requires WaitOptions."),
    ([.of(.wait, .cancel, "x")], "Cannot cancel a WAIT that does not exist or has already completed."),
    ([.of(.callback, .succeed, "x")], "Invalid action for the given operation type."),
    ([.of(.chainedInvoke, .start, "x")], "Update for CHAINED_INVOKE operation requires ChainedInvokeOptions."),
    (
      [.chain("x", .plain(version: "1"), function: FunctionID(account: .two, region: .usEast1, name: "f"))],
      "Cannot start a CHAINED_INVOKE on a function in another account."
    ),
    ([.step(.succeed) { $0.payload = String(repeating: "x", count: 1_048_577) }], "STEP payload size must be less than or equal to 1048576 bytes."),
    (
      [.step(.fail) { $0.error = DurableError(String(repeating: "x", count: 32_768)) }],
      "Error object size must be less than 32768 bytes."
    ),
  ] as [([DurableUpdate], String)])
  func `a checkpoint that cannot be is refused and changes nothing`(updates: [DurableUpdate], text: String) throws {
    var machine = Machine()
    machine.checkpoint(.step(.start), .of(.context, .start, "c"), .wait("w", 60))
    let before = (machine.execution, machine.operations, machine.history)
    #expect(throws: DurableRefusal(text)) {
      // A good update before the bad one is not kept either.
      try machine.step {
        try $0.checkpoint([.step(.start, "good")] + updates, token: "t", clientToken: nil, due: [], at: Machine.start)
      }
    }
    #expect((machine.execution, machine.operations) == (before.0, before.1))
    #expect(machine.history == before.2)
  }

  @Test func `a step counts its attempts and keeps what the last one left`() throws {
    var machine = Machine()
    #expect(machine.checkpoint(.step(.start), .step(.retry) { ($0.nextAttemptDelay, $0.error) = (60, Self.error) }) == nil)
    let at = Machine.start + .seconds(61)
    #expect(machine.operations["s"]?.status == .pending)
    #expect(machine.operations["s"]?.due == at)
    #expect(machine.execution.pending == 1)
    try machine.step { _ = try $0.fire(["s"], at: at) }
    #expect(machine.operations["s"]?.status == .ready)
    #expect(machine.execution.unseen == ["s"])
    #expect(machine.checkpoint(.step(.start), .step(.succeed) { $0.payload = "7" }) == nil)
    let done = try #require(machine.operations["s"])
    #expect(done.details == .step(attempt: 2, next: nil))
    #expect((done.status, done.result, done.error) == (.succeeded, "7", nil))
    #expect(machine.execution.pending == 0)
    #expect(machine.history == ["StepStarted", "StepFailed", "StepStarted", "StepSucceeded"])
  }

  @Test func `a condition that does not hold yet is a step that succeeds and is tried again`() {
    var machine = Machine()
    machine.checkpoint(.step(.start), .step(.retry) { ($0.nextAttemptDelay, $0.payload) = (5, "1") })
    #expect(machine.history == ["StepStarted", "StepSucceeded"])
    #expect(machine.operations["s"]?.result == "1")
  }

  @Test func `three thousand operations are the most`() throws {
    var machine = Machine()
    let updates = (0..<3000).map { DurableUpdate.step(.start, "s\($0)") }
    _ = try machine.step { try $0.checkpoint(updates, token: "t", clientToken: nil, due: [], at: Machine.start) }
    #expect(machine.checkpoint(.step(.start, "more")) == "The durable execution exceeds the limit of 3000 operations.")
    #expect(machine.checkpoint(.step(.succeed, "s0")) == nil)
  }

  @Test func `a hundred megabytes are the most`() {
    var machine = Machine()
    let large = String(repeating: "x", count: 1 << 20)
    for number in 0..<100 { #expect(machine.checkpoint(.step(.succeed, "s\(number)") { $0.payload = large }) == nil) }
    #expect(
      machine.checkpoint(.step(.succeed, "more") { $0.payload = "1" }) == "The durable execution exceeds the limit of 104857600 bytes of data.")
  }

  @Test func `the result of an execution that nobody waits for is a megabyte at the most`() {
    let large = String(repeating: "x", count: (1 << 20) + 1)
    var asynchronous = Machine(origin: .asynchronous(requestID: "r", qualifier: nil))
    #expect(
      asynchronous.checkpoint(.of(.execution, .succeed, "e") { $0.payload = large })
        == "Execution output payload size must be less than or equal to 1048576 bytes.")
    var synchronous = Machine()
    #expect(synchronous.checkpoint(.of(.execution, .succeed, "e") { $0.payload = large }) == nil)
    #expect(synchronous.execution.status == .succeeded)
  }
}

@Suite struct DurableInvocationTests {
  private func running(_ updates: DurableUpdate..., origin: DurableExecution.Origin = .synchronous) throws -> (Machine, DurableInvocation) {
    var machine = Machine(origin: origin)
    let effects = try machine.step { try $0.tick(due: [], at: Machine.start) }
    guard case .invoke(let invocation) = effects.first else { throw DurableRefusal("no invocation") }
    if !updates.isEmpty {
      _ = try machine.step { try $0.checkpoint(updates, token: "t", clientToken: nil, due: [], at: Machine.start) }
    }
    return (machine, invocation)
  }
  private func answer(_ text: String) -> DurableInvocationEnd { .answered(Array(text.utf8), requestID: "r") }
  private let later = Machine.start + .seconds(5)

  @Test(arguments: [
    (#"{"Status":"SUCCEEDED","Result":"1"}"#, DurableExecution.Status.succeeded, nil),
    (#"{"Status":"FAILED","Error":{"ErrorMessage":"m"}}"#, .failed, "m"),
    (#"{"Status":"FAILED"}"#, .failed, nil),
    (#"{"Status":"SUCCEEDED","Error":{}}"#, .failed, "Cannot provide an Error for SUCCEEDED status."),
    (#"{"Status":"FAILED","Result":""}"#, .failed, "Cannot provide a Result for FAILED status."),
    (#"{"Status":"RETRY"}"#, .failed, "Invalid Status in invocation output."),
    ("null", .failed, "Invalid Status in invocation output."), ("", .failed, "Invalid Status in invocation output."),
    ("{", .failed, "Invalid Status in invocation output."),
  ])
  func `the answer ends the execution`(text: String, status: DurableExecution.Status, message: String?) throws {
    var (machine, invocation) = try running()
    var outcome: DurableOutcome?
    machine.step {
      $0.invocationEnded(invocation.id, answer(text), at: later)
      outcome = $0.outcome
    }
    #expect(machine.execution.status == status)
    #expect(outcome?.error?.message == message)
    #expect(machine.execution.lane == .over)
    #expect(machine.history.suffix(2) == ["InvocationCompleted", status == .succeeded ? "ExecutionSucceeded" : "ExecutionFailed"])
  }

  @Test func `PENDING waits for what is pending`() throws {
    var (machine, invocation) = try running(.wait("w", 60))
    machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"PENDING"}"#), at: later) }
    #expect(machine.execution.lane == .idle)
    let effects = try machine.step { try $0.tick(due: ["w"], at: Machine.start + .seconds(60)) }
    guard case .invoke(let next) = effects.first else { throw DurableRefusal("no invocation") }
    #expect(next.updated == ["w"])
  }

  @Test func `what changes while the function runs brings the next invocation at once`() throws {
    var (machine, invocation) = try running(.wait("w", 2))
    #expect(try machine.step { try $0.tick(due: ["w"], at: later) } == [])
    machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"PENDING"}"#), at: later) }
    #expect(machine.execution.lane == .due(later))
  }

  @Test func `a function that has seen the change does not wait for it`() throws {
    var (machine, invocation) = try running(.wait("w", 2), .wait("v", 60))
    let shown = try machine.step { try $0.checkpoint([], token: "t", clientToken: nil, due: ["w"], at: later) }
    #expect(shown == ["w"])
    machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"PENDING"}"#), at: later) }
    #expect(machine.execution.lane == .idle)
  }

  @Test func `PENDING without anything to wait for is given up the third time`() throws {
    var (machine, invocation) = try running()
    for time in 1...3 {
      machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"PENDING"}"#), at: later) }
      guard time < 3 else { break }
      guard case .due(let next) = machine.execution.lane else { throw DurableRefusal("not tried again") }
      guard case .invoke(let another) = try machine.step({ try $0.tick(due: [], at: next) }).first else { throw DurableRefusal("no invocation") }
      invocation = another
    }
    #expect(machine.execution.status == .failed)
  }

  @Test func `a function that fails is invoked five times, with growing pauses`() throws {
    var (machine, invocation) = try running()
    var pauses: [Duration] = []
    for _ in 1...4 {
      machine.step { $0.invocationEnded(invocation.id, .failed(DurableError("crash"), requestID: "r"), at: later) }
      guard case .due(let next) = machine.execution.lane else { throw DurableRefusal("not tried again") }
      pauses.append(next - later)
      guard case .invoke(let another) = try machine.step({ try $0.tick(due: [], at: next) }).first else { throw DurableRefusal("no invocation") }
      invocation = another
    }
    #expect(pauses == [.seconds(5), .seconds(10), .seconds(20), .seconds(40)])
    machine.step { $0.invocationEnded(invocation.id, .failed(DurableError("crash"), requestID: "r"), at: later) }
    #expect(machine.execution.status == .failed)
  }

  @Test func `throttling costs no attempt, and the function hears later of what it missed`() throws {
    var (machine, invocation) = try running()
    for refusals in 1...12 {
      machine.step { $0.invocationEnded(invocation.id, .refused, at: later) }
      guard case .due(let next) = machine.execution.lane else { throw DurableRefusal("not tried again") }
      #expect(next - later == .seconds(min(1 << (refusals - 1), 300)))
      guard case .invoke(let another) = try machine.step({ try $0.tick(due: [], at: next) }).first else { throw DurableRefusal("no invocation") }
      invocation = another
    }
    #expect(machine.execution.failures == 0)
    #expect(!machine.history.contains("InvocationCompleted"))
  }

  @Test func `an answer of an invocation that was replaced is not heard`() throws {
    var (machine, invocation) = try running()
    try machine.step { try $0.lost(nil, at: later) }
    #expect(machine.execution.lane == .due(later))
    machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"SUCCEEDED"}"#), at: later) }
    #expect(machine.execution.status == .running)
  }

  @Test func `a stopped execution stays stopped, and its last invocation is noted`() throws {
    var (machine, invocation) = try running(origin: .asynchronous(requestID: "r", qualifier: "1"))
    machine.step { $0.stop(nil, at: later) }
    #expect(machine.execution.token == nil)
    machine.step { $0.invocationEnded(invocation.id, answer(#"{"Status":"SUCCEEDED"}"#), at: later) }
    #expect(machine.execution.status == .stopped)
    #expect(machine.history == ["ExecutionStopped", "InvocationCompleted"])
    #expect(machine.execution.lane == .reportDue(later))
    #expect(try machine.step { try $0.tick(due: [], at: later) } == [.report])
    machine.step { $0.reported() }
    #expect(try machine.step { try $0.tick(due: [], at: later + .days(1)) } == [.forget])
  }

  @Test func `a callback is answered once, by its id, and before its time is over`() throws {
    var (machine, _) = try running(.of(.callback, .start, "c") { ($0.timeout, $0.heartbeat) = (60, 10) })
    guard case .callback(let callback) = machine.operations["c"]?.details else { throw DurableRefusal("no callback") }
    func complete(_ id: String, at now: Instant) throws -> Bool {
      try machine.step { try $0.complete(callback: id, of: "c", with: .success("1"), at: now) }
    }
    #expect(try complete(callback.id + "x", at: later) == false)
    #expect(try complete(callback.id, at: Machine.start + .seconds(10)) == false)
    #expect(try machine.step { try $0.heartbeat(callback: callback.id, of: "c", at: Machine.start + .seconds(9)) })
    #expect(try complete(callback.id, at: Machine.start + .seconds(11)) == true)
    #expect(try complete(callback.id, at: Machine.start + .seconds(11)) == false)
    #expect(machine.operations["c"]?.result == "1")
  }

  @Test(arguments: [(60, 10, "Callback.Heartbeat"), (10, 60, "Callback.Timeout"), (10, 10, "Callback.Timeout"), (0, 10, "Callback.Heartbeat")])
  func `a callback ends by the time that comes first`(timeout: Int, heartbeat: Int, type: String) throws {
    var (machine, _) = try running(.of(.callback, .start, "c") { ($0.timeout, $0.heartbeat) = (timeout, heartbeat) })
    #expect(machine.operations["c"]?.due == Machine.start + .seconds(10))
    _ = try machine.step { try $0.fire(["c"], at: Machine.start + .seconds(10)) }
    #expect(machine.operations["c"]?.status == .timedOut)
    #expect(machine.operations["c"]?.error?.type == type)
  }

  @Test func `a chained invocation runs, is tried again when throttled, and brings its end`() throws {
    var (machine, _) = try running(.chain("f", .plain(version: "3")))
    #expect(try machine.step { try $0.tick(due: ["f"], at: Machine.start) } == [.chain(operation: "f")])
    try machine.step { try $0.complete(chain: "f", with: .refused(after: nil), at: later) }
    #expect(machine.operations["f"]?.due == later + .seconds(1))
    _ = try machine.step { try $0.fire(["f"], at: later + .seconds(1)) }
    try machine.step { try $0.complete(chain: "f", with: .succeeded("2"), at: later + .seconds(2)) }
    #expect(machine.operations["f"]?.result == "2")
    #expect(machine.execution.unseen == ["f"])
    #expect(machine.history == ["ChainedInvokeStarted", "ChainedInvokeSucceeded"])
  }

  @Test func `a target that cannot be invoked fails the operation in the answer to the checkpoint`() throws {
    var (machine, _) = try running()
    let shown = try machine.step {
      try $0.checkpoint([.chain("f", .refused(DurableError("no", type: "T")))], token: "t", clientToken: nil, due: [], at: later)
    }
    #expect(shown == ["f"])
    #expect(machine.operations["f"]?.status == .failed)
    #expect(machine.execution.pending == 0)
  }
}
