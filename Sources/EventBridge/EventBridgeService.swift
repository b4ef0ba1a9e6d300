import Base
import Fabric
import HTTPClient
import Logging
import Store
import Synchronization
import Wire

/// Amazon EventBridge: buses, rules, targets, archives, API destinations. What a bus has accepted is delivered or ends in a
/// dead-letter queue, whatever happens to the process.
public final class EventBridgeService: ServiceModule, EventPort {
  /// What it needs of others.
  public struct Neighbours: Sendable {
    public var authoriser: any Authoriser
    public var roles: any RolePort
    public var principals: any PrincipalPort
    public var queues: any QueuePort
    public var door: any Door
    public var http: any HTTPSender
    public var hops: any HopPort
    public var metrics: (any MetricPort)?
    public var chaos: Chaos

    public init(
      authoriser: any Authoriser, roles: any RolePort, principals: any PrincipalPort, queues: any QueuePort, door: any Door,
      http: any HTTPSender, hops: any HopPort, metrics: (any MetricPort)? = nil, chaos: Chaos = .off
    ) {
      self.chaos = chaos
      (self.authoriser, self.roles, self.principals, self.queues) = (authoriser, roles, principals, queues)
      (self.door, self.http, self.hops, self.metrics) = (door, http, hops, metrics)
    }
  }

  let store: any Store
  let ambient: Ambient
  let neighbours: Neighbours
  let logger: Logger
  let cache = RuleSetCache()
  let metrics = RuleMetrics()
  let connections: ConnectionAccess
  let deliveries: DeliveryQueue
  let schedules: ScheduleWorker
  let replays: ReplayWorker
  let authorising: AuthorisingWorker
  private let sweeper: ArchiveSweeper
  private let policy: TargetDelivery

  public init(store: any Store, ambient: Ambient, neighbours: Neighbours, logger: Logger) {
    (self.store, self.ambient, self.neighbours, self.logger) = (store, ambient, neighbours, logger)
    connections = ConnectionAccess(store: store, ambient: ambient, http: neighbours.http)
    policy = TargetDelivery(
      carriers: TargetCarriers(door: neighbours.door, queues: neighbours.queues, roles: neighbours.roles),
      ambient: ambient, metrics: metrics,
      destinations: HTTPDelivery(store: store, ambient: ambient, connections: connections, http: neighbours.http))
    deliveries = DeliveryQueue(
      "events", store: store, ambient: ambient, policy: policy, hops: neighbours.hops, chaos: neighbours.chaos, logger: logger)
    schedules = ScheduleWorker(store: store, ambient: ambient)
    replays = ReplayWorker(store: store)
    sweeper = ArchiveSweeper(store: store)
    authorising = AuthorisingWorker(store: store, connections: connections)
    if let port = neighbours.metrics { metrics.report(to: port) }
    // The service owns them, so that they cannot outlive it.
    policy.own(self)
    schedules.own(self)
    replays.own(self)
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        EventsModel.service,
        operations: busOperations + permissionOperations + ruleOperations + targetOperations + eventOperations + tagOperations
          + archiveOperations + replayOperations + connectionOperations + destinationOperations)
    ]
  }

  public var workers: [any Worker] { [deliveries.worker, schedules, replays, sweeper, authorising] }
  public var inventory: [InventoryItem] { Keys.inventory }
  public func measurements() async -> [Measurement] { deliveries.measurements }

  /// A new revision of a bus.
  func revision() -> Int64 { Int64(ambient.random.number(below: 1 << 62)) + 1 }

  /// Runs a change of a bus or its rules, after which what was compiled of it is compiled anew.
  func change<T: Sendable>(
    _ bus: BusName, _ body: @escaping @Sendable (any Transaction, _ revision: Int64) throws -> T
  ) async throws -> T {
    let revision = revision()
    let result = try await store.transact { try body($0, revision) }
    cache.drop(bus)
    return result
  }

  func nudgeSweeper() { sweeper.nudge.nudge() }
}

/// The service that a part of it works for, given after both are made.
final class Owner: Sendable {
  private let service = Mutex<Weak>(Weak())
  private struct Weak: Sendable { weak var service: EventBridgeService? }

  func own(_ owner: EventBridgeService) { service.withLock { $0.service = owner } }
  /// Throws at the end of the service's life.
  func get() throws -> EventBridgeService {
    guard let owner = service.withLock({ $0.service }) else { throw StoreError.closed }
    return owner
  }
}
