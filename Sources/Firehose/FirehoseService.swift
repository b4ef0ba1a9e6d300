import Base
import Fabric
import HTTPClient
import Logging
import Store
import Wire

/// Amazon Data Firehose: records that wait in the store until a batch of them is complete, and then go to their destination.
public final class FirehoseService: ServiceModule {
  /// What Firehose needs of others.
  public struct Neighbours: Sendable {
    public var authoriser: any Authoriser
    public var roles: any RolePort
    /// S3, where objects are written, and Lambda.
    public var door: any Door
    /// Kinesis.
    public var streams: any StreamPort
    public var logs: (any LogPort)?
    /// For endpoints of users.
    public var http: any HTTPSender
    public var chaos: Chaos
    public init(
      authoriser: any Authoriser, roles: any RolePort, door: any Door, streams: any StreamPort, http: any HTTPSender,
      logs: (any LogPort)? = nil, chaos: Chaos = .off
    ) {
      (self.authoriser, self.roles, self.door, self.streams) = (authoriser, roles, door, streams)
      (self.logs, self.http, self.chaos) = (logs, http, chaos)
    }
  }

  let store: any Store
  let ambient: Ambient
  let neighbours: Neighbours
  let metrics = DeliveryMetrics()
  let lanes: [DeliveryLane]
  let states: StateWorker
  let feed: StreamFeed
  public let workers: [any Worker]

  public init(
    store: any Store, ambient: Ambient, neighbours: Neighbours, metricPort: (any MetricPort)? = nil,
    logger: Logger = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
  ) {
    (self.store, self.ambient, self.neighbours) = (store, ambient, neighbours)
    let delivery = Delivery(store: store, ambient: ambient, neighbours: neighbours, metrics: metrics, logger: logger)
    let lanes = (0..<FirehoseLimits.lanes).map { DeliveryLane($0, of: FirehoseLimits.lanes, delivery) }
    let feed = StreamFeed(store, ambient, neighbours, lanes, logger)
    (self.lanes, self.feed) = (lanes, feed)
    states = StateWorker(store, feed)
    workers = [states, feed] + lanes
    if let metricPort { metrics.report(to: metricPort) }
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        FirehoseModel.service, operations: streamOperations + recordOperations + tagOperations + encryptionOperations)
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }

  func id(_ name: String, _ call: Call) -> DeliveryStreamID { DeliveryStreamID(call.account, call.region, name) }

  /// What an operation on a delivery stream needs.
  func access<Input: DeliveryStreamInput>(
    _ action: String, tags: @escaping @Sendable (Access, Input) -> Access = { access, _ in access }
  ) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      let id = self.id(input.deliveryStreamName, call)
      let stream = try await self.store.read { try $0.deliveryStream(id) }
      return [tags(Access("firehose:" + action, on: id.arn.text, owner: call.account).having(stream?.tags ?? [:]), input)]
    }
  }

  func existing(_ id: DeliveryStreamID) async throws -> DeliveryStream {
    guard let found = try await store.read({ try $0.deliveryStream(id) }) else { throw FirehoseError.noStream(id) }
    return found
  }

  @discardableResult
  func change<T: Sendable>(
    _ id: DeliveryStreamID, _ body: @escaping @Sendable (inout DeliveryStream) throws -> T
  ) async throws -> T {
    let value = try await store.transact { rows in
      guard var stream = try rows.deliveryStream(id) else { throw FirehoseError.noStream(id) }
      let value = try body(&stream)
      try rows.put(stream)
      return value
    }
    states.nudge.nudge()
    return value
  }

  /// Removes every delivery stream of the account with what waits in it.
  public func removeAll(of account: AccountID) async throws {
    try await store.transact { rows in
      for stream in try rows.deliveryStreams(Keys.streams(of: account)) { try rows.remove(stream) }
    }
  }

  public func measurements() async -> [Measurement] {
    // A store that is closing has nothing to tell; a scrape is no place to fail.
    let waiting = try? await store.read { rows in
      try rows.deliveryStreams(Keys.streams(after: nil)).reduce(Int64(0)) { try $0 + Counter(Keys.waiting($1.id)).value(rows) }
    }
    guard let waiting else { return [] }
    return [Measurement("dewpoint_firehose_waiting_bytes", .gauge, Double(waiting), help: "Bytes of records that wait for their delivery.")]
  }
}

/// An input that names its delivery stream.
protocol DeliveryStreamInput: RecordView {
  var deliveryStreamName: String { get }
}
