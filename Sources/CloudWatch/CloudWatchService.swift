import Base
import Fabric
import Logging
import Store
import Wire

/// CloudWatch Logs: the API, and `LogPort` for the services whose functions write logs.
///
/// `flush()` must be called at a graceful stop: lines that came through the port may still be in memory.
public final class CloudWatchService: ServiceModule, LogPort {
  let store: any Store
  let ambient: Ambient
  let buffer: LogBuffer
  private let access: WriteAccess
  private let sweeper: Sweeper
  private let gatherer: Gatherer

  public init(store: any Store, ambient: Ambient, authoriser: any Authoriser, logger: Logger? = nil) {
    (self.store, self.ambient) = (store, ambient)
    buffer = LogBuffer(writer: LogWriter(store: store, ambient: ambient, logger: logger))
    access = WriteAccess(store: store, authoriser: authoriser, ambient: ambient, logger: logger)
    sweeper = Sweeper(store: store)
    gatherer = Gatherer(buffer: buffer, clock: ambient.clock)
  }

  public var workers: [any Worker] { [gatherer, sweeper] }

  public var apis: [ServiceAPI] {
    [ServiceAPI(LogsModel.service, operations: groupOperations + streamOperations + eventOperations + tagOperations)]
  }

  /// Lines that the caller may not write are dropped and said once in the log, as AWS does silently.
  public func write(_ lines: [LogLine], group: String, stream: String, as caller: Caller) async throws {
    let target = LogTarget(scope: LogScope(caller.account, caller.region), group: group, stream: stream)
    let permission = try await access.permission(for: target, as: caller)
    guard permission.mayPut else { return }
    try await buffer.append(lines, to: target, permission)
  }

  /// Returns when every line that was written before is durable.
  public func flush() async throws { try await buffer.flush() }

  /// Lines of the account that are still in memory go with their groups.
  public func removeAll(of account: AccountID) async throws {
    try await flush()
    try await store.transact { tx in
      let prefix = LogsKeys.groups(account)
      for (key, row) in try tx.entries(KeyRange(prefix: prefix)) {
        var parts = KeyReader(key, after: prefix)
        guard let region = Region(try parts.string()) else { throw StoreError.corrupt("log group key") }
        try tx.remove(try LogGroup(row: row), LogScope(account, region))
      }
    }
    nudgeSweeper()
  }

  public var inventory: [InventoryItem] { [InventoryItem("log groups", below: LogsKeys.allGroups)] }

  public func measurements() async -> [Measurement] {
    [
      Measurement(
        "dewpoint_logs_buffered_lines", .gauge, Double(buffer.lineCount),
        help: "Log lines of functions that wait for the next commit.")
    ]
  }

  /// Makes what functions have written visible to a read. A failing disk must not stop reading; the gatherer tries the
  /// commit again and logs why it fails.
  func flushForReading() async { try? await buffer.flush() }

  func nudgeSweeper() { sweeper.nudge.nudge() }
}
