import Base

/// When a delivery that failed is tried again (developer guide, "Amazon SNS message delivery retries").
enum RetrySchedule {
  /// Milliseconds before the next attempt, without jitter; nil when it is given up.
  /// - Parameter failures: attempts that have failed, at least one.
  static func delay(_ proto: SubscriptionProtocol, after failures: Int, _ policy: HTTPDeliveryPolicy) -> Int? {
    switch proto {
    case .http, .https:
      return failures <= policy.retries.total ? policy.retries.delay(failures - 1) : nil
    case .sqs, .lambda, .firehose:
      switch failures {
      case ...3: return 0
      case ...5: return 1000
      case ...15: return HTTPDeliveryPolicy.Backoff.exponential.delay(failures - 6, of: 10, from: 1000, to: 20_000)
      case ...100_015: return 20_000
      default: return nil
      }
    case .email, .emailJSON, .sms:
      switch failures {
      case ...2: return 10_000
      case ...12: return HTTPDeliveryPolicy.Backoff.exponential.delay(failures - 3, of: 10, from: 10_000, to: 600_000)
      case ...50: return 600_000
      default: return nil
      }
    }
  }

  /// Spread by a tenth to either side, so that what failed together does not come back together.
  /// - Parameter unit: random, from 0 to 1.
  static func jittered(_ delay: Int, _ unit: Double) -> Duration { .milliseconds(Int(Double(delay) * (0.9 + 0.2 * unit))) }

  /// What trying again cannot mend: the endpoint is gone, or does not let us in. Too many requests are no such thing.
  static func isPermanent(_ error: AWSError) -> Bool {
    error.fault == .client && error.status != 429 && !error.code.contains("Throttl") && !error.code.hasPrefix("TooManyRequests")
      && error.code != "RequestThrottled" && error.code != "OverLimit"
  }
}
