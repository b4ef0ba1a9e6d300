import Base
import Fabric
import Logging

/// Sends asynchronous events that are given up to the function's dead-letter queue or topic, as the function's role.
struct DeadLetters: Sendable {
  /// Of the ErrorMessage attribute (AWS: "Adding a dead-letter queue").
  private static let maximumErrorMessage = 1024

  let targets: ReportTargets
  let roles: any RolePort
  let metrics: FunctionMetrics
  let hops: InvocationHops
  let ambient: Ambient
  let logger: Logger

  /// Returns where it is now. Never throws: an event that cannot be delivered here is lost, as on AWS, and the log says so.
  @discardableResult
  func take(_ event: AsyncEvent, _ reason: AsyncGiveUp, _ function: FunctionVersion?) async -> ARN? {
    guard let function, let target = function.deadLetterTarget else {
      logger.notice("an asynchronous event was given up", metadata: metadata(event, reason))
      return nil
    }
    let hop = hops.begin(event.trace)
    do {
      let session = try await roles.session(
        role: function.role, sessionName: function.id.name, by: ServicePrincipal("lambda.amazonaws.com"))
      let caller = Caller(
        principal: .role(session), account: function.id.account, region: function.id.region, trace: event.trace)
      try await targets.send(message(event, reason), to: target, as: caller)
      return target
    } catch {
      hops.end(
        hop, "deadLetter", of: event.function, from: event.function.arn.text, to: target.text, .failure(of: error),
        InvocationHops.reason(error))
      var metadata = metadata(event, reason)
      metadata["target"] = "\(target)"
      metadata["error"] = "\(error)"
      metrics.add(.deadLetterErrors, of: event.metricTarget, at: ambient.now)
      logger.error("a dead letter could not be delivered", metadata: metadata)
      return nil
    }
  }

  private func message(_ event: AsyncEvent, _ reason: AsyncGiveUp) -> OutgoingMessage {
    var attributes: [(name: String, value: QueueAttribute)] = [
      ("RequestID", QueueAttribute(dataType: "String", content: .string(event.requestID)))
    ]
    if case .retriesExhausted(let error) = reason {
      attributes.append(("ErrorCode", QueueAttribute(dataType: "Number", content: .string("200"))))
      if !error.message.isEmpty { attributes.append(("ErrorMessage", .told(error.message, limit: Self.maximumErrorMessage))) }
    }
    return OutgoingMessage(body: event.payload.utf8Text, attributes: attributes, traceHeader: event.trace.header)
  }

  private func metadata(_ event: AsyncEvent, _ reason: AsyncGiveUp) -> Logger.Metadata {
    ["function": "\(event.function.arn)", "request": "\(event.requestID)", "reason": "\(reason)", "trace": "\(event.trace.root)"]
  }
}
