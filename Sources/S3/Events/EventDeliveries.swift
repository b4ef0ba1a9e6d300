import Base
import Fabric

/// How S3 delivers its events: again after failures that may pass, for a day; what a destination refuses is gone, as S3 has no dead
/// letters.
struct EventDeliveries: DeliveryPolicy {
  let carriers: TargetCarriers

  func carry(_ delivery: Delivery) async throws {
    let caller = try await carriers.caller(for: delivery)
    guard let target = ARN(delivery.target) else { throw AWSError("InvalidArgument", "The ARN could not be parsed", status: 400) }
    switch target.service {
    case "sqs": try await carriers.send(OutgoingMessage(body: delivery.content.utf8Text), toQueue: target, as: caller)
    case "sns":
      try await carriers.publish(delivery.content.utf8Text, subject: "Amazon S3 Notification", toTopic: target, as: caller)
    case "lambda": try await carriers.invoke(function: target.text, payload: delivery.content, as: caller)
    default: throw AWSError("InvalidArgument", "S3 has no events for \(target.service).", status: 400)
    }
  }

  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    let mayPass = error.fault == .server && error.status != 501 || error.status == 429 || error.code.contains("Throttl")
    guard mayPass else { return .giveUp(reason: "The destination refused the event.") }
    let pause = min(Duration.seconds(1 << min(delivery.attempts, 9)), .minutes(5)) * (0.5 + random.unit())
    guard now + pause < delivery.acceptedAt + S3Limits.eventAge else { return .giveUp(reason: "The destination did not take the event for a day.") }
    return .retry(at: now + pause)
  }

  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? { nil }
}
