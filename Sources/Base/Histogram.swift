/// How often a value fell below each of some fixed bounds; in the terms of Prometheus' histograms.
public struct Histogram: Sendable, Equatable {
  /// Ascending upper bounds; what is above the last one is counted in `count` only.
  public let bounds: [Double]
  /// Values at or below the bound of the same place and above the one before.
  public private(set) var counts: [UInt64]
  public private(set) var count: UInt64 = 0
  public private(set) var sum = 0.0

  public init(_ bounds: [Double]) {
    self.bounds = bounds
    counts = [UInt64](repeating: 0, count: bounds.count)
  }

  /// Half a millisecond to half a minute, in seconds: the time that a request may take.
  public static let requestSeconds: [Double] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
  ]

  public mutating func add(_ value: Double) {
    count += 1
    sum += value
    if let place = bounds.firstIndex(where: { value <= $0 }) { counts[place] += 1 }
  }
}

extension Duration {
  public var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
