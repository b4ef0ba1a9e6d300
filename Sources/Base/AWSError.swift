/// An error as an AWS client sees it, with the cause that only the log sees.
///
/// Services make these through named constructors in their `…Errors.swift`; the protocol encoder turns one into the
/// form of the protocol of the request.
public struct AWSError: Error, Sendable, CustomStringConvertible {
  public enum Fault: Sendable { case client, server }

  /// The model's shape name, for example `QueueDoesNotExist`.
  public var code: String
  public var message: String
  /// The HTTP status. Nil: what the model says of the shape, else 400 or 500 by fault.
  public var status: Int?
  public var fault: Fault
  /// Further members of the modelled error, for example `Reason` of Lambda's TooManyRequestsException.
  public var members: [(name: String, value: JSON)]
  /// Response headers that go with it, for example `Retry-After`.
  public var headers: [(name: String, value: String)] = []
  /// What went wrong inside. Never sent to a client.
  public var cause: (any Error)?

  public init(
    _ code: String, _ message: String, status: Int? = nil, fault: Fault = .client,
    members: [(name: String, value: JSON)] = [], cause: (any Error)? = nil
  ) {
    (self.code, self.message, self.status, self.fault) = (code, message, status, fault)
    (self.members, self.cause) = (members, cause)
  }

  public var description: String {
    cause.map { "\(code): \(message) (cause: \($0))" } ?? "\(code): \(message)"
  }

  /// Something failed that is not the client's doing. The text outward says nothing of the inside.
  public static func internalFailure(_ cause: any Error) -> AWSError {
    AWSError(
      "InternalFailure", "The request processing has failed because of an unknown error, exception or failure.",
      status: 500, fault: .server, cause: cause)
  }
}
