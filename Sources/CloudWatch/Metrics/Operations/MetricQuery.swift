import Base
import Fabric
import Wire

/// One query of GetMetricData, checked.
struct MetricQuery: Sendable {
  enum Content: Sendable {
    /// The statistic of one series.
    case metric(MetricSeries, MetricStatistic, unit: String?, MetricWindow)
    /// With the period that the request gives it.
    case expression(MathExpression, period: Int?)
  }
  var id: String
  /// Nil: the metric's name, or the expression's Id.
  var label: String?
  var content: Content
  var isReturned: Bool

  var isExpression: Bool { if case .expression = content { true } else { false } }

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
      throw MetricsError.validation(
        "The value \(query.id) for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.")
    }
    if let account = query.accountId, account != call.account.text { throw MetricsError.unsupported("AccountId") }
    if query.label?.contains("${") == true { throw MetricsError.unsupported("A dynamic label") }
    (id, label, isReturned) = (query.id, query.label, query.returnData ?? true)
    switch (query.metricStat, query.expression) {
    case (let stat?, nil):
      guard query.period == nil else {
        throw MetricsError.validation("Period must not be specified together with MetricStat for \(query.id).")
      }
      content = try Self.metric(stat, query.id, input, call)
    case (nil, let text?):
      do { content = .expression(try MathParser.parse(text), period: query.period) } catch {
        throw MetricsError.expression(id, error.reason)
      }
      if let period = query.period { _ = try MetricWindow(start: input.startTime, end: input.endTime, period: period) }
    case (.some, .some), (nil, nil):
      throw MetricsError.validation("Exactly one of MetricStat and Expression must be specified for \(query.id).")
    }
  }

  private static func metric(_ stat: MetricStat, _ id: String, _ input: GetMetricDataInput, _ call: Call) throws -> Content {
    guard let namespace = stat.metric.namespace, let name = stat.metric.metricName else {
      throw MetricsError.validation("The metric of \(id) must have a Namespace and a MetricName.")
    }
    guard let statistic = MetricStatistic(stat.stat) else {
      throw MetricsError.validation("The value \(stat.stat) for parameter MetricDataQueries.member.MetricStat.Stat is not supported.")
    }
    let series = MetricSeries(
      call.account, call.region, namespace, name, (stat.metric.dimensions ?? []).map { MetricDimension($0.name, $0.value) })
    return .metric(series, statistic, unit: stat.unit, try MetricWindow(start: input.startTime, end: input.endTime, period: stat.period))
  }
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
  byte >= 48 && byte <= 57 || byte >= 65 && byte <= 90 || byte >= 97 && byte <= 122
}
