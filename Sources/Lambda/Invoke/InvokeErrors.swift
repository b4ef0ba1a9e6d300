import Base

/// The errors of the Invoke API itself; a failure of the function is no error of the call.
extension LambdaError {
  /// - Parameter retryAfter: seconds until it is worth another try, where that is known.
  static func throttled(reason: String, retryAfter: Int? = nil) -> AWSError {
    AWSError(
      "TooManyRequestsException", "Rate Exceeded.", status: 429,
      members: (retryAfter.map { [("retryAfterSeconds", .string(String($0)))] } ?? []) + [
        ("Reason", .string(reason)), ("Type", "User"),
      ])
  }
  static func recursiveInvocation() -> AWSError {
    AWSError(
      "RecursiveInvocationException",
      "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped "
        + "your function's invocation.", status: 400, members: [("Type", "User")])
  }
  static func contentNotJSON(_ reason: String) -> AWSError {
    AWSError(
      "InvalidRequestContentException",
      "Could not parse request body into json: Could not parse payload into json: \(reason)", status: 400,
      members: [("Type", "User")])
  }
  static func eventTooLarge(_ size: Int, limit: Int) -> AWSError {
    AWSError(
      "RequestTooLargeException",
      "\(size) byte payload is too large for the Event invocation type (limit \(limit) bytes)", status: 413,
      members: [("Type", "User")])
  }
  static func requestTooLarge(_ text: String) -> AWSError {
    AWSError("RequestTooLargeException", text, status: 413, members: [("Type", "User")])
  }
  static func clientContextInvalid() -> AWSError {
    AWSError(
      "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object.", status: 400,
      members: [("Type", "User")])
  }
  /// Dewpoint could not run the function; the log says why.
  static func service(_ cause: String) -> AWSError {
    AWSError(
      "ServiceException", "An error occurred and the request cannot be processed.", status: 500, fault: .server,
      members: [("Type", "Service")], cause: LambdaFailure(description: cause))
  }
}

/// The inward cause of a ServiceException.
struct LambdaFailure: Error, CustomStringConvertible { var description: String }
