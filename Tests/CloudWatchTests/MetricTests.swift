import Base
import Fabric
import Store
import Synchronization
import TestCloud
import Testing
import Wire

@testable import CloudWatch

/// Says once what it was told to say.
private final class ScriptedSource: MetricSource {
  private let samples = Mutex<[MetricSample]>([])
  func measure(_ new: MetricSample...) { samples.withLock { $0 += new } }
  func drain() -> [MetricSample] {
    samples.withLock { samples in
      defer { samples = [] }
      return samples
    }
  }
}

private func filled<T: RecordView>(_ type: T.Type = T.self, _ fill: (inout T) -> Void) -> T {
  var value = T()
  fill(&value)
  return value
}
private func dimension(_ name: String, _ value: String) -> MetricsDimension { filled { ($0.name, $0.value) = (name, value) } }

private func series(_ name: String = "Invocations", _ dimensions: [MetricDimension] = [MetricDimension("FunctionName", "f")])
  -> MetricSeries
{
  MetricSeries(.local, .usEast1, "AWS/Lambda", name, dimensions)
}
private func sample(_ time: Instant, _ values: Double..., unit: String = "Count", of metric: MetricSeries = series()) -> MetricSample {
  var statistics = MetricStatistics()
  for value in values { statistics.add(value) }
  return MetricSample(metric, unit: unit, time: time, statistics)
}

extension Fixture {
  fileprivate func statistics(
    _ metric: String = "Invocations", namespace: String = "AWS/Lambda", _ dimensions: [MetricsDimension] = [dimension("FunctionName", "f")],
    from start: Duration = .minutes(-10), to end: Duration = .minutes(10), period: Int = 60, unit: String? = nil,
    _ names: [String]? = ["Sum", "SampleCount", "Minimum", "Maximum", "Average"]
  ) async throws -> [MetricsDatapoint] {
    try await run("GetMetricStatistics", GetMetricStatisticsOutput.self) { (i: inout GetMetricStatisticsInput) in
      (i.namespace, i.metricName, i.dimensions, i.period, i.statistics, i.unit) = (namespace, metric, dimensions, period, names, unit)
      (i.startTime, i.endTime) = (clock.now() + start, clock.now() + end)
    }.datapoints ?? []
  }
  fileprivate func put(_ namespace: String = "Shop", _ datum: (inout MetricDatum) -> Void) async throws {
    try await run("PutMetricData") { (i: inout PutMetricDataInput) in
      i.namespace = namespace
      i.metricData = [filled { $0.metricName = "Orders"; datum(&$0) }]
    }
  }
  fileprivate func list(_ fill: (inout ListMetricsInput) -> Void = { _ in }) async throws -> [String] {
    let output = try await run("ListMetrics", ListMetricsOutput.self, fill)
    return (output.metrics ?? []).map { metric in
      "\(metric.namespace ?? "")/\(metric.metricName ?? "")"
        + (metric.dimensions ?? []).map { " \($0.name)=\($0.value)" }.joined()
    }
  }
}

@Suite struct MetricPortTests {
  private let fixture = Fixture()
  private let source = ScriptedSource()
  private var minute: Instant { fixture.clock.now().minute }

  @Test func `what was measured is added up by the minute and seen at once`() async throws {
    _ = fixture.service.gather(from: source)
    source.measure(sample(minute, 1, 1, 3), sample(minute, 5))
    let first = try await fixture.statistics()
    #expect(first.count == 1)
    source.measure(sample(minute, 2), sample(minute + .minutes(1), 7))
    let points = try await fixture.statistics()
    #expect(points.map(\.timestamp) == [minute, minute + .minutes(1)])
    #expect(points.map(\.sum) == [12, 7] && points.map(\.sampleCount) == [5, 1])
    #expect(points[0].minimum == 1 && points[0].maximum == 5 && points[0].average == 2.4 && points[0].unit == "Count")
  }

  @Test func `dimensions are the same in any order, and fewer or others are another series`() async throws {
    _ = fixture.service.gather(from: source)
    let both = [MetricDimension("Resource", "f:a"), MetricDimension("FunctionName", "f")]
    source.measure(sample(minute, 1, of: series("Errors", both)))
    let pair = [dimension("FunctionName", "f"), dimension("Resource", "f:a")]
    #expect(try await fixture.statistics("Errors", pair).count == 1)
    #expect(try await fixture.statistics("Errors", pair.reversed()).count == 1)
    #expect(try await fixture.statistics("Errors").isEmpty)
    #expect(try await fixture.statistics("Errors", []).isEmpty)
  }

