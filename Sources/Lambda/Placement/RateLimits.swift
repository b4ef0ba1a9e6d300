import Base

/// A bucket that fills at a steady rate up to its capacity; each event takes one token.
struct TokenBucket: Sendable {
  let capacity: Double
  let perSecond: Double
  private var level: Double
  private var filledAt: Duration

  /// Full at the beginning.
  init(capacity: Double, perSecond: Double, now: Duration) {
    (self.capacity, self.perSecond, level, filledAt) = (capacity, perSecond, capacity, now)
  }

  /// - Parameter now: real, monotonic time: the limits are of running code, which no adjusted clock moves.
  mutating func take(_ now: Duration) -> Bool {
    fill(now)
    guard level >= 1 else { return false }
    level -= 1
    return true
  }

  mutating func isFull(_ now: Duration) -> Bool {
    fill(now)
    return level >= capacity
  }

  private mutating func fill(_ now: Duration) {
    let milliseconds = (now - filledAt).inMilliseconds
    guard milliseconds > 0 else { return }
    level = min(capacity, level + Double(milliseconds) / 1000 * perSecond)
    // What is left of the last millisecond counts the next time.
    filledAt += .milliseconds(milliseconds)
  }
}

/// The rates of functions: how fast their environments may multiply, and how many requests they take
/// (AWS: "Understanding Lambda function scaling").
struct RateLimits: Sendable {
  /// Environments that a function may add at once, and in ten seconds.
  static let scalingBurst = 1000.0
  /// Synchronous requests for each concurrent execution that the function may have, in a second.
  static let requestsPerExecution = 10.0
  /// Functions remembered before those that are at rest are forgotten.
  private static let capacity = 10_000

  private var scaling: [FunctionID: TokenBucket] = [:]
  private var requests: [FunctionID: TokenBucket] = [:]
  private var callers: [ConcurrencyLedger.Scope: TokenBucket] = [:]

  mutating func mayScale(_ function: FunctionID, _ now: Duration) -> Bool {
    Self.take(&scaling, function, burst: Self.scalingBurst, perSecond: Self.scalingBurst / 10, now)
  }

  /// - Parameter executions: how many the function may have at a time: its reservation, or the account's limit.
  mutating func mayRequest(_ function: FunctionID, executions: Int, _ now: Duration) -> Bool {
    let rate = Self.requestsPerExecution * Double(executions)
    return Self.take(&requests, function, burst: rate, perSecond: rate, now)
  }

  /// The functions of an account in a Region together.
  /// - Parameter executions: the account's limit.
  mutating func mayCall(_ scope: ConcurrencyLedger.Scope, executions: Int, _ now: Duration) -> Bool {
    let rate = Self.requestsPerExecution * Double(executions)
    return Self.take(&callers, scope, burst: rate, perSecond: rate, now)
  }

  private static func take<Owner: Hashable>(
    _ buckets: inout [Owner: TokenBucket], _ owner: Owner, burst: Double, perSecond: Double, _ now: Duration
  ) -> Bool {
    if buckets.count >= capacity, buckets[owner] == nil {
      for (id, bucket) in buckets {
        var bucket = bucket
        if bucket.isFull(now) { buckets[id] = nil }
      }
    }
    var bucket = buckets[owner] ?? TokenBucket(capacity: burst, perSecond: perSecond, now: now)
    // Another reservation makes another bucket.
    if bucket.perSecond != perSecond { bucket = TokenBucket(capacity: burst, perSecond: perSecond, now: now) }
    defer { buckets[owner] = bucket }
    return bucket.take(now)
  }
}
