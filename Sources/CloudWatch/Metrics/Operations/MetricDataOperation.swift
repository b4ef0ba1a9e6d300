import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  func getMetricData(_ input: GetMetricDataInput, _ call: Call) async throws -> GetMetricDataOutput {
    if input.labelOptions?.timezone != nil { throw MetricsError.unsupported("LabelOptions") }
    let queries = try MetricQuery.all(input, call)
    let limit = min(input.maxDatapoints ?? MetricsLimits.dataPoints, MetricsLimits.dataPoints)
    guard limit > 0 else { throw MetricsError.validation("The parameter MaxDatapoints must be greater than 0.") }
    let position = try input.nextToken.map { try MetricDataPosition(token: $0, queries: queries.count) } ?? MetricDataPosition()
    let isAscending = input.scanBy == "TimestampAscending"
    await flushMetricsForReading()
    return try await store.read { reader in
      var page = MetricDataPage(at: position, room: limit)
      var answers = MetricAnswers(queries, from: input.startTime, to: input.endTime, reader)
      pages: for (place, query) in queries.enumerated().dropFirst(position.query) where query.isReturned {
        for (part, series) in try answers.series(of: query).enumerated() {
          guard page.add(series, at: MetricDataPosition(query: place, series: part), isAscending) else { break pages }
        }
      }
      return page.output
    }
  }
}

/// What the queries of a request answer, worked out when it is asked for.
private struct MetricAnswers {
  private let queries: [String: MetricQuery]
  private let order: [MetricQuery]
  private let (start, end): (Instant, Instant)
  private let reader: any Reader
  /// Of expressions and of what they name.
  private var known: [String: MathValue] = [:]
  private var points = 0
  /// Expressions that are being worked out: one of them must not name itself.
  private var open: Set<String> = []

  init(_ queries: [MetricQuery], from start: Instant, to end: Instant, _ reader: any Reader) {
    self.queries = Dictionary(queries.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    (order, self.start, self.end, self.reader) = (queries, start, end, reader)
  }

  mutating func series(of query: MetricQuery) throws -> [MathSeries] {
    guard query.isExpression else { return [try read(query)] }
    switch try value(of: query) {
    case .series(var series):
      (series.id, series.label) = (query.id, query.label ?? query.id)
      return [series]
    case .list(let all):
      return all.map { series in
        var series = series
        series.label = [query.label, series.label.isEmpty ? nil : series.label].compactMap { $0 }.joined(separator: " ")
        series.id = query.id
        return series
      }
    case .number, .text:
      throw MetricsError.expression(query.id, "The expression must be a time series or an array of time series.")
    }
  }

  /// A metric as it is stored, the units one after the other.
  private func read(_ query: MetricQuery) throws -> MathSeries {
    guard case .metric(let series, let statistic, let unit, let window) = query.content else { return MathSeries(query, []) }
    let points = try reader.periods(of: series, in: window, unit: unit).compactMap { period in
      statistic.value(of: period.statistics).map { MathSeries.Point(time: period.start, value: $0) }
    }
    return MathSeries(query, points)
  }

  private mutating func value(of query: MetricQuery) throws -> MathValue {
    if let value = known[query.id] { return value }
    let value: MathValue
    switch query.content {
    case .metric:
      var series = try read(query)
      // Of several units the first counts: a time series has one value at a time.
      series.points = series.points.enumerated().filter { $0 == 0 || series.points[$0 - 1].time != $1.time }.map(\.element)
      value = .series(series)
    case .expression(let expression, let period): value = try work(out: expression, period, query.id)
    }
    points += value.pointCount
    guard points <= MetricsLimits.mathPoints else {
      throw MetricsError.expression(query.id, "The request works with more than \(MetricsLimits.mathPoints) data points.")
    }
    known[query.id] = value
    return value
  }

  private mutating func work(out expression: MathExpression, _ period: Int?, _ id: String) throws -> MathValue {
    guard open.insert(id).inserted else { throw MetricsError.expression(id, "The expression refers to itself.") }
    defer { open.remove(id) }
    var values: [String: MathValue] = [:]
    for name in Set(expression.queries) {
      if let query = queries[name] { values[name] = try value(of: query) }
    }
    var metrics: [MathSeries] = []
    if expression.asksForMetrics {
      for query in order where !query.isExpression {
        if case .series(let series) = try value(of: query) { metrics.append(series) }
      }
    }
    let periods = (values.values.map(\.period) + metrics.map(\.period)).max() ?? 60
    let evaluator = MathEvaluator(
      queries: values, metrics: metrics, window: try MetricWindow(start: start, end: end, period: period ?? max(1, periods)))
    do { return try evaluator.value(of: expression) } catch { throw MetricsError.expression(id, error.reason) }
  }
}

extension MathSeries {
  fileprivate init(_ query: MetricQuery, _ points: [Point]) {
    var (label, period) = (query.id, 60)
    if case .metric(let series, _, _, let window) = query.content {
      (label, period) = (series.name, Int(window.periodMilliseconds / 1000))
    }
    self.init(id: query.id, label: query.label ?? label, period: period, points: points)
  }
}

/// Where a page of GetMetricData begins: the query, the time series of its answer, and the data points of it that were answered.
struct MetricDataPosition: Sendable, Equatable {
  var query = 0
  var series = 0
  var points = 0

  init() {}
  init(query: Int, series: Int, points: Int = 0) { (self.query, self.series, self.points) = (query, series, points) }
  init(token: String, queries: Int) throws {
    let parts = token.split(separator: "-").map { Int($0) }
    guard parts.count == 3, let query = parts[0], let series = parts[1], let points = parts[2], (0..<queries).contains(query),
      series >= 0, points >= 0
    else { throw MetricsError.badToken }
    (self.query, self.series, self.points) = (query, series, points)
  }
  var token: String { "\(query)-\(series)-\(points)" }
}

/// One answer of GetMetricData, with as many data points as it may have.
private struct MetricDataPage {
  private let start: MetricDataPosition
  private var room: Int
  private var results: [MetricDataResult] = []
  private var next: MetricDataPosition?

  init(at start: MetricDataPosition, room: Int) { (self.start, self.room) = (start, room) }

  /// False when the page ends within this series.
  mutating func add(_ series: MathSeries, at place: MetricDataPosition, _ isAscending: Bool) -> Bool {
    if place.query == start.query, place.series < start.series { return true }
    let answered = place.query == start.query && place.series == start.series ? start.points : 0
    let rest = (isAscending ? series.points : series.points.reversed()).dropFirst(answered)
    let taken = rest.prefix(room)
    room -= taken.count
    var result = MetricDataResult()
    (result.id, result.label) = (series.id, series.label)
    result.timestamps = taken.map(\.time)
    result.values = taken.map(\.value)
    result.statusCode = taken.count < rest.count ? "PartialData" : "Complete"
    results.append(result)
    guard taken.count < rest.count else { return true }
    next = MetricDataPosition(query: place.query, series: place.series, points: answered + taken.count)
    return false
  }

  var output: GetMetricDataOutput {
    var output = GetMetricDataOutput()
    (output.metricDataResults, output.messages, output.nextToken) = (results, [], next?.token)
    return output
  }
}
