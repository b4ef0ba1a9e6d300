import Base
import Store

/// The errors that do not belong to one service.
enum GatewayErrors {
  /// 501 is not retried by any client, so a missing operation shows at once.
  static func operationNotImplemented(_ service: String, _ operation: String) -> AWSError {
    AWSError(
      "NotImplemented", "Dewpoint does not implement the operation \(operation) of the service \(service).", status: 501,
      fault: .server)
  }
  static func serviceNotImplemented(_ service: String) -> AWSError {
    AWSError("NotImplemented", "Dewpoint does not implement the service \(service).", status: 501, fault: .server)
  }
  static func protocolNotImplemented(_ service: String) -> AWSError {
    AWSError(
      "NotImplemented", "Dewpoint does not implement the protocol rpc-v2-cbor of the service \(service).", status: 501, fault: .server)
  }
  static func unknownOperation(_ name: String, isREST: Bool) -> AWSError {
    AWSError("UnknownOperationException", "The operation \(name) is not known.", status: isREST ? 404 : 400)
  }
  static let missingAction = AWSError(
    "MissingAction", "The request is missing an action or a required parameter.", status: 400)
  static func invalidAction(_ name: String, version: String) -> AWSError {
    AWSError("InvalidAction", "Could not find operation \(name) for version \(version)", status: 400)
  }
  static let unrecognised = AWSError(
    "UnknownOperationException", "The request is not one of a service that Dewpoint knows.", status: 404)

  static func foreignHost(_ host: String) -> AWSError {
    AWSError(
      "AccessDeniedException",
      "The Host header '\(host)' is not one that this server answers to. Allow it with --allow-host.", status: 403)
  }
  static func foreignOrigin(_ origin: String) -> AWSError {
    AWSError(
      "AccessDeniedException",
      "Requests from the browser origin '\(origin)' are not allowed. Allow it with --allow-origin.", status: 403)
  }

  /// Clients try again, elsewhere or later.
  static let stopping = AWSError(
    "ServiceUnavailable", "The server is stopping or its state was exchanged. Try again later.", status: 503, fault: .server)

  /// What a client sees of a failure that is ours.
  static func outward(_ error: any Error) -> AWSError {
    if case StoreError.unavailable = error {
      return AWSError(
        "ServiceUnavailable", "The service cannot store data at present. Try again later.", status: 503, fault: .server,
        cause: error)
    }
    return .internalFailure(error)
  }
}
