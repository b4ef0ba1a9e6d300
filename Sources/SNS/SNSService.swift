import Base
import Fabric
import HTTPClient
import Logging
import Store
import Wire

/// Amazon SNS: topics, subscriptions, and messages that are durable from the moment in which they are accepted until each
/// subscription has its own.
public final class SNSService: ServiceModule {
  /// The services that SNS asks.
  public struct Neighbours: Sendable {
    public var principals: any PrincipalPort
    public var roles: any RolePort
    public var queues: any QueuePort
    public var logs: any LogPort
    public var metrics: any MetricPort
    public var door: any Door
    public var hops: any HopPort
    public var http: any HTTPSender
    public var chaos: Chaos
    /// `http://localhost:4566`, where this server listens: for URLs in messages that another service publishes. Nil: it does not yet.
    public var address: @Sendable () -> String?

    public init(
      principals: any PrincipalPort, roles: any RolePort, queues: any QueuePort, logs: any LogPort,
      metrics: any MetricPort, door: any Door, hops: any HopPort, http: any HTTPSender, chaos: Chaos = .off,
      address: @escaping @Sendable () -> String? = { nil }
    ) {
      (self.chaos, self.address) = (chaos, address)
      (self.principals, self.roles, self.queues) = (principals, roles, queues)
      (self.logs, self.metrics, self.door, self.hops, self.http) = (logs, metrics, door, hops, http)
    }
  }

  let store: any Store
  let ambient: Ambient
  let principals: any PrincipalPort
  let door: any Door
  let hops: any HopPort
  let address: @Sendable () -> String?
  let topics: TopicCache
  let deliveries: DeliveryQueue
  let outbox: Outbox
  let metrics: TopicMetrics
  let fanouts: FanoutWorker
  let replays: ReplayWorker
  let told: FilterTold
  private let signer: MessageSigner
  public let workers: [any Worker]

  public init(store: any Store, ambient: Ambient, neighbours: Neighbours, logger: Logger) {
    (self.store, self.ambient) = (store, ambient)
    (principals, door, hops, address) = (neighbours.principals, neighbours.door, neighbours.hops, neighbours.address)
    let (topics, metrics, outbox) = (TopicCache(store), TopicMetrics(), Outbox(store: store))
    let signer = MessageSigner(store, ambient.clock)
    let status = StatusLog(logs: neighbours.logs, roles: neighbours.roles, ambient: ambient, logger: logger)
    let carrier = Carrier(
      targets: TargetCarriers(door: neighbours.door, queues: neighbours.queues, roles: neighbours.roles), topics: topics, signer: signer,
      http: neighbours.http, gates: RateGates(), outbox: outbox, metrics: metrics, status: status, ambient: ambient)
    let deliveries = DeliveryQueue(
      "sns", store: store, ambient: ambient, policy: carrier, hops: neighbours.hops, chaos: neighbours.chaos, logger: logger)
    let told = FilterTold(hops: neighbours.hops, metrics: metrics, ambient: ambient)
    fanouts = FanoutWorker(store: store, deliveries: deliveries, told: told)
    replays = ReplayWorker(store: store, topics: topics, deliveries: deliveries, ambient: ambient, told: told)
    (self.topics, self.metrics, self.outbox, self.signer, self.deliveries) = (topics, metrics, outbox, signer, deliveries)
    self.told = told
    workers = [
      deliveries.worker, fanouts, replays, status, ForgetWorker(store: store), PendingWorker(store: store, topics: topics),
      ArchiveWorker(store: store),
    ]
    metrics.report(to: neighbours.metrics)
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        SNSModel.service,
        operations: topicOperations + subscriptionOperations + publishOperations + textMessageOperations)
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }
  public var pages: [InternalPage] { [signer.page, outbox.page] }

  /// How many topics there are, and what becomes of deliveries.
  public func measurements() async -> [Measurement] {
    // A store that is closing has nothing to tell.
    let count = try? await store.read { rows in
      var count = 0
      try rows.scan(Keys.allTopics) { _, _ in
        count += 1
        return count < SNSLimits.topics
      }
      return count
    }
    return (count.map { [Measurement("dewpoint_sns_topics", .gauge, Double($0), help: "Topics of all accounts and Regions.")] } ?? [])
      + deliveries.measurements
  }

  /// Removes every topic of the account in every Region with its subscriptions, the account's subscriptions to topics of others, what
  /// is on its way, and its outbox.
  public func removeAll(of account: AccountID) async throws {
    while let name = try await store.read({ try $0.first(Keys.topics(of: account)).map { try Keys.topicName($0.key) } }) {
      try await delete(name)
    }
    while let arn = try await store.read({ try $0.first(Keys.owned(by: account)).map { try Keys.ownedARN($0.key) } }) {
      guard let name = SubscriptionName(arn: arn) else { throw StoreError.corrupt("subscription of an account") }
      try await store.transact { rows in
        guard var topic = try rows.topic(name.topic), let subscription = try rows.subscription(name) else {
          return try rows.delete(Keys.owned(account, name.topic.region, arn))
        }
        try rows.remove(subscription, &topic)
      }
      topics.forget(name.topic)
    }
    try await deliveries.removeAll(of: account)
    try await outbox.clear(account)
    try await store.transact { try $0.deleteAll(Keys.smsAttributes(of: account)) }
  }
}

/// Tells the trace and the metrics of what a filter policy kept out.
struct FilterTold: Sendable {
  let hops: any HopPort
  let metrics: TopicMetrics
  let ambient: Ambient

  func tell(_ subscription: Subscription, _ verdict: FilterPolicy.Verdict, _ trace: TraceContext) {
    let (topic, now) = (subscription.name.topic, ambient.now)
    metrics.addFiltered(verdict, topic, now)
    hops.record(
      Hop(
        id: hops.newID(), parent: trace.parent, trace: trace.root, at: now, account: topic.account, region: topic.region, service: "sns",
        action: "filter", source: subscription.name.arn, target: subscription.endpoint, outcome: .filtered,
        reason: "\(verdict.reason): \(subscription.attributes["FilterPolicy"] ?? "")"))
  }
}
