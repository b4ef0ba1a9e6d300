import Base

/// How many pollers a queue mapping runs. Pure; the shell starts and ends pollers as told.
///
/// AWS starts with five concurrent batches; while messages remain it adds up to 300 concurrent invocations a minute, to
/// 1,250 at the most; an idle mapping goes back ("Scaling for SQS event sources"). Function errors make it back off.
struct PollerScale: Sendable {
  static let initial = 5
  static let addedPerMinute = 300
  static let ceiling = 1250

  private let maximum: Int
  private(set) var target: Int
  private var lastGrowth: Instant
  /// What may be added now; fractions grow with time.
  private var allowance = 0.0
  private var emptyReceives = 0

  /// - Parameter maximumConcurrency: of the mapping's ScalingConfig, 2 to 1,000.
  init(maximumConcurrency: Int?, now: Instant) {
    maximum = maximumConcurrency ?? Self.ceiling
    target = min(Self.initial, maximum)
    lastGrowth = now
  }

  /// A receive brought a full load while every poller was busy.
  mutating func found(allBusy: Bool, now: Instant) {
    emptyReceives = 0
    accrue(now)
    guard allBusy, target < maximum, allowance >= 1 else { return }
    let step = min(Int(allowance), maximum - target)
    target += step
    allowance -= Double(step)
  }

  /// A long poll brought nothing.
  mutating func foundNothing(now: Instant) {
    accrue(now)
    emptyReceives += 1
    guard emptyReceives >= target, target > min(Self.initial, maximum) else { return }
    target = max(min(Self.initial, maximum), target / 2)
    emptyReceives = 0
  }

  /// The function failed (and does not report single items) or was throttled.
  mutating func failed(now: Instant) {
    accrue(now)
    allowance = 0
    target = max(min(2, maximum), target - max(1, target / 4))
  }

  /// Invocations succeed again after failures.
  mutating func succeeded(now: Instant) {
    if target < min(Self.initial, maximum) { target += 1 }
  }

  private mutating func accrue(_ now: Instant) {
    let minutes = Double(max(0, (now - lastGrowth).inMilliseconds)) / 60_000
    allowance = min(Double(Self.addedPerMinute), allowance + minutes * Double(Self.addedPerMinute))
    lastGrowth = now
  }
}