  @Test func `what the store could not take is written later, once`() async throws {
    let buffer = MetricBuffer(
      store: fixture.store, ambient: Ambient(clock: fixture.clock, random: SeededRandom(seed: 1)), logger: nil)
    _ = buffer.gather(from: source)
    source.measure(sample(minute, 4))
    await fixture.store.close()
    await #expect(throws: (any Error).self) { try await buffer.flush() }
    source.measure(sample(minute, 2))
    await #expect(throws: (any Error).self) { try await buffer.flush() }
    #expect(buffer.counts.waiting == 1 && buffer.counts.dropped == 0)
  }

  @Test func `a store that cannot be written does not fill the memory`() async throws {
    let buffer = MetricBuffer(
      store: fixture.store, ambient: Ambient(clock: fixture.clock, random: SeededRandom(seed: 1)), logger: nil)
    _ = buffer.gather(from: source)
    await fixture.store.close()
    for n in 0..<(MetricsLimits.waiting + 10) { source.measure(sample(minute, 1, of: series("m\(n)", []))) }
    await #expect(throws: (any Error).self) { try await buffer.flush() }
    #expect(buffer.counts.waiting == MetricsLimits.waiting && buffer.counts.dropped == 10)
  }

  @Test func `points are removed after fifteen days, and a metric with its last point`() async throws {
    _ = fixture.service.gather(from: source)
    source.measure(sample(minute, 1), sample(minute, 1, of: series("Errors")))
    try await fixture.service.flush()
    fixture.clock.advance(.days(14) + .hours(1))
    source.measure(sample(minute, 1))
    try await fixture.service.flush()
    #expect(try await fixture.list() == ["AWS/Lambda/Invocations FunctionName=f"])
    fixture.clock.advance(.days(1))
    let sweeper = try #require(fixture.service.workers.first { $0.name == "metrics.sweeper" })
    _ = try await sweeper.turn(fixture.clock.now())
    let left = try await fixture.store.read { reader in
      (try reader.entries(KeyRange(prefix: MetricKeys.allSeries)).count, try reader.entries(KeyRange(prefix: Key("metrics", "point"))).count)
    }
    #expect(left == (1, 1))
  }

  @Test func `an emptied account has no metrics, and others keep theirs`() async throws {
    _ = fixture.service.gather(from: source)
    source.measure(sample(minute, 1), sample(minute, 1, of: MetricSeries(.test(1), .usEast1, "AWS/Lambda", "Errors", [])))
    try await fixture.service.flush()
    source.measure(sample(minute, 1))
    try await fixture.service.removeAll(of: .local)
    #expect(try await fixture.list().isEmpty)
    let rows = try await fixture.store.read { try $0.entries(KeyRange(prefix: Key("metrics"))).count }
    #expect(rows == 2)
  }
}

@Suite struct MetricReadingTests {
  private let fixture = Fixture()

  @Test func `periods begin at the start of the request, and units stay apart`() async throws {
    let clock = fixture.clock
    for (minute, unit) in [(0, "Count"), (1, "Count"), (1, "Bytes"), (4, "Count"), (5, "Count")] {
      try await fixture.put { ($0.value, $0.unit, $0.timestamp) = (1, unit, clock.now().minute + .minutes(minute)) }
    }
    let all = try await fixture.statistics("Orders", namespace: "Shop", [], from: .zero, period: 300)
    #expect(all.map { "\($0.unit ?? "") \($0.sum ?? 0)" } == ["Count 3.0", "Bytes 1.0", "Count 1.0"])
    #expect(all.compactMap(\.timestamp).map { ($0 - clock.now().minute).components.seconds } == [0, 0, 300])
    let counts = try await fixture.statistics("Orders", namespace: "Shop", [], from: .zero, period: 300, unit: "Count")
    #expect(counts.map(\.sum) == [3, 1])
    let later = try await fixture.statistics("Orders", namespace: "Shop", [], from: .minutes(1), period: 300, unit: "Count")
    #expect(later.map(\.sum) == [3])
  }

