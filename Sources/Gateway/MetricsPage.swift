import Base
import Fabric
import Store

/// `/_dewpoint/metrics`: what the server tells of itself, in Prometheus' text format.
public enum MetricsPage {
  /// - Parameters:
  ///   - uptime: asked at each scrape.
  ///   - state: the measurements of the state of the day: its services and its store.
  public static func page(
    _ requests: RequestMetrics, uptime: @escaping @Sendable () -> Duration, state: @escaping @Sendable () async -> [Measurement]
  ) -> InternalPage {
    InternalPage("metrics") { request in
      try request.require("GET")
      let all = requests.measurements + (await state()) + ProcessMeasurements.all(uptime: uptime())
      return PageAnswer(contentType: Exposition.contentType, body: Array(Exposition.text(all).utf8))
    }
  }
}

extension StoreStatistics {
  public var measurements: [Measurement] {
    [
      Measurement(
        "dewpoint_store_transactions_total", .counter, Double(transactions), help: "Transactions that the store has ended well."),
      Measurement("dewpoint_store_reads_total", .counter, Double(reads), help: "Bodies that read one snapshot of the store."),
      Measurement(
        "dewpoint_store_committed_bytes_total", .counter, Double(committedBytes), help: "Keys and values that were committed to disk."),
      Measurement(
        "dewpoint_store_failed_commits_total", .counter, Double(failedCommits), help: "Commits that the disk did not confirm."),
      Measurement(
        "dewpoint_store_commit_duration_seconds", commitSeconds,
        help: "Commits: each is one synchronised write for all transactions that waited."),
    ]
  }
}
