/// Which values there were, so that percentiles can be told: how many lie in each of at most 128 ranges, and their sum.
///
/// A range is a 64th of an octave wide (1.6 %) as long as the limit allows it; whoever has more different values gets ranges twice as
/// wide, as often as it takes. A range that holds one value only is exact, whatever its width.
public struct MetricDistribution: Hashable, Sendable {
  public struct Range: Hashable, Sendable {
    /// The first bits of the values: where the range lies among the others.
    public var key: UInt32
    public var count: Double
    public var sum: Double
    public var mean: Double { sum / count }
    public init(key: UInt32, count: Double, sum: Double) { (self.key, self.count, self.sum) = (key, count, sum) }
  }
  public static let limit = 128
  /// Bits of a value that do not count: all but the sign, the exponent and six bits behind the point.
  private static let cut: UInt64 = 46

  /// From the smallest to the largest.
  public private(set) var ranges: [Range]
  /// How often the width was doubled.
  public private(set) var coarseness: UInt8

  public init(ranges: [Range] = [], coarseness: UInt8 = 0) { (self.ranges, self.coarseness) = (ranges, coarseness) }

  /// - Parameter value: not negative.
  public mutating func add(_ value: Double, times: Double = 1) {
    // The bits of numbers that are not negative have the order of the numbers.
    insert(Range(key: UInt32(value.magnitude.bitPattern >> (Self.cut + UInt64(coarseness))), count: times, sum: value * times))
    if ranges.count > Self.limit { coarsen() }
  }

  private mutating func insert(_ range: Range) {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].key < range.key { low = middle + 1 } else { high = middle }
    }
    if low < ranges.count, ranges[low].key == range.key {
      ranges[low].count += range.count
      ranges[low].sum += range.sum
    } else {
      ranges.insert(range, at: low)
    }
  }

  public mutating func merge(_ other: MetricDistribution) {
    while coarseness < other.coarseness { coarsen() }
    for var range in other.ranges {
      range.key >>= UInt32(coarseness - other.coarseness)
      insert(range)
    }
    while ranges.count > Self.limit { coarsen() }
  }

  private mutating func coarsen() {
    coarseness += 1
    var wider: [Range] = []
    for var range in ranges {
      range.key >>= 1
      if wider.last?.key == range.key {
        wider[wider.count - 1].count += range.count
        wider[wider.count - 1].sum += range.sum
      } else {
        wider.append(range)
      }
    }
    ranges = wider
  }
}
