import Base
import Fabric
import Store

/// The keys of metrics. `S` is a series' id, random.
///
///     metrics series ACCOUNT REGION NAMESPACE NAME DIMENSIONS   the series: its id and its dimensions
///     metrics point S TIME                                      the statistics of one minute (or second), apart for each unit
///
/// A metric of a few functions is a few dozen rows an hour; nothing is indexed by time, so the sweeper goes from series to series.
enum MetricKeys {
  static let allSeries = Key("metrics", "series")

  static func series(_ account: AccountID) -> Key { allSeries.appending(account) }
  static func series(_ account: AccountID, _ region: Region) -> Key { series(account).appending(region) }
  /// Narrowed as far as is known: a name only counts with its namespace.
  static func series(_ account: AccountID, _ region: Region, namespace: String?, name: String?) -> Key {
    guard let namespace else { return series(account, region) }
    let key = series(account, region).appending(namespace)
    return name.map { key.appending($0) } ?? key
  }
  static func series(_ series: MetricSeries) -> Key {
    self.series(series.account, series.region, namespace: series.namespace, name: series.name)
      .appending(text(of: series.dimensions))
  }

  static func points(_ id: Int64) -> Key { Key("metrics", "point", id) }
  static func point(_ id: Int64, _ time: Instant) -> Key { points(id).appending(time) }

  /// Dimensions have no control characters (PutMetricData refuses them), so one of these parts them.
  private static func text(of dimensions: [MetricDimension]) -> String {
    dimensions.map { "\($0.name)\u{1}\($0.value)" }.joined(separator: "\u{1}")
  }

  /// The series that a key names; its dimensions are in the row.
  static func names(of key: Key) throws -> (account: AccountID, region: Region, namespace: String, name: String) {
    var parts = KeyReader(key, after: allSeries)
    guard let account = AccountID(try parts.string()), let region = Region(try parts.string()) else {
      throw StoreError.corrupt("key of a metric")
    }
    return (account, region, try parts.string(), try parts.string())
  }
}