  @Test func `a series of high resolution can be read by seconds`() async throws {
    let now = fixture.clock.now()
    for second in [0, 4, 12] {
      try await fixture.put { ($0.value, $0.storageResolution, $0.timestamp) = (1, 1, now + .seconds(second)) }
    }
    let points = try await fixture.statistics("Orders", namespace: "Shop", [], from: .zero, to: .minutes(1), period: 10)
    #expect(points.map(\.sum) == [2, 1])
  }

  private static let refused: [(String, @Sendable (inout GetMetricStatisticsInput) -> Void, String)] = [
    ("no statistic", { $0.statistics = nil }, "MissingRequiredParameterException"),
    ("both kinds of statistics", { $0.extendedStatistics = ["p99"] }, "InvalidParameterCombinationException"),
    (
      "a percentile above all", { ($0.statistics, $0.extendedStatistics) = (nil, ["p101"]) },
      "InvalidParameterValueException: The value p101 for parameter ExtendedStatistics is not supported."
    ),
    ("a rank by percent", { ($0.statistics, $0.extendedStatistics) = (nil, ["PR(1%:2%)"]) }, "InvalidParameterValueException"),
    ("a period of 7 s", { $0.period = 7 }, "InvalidParameterValueException"),
    ("a period of 90 s", { $0.period = 90 }, "InvalidParameterValueException"),
    ("no time", { $0.endTime = $0.startTime }, "InvalidParameterValueException"),
    (
      "too many points", { $0.startTime = $0.endTime.minute - .days(2); $0.endTime = $0.endTime.minute },
      "InvalidParameterCombinationException: You have requested up to 2,880 datapoints, which exceeds the limit of 1,440. "
    ),
    ("all of time", { $0.startTime = .epoch }, "InvalidParameterCombinationException"),
  ]
  @Test(arguments: refused)
  func `a request for statistics that cannot be is refused`(
    what: String, change: @Sendable (inout GetMetricStatisticsInput) -> Void, code: String
  ) async throws {
    let now = fixture.clock.now()
    do {
      _ = try await fixture.run("GetMetricStatistics", GetMetricStatisticsOutput.self) { (i: inout GetMetricStatisticsInput) in
        (i.namespace, i.metricName, i.period, i.statistics) = ("Shop", "Orders", 60, ["Sum"])
        (i.startTime, i.endTime) = (now - .minutes(10), now)
        change(&i)
      }
      Issue.record("\(what) was accepted")
    } catch let error as AWSError { #expect(error.description.hasPrefix(code), "\(what): \(error)") }
  }

  private func query(_ id: String, _ fill: (inout MetricDataQuery) -> Void = { _ in }) -> MetricDataQuery {
    filled {
      $0.id = id
      $0.metricStat = filled {
        $0.metric = filled { ($0.namespace, $0.metricName) = ("Shop", "Orders") }
        ($0.period, $0.stat) = (60, "Sum")
      }
      fill(&$0)
    }
  }
  private func data(_ queries: [MetricDataQuery], _ fill: (inout GetMetricDataInput) -> Void = { _ in }) async throws
    -> GetMetricDataOutput
  {
    let now = fixture.clock.now()
    return try await fixture.run("GetMetricData", GetMetricDataOutput.self) { (i: inout GetMetricDataInput) in
      (i.metricDataQueries, i.startTime, i.endTime) = (queries, now - .minutes(10), now + .minutes(10))
      fill(&i)
    }
  }

  @Test func `metric data comes newest first, in pages of as many points as wanted`() async throws {
    let now = fixture.clock.now()
    for minute in 0..<3 { try await fixture.put { ($0.value, $0.timestamp) = (Double(minute), now + .minutes(minute)) } }
    let queries = [query("a") { $0.label = "first" }, query("hidden") { $0.returnData = false }, query("b")]
    let all = try await data(queries)
    #expect(all.metricDataResults?.map(\.id) == ["a", "b"] && all.metricDataResults?.map(\.label) == ["first", "Orders"])
    #expect(all.metricDataResults?.first?.values == [2, 1, 0] && all.nextToken == nil)
    #expect(try await data(queries) { $0.scanBy = "TimestampAscending" }.metricDataResults?.first?.values == [0, 1, 2])
    var pages: [[String]] = []
    var token: String?
    repeat {
      let page = try await data(queries) { ($0.maxDatapoints, $0.nextToken) = (2, token) }
      pages.append((page.metricDataResults ?? []).map { "\($0.id ?? "")\($0.values ?? []) \($0.statusCode ?? "")" })
      token = page.nextToken
    } while token != nil
    #expect(pages == [["a[2.0, 1.0] PartialData"], ["a[0.0] Complete", "b[2.0] PartialData"], ["b[1.0, 0.0] Complete"]])
  }

  private func expression(_ id: String, _ text: String) -> MetricDataQuery {
    query(id) { ($0.metricStat, $0.expression) = (nil, text) }
  }

  @Test func `expressions work with metrics, with each other, and page like metrics`() async throws {
    let now = fixture.clock.now()
    for minute in 0..<3 { try await fixture.put { ($0.value, $0.timestamp) = (Double(minute + 1), now + .minutes(minute)) } }
    let queries = [
      query("m1") { $0.returnData = false }, query("p") { $0.metricStat?.stat = "p100"; $0.label = "worst" },
      expression("e1", "e2 * 10"), expression("e2", "m1 + p"), expression("all", "METRICS() + 0"),
    ]
    let results = try await data(queries).metricDataResults ?? []
    #expect(results.map { "\($0.id ?? "") \($0.label ?? "") \($0.values ?? [])" } == [
      "p worst [3.0, 2.0, 1.0]", "e1 e1 [60.0, 40.0, 20.0]", "e2 e2 [6.0, 4.0, 2.0]", "all Orders [3.0, 2.0, 1.0]",
      "all worst [3.0, 2.0, 1.0]",
    ])
    var paged: [String: [Double]] = [:]
    var (token, pages) = (nil as String?, 0)
    repeat {
      let page = try await data(queries) { ($0.maxDatapoints, $0.nextToken) = (4, token) }
      for result in page.metricDataResults ?? [] { paged["\(result.id ?? "") \(result.label ?? "")", default: []] += result.values ?? [] }
      (token, pages) = (page.nextToken, pages + 1)
    } while token != nil && pages < 10
    #expect(pages == 4 && paged["all worst"] == [3, 2, 1] && paged["e1 e1"] == [60, 40, 20])
  }

  @Test(arguments: ["e1", "e2 + 1", "SUM(p)", "p + nobody", "FILL(p, 0) +"])
  func `an expression that cannot be worked out names itself`(text: String) async throws {
    do {
      _ = try await data([query("p"), expression("e1", text), expression("e2", "e1")])
      Issue.record("it was worked out")
    } catch let error as AWSError {
      #expect(error.code == "ValidationError" && error.message.hasPrefix("Error in expression '"))
    }
  }

  @Test func `a range of years is not filled minute by minute`() async throws {
    await #expect(throws: AWSError.self) {
      try await data([query("p"), expression("e1", "FILL(p, 0)")]) { $0.startTime = .epoch }
    }
  }

  @Test func `what metric data does not do is refused`() async throws {
    let refused: [[MetricDataQuery]] = [
      [query("e") { ($0.metricStat, $0.expression) = (nil, "SEARCH('x', 'Sum', 60)") }], [query("Upper")], [query("a"), query("a")],
      [query("a") { $0.returnData = false }], [query("a") { $0.metricStat?.stat = "p101" }], [query("a") { $0.metricStat = nil }],
      [query("a") { $0.label = "${PROP('Period')}" }], [query("a") { $0.accountId = "999999999999" }],
    ]
    for queries in refused { await #expect(throws: AWSError.self) { try await data(queries) } }
    await #expect(throws: AWSError.self) { try await data([query("a")]) { $0.nextToken = "7-1" } }
    await #expect(throws: AWSError.self) { try await data([query("a")]) { $0.nextToken = "x" } }
  }

  @Test func `metrics are listed by namespace, name and dimensions, in pages`() async throws {
    for n in 0..<(MetricsLimits.listPage + 3) {
      try await fixture.put("Many") { ($0.metricName, $0.value) = ("m\(n)", 1) }
    }
    try await fixture.put { ($0.value, $0.dimensions) = (1, [dimension("shop", "north"), dimension("kind", "book")]) }
    try await fixture.put { ($0.value, $0.dimensions) = (1, [dimension("shop", "south")]) }
    #expect(try await fixture.list { $0.namespace = "Shop" } == ["Shop/Orders kind=book shop=north", "Shop/Orders shop=south"])
    #expect(try await fixture.list { $0.metricName = "m7" } == ["Many/m7"])
    #expect(try await fixture.list { ($0.namespace, $0.dimensions) = ("Shop", [filled { $0.name = "kind" }]) }.count == 1)
    #expect(
      try await fixture.list { $0.dimensions = [filled { ($0.name, $0.value) = ("shop", "south") }] } == ["Shop/Orders shop=south"])
    let first = try await fixture.run("ListMetrics", ListMetricsOutput.self) { (i: inout ListMetricsInput) in i.namespace = "Many" }
    #expect(first.metrics?.count == MetricsLimits.listPage)
    let second = try await fixture.list { ($0.namespace, $0.nextToken) = ("Many", first.nextToken) }
    #expect(second.count == 3)
    fixture.clock.advance(.hours(4))
    #expect(try await fixture.list { ($0.namespace, $0.recentlyActive) = ("Shop", "PT3H") }.isEmpty)
  }
}

