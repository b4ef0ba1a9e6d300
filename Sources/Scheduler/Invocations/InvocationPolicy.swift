import Base
import Fabric

/// How an invocation reaches its target, and what becomes of it when it does not.
struct InvocationPolicy: DeliveryPolicy {
  let carriers: TargetCarriers
  let ambient: Ambient

  func carry(_ delivery: Delivery) async throws {
    let details = try InvocationDetails(row: delivery.details)
    let input = input(of: delivery, details)
    let caller = try await carriers.caller(for: delivery)
    let target = details.target
    switch try TargetKind(target.arn) {
    case .queue(let queue):
      try await carriers.send(OutgoingMessage(body: input, groupID: target.messageGroup), toQueue: queue, as: caller)
    case .function(let function): try await carriers.invoke(function: function, payload: Array(input.utf8), as: caller)
    case .topic(let topic): try await carriers.publish(input, toTopic: topic, as: caller)
    case .bus(let bus):
      let entry: JSON = [
        "Source": JSON(target.eventSource), "DetailType": JSON(target.eventDetailType), "Detail": .string(input),
        "EventBusName": .string(bus.text),
      ]
      try await carriers.putEvents([entry], as: caller)
    case .stream(let stream):
      try await carriers.putRecord(Array(input.utf8), partitionKey: target.partitionKey ?? "", toStream: stream, as: caller)
    case .deliveryStream(let stream): try await carriers.putRecord(Array(input.utf8), toDeliveryStream: stream, as: caller)
    case .stateMachine(let machine): try await carriers.startExecution(ofStateMachine: machine, input: input, as: caller)
    case .universal(let service, let operation):
      let json: JSON
      do { json = try JSON.parse(input) } catch { throw SchedulerError.validation("Invalid RequestJson provided. Reason \(error)") }
      _ = try await carriers.call(service, operation, input: json, as: caller)
    }
  }

  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    guard let details = try? InvocationDetails(row: delivery.details) else { return .giveUp(reason: "unreadable") }
    let decision = RetryDecision(
      details.target, attempts: delivery.attempts, since: delivery.acceptedAt, after: error, now: now, random: random)
    switch decision {
    case .retry(let next): return .retry(at: next)
    case .giveUp(let condition): return .giveUp(reason: condition ?? error.code)
    }
  }

  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? {
    let details = try InvocationDetails(row: delivery.details)
    guard let text = details.target.deadLetterQueue, let queue = ARN(text) else { return nil }
    var attributes = [
      ("ERROR_CODE", error.code), ("ERROR_MESSAGE", error.message), ("EXECUTION_ID", executionID),
      ("IS_PAYLOAD_TRUNCATED", "false"), ("RETRY_ATTEMPTS", String(max(0, delivery.attempts - 1))),
      ("SCHEDULED_TIME", details.scheduledAt.wholeSeconds.iso8601), ("SCHEDULE_ARN", details.schedule.arn),
      ("TARGET_ARN", details.target.arn),
    ]
    if reason != error.code { attributes.append(("EXHAUSTED_RETRY_CONDITION", reason)) }
    let message = OutgoingMessage(
      body: input(of: delivery, details),
      attributes: attributes.filter { !$0.1.isEmpty }.map { ($0.0, .told($0.1)) })
    // As the role: it is what the user guide wants to be allowed to send.
    try await carriers.send(message, toQueue: queue, as: carriers.caller(for: delivery))
    return text
  }

  private var executionID: String { ambient.random.bytes(8).hex }

  private func input(of delivery: Delivery, _ details: InvocationDetails) -> String {
    let context = InvocationContext(
      schedule: details.schedule, scheduledAt: details.scheduledAt, executionID: executionID, attempt: delivery.attempts + 1)
    guard delivery.content.isEmpty else { return context.replacing(in: delivery.content.utf8Text) }
    if case .universal? = try? TargetKind(details.target.arn) { return "{}" }
    return context.standardEvent
  }
}
