import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  func getMetricStatistics(_ input: GetMetricStatisticsInput, _ call: Call) async throws -> GetMetricStatisticsOutput {
    if input.extendedStatistics != nil { throw MetricsError.unsupported("ExtendedStatistics") }
    guard let names = input.statistics else {
      throw MetricsError.missing("At least one of the parameters Statistics and ExtendedStatistics must be specified.")
    }
    let wanted = names.compactMap(MetricStatistic.init(rawValue:))
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
    output.datapoints = periods.map { MetricsDatapoint($0, wanted) }
    return output
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
  init(_ period: MetricPeriods.Period, _ wanted: [MetricStatistic]) {
    self.init()
    (timestamp, unit) = (period.start, period.unit)
    for statistic in wanted {
      let value = statistic.value(of: period.statistics)
      switch statistic {
      case .sampleCount: sampleCount = value
      case .average: average = value
      case .sum: sum = value
      case .minimum: minimum = value
      case .maximum: maximum = value
      }
    }
  }
}
