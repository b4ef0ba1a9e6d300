import Base

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The functions of metric math that there are, by AWS's names (AWS: "Metric math functions").
enum MathFunction {
  /// Of all values of one series, or of several series at each time.
  static let aggregates: [String: @Sendable ([Double]) -> Double] = [
    "SUM": { $0.reduce(0, +) },
    "AVG": { $0.reduce(0, +) / Double($0.count) },
    "MIN": { $0.min() ?? .nan },
    "MAX": { $0.max() ?? .nan },
    "STDDEV": { values in
      let mean = values.reduce(0, +) / Double(values.count)
      return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)).squareRoot()
    },
    "DATAPOINT_COUNT": { Double($0.count) },
  ]
  /// Of each value by itself.
  static let scalars: [String: @Sendable (Double) -> Double] = [
    "ABS": { $0.magnitude }, "CEIL": { $0.rounded(.up) }, "FLOOR": { $0.rounded(.down) }, "LOG": { log($0) }, "LOG10": { log10($0) },
  ]
  /// Of each value with the one before it.
  static let steps: [String: @Sendable (MathSeries.Point, MathSeries.Point) -> Double] = [
    "DIFF": { $1.value - $0.value },
    "DIFF_TIME": { Double(($1.time - $0.time).inMilliseconds) / 1000 },
    "RATE": { ($1.value - $0.value) / (Double(($1.time - $0.time).inMilliseconds) / 1000) },
  ]
  /// Of the time of each data point, in UTC.
  static let times: [String: @Sendable (Instant) -> Double] = [
    "EPOCH": { Double($0.seconds) },
    "MINUTE": { Double($0.seconds / 60 % 60) },
    "HOUR": { Double($0.seconds / 3600 % 24) },
    // The epoch was a Thursday; AWS counts from Monday, 1.
    "DAY": { Double(($0.seconds / 86_400 + 3) % 7 + 1) },
    "DATE": { Double(CivilTime($0).day) }, "MONTH": { Double(CivilTime($0).month) }, "YEAR": { Double(CivilTime($0).year) },
  ]

  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

  /// Gives each period of the window a value.
  static func fill(_ series: MathSeries, with filler: MathFiller, in window: MetricWindow) -> MathSeries {
    let known = Dictionary(series.points.map { ($0.time, $0.value) }, uniquingKeysWith: { first, _ in first })
    var result = series
    result.points = []
    var (last, next) = (nil as MathSeries.Point?, series.points[...])
    for place in 0..<max(0, window.count) {
      let time = Instant(milliseconds: window.start.milliseconds + place * window.periodMilliseconds)
      while let first = next.first, first.time <= time { next.removeFirst() }
      if let value = known[time] {
        last = MathSeries.Point(time: time, value: value)
        result.points.append(MathSeries.Point(time: time, value: value))
        continue
      }
      let value: Double?
      switch filler {
      case .value(let number): value = number
      case .series(let numbers): value = numbers[time]
      case .repeated: value = last?.value
      case .linear:
        value = last.flatMap { last in
          next.first.map { next in
            let share = Double((time - last.time).inMilliseconds) / Double((next.time - last.time).inMilliseconds)
            return last.value + (next.value - last.value) * share
          }
        }
      }
      if let value { result.points.append(MathSeries.Point(time: time, value: value)) }
    }
    return result
  }
}

/// What FILL puts where there is nothing.
enum MathFiller: Sendable {
  case value(Double), series([Instant: Double]), repeated, linear
}
