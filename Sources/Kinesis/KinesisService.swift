import Base
import Fabric
import Store
import Wire

/// Amazon Kinesis Data Streams: streams of shards whose records, positions and changes live in the store.
public final class KinesisService: ServiceModule, StreamPort {
  public struct Configuration: Sendable {
    /// Writes and reads of a shard are held to AWS's rates.
    public var limitsShards = true
    public init() {}
  }

  let store: any Store
  let ambient: Ambient
  let authoriser: any Authoriser
  let principals: any PrincipalPort
  let hops: any HopPort
  let cache: StreamCache
  let rates: ShardRates
  let metrics = StreamMetrics()
  let subscriptions = Subscriptions()
  let changes: StateWorker
  public let workers: [any Worker]

  public init(
    store: any Store, ambient: Ambient, authoriser: any Authoriser, principals: any PrincipalPort, metricPort: (any MetricPort)? = nil,
    hops: any HopPort = EmptyHops(), configuration: Configuration = Configuration()
  ) {
    self.hops = hops
    (self.store, self.ambient, self.authoriser, self.principals) = (store, ambient, authoriser, principals)
    cache = StreamCache(store)
    rates = ShardRates(isOn: configuration.limitsShards)
    changes = StateWorker(store, cache, ambient)
    workers = [changes, TrimWorker(store, cache)]
    if let metricPort { metrics.report(to: metricPort) }
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        KinesisModel.service,
        operations: streamOperations + describeOperations + shardOperations + settingOperations + tagOperations + policyOperations
          + consumerOperations + writeOperations + readOperations + subscribeOperations + accountOperations)
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }

  /// Subscriptions end as if their time were over; clients come back with where they were.
  public func endWaits() { subscriptions.endAll() }

  // MARK: What a call is about

  /// The stream that an input names. Throws InvalidArgumentException.
  func name(_ input: some StreamInput, _ call: Call) throws(AWSError) -> StreamName {
    try name(input.streamName, input.streamARN, input.streamId, call)
  }

  func name(_ name: String?, _ arn: String?, _ id: String? = nil, _ call: Call) throws(AWSError) -> StreamName {
    guard id == nil else { throw KinesisError.invalid("StreamId is not supported: it is reserved for future use.") }
    guard let arn else {
      guard let name else { throw KinesisError.invalid("Either StreamName or StreamARN must be provided.") }
      return StreamName(call.account, call.region, name)
    }
    guard let found = ARN(arn).flatMap({ StreamName($0) }), found.region == call.region else {
      throw KinesisError.invalid("StreamARN \(arn) is not valid for this Region.")
    }
    guard name == nil || name == found.name else { throw KinesisError.invalid("StreamName and StreamARN do not match.") }
    return found
  }

  /// What an operation on a stream needs: the action on the stream, decided with the stream's own policy.
  /// - Parameter isShared: the stream's policy may grant it to other accounts; all else is the owner's own.
  func access<Input: StreamInput>(
    _ action: String, isShared: Bool = false, tags: @escaping @Sendable (Access, Input) -> Access = { access, _ in access }
  ) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      [tags(try await self.access(action, try self.name(input, call), isShared: isShared, by: call.account), input)]
    }
  }

  func access(_ action: String, _ name: StreamName, isShared: Bool = false, by account: AccountID) async throws -> Access {
    let stream = try await cache.find(name)?.stream
    return Access(
      "kinesis:" + action, on: name.arn.text, owner: name.account,
      resourcePolicy: isShared || account == name.account ? stream?.policy : nil
    ).having(stream?.tags ?? [:])
  }

  /// The stream for reading and writing. Throws ResourceNotFoundException while it is made or goes away.
  func usable(_ name: StreamName) async throws -> LoadedStream {
    guard let found = try await cache.find(name), found.stream.isUsable else { throw KinesisError.noStream(name) }
    return found
  }

  /// The stream in whatever state.
  func existing(_ name: StreamName) async throws -> LoadedStream {
    guard let found = try await cache.find(name) else { throw KinesisError.noStream(name) }
    return found
  }

  /// Changes a stream in a transaction.
  /// - Parameter body: gets the stream and its shards, and changes them; shards are written only when they differ.
  @discardableResult
  func change<T: Sendable>(
    _ name: StreamName, _ body: @escaping @Sendable (inout Stream, inout ShardMap, any Transaction) throws -> T
  ) async throws -> T {
    defer { cache.drop(name) }
    let outcome = try await store.transact { [cache] tx -> (value: T, isPending: Bool) in
      guard let loaded = try cache.load(name, tx) else { throw KinesisError.noStream(name) }
      var (stream, shards) = (loaded.stream, loaded.shards)
      let value = try body(&stream, &shards, tx)
      try tx.put(stream, shards: shards == loaded.shards ? nil : shards)
      return (value, stream.status != .active)
    }
    if outcome.isPending { changes.nudge.nudge() }
    return outcome.value
  }
}

/// An input that names its stream.
protocol StreamInput: RecordView {
  var streamName: String? { get }
  var streamARN: String? { get }
  var streamId: String? { get }
}
