import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  func listMetrics(_ input: ListMetricsInput, _ call: Call) async throws -> ListMetricsOutput {
    if input.includeLinkedAccounts == true { throw MetricsError.unsupported("IncludeLinkedAccounts") }
    if let owner = input.owningAccount, owner != call.account.text { throw MetricsError.unsupported("OwningAccount") }
    await flushMetricsForReading()
    let horizon = call.now - (input.recentlyActive == nil ? MetricsLimits.listed : MetricsLimits.recentlyActive)
    // A name without its namespace is looked for in all of them.
    let prefix = MetricKeys.series(call.account, call.region, namespace: input.namespace, name: input.metricName)
    let wanted = MetricFilter(
      name: input.metricName, dimensions: (input.dimensions ?? []).map { ($0.name, $0.value) })
    let range = try Self.range(prefix, after: input.nextToken)
    let (found, next) = try await store.read { reader in
      var found: [MetricSeries] = []
      var last: Key?, next: Key?
      try reader.scan(range) { key, row in
        let names = try MetricKeys.names(of: key)
        let series = try StoredSeries(row: row)
        let metric = MetricSeries(names.account, names.region, names.namespace, names.name, series.dimensions)
        guard wanted.takes(metric), let time = try reader.lastTime(of: series), time >= horizon else { return true }
        guard found.count < MetricsLimits.listPage else {
          next = last
          return false
        }
        found.append(metric)
        last = key
        return true
      }
      return (found, next)
    }
    var output = ListMetricsOutput()
    output.metrics = found.map(MetricsMetric.init)
    output.nextToken = next.map { $0.bytes.dropFirst(prefix.bytes.count).hex }
    return output
  }

  /// A token holds what follows the prefix, so that it reaches no other list.
  private static func range(_ prefix: Key, after token: String?) throws -> KeyRange {
    guard let token else { return KeyRange(prefix: prefix) }
    guard let rest = decodeHex(token) else { throw MetricsError.badToken }
    return KeyRange(Key(bytes: prefix.bytes + rest + [0]), prefix.end)
  }
}

/// Which series ListMetrics shows.
private struct MetricFilter: Sendable {
  var name: String?
  /// A dimension without a value wants only to be there.
  var dimensions: [(name: String, value: String?)]

  func takes(_ series: MetricSeries) -> Bool {
    (name.map { $0 == series.name } ?? true)
      && dimensions.allSatisfy { wanted in
        series.dimensions.contains { $0.name == wanted.name && (wanted.value == nil || wanted.value == $0.value) }
      }
  }
}

extension MetricsMetric {
  init(_ series: MetricSeries) {
    self.init()
    (namespace, metricName) = (series.namespace, series.name)
    dimensions = series.dimensions.map { dimension in
      var shape = MetricsDimension()
      (shape.name, shape.value) = (dimension.name, dimension.value)
      return shape
    }
  }
}
