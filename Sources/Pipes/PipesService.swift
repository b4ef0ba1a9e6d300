import Base
import Fabric
import Logging
import Store
import Wire

/// Amazon EventBridge Pipes: what comes from a source is filtered, enriched and sent to a target.
///
/// `run()` moves events as long as it is not cancelled.
public final class PipesService: ServiceModule {
  static let principal = "pipes.amazonaws.com"

  /// What it needs of others.
  public struct Neighbours: Sendable {
    public var roles: any RolePort
    public var queues: any QueuePort
    public var logs: any LogPort
    public var door: any Door
    public var hops: any HopPort
    /// By the service in a stream's ARN: `kinesis`, `dynamodb`. Pipes from streams that nobody serves are refused.
    public var streams: [String: any StreamPort]
    public var chaos: Chaos
    public init(
      roles: any RolePort, queues: any QueuePort, logs: any LogPort, door: any Door, hops: any HopPort,
      streams: [String: any StreamPort] = [:], chaos: Chaos = .off
    ) {
      (self.roles, self.queues, self.logs, self.door) = (roles, queues, logs, door)
      (self.hops, self.streams, self.chaos) = (hops, streams, chaos)
    }
  }

  let store: any Store
  let ambient: Ambient
  let roles: any RolePort
  let door: any Door
  let streams: [String: any StreamPort]
  /// Pipes have changed.
  let changed = Nudge()
  private let runner: PipeRunner

  public init(store: any Store, ambient: Ambient, neighbours: Neighbours, logger: Logger) {
    (self.store, self.ambient, roles, door) = (store, ambient, neighbours.roles, neighbours.door)
    streams = neighbours.streams
    let carriers = TargetCarriers(door: neighbours.door, queues: neighbours.queues, roles: neighbours.roles)
    let flow = PipeFlow(
      targets: PipeTargets(carriers: carriers, ambient: ambient), log: PipeLog(port: neighbours.logs, ambient: ambient),
      hops: neighbours.hops, chaos: neighbours.chaos, ambient: ambient)
    let queues = QueuePipe(flow: flow, queues: neighbours.queues, ambient: ambient, logger: logger)
    let streams = StreamPipe(flow: flow, streams: neighbours.streams, store: store, ambient: ambient, logger: logger)
    runner = PipeRunner(
      store: store, roles: neighbours.roles, queues: queues, streams: streams, ambient: ambient, changed: changed, logger: logger)
  }

  public var apis: [ServiceAPI] {
    [ServiceAPI(PipesModel.service, operations: pipeOperations + lifeOperations + listOperations)]
  }
  public var workers: [any Worker] { [] }
  public var inventory: [InventoryItem] { Keys.inventory }
  public func measurements() async -> [Measurement] {
    [Measurement("dewpoint_pipes_running", .gauge, Double(runner.runningCount), help: "Pipes that move events.")]
  }

  /// Works until cancelled.
  public func run() async { await runner.run() }

  public func removeAll(of account: AccountID) async throws {
    try await store.transact { t in
      try t.deleteAll(Keys.pipes(of: account))
      try t.deleteAll(Keys.shards(of: account))
      try t.deleteAll(Keys.streams(of: account))
    }
    changed.nudge()
  }
}
