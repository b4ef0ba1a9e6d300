import Base
import Fabric
import Store
import Testing

@testable import Lambda

@Suite struct DurableExecutionsTests {
  private let pending = #"{"Status":"PENDING"}"#

  private func refusal<T>(_ body: () async throws -> T) async -> String {
    do {
      _ = try await body()
      return "accepted"
    } catch let error as AWSError {
      return "\(error.code): \(error.message)"
    } catch {
      return "\(error)"
    }
  }

  /// Starts an execution, runs its first invocation up to these updates, and lets it wait.
  private func waiting(_ bench: DurableBench, _ updates: DurableUpdate..., name: String? = nil) async throws -> DurableExecutionID {
    let id = try await bench.start(name: name)
    let (invocation, event) = try await bench.invocation()
    let token = try #require(event["CheckpointToken"]?.string)
    _ = try await bench.executions.checkpoint(id, token: token, clientToken: nil, updates)
    try await bench.finish(invocation, id, pending)
    return id
  }

  @Test func `the event of an invocation has what the SDK replays from`() async throws {
    let bench = DurableBench()
    let id = try await bench.start(#"{"a":1}"#)
    let (invocation, event) = try await bench.invocation()
    #expect(event["DurableExecutionArn"]?.string == id.arn)
    let first = try #require(event["InitialExecutionState"]?["Operations"]?[0])
    #expect(first["Type"] == "EXECUTION")
    #expect(first["ExecutionDetails"]?["InputPayload"]?.string == #"{"a":1}"#)
    #expect(first["StartTimestamp"]?.int == bench.clock.now().milliseconds)
    #expect(event["InitialExecutionState"]?["NextMarker"] == "")
    #expect(event["UpdatedOperationIds"] == [])
    let token = try #require(event["CheckpointToken"]?.string)
    _ = try await bench.executions.checkpoint(id, token: token, clientToken: nil, [.wait("w", 60)])
    try await bench.finish(invocation, id, pending)
    #expect(try await bench.effects().isEmpty)
    bench.clock.advance(.seconds(60))
    let (_, next) = try await bench.invocation()
    #expect(next["UpdatedOperationIds"] == ["w"])
    let wait = try #require(next["InitialExecutionState"]?["Operations"]?[1])
    #expect(wait["Status"] == "SUCCEEDED")
    #expect(wait["WaitDetails"]?["ScheduledEndTimestamp"]?.int == bench.clock.now().milliseconds)
  }

  @Test func `a name belongs to one input of one version`() async throws {
    let bench = DurableBench()
    let id = try await bench.start("1", name: "n")
    #expect(try await bench.start("1", name: "n") == id)
    #expect(await refusal { try await bench.start("2", name: "n") } == "DurableExecutionAlreadyStartedException: Execution already started: \(id.arn)")
    var other = try DurableBench.resolved()
    other.version.version = "2"
    let version2 = other
    #expect(
      await refusal {
        try await bench.executions.start(version2, name: "n", payload: [49], origin: .synchronous, trace: DurableBench.trace)
      }.hasPrefix("DurableExecutionAlreadyStartedException"))
    #expect(try await bench.start("2", name: "m") != id)
  }

  @Test func `a token is good for one checkpoint, and a repeated one gets the same answer`() async throws {
    let bench = DurableBench()
    let id = try await bench.start()
    let (invocation, event) = try await bench.invocation()
    let token = try #require(event["CheckpointToken"]?.string)
    let executions = bench.executions
    func checkpoint(_ token: String, _ client: String?, _ updates: DurableUpdate...) async throws -> String? {
      try await executions.checkpoint(id, token: token, clientToken: client, updates).token
    }
    let next = try #require(try await checkpoint(token, "one", .step(.start)))
    #expect(try await checkpoint(token, "one", .step(.start)) == next)
    let stale = "InvalidParameterValueException: Invalid checkpoint token"
    #expect(await refusal { try await checkpoint(token, "two", .step(.start)) } == stale)
    bench.clock.advance(.minutes(16))
    #expect(await refusal { try await checkpoint(token, "one", .step(.start)) } == stale)
    #expect(await refusal { try await checkpoint("Zm9v", nil) } == stale)
    let other = try await bench.start()
    let foreign = try #require(try await bench.invocation().event["CheckpointToken"]?.string)
    #expect(other != id)
    #expect(
      await refusal { try await checkpoint(foreign, nil) }
        == "InvalidParameterValueException: Checkpoint token is not valid for the durable execution ARN")
    try await bench.finish(invocation, id, #"{"Status":"SUCCEEDED"}"#)
    #expect(await refusal { try await checkpoint(next, nil) } == stale)
  }

