import Base
import Fabric
import Logging

/// Hands the records of asynchronous invocations to their destinations, as the function's role.
struct Destinations: Sendable {
  let control: ControlPlane
  let queues: any QueuePort
  let roles: any RolePort
  let authoriser: any Authoriser
  let metrics: FunctionMetrics
  let hops: InvocationHops
  let ambient: Ambient
  let logger: Logger

  /// Sends the record to a queue, or makes it the event of a function.
  /// - Returns: the event that is to be kept in the same step in which the first one ends.
  ///
  /// Never throws: a record that cannot be delivered is lost, as on AWS, and the log says so.
  func take(_ record: InvocationRecord, for target: ARN, of function: FunctionVersion) async -> AsyncEvent? {
    let hop = hops.begin(record.event.trace)
    do {
      let caller = try await caller(function, hop.trace.visiting(function.id))
      var follower: AsyncEvent?
      if target.service == "lambda" {
        follower = try await event(record, target, caller)
      } else {
        let message = OutgoingMessage(body: record.json.utf8Text, traceHeader: caller.trace.header)
        _ = try await queues.send(message, to: target, as: caller)
      }
      hops.end(hop, "destination", of: function.id, from: function.id.arn.text, to: target.text, .delivered, record.condition.rawValue)
      return follower
    } catch {
      hops.end(
        hop, "destination", of: function.id, from: function.id.arn.text, to: target.text, .failure(of: error),
        InvocationHops.reason(error))
      metrics.add(.destinationDeliveryFailures, of: record.event.metricTarget, at: ambient.now)
      logger.error("a record could not be delivered to its destination", metadata: [
        "function": "\(function.id.arn)", "request": "\(record.event.requestID)", "destination": "\(target)", "error": "\(error)",
      ])
    }
    return nil
  }

  private func event(_ record: InvocationRecord, _ target: ARN, _ caller: Caller) async throws -> AsyncEvent {
    let name = try FunctionName(target.text, account: caller.account, region: caller.region)
    let policy = try await control.resolve(name).policy
    let access = Access("lambda:InvokeFunction", on: name.arn, owner: name.id.account, resourcePolicy: policy)
    try await authoriser.authorise(access, as: caller, now: ambient.now)
    let payload = record.json
    guard payload.count <= InvokeOperation.maximumEvent else {
      throw LambdaError.eventTooLarge(payload.count, limit: InvokeOperation.maximumEvent)
    }
    return AsyncEvent(
      requestID: ambient.uuid(), function: name.id, qualifier: name.qualifier, payload: payload, trace: caller.trace,
      acceptedAt: ambient.now, failures: 0, refusals: 0)
  }

  private func caller(_ function: FunctionVersion, _ trace: TraceContext) async throws -> Caller {
    let session = try await roles.session(
      role: function.role, sessionName: function.id.name,
      by: ServicePrincipal("lambda.amazonaws.com", sourceARN: function.id.arn.text, sourceAccount: function.id.account))
    return Caller(principal: .role(session), account: function.id.account, region: function.id.region, trace: trace)
  }
}
