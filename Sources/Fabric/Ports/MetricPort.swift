import Base

/// One time series of CloudWatch: whose it is, what is measured, and of what.
public struct MetricSeries: Hashable, Sendable {
  public var account: AccountID
  public var region: Region
  /// For example `AWS/Lambda`.
  public var namespace: String
  public var name: String
  /// Sorted by name: the order in which they were given does not count.
  public let dimensions: [MetricDimension]

  public init(_ account: AccountID, _ region: Region, _ namespace: String, _ name: String, _ dimensions: [MetricDimension]) {
    (self.account, self.region, self.namespace, self.name) = (account, region, namespace, name)
    self.dimensions = dimensions.count < 2 ? dimensions : dimensions.sorted { ($0.name, $0.value) < ($1.name, $1.value) }
  }
}

public struct MetricDimension: Hashable, Sendable {
  public var name: String
  public var value: String
  public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// What is kept of many values: how many, their sum, the smallest and the largest, and how they lie between these.
public struct MetricStatistics: Hashable, Sendable {
  public private(set) var count = 0.0
  public private(set) var sum = 0.0
  public private(set) var minimum = Double.infinity
  public private(set) var maximum = -Double.infinity
  /// Nil when all are the same value, which costs nothing; when some are negative; and when they are not known one by one (AWS:
  /// "Percentile statistics").
  private var spread: MetricDistribution?

  public init() {}
  public init(count: Double, sum: Double, minimum: Double, maximum: Double, spread: MetricDistribution? = nil) {
    (self.count, self.sum, self.minimum, self.maximum, self.spread) = (count, sum, minimum, maximum, spread)
  }

  @inlinable public var isEmpty: Bool { count == 0 }
  private var isOneValue: Bool { minimum == maximum && minimum >= 0 }

  /// Where the values lie; nil when that is not known.
  public var distribution: MetricDistribution? {
    if let spread { return spread }
    guard isOneValue else { return nil }
    var one = MetricDistribution()
    one.add(minimum, times: count)
    return one
  }
  /// As it is stored.
  public var storedSpread: MetricDistribution? { spread }

  public mutating func add(_ value: Double, times: Double = 1) {
    if spread == nil, isOneValue, value != minimum { spread = distribution }
    if value < 0 { spread = nil }
    spread?.add(value, times: times)
    count += times
    sum += value * times
    minimum = Swift.min(minimum, value)
    maximum = Swift.max(maximum, value)
  }

  public mutating func merge(_ other: MetricStatistics) {
    guard !isEmpty else { self = other; return }
    guard !other.isEmpty else { return }
    if spread != nil || other.spread != nil || minimum != other.minimum || maximum != other.maximum || !isOneValue {
      var both = distribution
      spread = nil
      if let more = other.distribution { both?.merge(more) } else { both = nil }
      spread = both
    }
    count += other.count
    sum += other.sum
    minimum = Swift.min(minimum, other.minimum)
    maximum = Swift.max(maximum, other.maximum)
  }
}

/// The values of a series in one minute, or some of them.
public struct MetricSample: Sendable {
  public var series: MetricSeries
  /// One of CloudWatch's units: `Count`, `Milliseconds`, ….
  public var unit: String
  /// The beginning of the minute in which they were measured; of the second, for a series of high resolution.
  public var time: Instant
  public var statistics: MetricStatistics
  public init(_ series: MetricSeries, unit: String, time: Instant, _ statistics: MetricStatistics) {
    (self.series, self.unit, self.time, self.statistics) = (series, unit, time, statistics)
  }
}

extension Instant {
  /// The beginning of its minute.
  public var minute: Instant {
    let rest = milliseconds % 60_000
    return Instant(milliseconds: milliseconds - (rest < 0 ? rest + 60_000 : rest))
  }
}

/// A service that measures. It adds up in its own memory, so that measuring costs next to nothing, and is asked for it.
public protocol MetricSource: Sendable {
  /// What was measured since the last time. Quick: it is called about once a second while there is something.
  func drain() -> [MetricSample]
}

/// Time series for other services. Implemented by CloudWatch.
///
/// What a source has measured is written about once a second, all sources together, and at a graceful stop; a crash loses at
/// most the last second.
public protocol MetricPort: Sendable {
  /// Asks the source from now on.
  /// - Returns: what the source nudges when it measures for the first time since it was asked.
  func gather(from source: any MetricSource) -> Nudge
}