  @Test func `whoever waits hears of the end`() async throws {
    let bench = DurableBench()
    let id = try await bench.start()
    let (invocation, _) = try await bench.invocation()
    let executions = bench.executions
    async let outcome = executions.outcome(of: id)
    try await bench.finish(invocation, id, #"{"Status":"SUCCEEDED","Result":"7"}"#)
    #expect(try await outcome == DurableOutcome(status: .succeeded, result: "7", error: nil))
    #expect(try await executions.outcome(of: id).result == "7")
  }

  @Test func `an invocation that a server left behind is run by the next one`() async throws {
    let bench = DurableBench()
    let id = try await bench.start()
    let (lost, event) = try await bench.invocation()
    let token = try #require(event["CheckpointToken"]?.string)
    _ = try await bench.executions.checkpoint(id, token: token, clientToken: nil, [.step(.succeed) { $0.payload = "1" }])
    let next = bench.reborn()
    #expect(try await next.effects().isEmpty)
    try await next.executions.recover()
    let (invocation, again) = try await next.invocation()
    #expect(again["InitialExecutionState"]?["Operations"]?[1]?["StepDetails"]?["Result"] == "1")
    #expect(again["CheckpointToken"]?.string != token)
    try await next.finish(lost, id, #"{"Status":"SUCCEEDED"}"#)
    #expect(try await next.execution(id).status == .running)
    try await next.finish(invocation, id, #"{"Status":"SUCCEEDED"}"#)
    #expect(try await next.execution(id).status == .succeeded)
  }

  @Test func `timers go on in another life, and one turn takes all that are due`() async throws {
    let bench = DurableBench()
    let id = try await waiting(bench, .wait("a", 3600), .wait("b", 7200), .wait("c", 86_400))
    let next = bench.reborn()
    try await next.executions.recover()
    bench.clock.advance(.hours(3))
    #expect(try await next.execution(id).status == .running)
    // The execution itself may take an hour only.
    #expect(try await next.effects().isEmpty)
    #expect(try await next.execution(id).status == .timedOut)
    #expect(try await next.outcome(id)?.error?.message == "Execution timed out after 3600 seconds.")
  }

  @Test func `an execution that was chained ends the operation that waits for it`() async throws {
    let bench = DurableBench()
    let settings = DurableSettings(executionTimeout: 60, retentionDays: 1)
    let parent = try await waiting(
      bench, .chain("f", .durable(version: "2", settings)), .chain("g", .durable(version: "2", settings)))
    let effects = try await bench.effects()
    #expect(effects.count == 2)
    let child = try #require(effects.first { $0.id != parent })
    guard case .invoke(let invocation) = child.effect else { throw DurableRefusal("no invocation") }
    #expect(child.id.version == "2")
    try await bench.finish(invocation, child.id, #"{"Status":"SUCCEEDED","Result":"5"}"#)
    let first = try #require(try await bench.operation(parent, "f"))
    let second = try #require(try await bench.operation(parent, "g"))
    let done = first.status == .succeeded ? first : second
    #expect((done.status, done.result) == (.succeeded, "5"))
    #expect(try await bench.execution(parent).lane == .due(bench.clock.now()))
    bench.clock.advance(.seconds(60))
    _ = try await bench.effects()
    let late = first.status == .succeeded ? "g" : "f"
    let timedOut = try #require(try await bench.operation(parent, late))
    #expect(timedOut.status == .timedOut)
    #expect(timedOut.error == DurableError("CHAINED_INVOKE timed out after 60 seconds.", type: "ChainedInvoke.Timeout"))
  }

  @Test func `a chained invocation that a server left behind is run again`() async throws {
    let bench = DurableBench()
    let id = try await waiting(bench, .chain("f", .plain(version: "1")))
    #expect(try await bench.effects().map(\.effect) == [.chain(operation: "f")])
    let next = bench.reborn()
    try await next.executions.recover()
    #expect(try await next.effects().map(\.effect) == [.chain(operation: "f")])
    try await next.executions.finish(chain: "f", of: id, with: .failed(DurableError("x")))
    #expect(try await next.operation(id, "f")?.status == .failed)
    #expect(try await next.history(id).suffix(1) == ["ChainedInvokeFailed"])
  }

  @Test func `a replay does not see what lies below a context that has ended`() async throws {
    let bench = DurableBench()
    let inner: (inout DurableUpdate) -> Void = { $0.parent = "c" }
    let id = try await waiting(
      bench, .of(.context, .start, "c"), .step(.succeed, "a", inner), .of(.context, .start, "d", inner),
      .step(.succeed, "b") { $0.parent = "d" }, .wait("w", 60))
    func replayed() async throws -> [String] {
      try await bench.store.read { reader in
        var ids: [String] = []
        _ = try DurableRows(reader).replayed(id, from: 0) { ids.append($0.id); return true }
        return ids
      }
    }
    #expect(try await replayed() == ["c", "a", "d", "b", "w"])
    bench.clock.advance(.seconds(60))
    let (_, event) = try await bench.invocation()
    let token = try #require(event["CheckpointToken"]?.string)
    _ = try await bench.executions.checkpoint(id, token: token, clientToken: nil, [.of(.context, .succeed, "c")])
    #expect(try await replayed() == ["c", "w"])
  }

  @Test func `the state comes in pages by number and by size`() async throws {
    let bench = DurableBench()
    let id = try await bench.start("1")
    let (_, event) = try await bench.invocation()
    var token = try #require(event["CheckpointToken"]?.string)
    let large = String(repeating: "x", count: 1 << 20)
    for number in 0..<8 {
      let update = DurableUpdate.step(.succeed, "s\(number)") { $0.payload = large }
      token = try #require(try await bench.executions.checkpoint(id, token: token, clientToken: nil, [update]).token)
    }
    var (ids, pages, marker): ([String], Int, String?) = ([], 0, nil)
    repeat {
      let page = try await bench.executions.state(id, token: token, marker: marker, limit: 100)
      ids += page.operations.map(\.id)
      (pages, marker) = (pages + 1, page.next)
    } while marker != nil
    #expect(ids == [id.id] + (0..<8).map { "s\($0)" })
    #expect(pages == 2)
    #expect(try await bench.executions.state(id, token: token, marker: nil, limit: 3).operations.count == 3)
    #expect(await refusal { try await bench.executions.state(id, token: token, marker: "-1", limit: 3) } == "InvalidParameterValueException: Invalid Marker")
  }

  @Test func `what is no longer kept leaves nothing behind`() async throws {
    let bench = DurableBench()
    let empty = try await bench.rows()
    let id = try await waiting(bench, .wait("w", 60), .of(.callback, .start, "c"), name: "n")
    _ = try await bench.executions.stop(id, nil)
    #expect(try await bench.store.read { try DurableRows($0).running(DurableBench.function) } == 0)
    bench.clock.advance(.days(7))
    #expect(try await bench.effects().isEmpty)
    #expect(try await bench.rows() == empty)
    #expect(try await bench.start("other", name: "n") != id)
  }

  @Test func `emptying an account takes its executions and no other's`() async throws {
    let bench = DurableBench()
    _ = try await waiting(bench, .wait("w", 60), .chain("f", .plain(version: "1")), name: "n")
    _ = try await bench.effects()
    try await bench.executions.removeAll(of: .two)
    #expect(try await bench.rows() > 0)
    try await bench.executions.removeAll(of: .one)
    #expect(try await bench.rows() == 0)
    bench.clock.advance(.days(30))
    #expect(try await bench.effects().isEmpty)
  }

  @Test func `a row is what was written, whatever is in it`() throws {
    let id = DurableExecutionID(function: DurableBench.function, version: "1", name: "n", id: "e")
    let error = DurableError("m", type: "t", data: "d", stackTrace: ["a", "b"])
    let now = Instant(seconds: 9)
    var execution = DurableExecution(
      id: id, origin: .chained(by: id, operation: "o"), started: now,
      settings: DurableSettings(executionTimeout: 1, retentionDays: 2), trace: DurableBench.trace, lane: .idle)
    for lane in [
      DurableExecution.Lane.idle, .due(now), .running(DurableInvocation(id: "i", since: now, updated: ["a"])), .reportDue(now),
      .reporting, .over,
    ] {
      execution.lane = lane
      (execution.token, execution.unseen, execution.lastEvent) = ("t", ["a", "b"], 4)
      execution.lastCheckpoint = .init(token: "t", clientToken: "c", operations: ["a"], time: now)
      #expect(try DurableExecution(row: execution.row(wake: now)) == execution)
      #expect(try DurableExecution.wake(ofRow: execution.row(wake: now)) == now)
    }
    let details: [DurableOperation.Details] = [
      .context(replaysChildren: true), .step(attempt: 2, next: now), .wait(seconds: 1, end: now),
      .callback(.init(id: "c", heartbeat: 1, deadline: now, heartbeatDeadline: nil)),
      .chainedInvoke(.init(function: "f", input: "1", state: .due(now), refusals: 2)),
    ]
    for details in details {
      let operation = DurableOperation(
        id: "o", parent: "p", name: "n", subType: "s", sequence: 3, status: .failed, started: now, ended: now, details: details,
        result: "r", error: error)
      #expect(try DurableOperation(row: operation.row, sequence: 3) == operation)
    }
    let events: [DurableEvent.Details] = [
      .executionStarted(input: "1", timeout: 2), .executionSucceeded(result: nil), .executionFailed(error), .executionTimedOut(error),
      .executionStopped(error), .contextStarted, .contextSucceeded(result: "1"), .contextFailed(nil),
      .waitStarted(seconds: 1, end: now), .waitSucceeded(seconds: 1), .waitCancelled, .stepStarted,
      .stepSucceeded(result: "1", attempt: 2, delay: 3), .stepFailed(error, attempt: 1, delay: nil),
      .chainedInvokeStarted(function: "f", tenant: nil, input: "1", version: "2", child: "a"), .chainedInvokeSucceeded(result: "1"),
      .chainedInvokeFailed(error), .chainedInvokeTimedOut(error), .chainedInvokeStopped(nil),
      .callbackStarted(id: "c", heartbeat: 1, timeout: nil), .callbackSucceeded(result: "1"), .callbackFailed(error),
      .callbackTimedOut(error), .invocationCompleted(start: now, end: now, requestID: "r", error),
    ]
    for details in events {
      let event = DurableEvent(number: 5, time: now, operation: "o", name: nil, subType: "s", parent: nil, details: details)
      #expect(try DurableEvent(row: event.row, number: 5) == event)
    }
  }

  @Test(arguments: [
    "arn:aws:lambda:us-east-1:111111111111:function:f", "arn:aws:lambda:us-east-1:111111111111:function:f:1/durable-execution/n",
    "arn:aws:lambda:us-east-1:111111111111:function:f:1/durable-execution/n/", "arn:aws:sqs:us-east-1:111111111111:function:f:1/durable-execution/n/i",
    "arn:aws:lambda:us-east-1:1:function:f:1/durable-execution/n/i", "",
  ])
  func `what names no execution is none`(arn: String) {
    #expect(DurableExecutionID(arn: arn) == nil)
  }

  @Test func `the ARN of an execution names it`() throws {
    let id = DurableExecutionID(function: DurableBench.function, version: "$LATEST", name: "n", id: "e")
    #expect(id.arn == "arn:aws:lambda:us-east-1:111111111111:function:orders:$LATEST/durable-execution/n/e")
    #expect(DurableExecutionID(arn: id.arn) == id)
  }
}

@Suite struct DurableConfigTests {
  @Test func `a durable function logs in JSON and may take as long as an execution`() async throws {
    let test = TestPlane()
    let created = try await test.create { input in
      var config = DurableConfig()
      config.executionTimeout = 60
      input.durableConfig = config
    }
    #expect((created.timeout, created.loggingConfig?.logFormat) == (60, "JSON"))
    #expect((created.durableConfig?.executionTimeout, created.durableConfig?.retentionPeriodInDays) == (60, 14))
    var change = UpdateFunctionConfigurationInput()
    var config = DurableConfig()
    config.retentionPeriodInDays = 3
    (change.functionName, change.durableConfig) = ("orders", config)
    try await test.run(change)
    try await test.settle()
    let after = try await test.configuration()
    #expect((after.durableConfig?.executionTimeout, after.durableConfig?.retentionPeriodInDays) == (60, 3))
  }
}
