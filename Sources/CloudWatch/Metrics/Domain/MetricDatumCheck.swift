import Base
import Fabric

/// What PutMetricData accepts, as AWS checks it.
enum MetricDatumCheck {
  /// - Parameter place: of the datum in the request, from 1.
  static func sample(_ datum: MetricDatum, at place: Int, namespace: String, _ scope: LogScope, now: Instant) throws -> MetricSample {
    let path = "MetricData.member.\(place)"
    let dimensions = try (datum.dimensions ?? []).map { MetricDimension(try text($0.name, path), try text($0.value, path)) }
    guard Set(dimensions.map(\.name)).count == dimensions.count else {
      throw MetricsError.value("The parameter \(path).Dimensions must not name a dimension twice.")
    }
    let resolution = datum.storageResolution ?? 60
    guard resolution == 1 || resolution == 60 else {
      throw MetricsError.value("The parameter \(path).StorageResolution must be 1 or 60.")
    }
    let time = try checked(datum.timestamp ?? now, path, now)
    return MetricSample(
      MetricSeries(scope.account, scope.region, namespace, try text(datum.metricName, path), dimensions), unit: datum.unit ?? "None",
      time: resolution == 60 ? time.minute : Instant(seconds: time.seconds), try statistics(datum, path))
  }

  private static func statistics(_ datum: MetricDatum, _ path: String) throws -> MetricStatistics {
    var given: [String] = []
    if datum.value != nil { given.append("Value") }
    if datum.values != nil { given.append("Values") }
    if datum.statisticValues != nil { given.append("StatisticValues") }
    guard given.count < 2 else {
      throw MetricsError.combination(
        "The parameters \(path).\(given[0]) and \(path).\(given[1]) are mutually exclusive and you have specified both.")
    }
    if let value = datum.value {
      var statistics = MetricStatistics()
      statistics.add(try number(value, "\(path).Value"))
      return statistics
    }
    if let set = datum.statisticValues {
      let values = try [
        ("SampleCount", set.sampleCount), ("Sum", set.sum), ("Minimum", set.minimum), ("Maximum", set.maximum),
      ].map { try number($0.1, "\(path).StatisticValues.\($0.0)") }
      guard values[0] > 0, values[2] <= values[3] else {
        throw MetricsError.value("The value for parameter \(path).StatisticValues is invalid.")
      }
      return MetricStatistics(count: values[0], sum: values[1], minimum: values[2], maximum: values[3])
    }
    guard let values = datum.values, !values.isEmpty else {
      throw MetricsError.missing(
        "At least one of the parameters \(path).Value, \(path).Values and \(path).StatisticValues must be specified.")
    }
    return try statistics(values, datum.counts, path)
  }

  private static func statistics(_ values: [Double], _ counts: [Double]?, _ path: String) throws -> MetricStatistics {
    guard values.count <= MetricsLimits.values else {
      throw MetricsError.value("The collection \(path).Values must not have a size greater than \(MetricsLimits.values).")
    }
    guard counts.map({ $0.count == values.count }) ?? true else {
      throw MetricsError.value("The parameters \(path).Values and \(path).Counts must have the same size.")
    }
    var statistics = MetricStatistics()
    for (place, value) in values.enumerated() {
      let times = try number(counts?[place] ?? 1, "\(path).Counts.member.\(place + 1)")
      guard times > 0 else { throw MetricsError.value("The value \(times) for parameter \(path).Counts.member.\(place + 1) is invalid.") }
      statistics.add(try number(value, "\(path).Values.member.\(place + 1)"), times: times)
    }
    return statistics
  }

  private static func number(_ value: Double, _ path: String) throws -> Double {
    guard value.isFinite, abs(value) <= MetricsLimits.greatestValue else {
      throw MetricsError.value("The value \(value) for parameter \(path) is invalid.")
    }
    return value
  }

  private static func checked(_ time: Instant, _ path: String, _ now: Instant) throws -> Instant {
    guard time >= now - MetricsLimits.past else {
      throw MetricsError.value("The parameter \(path).Timestamp must specify a time within the past two weeks.")
    }
    guard time <= now + MetricsLimits.future else {
      throw MetricsError.value("The parameter \(path).Timestamp must specify a time no more than two hours in the future.")
    }
    return time
  }

  /// Names and values are ASCII without control characters, and not blank (API reference, Dimension).
  private static func text(_ text: String, _ path: String) throws -> String {
    guard text.utf8.allSatisfy({ $0 >= 32 && $0 < 127 }), text.utf8.contains(where: { $0 != 32 }), !text.hasPrefix(":") else {
      throw MetricsError.value("The value \(text) for a name or a dimension of \(path) is invalid.")
    }
    return text
  }
}
