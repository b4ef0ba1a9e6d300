import Base
import Fabric
import Logging
import Store
import Wire

/// Amazon DynamoDB and DynamoDB Streams: tables whose items, indexes and streams live in the store and outlive the process.
public final class DynamoDBService: ServiceModule {
  public struct Configuration: Sendable {
    /// Whether tables refuse what is over their provisioned throughput (`ProvisionedThroughputExceededException`).
    public var enforcesThroughput = false
    public init() {}
  }

  /// What DynamoDB needs of others.
  public struct Neighbours: Sendable {
    public var authoriser: any Authoriser
    public var principals: any PrincipalPort
    /// Kinesis, and S3's lists.
    public var door: any Door
    /// S3.
    public var objects: any ObjectPort
    public init(authoriser: any Authoriser, principals: any PrincipalPort, door: any Door, objects: any ObjectPort) {
      (self.authoriser, self.principals, self.door, self.objects) = (authoriser, principals, door, objects)
    }
  }

  let store: any Store
  let ambient: Ambient
  let authoriser: any Authoriser
  let principals: any PrincipalPort
  let door: any Door
  let objects: any ObjectPort
  let tables: TableCache
  let expressions = ExpressionCache()
  let arrivals = Arrivals()
  /// Nil: throughput is not enforced.
  let throughput: ThroughputBuckets?
  let tableWorker: TableWorker
  private let expiryWorker: ExpiryWorker
  private let destinationWorker: DestinationWorker
  let imageWorker: ImageWorker
  let restoreWorker: RestoreWorker
  let exportWorker: ExportWorker
  let importWorker: ImportWorker
  public let workers: [any Worker]

  public init(
    store: any Store, ambient: Ambient, neighbours: Neighbours, configuration: Configuration = .init(),
    logger: Logger = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
  ) {
    (self.store, self.ambient, self.door, objects) = (store, ambient, neighbours.door, neighbours.objects)
    (authoriser, principals) = (neighbours.authoriser, neighbours.principals)
    tables = TableCache(store)
    throughput = configuration.enforcesThroughput ? ThroughputBuckets(ambient.clock) : nil
    tableWorker = TableWorker(store, tables, ambient)
    let destinationWorker = DestinationWorker(store, tables, ambient, neighbours.door, logger)
    expiryWorker = ExpiryWorker(store) { [arrivals] stored in Self.announce(stored, arrivals, destinationWorker.nudge) }
    self.destinationWorker = destinationWorker
    let restoreWorker = RestoreWorker(store, tables, sweep: tableWorker.nudge)
    let exportWorker = ExportWorker(store, ambient, neighbours.objects)
    imageWorker = ImageWorker(store, tables) {
      restoreWorker.nudge.nudge()
      exportWorker.nudge.nudge()
    }
    importWorker = ImportWorker(store, tables, ambient, neighbours.objects, neighbours.door, sweep: tableWorker.nudge)
    (self.restoreWorker, self.exportWorker) = (restoreWorker, exportWorker)
    workers = [
      tableWorker, expiryWorker, TrimWorker(store), destinationWorker, imageWorker, restoreWorker, exportWorker, importWorker,
    ]
  }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(
        DynamoDBModel.service,
        operations: tableOperations + settingOperations + itemOperations + readOperations + batchOperations + transactionOperations
          + statementOperations + destinationOperations + backupOperations + recoveryOperations + restoreOperations + exportOperations
          + importOperations),
      ServiceAPI(StreamsModel.service, operations: streamOperations),
    ]
  }

  public var inventory: [InventoryItem] { Keys.inventory }

  /// After a table was made, changed or deleted.
  func changed(_ name: TableName) {
    tables.forget(name)
    tableWorker.nudge.nudge()
    expiryWorker.nudge.nudge()
    destinationWorker.nudge.nudge()
  }
  /// After items were written.
  func wrote(_ stored: StoredTable) {
    if stored.table.expires { expiryWorker.nudge.nudge() }
    Self.announce(stored, arrivals, destinationWorker.nudge)
  }
  private static func announce(_ stored: StoredTable, _ arrivals: Arrivals, _ destinations: Nudge) {
    if let stream = stored.table.stream, stream.isEnabled { arrivals.announce(stream.id) }
    if stored.table.isStreamed { destinations.nudge() }
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