@Suite struct PutMetricDataTests {
  private let fixture = Fixture()

  @Test func `values with counts and sets of statistics add up with single values`() async throws {
    try await fixture.put { $0.value = 10 }
    try await fixture.put { ($0.values, $0.counts) = ([1, 4], [2, 3]) }
    try await fixture.put {
      $0.statisticValues = filled { ($0.sampleCount, $0.sum, $0.minimum, $0.maximum) = (2, 1, -1, 2) }
    }
    let point = try #require(try await fixture.statistics("Orders", namespace: "Shop", []).first)
    #expect(point.sampleCount == 8 && point.sum == 25 && point.minimum == -1 && point.maximum == 10 && point.unit == "None")
  }

  private static let refused: [(@Sendable (inout MetricDatum) -> Void, String)] = [
    ({ _ in }, "At least one of the parameters"),
    (
      { ($0.value, $0.values) = (1, [1]) },
      "The parameters MetricData.member.1.Value and MetricData.member.1.Values are mutually exclusive and you have specified both."
    ),
    ({ ($0.values, $0.counts) = ([1, 2], [1]) }, "must have the same size"),
    ({ $0.values = [Double](repeating: 1, count: 151) }, "must not have a size greater than 150"),
    ({ ($0.values, $0.counts) = ([1], [0]) }, "is invalid"),
    ({ $0.value = .nan }, "is invalid"), ({ $0.value = .infinity }, "is invalid"), ({ $0.value = 1e300 }, "is invalid"),
    ({ ($0.value, $0.timestamp) = (1, Instant(seconds: 1_700_000_000) - .days(15)) }, "within the past two weeks"),
    ({ ($0.value, $0.timestamp) = (1, Instant(seconds: 1_700_000_000) + .hours(3)) }, "no more than two hours in the future"),
    ({ ($0.value, $0.storageResolution) = (1, 5) }, "StorageResolution must be 1 or 60"),
    ({ ($0.value, $0.dimensions) = (1, [dimension("a", "1"), dimension("a", "2")]) }, "must not name a dimension twice"),
    ({ ($0.value, $0.dimensions) = (1, [dimension("a", "b\u{1}c")]) }, "is invalid"),
    ({ ($0.value, $0.dimensions) = (1, [dimension(" ", "b")]) }, "is invalid"),
    ({ $0.statisticValues = filled { ($0.sampleCount, $0.sum, $0.minimum, $0.maximum) = (2, 1, 2, 1) } }, "is invalid"),
  ]
  @Test(arguments: refused.indices)
  func `data that cannot be is refused and nothing of it is kept`(place: Int) async throws {
    let (change, text) = Self.refused[place]
    do {
      try await fixture.put("Shop", change)
      Issue.record("accepted: \(text)")
    } catch let error as AWSError { #expect(error.message.contains(text), "\(error)") }
    #expect(try await fixture.list().isEmpty)
  }

  @Test func `the namespaces of AWS belong to AWS`() async throws {
    await #expect(throws: AWSError.self) { try await fixture.put("AWS/Lambda") { $0.value = 1 } }
  }
}
