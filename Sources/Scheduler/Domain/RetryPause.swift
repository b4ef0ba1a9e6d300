import Base

/// What follows from a failed attempt (EventBridge Scheduler User Guide, "RetryPolicy").
enum RetryDecision: Equatable {
  case retry(at: Instant)
  /// The condition is given when retries were used up; the error itself forbids them otherwise.
  case giveUp(condition: String?)

  /// - Parameter attempts: that are over, this one included.
  init(_ target: ScheduleTarget, attempts: Int, since accepted: Instant, after error: AWSError, now: Instant, random: any RandomSource) {
    guard error.mayPass else { self = .giveUp(condition: nil); return }
    guard attempts <= target.retryAttempts else { self = .giveUp(condition: "MaximumRetryAttempts"); return }
    let pause = min(SchedulerLimits.longestPause, .seconds(1 << min(attempts - 1, 12)))
    let next = now + .milliseconds(Int64(Double(pause.inMilliseconds) * (0.5 + 0.5 * random.unit())))
    guard next <= accepted + .seconds(target.eventAgeSeconds) else { self = .giveUp(condition: "MaximumEventAgeInSeconds"); return }
    self = .retry(at: next)
  }
}

extension AWSError {
  /// It may be gone the next time: a failure of the server, or too many requests.
  fileprivate var mayPass: Bool {
    if status == 501 { return false }
    if fault == .server || (status ?? 400) >= 500 || status == 429 { return true }
    return ["Throttling", "TooManyRequests", "LimitExceeded", "ProvisionedThroughputExceeded", "RequestLimitExceeded"]
      .contains { code.contains($0) }
  }
}
