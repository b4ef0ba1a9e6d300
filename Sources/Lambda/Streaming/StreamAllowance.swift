import Base

/// How much of a streamed answer may pass, and how fast (AWS: "Response streaming for Lambda functions", bandwidth limits).
///
/// A bucket of 6 MB that is full at the beginning and fills at 2 MB/s: the first 6 MB pass as fast as they can, the rest at the
/// rate of the filling.
struct StreamAllowance: Sendable, Equatable {
  /// Of a whole streamed answer, in bytes (200 MB since 2025).
  static let maximumBytes = 200 << 20
  static let burstBytes = 6 << 20
  static let bytesPerSecond = 2 << 20

  /// Nil: as fast as it goes.
  private let rate: Double?
  private var level = Double(burstBytes)
  private var filledAt: Duration
  private(set) var total = 0

  /// - Parameter bytesPerSecond: 0 for no limit.
  init(bytesPerSecond: Int = bytesPerSecond, now: Duration) {
    rate = bytesPerSecond > 0 ? Double(bytesPerSecond) : nil
    filledAt = now
  }

  /// Counts bytes in, and tells how long they have to wait. Nil when the answer has become too long.
  /// - Parameter now: real, monotonic time.
  mutating func take(_ count: Int, now: Duration) -> Duration? {
    total += count
    guard total <= Self.maximumBytes else { return nil }
    guard let rate else { return .zero }
    level = min(Double(Self.burstBytes), level + (now - filledAt).inSeconds * rate)
    filledAt = now
    level -= Double(count)
    return level >= 0 ? .zero : .seconds(-level / rate)
  }
}

extension Duration {
  fileprivate var inSeconds: Double {
    let parts = components
    return Double(parts.seconds) + Double(parts.attoseconds) / 1e18
  }
}
