import Base
import Crypto
import Fabric
import Logging
import Synchronization

/// Tells CloudWatch Logs how deliveries went, as the role that the topic names (developer guide, "Amazon SNS message delivery status").
///
/// Lines wait in memory for the worker that writes them; a crash loses those of the last moment.
final class StatusLog: Worker {
  private struct Line: Sendable {
    var text: String
    var time: Instant
    var topic: TopicName
    var role: ARN
    var isFailure: Bool
  }
  /// What comes above it is dropped: telling must not fill the memory.
  private static let limit = 10_000

  let name = "sns-delivery-status"
  let nudge = Nudge()
  private let waiting = Mutex<[Line]>([])
  private let logs: any LogPort
  private let roles: any RolePort
  private let ambient: Ambient
  private let logger: Logger

  init(logs: any LogPort, roles: any RolePort, ambient: Ambient, logger: Logger) {
    (self.logs, self.roles, self.ambient, self.logger) = (logs, roles, ambient, logger)
  }

  /// One that ended, well or not. Costs nothing where the topic names no role.
  func note(
    _ notification: Notification, _ delivery: Delivery, _ subscription: Subscription, _ topic: Topic,
    _ result: Result<ProviderAnswer, AWSError>, at now: Instant
  ) {
    guard let feedback = topic.feedback(subscription.proto) else { return }
    let isSuccess = (try? result.get()) != nil
    if isSuccess, ambient.random.number(below: 100) >= UInt64(feedback.sampleRate) { return }
    guard let role = (isSuccess ? feedback.successRole : feedback.failureRole).flatMap({ ARN($0) }) else { return }
    let line = Line(
      text: Self.text(
        notification, delivery, subscription, result, attempts: delivery.attempts + (isSuccess ? 1 : 0), id: ambient.uuid(), at: now),
      time: now, topic: topic.name, role: role, isFailure: !isSuccess)
    let isKept = waiting.withLock { waiting in
      guard waiting.count < Self.limit else { return false }
      waiting.append(line)
      return true
    }
    guard isKept else {
      return logger.warning("delivery status was not written: too much waits", metadata: ["topic": "\(topic.name.arn)"])
    }
    nudge.nudge()
  }

  private static func text(
    _ notification: Notification, _ delivery: Delivery, _ subscription: Subscription, _ result: Result<ProviderAnswer, AWSError>,
    attempts: Int, id: String, at now: Instant
  ) -> String {
    let digest = Insecure.MD5.hash(data: Array(notification.body.utf8)).map { $0 }.hex
    let (response, status): (String, Int) =
      switch result {
      case .success(let answer): (answer.response.string ?? answer.response.text, answer.status)
      case .failure(let error):
        (JSON.object(JSONObject([("ErrorCode", .string(error.code)), ("ErrorMessage", .string(error.message))])).text, error.status ?? 500)
      }
    let told = JSONObject([
      ("deliveryId", .string(id)), ("destination", .string(subscription.shownEndpoint)), ("providerResponse", .string(response)),
      ("dwellTimeMs", .int((now - delivery.acceptedAt).inMilliseconds)), ("attempts", JSON(attempts)), ("statusCode", JSON(status)),
    ])
    let message = JSONObject([
      ("messageMD5Sum", .string(digest)), ("messageId", .string(notification.id)),
      ("topicArn", .string(notification.topic.arn.text)),
      ("timestamp", .string(String(notification.time.iso8601Milliseconds.dropLast()).replacing("T", by: " "))),
    ])
    return JSON.object(JSONObject([
      ("notification", .object(message)), ("delivery", .object(told)), ("status", .string((try? result.get()) == nil ? "FAILURE" : "SUCCESS")),
    ])).text
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let lines = waiting.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    struct Place: Hashable { var topic: TopicName; var role: ARN; var isFailure: Bool }
    for (place, lines) in Dictionary(grouping: lines, by: { Place(topic: $0.topic, role: $0.role, isFailure: $0.isFailure) }) {
      do {
        let topic = place.topic
        let service = ServicePrincipal("sns.amazonaws.com", sourceARN: topic.arn.text, sourceAccount: topic.account)
        let session = try await roles.session(role: place.role, sessionName: "sns-delivery-status", by: service)
        let caller = Caller(principal: .role(session), account: topic.account, region: topic.region, trace: TraceContext(ambient))
        try await logs.write(
          lines.map { LogLine(time: $0.time, message: $0.text) },
          group: "sns/\(topic.region)/\(topic.account)/\(topic.name)\(place.isFailure ? "/Failure" : "")", stream: "delivery-status", as: caller)
      } catch let error as AWSError {
        logger.warning(
          "delivery status cannot be written",
          metadata: ["topic": "\(place.topic.arn)", "role": "\(place.role)", "error": "\(error)"])
      }
    }
    return .onNudge
  }
}
