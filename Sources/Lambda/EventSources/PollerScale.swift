import Base

/// How many batches of a queue mapping may run at the same time. Pure; the shell starts and ends pollers as told.
///
/// AWS starts with five concurrent batches; while messages remain it adds up to 300 concurrent invocations a minute, to
/// 1,250 at the most; an idle mapping goes back ("Scaling for SQS event sources"). Function errors make it back off.
/// In provisioned mode each poller stands for ten concurrent batches, and 1,000 are added a minute.
struct PollerScale: Sendable {
  static let initial = 5
  static let addedPerMinute = 300
  static let ceiling = 1250
  static let addedPerMinuteProvisioned = 1000

  /// What an idle mapping has.
  private let resting: Int
  /// To what failures bring it down.
  private let floor: Int
  private let maximum: Int
  private let addedPerMinute: Int
  private(set) var target: Int
  private var lastGrowth: Instant
  /// What may be added now; fractions grow with time.
  private var allowance = 0.0
  private var emptyReceives = 0

  /// - Parameter maximumConcurrency: of the mapping's ScalingConfig, 2 to 1,000.
  init(maximumConcurrency: Int?, now: Instant) {
    maximum = maximumConcurrency ?? Self.ceiling
    resting = min(Self.initial, maximum)
    floor = min(2, maximum)
    addedPerMinute = Self.addedPerMinute
    (target, lastGrowth) = (resting, now)
  }

  init(provisioned pollers: ProvisionedPollers, now: Instant) {
    maximum = pollers.maximum * ProvisionedPollers.concurrency
    resting = pollers.minimum * ProvisionedPollers.concurrency
    floor = resting
    addedPerMinute = Self.addedPerMinuteProvisioned
    (target, lastGrowth) = (resting, now)
  }

  /// Pollers of the provisioned mode that the target stands for.
  var provisionedPollers: Int { (target + ProvisionedPollers.concurrency - 1) / ProvisionedPollers.concurrency }

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
    guard emptyReceives >= target, target > resting else { return }
    target = max(resting, target / 2)
    emptyReceives = 0
  }

  /// The function failed (and does not report single items) or was throttled.
  mutating func failed(now: Instant) {
    accrue(now)
    allowance = 0
    target = max(floor, target - max(1, target / 4))
  }

  /// Invocations succeed again after failures.
  mutating func succeeded(now: Instant) {
    if target < resting { target += 1 }
  }

  private mutating func accrue(_ now: Instant) {
    let minutes = Double(max(0, (now - lastGrowth).inMilliseconds)) / 60_000
    allowance = min(Double(addedPerMinute), allowance + minutes * Double(addedPerMinute))
    lastGrowth = now
  }
}
