import Base
import Fabric
import Store

/// What is kept of a series besides its points.
struct StoredSeries: Sendable {
  var id: Int64
  var dimensions: [MetricDimension]

  var row: [UInt8] {
    var w = RowWriter()
    w.int(id)
    w.array(dimensions) { $0.string($1.name); $0.string($1.value) }
    return w.bytes
  }
  init(id: Int64, dimensions: [MetricDimension]) { (self.id, self.dimensions) = (id, dimensions) }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    id = try r.int64()
    dimensions = try r.array { MetricDimension(try $0.string(), try $0.string()) }
  }
}

/// The statistics of one time of a series by unit.
struct MetricPoint: Sendable {
  var byUnit: [(unit: String, statistics: MetricStatistics)] = []

  mutating func merge(_ statistics: MetricStatistics, unit: String) {
    if let place = byUnit.firstIndex(where: { $0.unit == unit }) {
      byUnit[place].statistics.merge(statistics)
    } else {
      byUnit.append((unit, statistics))
    }
  }

  init() {}
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    byUnit = try r.array { r in
      let unit = try r.string()
      let statistics = MetricStatistics(
        count: try r.double(), sum: try r.double(), minimum: try r.double(), maximum: try r.double())
      return (unit, statistics)
    }
    // Rows of older versions end here.
    let spreads = try r.ifPresent { r in try r.array { r in try r.optional { try MetricDistribution(&$0) } } } ?? []
    for (place, spread) in zip(byUnit.indices, spreads) where spread != nil {
      let known = byUnit[place].statistics
      byUnit[place].statistics = MetricStatistics(
        count: known.count, sum: known.sum, minimum: known.minimum, maximum: known.maximum, spread: spread)
    }
  }
  var row: [UInt8] {
    var w = RowWriter(capacity: 64)
    w.array(byUnit) { w, entry in
      w.string(entry.unit)
      for value in [entry.statistics.count, entry.statistics.sum, entry.statistics.minimum, entry.statistics.maximum] { w.double(value) }
    }
    let spreads = byUnit.map(\.statistics.storedSpread)
    if spreads.contains(where: { $0 != nil }) { w.array(spreads) { w, spread in w.optional(spread) { $1.write(to: &$0) } } }
    return w.bytes
  }
}

extension MetricDistribution {
  /// Keys as distances: the ranges lie close to each other.
  fileprivate func write(to w: inout RowWriter) {
    w.varint(UInt64(coarseness))
    var last: UInt32 = 0
    w.array(ranges) { w, range in
      w.varint(UInt64(range.key - last))
      w.double(range.count)
      w.double(range.sum)
      last = range.key
    }
  }
  fileprivate init(_ r: inout RowReader) throws {
    let coarseness = UInt8(truncatingIfNeeded: try r.varint())
    var last: UInt32 = 0
    let ranges = try r.array { r in
      last &+= UInt32(truncatingIfNeeded: try r.varint())
      return Range(key: last, count: try r.double(), sum: try r.double())
    }
    self.init(ranges: ranges, coarseness: coarseness)
  }
}

extension Reader {
  func metricSeries(_ series: MetricSeries) throws -> StoredSeries? {
    try get(MetricKeys.series(series)).map(StoredSeries.init(row:))
  }

  /// When the series had a value last; nil when its points have expired.
  func lastTime(of series: StoredSeries) throws -> Instant? {
    let prefix = MetricKeys.points(series.id)
    return try entries(KeyRange(prefix: prefix), limit: 1, reverse: true).first.map { entry in
      var parts = KeyReader(entry.key, after: prefix)
      return try parts.instant()
    }
  }

  /// The points of a series, from the one time to before the other.
  func metricPoints(_ id: Int64, _ from: Instant, _ to: Instant, _ body: (Instant, MetricPoint) -> Void) throws {
    let prefix = MetricKeys.points(id)
    try scan(KeyRange(MetricKeys.point(id, from), MetricKeys.point(id, to))) { key, row in
      var parts = KeyReader(key, after: prefix)
      body(try parts.instant(), try MetricPoint(row: row))
      return true
    }
  }
}

extension Transaction {
  /// Adds what was measured to what is there.
  /// - Parameter newID: for a series that has none yet.
  func add(_ sample: MetricSample, newID: Int64) throws {
    let key = MetricKeys.series(sample.series)
    let known = try get(key).map(StoredSeries.init(row:))
    let id = known?.id ?? newID
    if known == nil { try set(key, StoredSeries(id: id, dimensions: sample.series.dimensions).row) }
    let point = MetricKeys.point(id, sample.time)
    var values = try get(point).map(MetricPoint.init(row:)) ?? MetricPoint()
    values.merge(sample.statistics, unit: sample.unit)
    try set(point, values.row)
  }

  /// Removes points before the horizon, and each series that has none left.
  /// - Returns: where the next call goes on; nil at the end.
  func sweepMetrics(from start: Key, before horizon: Instant, limit: Int) throws -> Key? {
    let found = try entries(KeyRange(start, MetricKeys.allSeries.end), limit: limit)
    for (key, row) in found {
      let series = try StoredSeries(row: row)
      try deleteAll(KeyRange(MetricKeys.points(series.id), MetricKeys.point(series.id, horizon)))
      if try first(KeyRange(prefix: MetricKeys.points(series.id))) == nil { try delete(key) }
    }
    return found.count < limit ? nil : found.last.map { Key(bytes: $0.key.bytes + [0]) }
  }

  func removeMetrics(of account: AccountID) throws {
    let range = KeyRange(prefix: MetricKeys.series(account))
    try scan(range) { _, row in
      try deleteAll(KeyRange(prefix: MetricKeys.points(try StoredSeries(row: row).id)))
      return true
    }
    try deleteAll(range)
  }
}
