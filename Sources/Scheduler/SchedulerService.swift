import Base
import Fabric
import Logging
import Store
import Wire

/// Amazon EventBridge Scheduler: schedules in groups, which invoke their targets on the adjustable clock.
public final class SchedulerService: ServiceModule {
  static let principal = "scheduler.amazonaws.com"

  /// What it needs of others.
  public struct Neighbours: Sendable {
    public var roles: any RolePort
    public var queues: any QueuePort
    public var door: any Door
    public var hops: any HopPort
    public var chaos: Chaos
    public init(roles: any RolePort, queues: any QueuePort, door: any Door, hops: any HopPort, chaos: Chaos = .off) {
      (self.roles, self.queues, self.door, self.hops, self.chaos) = (roles, queues, door, hops, chaos)
    }
  }

  let store: any Store
  let ambient: Ambient
  let roles: any RolePort
  let door: any Door
  let deliveries: DeliveryQueue
  private let dueWorker: DueWorker
  private let groupWorker: GroupWorker

  public init(store: any Store, ambient: Ambient, neighbours: Neighbours, logger: Logger) {
    (self.store, self.ambient, roles, door) = (store, ambient, neighbours.roles, neighbours.door)
    let carriers = TargetCarriers(door: neighbours.door, queues: neighbours.queues, roles: neighbours.roles)
    deliveries = DeliveryQueue(
      "scheduler", store: store, ambient: ambient, policy: InvocationPolicy(carriers: carriers, ambient: ambient),
      hops: neighbours.hops, chaos: neighbours.chaos, logger: logger)
    dueWorker = DueWorker(store: store, ambient: ambient, deliveries: deliveries, hops: neighbours.hops)
    groupWorker = GroupWorker(store: store)
  }

  public var apis: [ServiceAPI] {
    [ServiceAPI(SchedulerModel.service, operations: groupOperations + scheduleOperations + listOperations + tagOperations)]
  }

  public var workers: [any Worker] { [dueWorker, groupWorker, deliveries.worker] }
  public var inventory: [InventoryItem] { Keys.inventory }
  public func measurements() async -> [Measurement] { deliveries.measurements }

  public func removeAll(of account: AccountID) async throws {
    var isLeft = true
    while isLeft {
      isLeft = try await store.transact { t in
        let found = try t.entries(KeyRange(prefix: Keys.schedules(of: account)), limit: SchedulerLimits.step)
        for (key, _) in found {
          var parts = KeyReader(key, after: Keys.schedules(of: account))
          guard let region = Region(try parts.string()) else { throw StoreError.corrupt("schedule key") }
          try t.remove(ScheduleName(account: account, region: region, group: try parts.string(), name: try parts.string()))
        }
        return found.count == SchedulerLimits.step
      }
    }
    try await store.transact { t in
      try t.deleteAll(KeyRange(prefix: Keys.groups(of: account)))
      try t.deleteAll(KeyRange(prefix: Keys.leaving(of: account)))
    }
    try await deliveries.removeAll(of: account)
  }

  /// Somebody is due earlier than was known.
  func noteChange() { dueWorker.nudge.nudge() }
  func noteLeavingGroup() { groupWorker.nudge.nudge() }
}
