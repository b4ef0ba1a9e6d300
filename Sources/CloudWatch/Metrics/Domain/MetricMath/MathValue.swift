import Base

/// A time series that a query answers or an expression works with: its data points from the oldest on, each time once.
struct MathSeries: Sendable, Equatable {
  struct Point: Sendable, Equatable {
    var time: Instant
    var value: Double
  }
  /// Of the query it came from.
  var id: String
  var label: String
  /// In seconds.
  var period: Int
  var points: [Point]

  /// Of the values of several series at one time, for each time at which one of them has a value.
  static func combine(_ all: [MathSeries], _ body: ([Double]) -> Double) -> MathSeries {
    var values: [Instant: [Double]] = [:]
    for series in all { for point in series.points { values[point.time, default: []].append(point.value) } }
    let points = values.map { Point(time: $0.key, value: body($0.value)) }.sorted { $0.time < $1.time }
    return MathSeries(id: "", label: "", period: all.map(\.period).max() ?? 60, points: points).finite
  }

  /// A value for each time at which both have one.
  static func pair(_ left: MathSeries, _ right: MathSeries, _ body: (Double, Double) -> Double) -> MathSeries {
    let others = Dictionary(right.points.map { ($0.time, $0.value) }, uniquingKeysWith: { first, _ in first })
    var result = left
    result.period = max(left.period, right.period)
    result.points = left.points.compactMap { point in
      others[point.time].map { Point(time: point.time, value: body(point.value, $0)) }
    }
    return result.finite
  }

  func map(_ body: (Double) -> Double) -> MathSeries {
    var result = self
    result.points = points.map { Point(time: $0.time, value: body($0.value)) }
    return result.finite
  }

  /// Each data point with the one before it; the first has none.
  func steps(_ body: (_ last: Point, _ point: Point) -> Double) -> MathSeries {
    var result = self
    result.points = zip(points, points.dropFirst()).map { Point(time: $1.time, value: body($0, $1)) }
    return result.finite
  }

  private var finite: MathSeries {
    var result = self
    result.points.removeAll { !$0.value.isFinite }
    return result
  }
}

enum MathValue: Sendable, Equatable {
  case number(Double)
  case series(MathSeries)
  case list([MathSeries])
  case text(String)

  var pointCount: Int {
    switch self {
    case .series(let series): series.points.count
    case .list(let all): all.reduce(0) { $0 + $1.points.count }
    case .number, .text: 0
    }
  }
  /// The longest of its series, in seconds.
  var period: Int {
    switch self {
    case .series(let series): series.period
    case .list(let all): all.map(\.period).max() ?? 0
    case .number, .text: 0
    }
  }
  var kind: String {
    switch self {
    case .number: "a number"
    case .series: "a time series"
    case .list: "an array of time series"
    case .text: "a text"
    }
  }

  /// Applies an operator to numbers, to series point by point, and to arrays series by series.
  static func apply(_ left: MathValue, _ right: MathValue, _ body: (Double, Double) -> Double) throws(MathError) -> MathValue {
    switch (left, right) {
    case (.number(let a), .number(let b)): return .number(body(a, b))
    case (.series(let a), .number(let b)): return .series(a.map { body($0, b) })
    case (.number(let a), .series(let b)): return .series(b.map { body(a, $0) })
    case (.series(let a), .series(let b)): return .series(.pair(a, b, body))
    case (.list(let a), .number(let b)): return .list(a.map { $0.map { body($0, b) } })
    case (.number(let a), .list(let b)): return .list(b.map { $0.map { body(a, $0) } })
    case (.list(let a), .series(let b)): return .list(a.map { .pair($0, b, body) })
    case (.series(let a), .list(let b)): return .list(b.map { .pair(a, $0, body) })
    case (.list, .list), (.text, _), (_, .text):
      throw MathError("Unsupported operands: \(left.kind) and \(right.kind).")
    }
  }

  func map(_ body: (MathSeries) -> MathSeries) throws(MathError) -> MathValue {
    switch self {
    case .series(let series): return .series(body(series))
    case .list(let all): return .list(all.map(body))
    case .number, .text: throw MathError("A time series is expected, and not \(kind).")
    }
  }
}
