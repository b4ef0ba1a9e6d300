import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  func getMetricStatistics(_ input: GetMetricStatisticsInput, _ call: Call) async throws -> GetMetricStatisticsOutput {
    let wanted = try Self.statistics(input)
    let window = try MetricWindow(start: input.startTime, end: input.endTime, period: input.period)
    guard window.count <= MetricsLimits.statisticsPoints else {
      throw MetricsError.combination(
        "You have requested up to \(grouped(window.count)) datapoints, which exceeds the limit of "
          + "\(grouped(Int64(MetricsLimits.statisticsPoints))). "
          + "You may reduce the datapoints requested by increasing Period, or decreasing the time range.")
    }
    let series = MetricSeries(
      call.account, call.region, input.namespace, input.metricName, (input.dimensions ?? []).map { MetricDimension($0.name, $0.value) })
    let unit = input.unit
    await flushMetricsForReading()
    let periods = try await store.read { try $0.periods(of: series, in: window, unit: unit) }
    var output = GetMetricStatisticsOutput()
    output.label = input.metricName
    output.datapoints = periods.compactMap { MetricsDatapoint($0, wanted) }
    return output
  }

  /// By their names.
  private static func statistics(_ input: GetMetricStatisticsInput) throws -> [(name: String, statistic: MetricStatistic)] {
    switch (input.statistics, input.extendedStatistics) {
    case (nil, nil):
      throw MetricsError.missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    case (.some, .some):
      throw MetricsError.combination("The parameters Statistics and ExtendedStatistics are mutually exclusive and you have specified both.")
    case (let names?, nil): return names.compactMap { name in MetricStatistic(name).map { (name, $0) } }
    case (nil, let names?):
      return try names.map { name in
        guard let statistic = MetricStatistic(name), statistic.isExtended else {
          throw MetricsError.value("The value \(name) for parameter ExtendedStatistics is not supported.")
        }
        return (name, statistic)
      }
    }
  }
}

/// A number as AWS writes it in this place: with a comma before every three digits.
private func grouped(_ number: Int64) -> String {
  let digits = Array(String(number))
  return digits.enumerated().map { place, digit in
    place > 0 && (digits.count - place) % 3 == 0 ? ",\(digit)" : "\(digit)"
  }.joined()
}

extension Reader {
  /// The periods of a window in which the series has values, in their order.
  func periods(of series: MetricSeries, in window: MetricWindow, unit: String?) throws -> [MetricPeriods.Period] {
    guard let stored = try metricSeries(series) else { return [] }
    var periods = MetricPeriods(window, unit: unit)
    try metricPoints(stored.id, window.start, window.end) { periods.add($0, $1) }
    return periods.periods
  }
}

extension MetricsDatapoint {
  /// Nil when nothing of what is wanted can be told.
  fileprivate init?(_ period: MetricPeriods.Period, _ wanted: [(name: String, statistic: MetricStatistic)]) {
    self.init()
    (timestamp, unit) = (period.start, period.unit)
    var extended: [String: Double] = [:]
    for (name, statistic) in wanted {
      let value = statistic.value(of: period.statistics)
      switch statistic {
      case .sampleCount: sampleCount = value
      case .average: average = value
      case .sum: sum = value
      case .minimum: minimum = value
      case .maximum: maximum = value
      case .percentile, .trimmedMean, .trimmedCount, .trimmedSum, .winsorizedMean, .percentileRank: extended[name] = value
      }
    }
    guard let first = wanted.first, first.statistic.isExtended else { return }
    guard !extended.isEmpty else { return nil }
    extendedStatistics = extended
  }
}
