import Base

/// What follows a failed delivery to a target (user guide, "How EventBridge retries delivering events").
enum RetrySchedule {
  enum Verdict: Sendable, Equatable {
    case retry(at: Instant)
    case giveUp(Condition?)
  }
  /// Which limit ended the retries. None when the error was of a kind that no retry mends.
  enum Condition: String, Sendable, Equatable {
    case attempts = "MaximumRetryAttempts"
    case age = "MaximumEventAgeInSeconds"
  }

  static let first = Duration.seconds(1)
  /// 185 attempts then last about as long as the 24 hours for which EventBridge tries by default.
  static let longest = Duration.seconds(480)

  /// - Parameters:
  ///   - attempts: that have failed, the first one included.
  ///   - jitter: in 0..<1.
  static func verdict(
    after code: ErrorCode, attempts: Int, acceptedAt: Instant, target: Target, now: Instant, jitter: Double
  ) -> Verdict {
    guard code.isRetried else { return .giveUp(nil) }
    guard attempts <= target.retryAttempts else { return .giveUp(.attempts) }
    let end = acceptedAt + target.age
    guard now < end else { return .giveUp(.age) }
    // The last attempt is made when the event's time is up.
    return .retry(at: min(now + delay(after: attempts, jitter: jitter), end))
  }

  static func delay(after attempts: Int, jitter: Double) -> Duration {
    let doublings = min(max(attempts - 1, 0), 20)
    let delay = min(first * (1 << doublings), longest)
    return .milliseconds(Int64(Double(delay.inMilliseconds) * (0.9 + 0.2 * jitter)))
  }
}

/// The `ERROR_CODE` of a dead letter (user guide, "Using dead-letter queues to process undelivered events").
enum ErrorCode: String, Sendable, Equatable {
  case noPermissions = "NO_PERMISSIONS"
  case noResource = "NO_RESOURCE"
  case resourceAlreadyExists = "RESOURCE_ALREADY_EXISTS"
  case invalidParameter = "INVALID_PARAMETER"
  case invalidJSON = "INVALID_JSON"
  case throttling = "THROTTLING"
  case timeout = "TIMEOUT"
  case connectionFailure = "CONNECTION_FAILURE"
  case errorFromTarget = "ERROR_FROM_TARGET"
  case sdkClientError = "SDK_CLIENT_ERROR"
  case internalError = "INTERNAL_ERROR"

  /// A missing permission or target stays missing until somebody does something.
  var isRetried: Bool {
    switch self {
    case .noPermissions, .noResource, .resourceAlreadyExists, .invalidParameter, .invalidJSON: false
    case .throttling, .timeout, .connectionFailure, .errorFromTarget, .sdkClientError, .internalError: true
    }
  }

  init(_ error: AWSError) {
    if let known = ErrorCode(rawValue: error.code) {
      self = known
    } else if error.code.hasPrefix("AccessDenied") || error.code == "AuthorizationError" || error.code.hasPrefix("KMSAccess") {
      self = .noPermissions
    } else if Self.missing.contains(error.code) {
      self = .noResource
    } else if error.code.hasSuffix("AlreadyExists") || error.code.hasSuffix("AlreadyExistsException") {
      self = .resourceAlreadyExists
    } else if error.code.contains("Throttl") || error.code.contains("TooManyRequests") || error.code.contains("LimitExceeded")
      || error.code.contains("ThroughputExceeded")
    {
      self = .throttling
    } else if Self.wrong.contains(error.code) || error.code.hasPrefix("InvalidParameter") {
      self = .invalidParameter
    } else {
      self = error.fault == .server ? .internalError : .sdkClientError
    }
  }

  private static let missing: Set<String> = [
    "ResourceNotFoundException", "ResourceNotFound", "QueueDoesNotExist", "NotFound", "NotFoundException", "NoSuchEntity",
    "StateMachineDoesNotExist", "StateMachineDeleting", "NoSuchBucket",
  ]
  private static let wrong: Set<String> = [
    "ValidationException", "ValidationError", "MissingParameter", "InvalidMessageContents", "RequestTooLargeException",
    "InvalidExecutionInput", "SerializationException",
  ]
}
