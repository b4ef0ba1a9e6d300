import Base
import Fabric
import Testing

@testable import CloudWatch

private func statistics(_ values: [Double]) -> MetricStatistics {
  var statistics = MetricStatistics()
  for value in values { statistics.add(value) }
  return statistics
}
private func value(_ name: String, _ values: [Double]) throws -> Double? {
  try #require(MetricStatistic(name)).value(of: statistics(values))
}

@Suite struct MetricStatisticTests {
  private static let hundred = (1...100).map(Double.init)

  @Test(arguments: [
    ("p50", 50.0), ("p90", 90), ("p99", 99), ("p0", 1), ("p100", 100), ("tm90", 45.5), ("TM(10%:90%)", 50.5), ("IQM", 50.5), ("tc25", 25),
    ("TC(:30)", 30), ("TS(1:3)", 5), ("PR(:40)", 40), ("PR(10:40)", 30), ("wm100", 50.5), ("WM(:2)", 1.99),
  ])
  func `the statistics of one to a hundred are near to what they are`(name: String, expected: Double) throws {
    let found = try #require(try value(name, Self.hundred))
    #expect(abs(found - expected) <= max(0.02 * expected, 0.6), "\(name) is \(found)")
  }

  @Test func `few values are told exactly`() throws {
    #expect(try value("p50", [0.25, 3, 1000]) == 3 && value("p99", [0.25, 3, 1000]) == 1000 && value("p10", [0.25, 3, 1000]) == 0.25)
    #expect(try value("p99", [7, 7, 7]) == 7 && value("p50", [0, 0, 1]) == 0)
  }

  @Test(arguments: ["p101", "p", "P99", "p-1", "p1e1", "TM(90%:10%)", "TM(1:5%)", "TM()", "tm", "PR(1%:2%)", "average", "xx90", "TM(:)"])
  func `what is no statistic is none`(name: String) { #expect(MetricStatistic(name) == nil) }

  @Test func `negative values and sets of statistics have no percentiles`() throws {
    #expect(try value("p50", [-1, 2]) == nil && value("p50", [2, -1, 3]) == nil && value("p50", [-1, -1]) == nil)
    var set = MetricStatistics(count: 3, sum: 6, minimum: 1, maximum: 3)
    #expect(MetricStatistic.percentile(50).value(of: set) == nil)
    set.merge(statistics([5]))
    #expect(MetricStatistic.percentile(50).value(of: set) == nil && set.maximum == 5)
    #expect(MetricStatistic.percentile(50).value(of: MetricStatistics(count: 3, sum: 6, minimum: 2, maximum: 2)) == 2)
  }

  @Test func `a distribution stays small and near to the values, whatever they are and however they come together`() throws {
    var (whole, parts) = (MetricStatistics(), MetricStatistics())
    let random = SeededRandom(seed: 11)
    var values: [Double] = []
    for _ in 0..<40 {
      var part = MetricStatistics()
      for _ in 0..<250 {
        let value = Double(random.number(below: 1_000_000)) * Double(random.number(below: 1000)) / 1000
        values.append(value)
        part.add(value)
        whole.add(value)
      }
      parts.merge(part)
    }
    values.sort()
    for statistics in [whole, parts] {
      let distribution = try #require(statistics.distribution)
      #expect(distribution.ranges.count <= MetricDistribution.limit && distribution.ranges.reduce(0) { $0 + $1.count } == 10_000)
      #expect(distribution.ranges.map(\.key) == distribution.ranges.map(\.key).sorted())
      for percent in [50.0, 90, 99] {
        let exact = values[Int(percent * 100) - 1]
        let found = try #require(MetricStatistic.percentile(percent).value(of: statistics))
        #expect(abs(found - exact) / exact < 0.07, "p\(percent) is \(found) and not \(exact)")
      }
    }
  }

  @Test func `what is stored is what was measured, also of rows that tell no distribution`() throws {
    var point = MetricPoint()
    point.merge(statistics([1, 2, 900]), unit: "Count")
    point.merge(statistics([5]), unit: "Bytes")
    let read = try MetricPoint(row: point.row)
    #expect(read.byUnit.map(\.unit) == ["Count", "Bytes"] && read.byUnit.map(\.statistics) == point.byUnit.map(\.statistics))
    var old = MetricPoint()
    old.merge(MetricStatistics(count: 2, sum: 3, minimum: 1, maximum: 2), unit: "Count")
    #expect(try MetricPoint(row: old.row).byUnit.map(\.statistics) == old.byUnit.map(\.statistics))
  }
}

@Suite struct MetricMathTests {
  private static let start = Instant(seconds: 1_700_000_040)
  private func series(_ id: String, _ values: [Double?]) -> MathSeries {
    MathSeries(
      id: id, label: id, period: 60,
      points: values.enumerated().compactMap { place, value in value.map { .init(time: Self.start + .minutes(place), value: $0) } })
  }
  private func value(_ text: String) throws -> MathValue {
    let all = [series("m1", [1, 2, 4, 8]), series("m2", [10, nil, 30, nil]), series("errors", [nil, nil, nil, nil])]
    let window = try MetricWindow(start: Self.start, end: Self.start + .minutes(4), period: 60)
    let evaluator = MathEvaluator(
      queries: Dictionary(uniqueKeysWithValues: all.map { ($0.id, .series($0)) }), metrics: all, window: window)
    return try evaluator.value(of: try MathParser.parse(text))
  }
  /// The values minute by minute, `-` for none; of several series one after the other.
  private func shown(_ text: String) throws -> String {
    func line(_ series: MathSeries) -> String {
      (0..<4).map { minute in
        series.points.first { $0.time == Self.start + .minutes(minute) }.map { "\($0.value)" } ?? "-"
      }.joined(separator: " ")
    }
    switch try value(text) {
    case .number(let number): return "\(number)"
    case .series(let series): return line(series)
    case .list(let all): return all.map(line).joined(separator: " | ")
    case .text(let text): return text
    }
  }

