import Base
import Fabric
import Logging
import Store
import Wire

/// Amazon S3: buckets, and the objects in them.
public final class S3Service: ServiceModule {
  /// What S3 needs of the other services.
  public struct Neighbours: Sendable {
    public var authoriser: any Authoriser
    /// Who signs forms.
    public var keys: any KeyDirectory
    public var principals: any PrincipalPort
    /// The way to the destinations of events.
    public var carriers: TargetCarriers
    /// EventBridge; nil: a bucket cannot be told to tell it.
    public var events: (any EventPort)?
    public var hops: any HopPort
    public var chaos: Chaos
    public init(
      authoriser: any Authoriser, keys: any KeyDirectory, principals: any PrincipalPort, carriers: TargetCarriers,
      events: (any EventPort)? = nil, hops: any HopPort = EmptyHops(), chaos: Chaos = .off
    ) {
      (self.events, self.chaos) = (events, chaos)
      (self.authoriser, self.keys, self.principals, self.carriers, self.hops) = (authoriser, keys, principals, carriers, hops)
    }
  }

  let store: any Store
  /// The contents of objects that are too large for rows.
  let bytes: any ByteStore
  let ambient: Ambient
  let neighbours: Neighbours
  let buckets: BucketCache
  /// Of events.
  let deliveries: DeliveryQueue
  /// A lifecycle has changed.
  let lifecycleNudge = Nudge()
  /// A restoration has begun or changed.
  let restorationNudge = Nudge()
  let logger: Logger
  /// The end of the names of the files that this run makes.
  let run: [UInt8]
  let sequences = VersionSequence()
  let readers: ReadGuard
  let collector: ContentCollector
  var carriers: TargetCarriers { neighbours.carriers }
  var hops: any HopPort { neighbours.hops }

  public init(store: any Store, bytes: any ByteStore, ambient: Ambient, neighbours: Neighbours, logger: Logger) {
    (self.store, self.bytes, self.ambient, self.neighbours, self.logger) = (store, bytes, ambient, neighbours, logger)
    buckets = BucketCache(store)
    run = ambient.random.bytes(4)
    let nudge = Nudge()
    readers = ReadGuard(nudge)
    collector = ContentCollector(store, bytes, readers, nudge: nudge, run: run)
    deliveries = DeliveryQueue(
      "s3", store: store, ambient: ambient, policy: EventDeliveries(carriers: neighbours.carriers), hops: neighbours.hops,
      chaos: neighbours.chaos, logger: logger)
  }

  public var apis: [ServiceAPI] {
    [ServiceAPI(S3Model.service, allowsAnonymous: true, crossOrigin: BucketOrigins(buckets: buckets), operations: operations)]
  }

  private var operations: [Operation] { settingOperations + objectOperations }
  private var settingOperations: [Operation] {
    bucketOperations + bucketListOperations + versioningOperations + policyOperations + protectionOperations + accessListOperations
      + siteOperations + smallSettingOperations + absentOperations + notificationOperations + lifecycleOperations
  }
  private var objectOperations: [Operation] {
    objectWriteOperations + objectReadOperations + objectDeletionOperations + objectListOperations + objectChangeOperations
      + objectAttributeOperations + restorationOperations + uploadOperations + objectAccessListOperations + formOperations
  }

  public var workers: [any Worker] { [collector, deliveries.worker, LifecycleWorker(s3: self), RestorationWorker(s3: self)] }
  public var inventory: [InventoryItem] { Keys.inventory }

  /// Removes every bucket of the account with its settings; contents go in the background.
  public func removeAll(of account: AccountID) async throws {
    while true {
      let names = try await store.transact { rows in
        let names = try rows.entries(Keys.owned(by: account), limit: S3Limits.bucketsPerSweep).map {
          try Keys.ownedName($0.key, by: account)
        }
        for name in names { if let bucket = try rows.bucket(name) { try rows.remove(bucket) } }
        return names
      }
      for name in names { buckets.forget(name) }
      collector.nudge.nudge()
      if names.isEmpty { return try await deliveries.removeAll(of: account) }
    }
  }

  public func measurements() async -> [Measurement] {
    // A store that is closing has nothing to tell; a scrape is no place to fail.
    guard let count = try? await store.read({ try $0.bucketCount() }) else { return [] }
    return deliveries.measurements
      + [Measurement("dewpoint_s3_buckets", .gauge, Double(count), help: "Buckets of all accounts and Regions.")]
  }
}
