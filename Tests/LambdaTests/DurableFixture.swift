import Base
import Fabric
import Store
import StoreMemory
import Testing

@testable import Lambda

/// Durable executions in memory on a test clock; the test plays the function.
struct DurableBench {
  let store: any Store
  let clock: TestClock
  let executions: DurableExecutions

  init(store: any Store = MemoryStore(), clock: TestClock = TestClock()) {
    (self.store, self.clock) = (store, clock)
    executions = DurableExecutions(store: store, ambient: Ambient(clock: clock, random: SeededRandom(seed: 1)))
  }

  /// The same executions as a new life of the server finds them.
  func reborn() -> DurableBench { DurableBench(store: store, clock: clock) }

  static let function = FunctionID(account: .one, region: .usEast1, name: "orders")

  static func resolved(_ settings: DurableSettings = DurableSettings(executionTimeout: 3600, retentionDays: 7)) throws
    -> ResolvedFunction
  {
    var durable = DurableConfig()
    (durable.executionTimeout, durable.retentionPeriodInDays) = (settings.executionTimeout, settings.retentionDays)
    let input = TestPlane.creation { $0.durableConfig = durable }
    let version = try FunctionVersion(
      creating: function, FunctionSettings(input), isImage: false, architecture: nil, revisionID: "r", at: Instant(seconds: 0))
    return ResolvedFunction(version: version)
  }

  static let trace = TraceContext(root: "1-00000000-000000000000000000000000")

  func start(
    _ input: String = "{}", name: String? = nil, origin: DurableExecution.Origin = .synchronous,
    settings: DurableSettings = DurableSettings(executionTimeout: 3600, retentionDays: 7)
  ) async throws -> DurableExecutionID {
    try await executions.start(
      Self.resolved(settings), name: name, payload: Array(input.utf8), origin: origin, trace: Self.trace
    ).id
  }

  /// What is to be done now, of all executions.
  func effects() async throws -> [(id: DurableExecutionID, effect: DurableEffect)] {
    var all: [(DurableExecutionID, DurableEffect)] = []
    while true {
      let (work, next) = try await executions.take(limit: 10)
      all += work.flatMap { work in work.effects.map { (work.execution.id, $0) } }
      guard let next, next <= clock.now() else { return all }
    }
  }

  /// The invocation that is due, with its event.
  func invocation() async throws -> (invocation: DurableInvocation, event: JSON) {
    let all = try await effects()
    guard case .invoke(let invocation) = all.first?.effect, all.count == 1 else {
      throw DurableRefusal("not one invocation is due, but \(all)")
    }
    let bytes = try #require(try await executions.event(for: invocation, of: all[0].id))
    return (invocation, try JSON.parse(bytes))
  }

  func execution(_ id: DurableExecutionID) async throws -> DurableExecution {
    try #require(try await store.read { try DurableRows($0).execution(id) })
  }
  func outcome(_ id: DurableExecutionID) async throws -> DurableOutcome? {
    let execution = try await execution(id)
    return try await store.read { try DurableRows($0).outcome(execution) }
  }
  func operation(_ id: DurableExecutionID, _ operation: String) async throws -> DurableOperation? {
    try await store.read { try DurableRows($0).operation(id, operation) }
  }
  /// The names of the lines of the history.
  func history(_ id: DurableExecutionID) async throws -> [String] {
    try await store.read { try DurableRows($0).events(id, from: nil, limit: 1000, newestFirst: false).events.map(\.typeName) }
  }

  func finish(_ invocation: DurableInvocation, _ id: DurableExecutionID, _ answer: String) async throws {
    try await executions.finish(invocation, of: id, with: .answered(Array(answer.utf8), requestID: "r"))
  }

  /// How many rows there are besides those of a given kind.
  func rows() async throws -> Int {
    try await store.read { reader in try reader.entries(KeyRange(prefix: Key("lambda"))).count }
  }
}

extension DurableUpdate {
  static func of(
    _ kind: DurableOperation.Kind, _ action: Action, _ id: String, _ change: (inout DurableUpdate) -> Void = { _ in }
  ) -> DurableUpdate {
    var update = DurableUpdate(id: id, kind: kind, action: action)
    change(&update)
    return update
  }
  static func wait(_ id: String, _ seconds: Int) -> DurableUpdate { .of(.wait, .start, id) { $0.waitSeconds = seconds } }
  static func step(_ action: Action, _ id: String = "s", _ change: (inout DurableUpdate) -> Void = { _ in }) -> DurableUpdate {
    .of(.step, action, id, change)
  }
  static func chain(_ id: String, _ answer: DurableTarget.Answer, function: FunctionID = DurableBench.function) -> DurableUpdate {
    .of(.chainedInvoke, .start, id) {
      $0.target = DurableTarget(text: "target", function: function, answer: answer)
      $0.payload = "1"
    }
  }
}