  @Test(arguments: [
    ("m1 + m2", "11.0 - 34.0 -"), ("m1*2 - 1", "1.0 3.0 7.0 15.0"), ("100 * (m2 / m1)", "1000.0 - 750.0 -"),
    ("m1 / 0", "- - - -"), ("-m1", "-1.0 -2.0 -4.0 -8.0"), ("2 ^ 3 * 2", "16.0"), ("1 + 2 * 3 - 4 / 2", "5.0"), ("-2 ^ 2", "-4.0"),
    ("m1 > 2", "0.0 0.0 1.0 1.0"), ("m1 > 2 AND m1 < 8", "0.0 0.0 1.0 0.0"), ("m1 == 1 || m1 == 8", "1.0 0.0 0.0 1.0"),
    ("SUM(m1)", "15.0"), ("AVG(m1)", "3.75"), ("MAX(m2)", "30.0"), ("MIN(m1)", "1.0"), ("SUM(errors)", "0.0"),
    ("SUM([m1, m2])", "11.0 2.0 34.0 8.0"), ("SUM(METRICS())", "11.0 2.0 34.0 8.0"), ("AVG(METRICS(\"m\"))", "5.5 2.0 17.0 8.0"),
    ("max([m1,m2])", "10.0 2.0 30.0 8.0"), ("METRICS('m2') * 2", "20.0 - 60.0 -"),
    ("FILL(m2, 0)", "10.0 0.0 30.0 0.0"), ("FILL(m2, REPEAT)", "10.0 10.0 30.0 30.0"), ("FILL(m2, LINEAR)", "10.0 20.0 30.0 -"),
    ("FILL(errors, m1)", "1.0 2.0 4.0 8.0"), ("m1 + FILL(m2, 0)", "11.0 2.0 34.0 8.0"), ("FILL(METRICS(), 0)", "1.0 2.0 4.0 8.0 | 10.0 0.0 30.0 0.0 | 0.0 0.0 0.0 0.0"),
    ("RATE(m1) * PERIOD(m1)", "- 1.0 2.0 4.0"), ("DIFF(m1)", "- 1.0 2.0 4.0"), ("DIFF_TIME(m2)", "- - 120.0 -"),
    ("RUNNING_SUM(m1)", "1.0 3.0 7.0 15.0"), ("IF(m1 > 2, m1, 0)", "0.0 0.0 4.0 8.0"), ("IF(m1 > 2, m2, m1)", "1.0 2.0 30.0 -"),
    ("IF(m1 > 2, 1)", "- - 1.0 1.0"), ("IF(1, m1, m2)", "1.0 2.0 4.0 8.0"), ("TIME_SERIES(5)", "5.0 5.0 5.0 5.0"),
    ("CEIL(m1 / 3)", "1.0 1.0 2.0 3.0"), ("ABS(0 - m1)", "1.0 2.0 4.0 8.0"), ("REMOVE_EMPTY(METRICS())", "1.0 2.0 4.0 8.0 | 10.0 - 30.0 -"),
    ("m1 / SUM(m1) * 15", "1.0 2.0 4.0 8.0"), ("MINUTE(m1)", "14.0 15.0 16.0 17.0"),
  ])
  func `expressions give what AWS says they give`(text: String, expected: String) throws { #expect(try shown(text) == expected, "\(text)") }

  @Test(arguments: [
    "", "m1 +", "(m1", "m1)", "m1 m2", "m9", "SUM()", "SUM(1)", "[m1, 2]", "FILL(m1)", "IF(m1)", "METRICS(1)", "1 $ 2", "\"open", "1.2.3",
    "SEARCH('x', 'Sum')", "ANOMALY_DETECTION_BAND(m1)", "METRICS() + METRICS()", "FILL(m1, NEVER)",
    String(repeating: "(", count: 1000) + "m1" + String(repeating: ")", count: 1000), String(repeating: "-", count: 2000) + "1",
    String(repeating: "1+", count: 2000) + "1",
  ])
  func `what is no expression is refused`(text: String) { #expect(throws: MathError.self) { try value(text) } }
}
