import Base
import Fabric
import Logging

/// Tells dead-letter queue and destinations how an execution ended that was started asynchronously (AWS: "Best practices
/// for Lambda durable functions": a terminal state other than success sends the original event to the dead-letter queue).
struct DurableReports: Sendable {
  let executions: DurableExecutions
  let control: ControlPlane
  let deadLetters: DeadLetters
  let destinations: Destinations
  let queue: AsyncQueue
  let logger: Logger

  /// Never throws: what cannot be delivered is lost, as on AWS, and the log says so.
  func tell(_ id: DurableExecutionID) async {
    do {
      let found = try await executions.store.read { reader -> (DurableExecution, DurableOutcome, String?)? in
        let rows = DurableRows(reader)
        guard let execution = try rows.execution(id), let outcome = try rows.outcome(execution) else { return nil }
        return (execution, outcome, try rows.input(id))
      }
      guard let (execution, outcome, input) = found, case .asynchronous(let requestID, let qualifier) = execution.origin else {
        return
      }
      let event = AsyncEvent(
        requestID: requestID, function: id.function, qualifier: qualifier, payload: Array((input ?? "").utf8),
        trace: execution.trace, acceptedAt: execution.started, failures: 0, refusals: 0)
      let resolved = try? await control.resolve(FunctionName(id: id.function, qualifier: qualifier))
      try await tell(event, outcome, resolved, version: id.version)
    } catch {
      logger.error(
        "the end of a durable execution could not be told", metadata: ["execution": "\(id.arn)", "error": "\(error)"])
    }
  }

  private func tell(
    _ event: AsyncEvent, _ outcome: DurableOutcome, _ resolved: ResolvedFunction?, version: String
  ) async throws {
    let target: ARN?
    let response: AsyncResponse
    let condition: InvocationRecord.Condition
    if outcome.status == .succeeded {
      (target, condition) = (resolved?.asynchronous?.onSuccess, .success)
      response = AsyncResponse(executedVersion: version, isError: false, body: Array((outcome.result ?? "null").utf8))
    } else {
      let error = outcome.error ?? DurableError()
      let failure = FunctionError(type: error.type, body: error.functionErrorBody)
      await deadLetters.take(event, .retriesExhausted(failure), resolved?.version)
      (target, condition) = (resolved?.asynchronous?.onFailure, .retriesExhausted)
      response = AsyncResponse(executedVersion: version, isError: true, body: failure.body)
    }
    guard let target, let function = resolved?.version else { return }
    let record = InvocationRecord(
      event: event, condition: condition, invocations: 1, response: response, time: executions.ambient.now)
    if let follower = await destinations.take(record, for: target, of: function) { try await queue.accept(follower) }
  }
}
