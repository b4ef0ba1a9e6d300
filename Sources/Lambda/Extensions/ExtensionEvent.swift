import Base
import Fabric

/// What an extension gets for asking for its next event.
enum ExtensionAnswer: Sendable {
  case event([UInt8])
  case refused(ExtensionSet.Refusal)
  /// The connection was given up, or the environment ends.
  case nothing
}

/// The bodies of lifecycle events (AWS: "Extensions API reference, Next").
enum ExtensionEvent {
  static func invoke(_ invocation: Invocation, deadline: Instant) -> [UInt8] {
    JSON.object(
      JSONObject([
        ("eventType", "INVOKE"), ("deadlineMs", .int(deadline.milliseconds)), ("requestId", .string(invocation.requestID)),
        ("invokedFunctionArn", .string(invocation.invokedARN)),
        (
          "tracing",
          .object(JSONObject([("type", "X-Amzn-Trace-Id"), ("value", .string(invocation.trace.header))]))
        ),
      ])
    ).bytes
  }

  static func shutdown(_ reason: ShutdownReason, deadline: Instant) -> [UInt8] {
    JSON.object(
      JSONObject([
        ("eventType", "SHUTDOWN"), ("shutdownReason", .string(reason.rawValue)), ("deadlineMs", .int(deadline.milliseconds)),
      ])
    ).bytes
  }
}
