import Base
import Fabric

/// The time that a request asks for, cut into periods. Periods begin at the start of the request, as AWS's do.
struct MetricWindow: Sendable, Equatable {
  let start: Instant
  let end: Instant
  let periodMilliseconds: Int64

  /// - Parameter period: in seconds.
  /// - Throws: `MetricsError`: the period is none that AWS knows, or the time is none.
  init(start: Instant, end: Instant, period: Int) throws {
    guard [1, 5, 10, 20, 30].contains(period) || period > 0 && period % 60 == 0 else {
      throw MetricsError.value("The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ] or a multiple of 60.")
    }
    guard start < end else {
      throw MetricsError.value("The parameter StartTime must be less than the parameter EndTime.")
    }
    periodMilliseconds = Int64(min(period, 86_400_000)) * 1000
    // Rounded down to whole minutes; for shorter periods to a whole one.
    let unit = min(60_000, periodMilliseconds)
    // There are no points outside of these, whatever a request asks for.
    let first = min(max(start, .epoch), .distantFuture).milliseconds
    self.start = Instant(milliseconds: first - first % unit)
    self.end = min(max(end, .epoch), .distantFuture)
  }

  /// Data points of one series and unit, when every period has values.
  var count: Int64 {
    (max(0, end.milliseconds - start.milliseconds) + periodMilliseconds - 1) / periodMilliseconds
  }

  /// The beginning of the period that a time lies in.
  func period(of time: Instant) -> Instant {
    Instant(milliseconds: start.milliseconds + (time.milliseconds - start.milliseconds) / periodMilliseconds * periodMilliseconds)
  }
}

/// The values of a series in the periods of a window.
struct MetricPeriods: Sendable {
  struct Period: Sendable, Equatable {
    var start: Instant
    var unit: String
    var statistics: MetricStatistics
  }
  private let window: MetricWindow
  /// Nil takes all units, each by itself.
  private let unit: String?
  private(set) var periods: [Period] = []

  init(_ window: MetricWindow, unit: String?) { (self.window, self.unit) = (window, unit) }

  /// Takes a point in; times must not go back.
  mutating func add(_ time: Instant, _ point: MetricPoint) {
    let start = window.period(of: time)
    for entry in point.byUnit where unit == nil || unit == entry.unit {
      // The last few are of this period, one for each unit.
      if let place = periods.lastIndex(where: { $0.start != start || $0.unit == entry.unit }), periods[place].start == start {
        periods[place].statistics.merge(entry.statistics)
      } else {
        periods.append(Period(start: start, unit: entry.unit, statistics: entry.statistics))
      }
    }
  }
}
