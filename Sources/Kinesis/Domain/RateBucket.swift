import Base

/// A moment for rates: the time that services follow and the real one. Whichever has gone on more counts, so that a frozen clock does
/// not starve a client, and an advanced one gives at once what it has skipped.
struct RateTime: Sendable, Equatable {
  var adjusted: Instant
  var real: Duration
  init(adjusted: Instant, real: Duration) { (self.adjusted, self.real) = (adjusted, real) }
  init(_ clock: any AmbientClock) { self.init(adjusted: clock.now(), real: clock.monotonic()) }

  /// Seconds since an earlier moment.
  func seconds(since other: RateTime) -> Double {
    max(0, Double((adjusted - other.adjusted).inMilliseconds) / 1000, Double((real - other.real).inMicroseconds) / 1_000_000)
  }
}

/// A token bucket: so much a second, and no more than a second's worth (or what is given) at once.
struct RateBucket: Sendable {
  private let rate: Double
  private let capacity: Double
  private var tokens: Double
  private var at: RateTime

  init(rate: Double, capacity: Double? = nil, at: RateTime) {
    (self.rate, self.capacity, self.at) = (rate, capacity ?? rate, at)
    tokens = self.capacity
  }

  private mutating func refill(_ now: RateTime) {
    let seconds = now.seconds(since: at)
    guard seconds > 0 else { return }
    tokens = min(capacity, tokens + seconds * rate)
    at = now
  }

  /// Whether so much may go now. What is larger than the bucket goes when it is full, and is paid off afterwards.
  mutating func allows(_ amount: Double, _ now: RateTime) -> Bool {
    refill(now)
    return tokens >= min(amount, capacity)
  }

  /// Whether anything may go now: for amounts that are known only afterwards.
  mutating func isOpen(_ now: RateTime) -> Bool {
    refill(now)
    return tokens > 0
  }

  mutating func take(_ amount: Double) { tokens -= amount }

  /// Nothing is owed any more: to forget it changes nothing.
  mutating func isFull(_ now: RateTime) -> Bool {
    refill(now)
    return tokens >= capacity
  }
}
