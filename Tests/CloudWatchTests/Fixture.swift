import Base
import Fabric
import Store
import StoreMemory
import Synchronization
import Testing
import Wire

@testable import CloudWatch

/// The service on a memory store with a clock that stands still.
final class Fixture: Sendable {
  let clock = TestClock()
  let store = MemoryStore()
  let guardian = Guardian()
  let service: CloudWatchService
  let operations: [String: Operation]

  init() {
    let ambient = Ambient(clock: clock, random: SeededRandom(seed: 7))
    service = CloudWatchService(store: store, ambient: ambient, authoriser: guardian)
    operations = service.apis.reduce(into: [:]) { all, api in all.merge(api.operations) { first, _ in first } }
  }

  var now: Int { Int(clock.now().milliseconds) }

  func call(_ name: String, account: AccountID = .local, region: Region = .usEast1) -> Call {
    Call(
      service: "logs", operation: name, principal: .root(account), account: account, region: region, requestID: "r",
      trace: TraceContext(root: "1-00000000-000000000000000000000000"), now: clock.now())
  }
  func caller(_ principal: Principal = .root(.local)) -> Caller {
    Caller(
      principal: principal, account: .local, region: .usEast1,
      trace: TraceContext(root: "1-00000000-000000000000000000000000"))
  }

  func run<Input: RecordView, Output: RecordView>(
    _ name: String, _ output: Output.Type, account: AccountID = .local, region: Region = .usEast1,
    _ fill: (inout Input) -> Void
  ) async throws -> Output {
    var input = Input()
    fill(&input)
    let operation = try #require(operations[name])
    return Output(try #require(try await operation.run(input.record, call(name, account: account, region: region))))
  }
  func run<Input: RecordView>(
    _ name: String, account: AccountID = .local, region: Region = .usEast1, _ fill: (inout Input) -> Void
  ) async throws {
    var input = Input()
    fill(&input)
    let operation = try #require(operations[name])
    _ = try await operation.run(input.record, call(name, account: account, region: region))
  }

  func createGroup(_ name: String) async throws {
    try await run("CreateLogGroup") { (i: inout CreateLogGroupInput) in i.logGroupName = name }
  }
  func createStream(_ group: String, _ stream: String) async throws {
    try await run("CreateLogStream") { (i: inout CreateLogStreamInput) in
      i.logGroupName = group
      i.logStreamName = stream
    }
  }
  @discardableResult
  func put(_ group: String, _ stream: String, _ events: [(Int, String)]) async throws -> PutLogEventsOutput {
    try await run("PutLogEvents", PutLogEventsOutput.self) { (i: inout PutLogEventsInput) in
      i.logGroupName = group
      i.logStreamName = stream
      i.logEvents = events.map { time, message in
        var event = InputLogEvent()
        event.timestamp = time
        event.message = message
        return event
      }
    }
  }
  func get(_ group: String, _ stream: String, _ fill: (inout GetLogEventsInput) -> Void = { _ in }) async throws
    -> (messages: [String], forward: String, backward: String)
  {
    let output = try await run("GetLogEvents", GetLogEventsOutput.self) { (i: inout GetLogEventsInput) in
      i.logGroupName = group
      i.logStreamName = stream
      fill(&i)
    }
    return (
      (output.events ?? []).compactMap(\.message), try #require(output.nextForwardToken),
      try #require(output.nextBackwardToken)
    )
  }
  func filter(_ group: String, _ fill: (inout FilterLogEventsInput) -> Void = { _ in }) async throws -> FilterLogEventsOutput {
    try await run("FilterLogEvents", FilterLogEventsOutput.self) { (i: inout FilterLogEventsInput) in
      i.logGroupName = group
      fill(&i)
    }
  }
  /// All pages.
  func filterAll(_ group: String, limit: Int, _ fill: (inout FilterLogEventsInput) -> Void = { _ in }) async throws
    -> [FilteredLogEvent]
  {
    var events: [FilteredLogEvent] = []
    var token: String?
    repeat {
      let page = try await filter(group) {
        fill(&$0)
        $0.limit = limit
        $0.nextToken = token
      }
      events += page.events ?? []
      #expect(page.nextToken == nil || page.nextToken != token)
      token = page.nextToken
    } while token != nil
    return events
  }
}

/// Denies what a test says.
final class Guardian: Authoriser {
  private let state = Mutex((denied: Set<String>(), asked: [(action: String, resource: String)]()))

  func deny(_ actions: String...) { state.withLock { $0.denied = Set(actions) } }
  var asked: [(action: String, resource: String)] { state.withLock { $0.asked } }

  func authorise(_ access: Access, for call: Call) async throws {
    try state.withLock { state in
      state.asked.append((access.action, access.resource))
      if state.denied.contains(access.action) { throw AWSError("AccessDeniedException", "denied") }
    }
  }
}

/// Expects an error in AWS's words.
func expectError(_ code: String, _ message: String, _ body: () async throws -> Void) async {
  do {
    try await body()
    Issue.record("no error; expected \(code): \(message)")
  } catch let error as AWSError {
    #expect(error.code == code)
    #expect(error.message == message)
    #expect(error.status == 400)
  } catch {
    Issue.record("expected \(code), not \(error)")
  }
}
