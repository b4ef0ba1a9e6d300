import Base
import Fabric
import Logging
import Store
import Wire

/// CloudWatch Logs and metrics: the APIs, `LogPort` for the services whose functions write logs, and `MetricPort` for those that
/// measure.
///
/// `flush()` must be called at a graceful stop: what came through the ports may still be in memory.
public final class CloudWatchService: ServiceModule, LogPort, MetricPort {
  let store: any Store
  let ambient: Ambient
  let buffer: LogBuffer
  let metrics: MetricBuffer
  private let access: WriteAccess
  private let sweeper: Sweeper
  private let gatherer: Gatherer
  private let metricWorkers: [any Worker]

  public init(store: any Store, ambient: Ambient, authoriser: any Authoriser, logger: Logger? = nil) {
    (self.store, self.ambient) = (store, ambient)
    buffer = LogBuffer(writer: LogWriter(store: store, ambient: ambient, logger: logger))
    access = WriteAccess(store: store, authoriser: authoriser, ambient: ambient, logger: logger)
    sweeper = Sweeper(store: store)
    gatherer = Gatherer(buffer: buffer, clock: ambient.clock)
    metrics = MetricBuffer(store: store, ambient: ambient, logger: logger)
    metricWorkers = [MetricGatherer(buffer: metrics, clock: ambient.clock), MetricSweeper(store: store)]
  }

  public var workers: [any Worker] { [gatherer, sweeper] + metricWorkers }

  public var apis: [ServiceAPI] {
    [
      ServiceAPI(LogsModel.service, operations: groupOperations + streamOperations + eventOperations + tagOperations),
      ServiceAPI(MetricsModel.service, operations: metricOperations),
    ]
  }

  /// Lines that the caller may not write are dropped and said once in the log, as AWS does silently.
  public func write(_ lines: [LogLine], group: String, stream: String, as caller: Caller) async throws {
    let target = LogTarget(scope: LogScope(caller.account, caller.region), group: group, stream: stream)
    let permission = try await access.permission(for: target, as: caller)
    guard permission.mayPut else { return }
    try await buffer.append(lines, to: target, permission)
  }

  public func gather(from source: any MetricSource) -> Nudge { metrics.gather(from: source) }

  /// Returns when every line that was written and all that was measured before is durable.
  public func flush() async throws {
    async let measured = metrics.flush()
    try await buffer.flush()
    _ = try await measured
  }

  /// Lines of the account that are still in memory go with their groups.
  public func removeAll(of account: AccountID) async throws {
    try await flush()
    await metrics.forget(account)
    try await store.transact { tx in
      try tx.removeMetrics(of: account)
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
    let points = metrics.counts
    return [
      Measurement(
        "dewpoint_logs_buffered_lines", .gauge, Double(buffer.lineCount),
        help: "Log lines of functions that wait for the next commit."),
      Measurement(
        "dewpoint_metrics_buffered_points", .gauge, Double(points.waiting),
        help: "Minutes of CloudWatch metrics that could not be written yet."),
      Measurement(
        "dewpoint_metrics_dropped_points_total", .counter, Double(points.dropped),
        help: "Minutes of CloudWatch metrics that were dropped because too many waited."),
    ]
  }

  /// Makes what functions have written visible to a read. A failing disk must not stop reading; the gatherer tries the
  /// commit again and logs why it fails.
  func flushForReading() async { try? await buffer.flush() }
  /// The same for what was measured.
  func flushMetricsForReading() async { _ = try? await metrics.flush() }

  func nudgeSweeper() { sweeper.nudge.nudge() }
}
