import Base
import Fabric
import Store
import Wire

/// Amazon DynamoDB and DynamoDB Streams: tables whose items, indexes and streams live in the store and outlive the process.
public final class DynamoDBService: ServiceModule {
  public struct Configuration: Sendable {
    /// Whether tables refuse what is over their provisioned throughput (`ProvisionedThroughputExceededException`).
    public var enforcesThroughput = false
    public init() {}
  }

  let store: any Store
  let ambient: Ambient
  let authoriser: any Authoriser
  let principals: any PrincipalPort
  let tables: TableCache
  let expressions = ExpressionCache()
  let arrivals = Arrivals()
  /// Nil: throughput is not enforced.
  let throughput: ThroughputBuckets?
  private let tableWorker: TableWorker
  private let expiryWorker: ExpiryWorker
  public let workers: [any Worker]

  public init(
    store: any Store, ambient: Ambient, authoriser: any Authoriser, principals: any PrincipalPort, configuration: Configuration = .init()
  ) {
    (self.store, self.ambient, self.authoriser, self.principals) = (store, ambient, authoriser, principals)
    tables = TableCache(store)
    throughput = configuration.enforcesThroughput ? ThroughputBuckets(ambient.clock) : nil
    tableWorker = TableWorker(store, tables, ambient)
    expiryWorker = ExpiryWorker(store, tables)
    workers = [tableWorker, expiryWorker, TrimWorker(store)]
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        DynamoDBModel.service,
        operations: tableOperations + settingOperations + itemOperations + readOperations + batchOperations + transactionOperations
          + statementOperations),
      ServiceAPI(StreamsModel.service, operations: streamOperations),
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }

  /// After a table was made, changed or deleted.
  func changed(_ name: TableName) {
    tables.forget(name)
    tableWorker.nudge.nudge()
    expiryWorker.nudge.nudge()
  }
  /// After items were written.
  func wrote(_ stored: StoredTable) {
    if stored.table.expires { expiryWorker.nudge.nudge() }
    if let stream = stored.table.stream, stream.isEnabled { arrivals.announce(stream.id) }
  }

  /// The name in an input, in the caller's account and Region unless it is an ARN.
  func name(_ text: String, _ call: Call) throws -> TableName { try TableName(text, account: call.account, region: call.region) }

  /// What an operation on a table needs. A table that does not exist has no policy, so only who could see it learns that it is missing.
  func access(_ action: String, _ text: String, _ call: Call, index: String? = nil) async throws -> Access {
    try await access(action, try name(text, call), index: index)
  }
  func access(_ action: String, _ name: TableName, index: String? = nil) async throws -> Access {
    let stored = try await tables.find(name)
    var resource = stored?.arn ?? name.arn.text
    if let index { resource += "/index/" + index }
    let access = Access("dynamodb:" + action, on: resource, owner: name.account, resourcePolicy: stored?.table.policy)
    guard let stored, !stored.table.tags.isEmpty else { return access }
    return access.having(stored.table.tags)
  }
  /// The access of an operation whose input names one table.
  func access<Input: TableInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in [try await self.access(action, input.tableName, call)] }
  }
}

/// An input that names its table.
protocol TableInput: RecordView {
  var tableName: String { get }
}
