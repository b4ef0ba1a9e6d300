import Base
import Fabric
import Logging

/// Hands the records of asynchronous invocations to their destinations, as the function's role.
struct Destinations: Sendable {
  let control: ControlPlane
  let targets: ReportTargets
  let carriers: TargetCarriers
  let roles: any RolePort
  let authoriser: any Authoriser
  let metrics: FunctionMetrics
  let hops: InvocationHops
  let ambient: Ambient
  let logger: Logger

  /// Sends the record to a queue, a topic or an event bus, writes it into a bucket, or makes it the event of a function.
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
      } else if target.service == "events" {
        try await Chaos.sparing { try await carriers.putEvents([Self.entry(record, target)], as: caller) }
      } else if target.service == "s3" {
        try await targets.keep(record.json, below: "async/\(function.id.name)", in: target, as: caller)
      } else {
        let message = OutgoingMessage(body: record.json.utf8Text, traceHeader: caller.trace.header)
        try await targets.send(message, to: target, as: caller)
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

  /// The record as an event ("Capturing records of Lambda asynchronous invocations").
  private static func entry(_ record: InvocationRecord, _ bus: ARN) -> JSON {
    let result = record.condition == .success ? "Success" : "Failure"
    return [
      "Source": "lambda", "DetailType": .string("Lambda Function Invocation Result - \(result)"), "EventBusName": .string(bus.text),
      "Resources": [.string(bus.text), .string("\(record.event.function.arn):\(record.event.qualifier ?? FunctionVersion.latest)")],
      "Detail": .string(record.json.utf8Text),
    ]
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
