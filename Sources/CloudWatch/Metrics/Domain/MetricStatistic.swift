import Fabric

/// What is asked of the values of a period (AWS: "CloudWatch statistics definitions").
enum MetricStatistic: Sendable, Equatable {
  case sampleCount, average, sum, minimum, maximum
  /// From 0 to 100.
  case percentile(Double)
  /// Of the values between two bounds.
  case trimmedMean(TrimBounds), trimmedCount(TrimBounds), trimmedSum(TrimBounds)
  /// Of all values, those beyond the bounds taken for the bounds.
  case winsorizedMean(TrimBounds)
  /// How many percent of the values lie between two values.
  case percentileRank(TrimBounds)

  /// Nil for what is none: AWS's spellings only.
  init?(_ text: String) {
    switch text {
    case "SampleCount": self = .sampleCount
    case "Average": self = .average
    case "Sum": self = .sum
    case "Minimum": self = .minimum
    case "Maximum": self = .maximum
    case "IQM": self = .trimmedMean(TrimBounds(low: 25, high: 75, isPercent: true))
    default: self.init(extended: text)
    }
  }

  private init?(extended text: String) {
    if text.hasPrefix("p"), let percent = Self.percent(text.dropFirst()) { self = .percentile(percent); return }
    let (name, rest) = (text.prefix(2), text.dropFirst(2))
    let bounds: TrimBounds?
    if rest.hasPrefix("("), rest.hasSuffix(")") {
      guard name == name.uppercased() else { return nil }
      bounds = TrimBounds(rest.dropFirst().dropLast())
    } else {
      guard name == name.lowercased() else { return nil }
      bounds = Self.percent(rest).map { TrimBounds(low: nil, high: $0, isPercent: true) }
    }
    guard let bounds else { return nil }
    switch name.lowercased() {
    case "tm": self = .trimmedMean(bounds)
    case "tc": self = .trimmedCount(bounds)
    case "ts": self = .trimmedSum(bounds)
    case "wm": self = .winsorizedMean(bounds)
    case "pr" where !bounds.isPercent: self = .percentileRank(bounds)
    default: return nil
    }
  }

  /// With at most ten digits behind the point.
  static func percent(_ text: Substring) -> Double? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }),
      parts.count == 1 || parts[1].utf8.count <= 10, let number = Double(text), number <= 100
    else { return nil }
    return number
  }

  var isExtended: Bool {
    switch self {
    case .sampleCount, .average, .sum, .minimum, .maximum: false
    case .percentile, .trimmedMean, .trimmedCount, .trimmedSum, .winsorizedMean, .percentileRank: true
    }
  }

  /// Nil when the values do not tell it: of sets of statistics and of negative values there are no percentiles.
  func value(of statistics: MetricStatistics) -> Double? {
    switch self {
    case .sampleCount: return statistics.count
    case .average: return statistics.count == 0 ? 0 : statistics.sum / statistics.count
    case .sum: return statistics.sum
    case .minimum: return statistics.minimum
    case .maximum: return statistics.maximum
    case .percentile, .trimmedMean, .trimmedCount, .trimmedSum, .winsorizedMean, .percentileRank:
      guard let distribution = statistics.distribution else { return nil }
      let values = RankedValues(distribution, statistics)
      switch self {
      case .percentile(let percent): return values.percentile(percent)
      case .trimmedMean(let bounds):
        let inside = values.inside(bounds)
        return inside.count > 0 ? inside.sum / inside.count : nil
      case .trimmedCount(let bounds): return values.inside(bounds).count
      case .trimmedSum(let bounds): return values.inside(bounds).sum
      case .winsorizedMean(let bounds): return values.winsorizedMean(bounds)
      case .percentileRank(let bounds): return 100 * values.inside(bounds).count / values.count
      case .sampleCount, .average, .sum, .minimum, .maximum: return nil
      }
    }
  }
}

/// Two bounds, as percentages of the values or as values. The lower one is excluded, the upper one included.
struct TrimBounds: Sendable, Equatable {
  var low: Double?
  var high: Double?
  var isPercent: Bool
}

extension TrimBounds {
  /// `10%:90%`, `:95%`, `150:1000`, `80:`.
  init?(_ text: Substring) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let kind = parts.first(where: { !$0.isEmpty }) else { return nil }
    let isPercent = kind.hasSuffix("%")
    var bounds: [Double?] = []
    for part in parts {
      guard !part.isEmpty else { bounds.append(nil); continue }
      guard part.hasSuffix("%") == isPercent else { return nil }
      let number = isPercent ? MetricStatistic.percent(part.dropLast()) : Double(part)
      guard let number, number.isFinite, number >= 0 else { return nil }
      bounds.append(number)
    }
    if let low = bounds[0], let high = bounds[1], low >= high { return nil }
    self.init(low: bounds[0], high: bounds[1], isPercent: isPercent)
  }
}

/// The values of a period from the smallest to the largest, as far as they are known.
struct RankedValues {
  private let ranges: [MetricDistribution.Range]
  private let minimum: Double
  private let maximum: Double
  let count: Double

  init(_ distribution: MetricDistribution, _ statistics: MetricStatistics) {
    (ranges, minimum, maximum) = (distribution.ranges, statistics.minimum, statistics.maximum)
    count = distribution.ranges.reduce(0) { $0 + $1.count }
  }

  /// The smallest value that so many percent do not exceed.
  func percentile(_ percent: Double) -> Double {
    if percent <= 0 { return minimum }
    if percent >= 100 { return maximum }
    // A hair less: 95 % of 20 is not quite 19 in binary.
    let rank = count * percent / 100 * (1 - 1e-12)
    var below = 0.0
    for range in ranges {
      below += range.count
      if below >= rank { return min(max(range.mean, minimum), maximum) }
    }
    return maximum
  }

  /// How many values lie within the bounds, and their sum.
  func inside(_ bounds: TrimBounds) -> (count: Double, sum: Double) {
    var (inside, sum, below) = (0.0, 0.0, 0.0)
    let (low, high) = (count * (bounds.low ?? 0) / 100, count * (bounds.high ?? 100) / 100)
    for range in ranges {
      let taken: Double
      if bounds.isPercent {
        taken = max(0, min(below + range.count, high) - max(below, low))
      } else {
        taken = range.mean > bounds.low ?? -.infinity && range.mean <= bounds.high ?? .infinity ? range.count : 0
      }
      below += range.count
      inside += taken
      sum += taken * range.mean
    }
    return (inside, sum)
  }

  func winsorizedMean(_ bounds: TrimBounds) -> Double {
    let least = bounds.low.map { bounds.isPercent ? percentile($0) : $0 } ?? minimum
    let most = bounds.high.map { bounds.isPercent ? percentile($0) : $0 } ?? maximum
    return ranges.reduce(0) { $0 + $1.count * min(max($1.mean, least), most) } / count
  }
}
