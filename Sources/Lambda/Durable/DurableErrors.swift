import Base

/// The errors of durable executions, in AWS's words where they are known.
extension LambdaError {
  static func unqualifiedDurable() -> AWSError {
    invalidParameter("You cannot invoke a durable function using an unqualified ARN.")
  }
  static func durableTooLong() -> AWSError {
    invalidParameter("You cannot synchronously invoke a durable function with an executionTimeout greater than 15 minutes.")
  }
  static func notDurable() -> AWSError {
    invalidParameter("DurableExecutionName can only be used with a durable function.")
  }
  static func durableExecutionExists(_ arn: String) -> AWSError {
    AWSError(
      "DurableExecutionAlreadyStartedException", "Execution already started: \(arn)", status: 409, members: [("Type", "User")])
  }
  static func tooManyDurableExecutions() -> AWSError { throttled(reason: "CallerRateLimitExceeded") }
  static func noDurableExecution() -> AWSError { notFound("Durable Execution does not exist") }

  static func invalidToken() -> AWSError { invalidParameter("Invalid checkpoint token") }
  static func foreignToken() -> AWSError {
    invalidParameter("Checkpoint token is not valid for the durable execution ARN")
  }
  static func invalidMarker() -> AWSError { invalidParameter("Invalid Marker") }
  static func invalidCallback() -> AWSError { invalidParameter("Invalid callback id") }
  static func callbackOver() -> AWSError {
    AWSError(
      "CallbackTimeoutException", "The callback is either timed out or already completed", status: 400, members: [("Type", "User")])
  }

  static func durableWithoutTimeout() -> AWSError {
    invalidParameter("You cannot create a function with a durable configuration without an executionTimeout")
  }
  static func durableAddedLater() -> AWSError {
    invalidParameter(
      "You cannot add a durable configuration to a function that was originally created with no durable configuration")
  }
  static func durableTextLogs() -> AWSError {
    invalidParameter("You cannot use plain text logs with a durable function. Only JSON format logs are supported")
  }
}

/// A checkpoint that is refused; the execution is then as it was.
struct DurableRefusal: Error, Equatable, CustomStringConvertible {
  var description: String
  init(_ text: String) { description = text }
}
