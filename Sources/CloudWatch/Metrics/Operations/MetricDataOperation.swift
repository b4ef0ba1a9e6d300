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
      for (place, query) in queries.enumerated().dropFirst(position.query) where query.isReturned {
        let periods = try reader.periods(of: query.series, in: query.window, unit: query.unit)
        guard page.add(query, at: place, isAscending ? periods : periods.reversed()) else { break }
      }
      return page.output
    }
  }
}

/// One query of GetMetricData, checked: the statistic of one series.
struct MetricQuery: Sendable {
  var id: String
  var label: String
  var series: MetricSeries
  var window: MetricWindow
  var unit: String?
  var statistic: MetricStatistic
  var isReturned: Bool

  static func all(_ input: GetMetricDataInput, _ call: Call) throws -> [MetricQuery] {
    let queries = input.metricDataQueries
    guard !queries.isEmpty else { throw MetricsError.validation("The parameter MetricDataQueries is required.") }
    guard queries.count <= MetricsLimits.queries else {
      throw MetricsError.validation("The collection MetricDataQueries must not have a size greater than \(MetricsLimits.queries).")
    }
    guard Set(queries.map(\.id)).count == queries.count else {
      throw MetricsError.validation("The values for parameter id in MetricDataQueries are not unique.")
    }
    let all = try queries.map { try MetricQuery($0, input, call) }
    guard all.contains(where: \.isReturned) else {
      throw MetricsError.validation("At least one element of MetricDataQueries must have ReturnData set to true.")
    }
    return all
  }

  private init(_ query: MetricDataQuery, _ input: GetMetricDataInput, _ call: Call) throws {
    guard query.id.utf8.first.map({ $0 >= 97 && $0 <= 122 }) == true, query.id.utf8.allSatisfy({ $0 == 95 || isAlphanumeric($0) })
    else {
      throw MetricsError.validation("The value \(query.id) for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
    }
    if query.expression != nil { throw MetricsError.unsupported("A metric math expression (\(query.id))") }
    if let account = query.accountId, account != call.account.text { throw MetricsError.unsupported("AccountId") }
    guard let stat = query.metricStat else {
      throw MetricsError.validation("Exactly one of MetricStat and Expression must be specified for \(query.id).")
    }
    if query.period != nil { throw MetricsError.validation("Period must not be specified together with MetricStat for \(query.id).") }
    guard let namespace = stat.metric.namespace, let name = stat.metric.metricName else {
      throw MetricsError.validation("The metric of \(query.id) must have a Namespace and a MetricName.")
    }
    guard let statistic = MetricStatistic(rawValue: stat.stat) else { throw MetricsError.unsupported("The statistic \(stat.stat)") }
    if query.label?.contains("${") == true { throw MetricsError.unsupported("A dynamic label") }
    (id, label, unit, self.statistic, isReturned) = (query.id, query.label ?? name, stat.unit, statistic, query.returnData ?? true)
    window = try MetricWindow(start: input.startTime, end: input.endTime, period: stat.period)
    series = MetricSeries(
      call.account, call.region, namespace, name, (stat.metric.dimensions ?? []).map { MetricDimension($0.name, $0.value) })
  }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
  byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122
}

/// Where a page of GetMetricData begins: the query, and its data points that were answered.
struct MetricDataPosition: Sendable {
  var query = 0
  var points = 0

  init() {}
  init(query: Int, points: Int) { (self.query, self.points) = (query, points) }
  init(token: String, queries: Int) throws {
    let parts = token.split(separator: "-").map { Int($0) }
    guard parts.count == 2, let query = parts[0], let points = parts[1], (0..<queries).contains(query), points >= 0 else {
      throw MetricsError.badToken
    }
    (self.query, self.points) = (query, points)
  }
  var token: String { "\(query)-\(points)" }
}

/// One answer of GetMetricData, with as many data points as it may have.
struct MetricDataPage {
  private let start: MetricDataPosition
  private var room: Int
  private var results: [MetricDataResult] = []
  private var next: MetricDataPosition?

  init(at start: MetricDataPosition, room: Int) { (self.start, self.room) = (start, room) }

  /// False when the page ends within this query.
  mutating func add(_ query: MetricQuery, at place: Int, _ periods: [MetricPeriods.Period]) -> Bool {
    let answered = place == start.query ? start.points : 0
    let rest = periods.dropFirst(answered)
    let taken = rest.prefix(room)
    room -= taken.count
    var result = MetricDataResult()
    (result.id, result.label) = (query.id, query.label)
    result.timestamps = taken.map(\.start)
    result.values = taken.map { query.statistic.value(of: $0.statistics) }
    result.statusCode = taken.count < rest.count ? "PartialData" : "Complete"
    results.append(result)
    guard taken.count < rest.count else { return true }
    next = MetricDataPosition(query: place, points: answered + taken.count)
    return false
  }

  var output: GetMetricDataOutput {
    var output = GetMetricDataOutput()
    (output.metricDataResults, output.messages, output.nextToken) = (results, [], next?.token)
    return output
  }
}
