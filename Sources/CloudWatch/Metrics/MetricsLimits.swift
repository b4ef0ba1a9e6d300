import Base

/// The numbers of CloudWatch metrics ("CloudWatch quotas" and the API reference), and those of our own.
enum MetricsLimits {
  static let dimensions = 30
  /// Of one PutMetricData.
  static let data = 1000
  /// Pairs of `Values` and `Counts` of one datum.
  static let values = 150
  /// How old and how new a time of PutMetricData may be.
  static let past = Duration.days(14)
  static let future = Duration.hours(2)
  /// A value is at most 2^360, on either side of zero.
  static let greatestValue = 0x1p360
  /// Data points of one answer.
  static let statisticsPoints = 1440
  static let dataPoints = 100_800
  static let queries = 500
  /// Data points that the expressions of one request may work with at a time; ours, for the sake of memory.
  static let mathPoints = 1_000_000
  /// Metrics of one page of ListMetrics.
  static let listPage = 500
  /// A metric without values for this long is listed no more.
  static let listed = Duration.days(14)
  static let recentlyActive = Duration.hours(3)
  /// How long points are kept.
  static let retention = Duration.days(15)

  /// How long what services measure is gathered before it is written. Real time.
  static let gatherTime = Duration.seconds(1)
  /// Points of series that may wait in memory while the store cannot be written. What comes then is dropped and counted.
  static let waiting = 50_000
  /// Points in one transaction.
  static let batch = 2000
  /// Series that one transaction of the sweeper looks at.
  static let sweepSeries = 500
  static let sweepPause = Duration.hours(1)
}
