import Base
import Fabric
import HTTPClient
import Store

/// Carries notifications to their endpoints, each in the form of its protocol, and says what follows from a failure.
struct Carrier: DeliveryPolicy {
  let targets: TargetCarriers
  let topics: TopicCache
  let signer: MessageSigner
  let http: any HTTPSender
  let gates: RateGates
  let outbox: Outbox
  let metrics: TopicMetrics
  let status: StatusLog
  let ambient: Ambient

  func carry(_ delivery: Delivery) async throws {
    let notification = try Notification(delivery.content), place = try DeliveryPlace(delivery.details)
    let found = try await found(delivery)
    // A farewell is for somebody who is no subscription any more.
    if found == nil, notification.kind == .message { throw Self.gone }
    let answer = try await carry(notification, delivery, place, found?.0, found?.1)
    guard notification.kind == .message, let (subscription, topic) = found else { return }
    metrics.add(.delivered, topic.name, ambient.now)
    status.note(notification, delivery, subscription, topic, .success(answer), at: ambient.now)
  }

  private static let gone = AWSError("NotFoundException", "The subscription does not exist any more.", status: 404)

  private func found(_ delivery: Delivery) async throws -> (Subscription, Topic)? {
    guard let name = SubscriptionName(arn: delivery.source) else { throw StoreError.corrupt("source of a delivery") }
    return try await topics.subscription(name)
  }

  private func carry(
    _ notification: Notification, _ delivery: Delivery, _ place: DeliveryPlace, _ subscription: Subscription?, _ topic: Topic?
  ) async throws -> ProviderAnswer {
    let isRaw = subscription?.isRaw == true && notification.kind == .message
    switch place.proto {
    case .sqs:
      guard let queue = ARN(place.endpoint) else { throw SNSError.invalid("SQS endpoint ARN") }
      let message = try await message(notification, delivery, isRaw: isRaw, toFIFO: queue.resource.hasSuffix(".fifo"))
      let id = try await targets.send(message, toQueue: queue, as: try await targets.caller(for: delivery))
      return ProviderAnswer(["sqsMessageId": .string(id)])
    case .lambda:
      let envelope = try await signer.envelope(notification, for: delivery.source, .inside)
      var caller = try await targets.caller(for: delivery)
      if let region = ARN(place.endpoint).flatMap({ Region($0.region) }) { caller.region = region }
      try await targets.invoke(function: place.endpoint, payload: envelope.event, as: caller)
      return ProviderAnswer(["lambdaRequestId": .string(delivery.trace.root)], status: 202)
    case .firehose:
      guard let stream = ARN(place.endpoint) else { throw SNSError.invalid("Firehose endpoint ARN") }
      let data = isRaw ? Array(notification.body.utf8) : try await signer.envelope(notification, for: delivery.source, .inside).document
      try await targets.putRecord(data, toDeliveryStream: stream, as: try await targets.caller(for: delivery))
      return ProviderAnswer([:])
    case .http, .https:
      let policy = HTTPDeliveryPolicy.effective(
        subscription: subscription?.attributes["DeliveryPolicy"], topic: topic?.attributes["DeliveryPolicy"])
      if notification.kind == .message, let rate = policy.maxReceivesPerSecond {
        try await gates.pass(delivery.source, perSecond: rate, ambient.clock)
      }
      let envelope = isRaw ? nil : try await signer.envelope(notification, for: delivery.source, .outside)
      return try await post(notification, envelope, delivery, place, policy)
    case .email, .emailJSON, .sms:
      try await outbox.add(try await item(notification, delivery, place, topic))
      return ProviderAnswer([:])
    }
  }

  private func message(_ notification: Notification, _ delivery: Delivery, isRaw: Bool, toFIFO: Bool) async throws -> OutgoingMessage {
    var message: OutgoingMessage
    if isRaw {
      guard notification.attributes.count <= SNSLimits.rawAttributes else {
        throw AWSError(
          "InvalidParameterValue",
          "Number of message attributes [\(notification.attributes.count)] exceeds the allowed maximum [\(SNSLimits.rawAttributes)].",
          status: 400)
      }
      message = OutgoingMessage(body: notification.body, attributes: notification.attributes.map { ($0.name, QueueAttribute($0)) })
    } else {
      message = OutgoingMessage(body: try await signer.envelope(notification, for: delivery.source, .inside).document.utf8Text)
    }
    // A standard queue takes a group for its fair share, and no deduplication id.
    message.groupID = notification.groupID
    message.deduplicationID = toFIFO ? notification.deduplicationID ?? notification.id : nil
    return message
  }

  private func item(
    _ notification: Notification, _ delivery: Delivery, _ place: DeliveryPlace, _ topic: Topic?
  ) async throws -> OutboxItem {
    let envelope = try await signer.envelope(notification, for: delivery.source, .outside)
    var item = OutboxItem(
      id: "\(notification.id)-\(delivery.id)", kind: place.proto == .sms ? .sms : .email, account: delivery.account,
      recipient: place.endpoint, sender: topic?.attributes["DisplayName"] ?? "", subject: "", body: notification.body,
      time: delivery.acceptedAt)
    item.subscription = delivery.source
    switch notification.kind {
    case .confirmation(let token), .farewell(let token): item.link = URLs.confirm(notification.topic, token, at: notification.endpoint)
    case .message: item.link = place.proto == .sms ? nil : URLs.unsubscribe(delivery.source, at: notification.endpoint)
    }
    guard place.proto != .sms else { return item }
    switch notification.kind {
    case .confirmation: item.subject = "AWS Notification - Subscription Confirmation"
    case .farewell: item.subject = "AWS Notification - Unsubscribe Confirmation"
    case .message: item.subject = notification.subject ?? "AWS Notification Message"
    }
    if place.proto == .emailJSON { item.body = envelope.document.utf8Text }
    return item
  }
}

/// What follows from failures.
extension Carrier {
  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    guard let place = try? DeliveryPlace(delivery.details) else { return .giveUp(reason: "The delivery cannot be read.") }
    if RetrySchedule.isPermanent(error) { return .giveUp(reason: "The endpoint refuses it, which trying again does not mend.") }
    guard let delay = RetrySchedule.delay(place.proto, after: delivery.attempts, retries(of: delivery)) else {
      return .giveUp(reason: "All \(delivery.attempts) attempts failed.")
    }
    return .retry(at: now + RetrySchedule.jittered(delay, random.unit()))
  }

  /// What the cache has of the subscription is good enough for a delay.
  private func retries(of delivery: Delivery) -> HTTPDeliveryPolicy {
    guard let name = SubscriptionName(arn: delivery.source), let (subscription, topic) = topics.cached(name) else { return .init() }
    return .effective(subscription: subscription.attributes["DeliveryPolicy"], topic: topic.attributes["DeliveryPolicy"])
  }

  /// To the dead-letter queue of the subscription: what the endpoint would have got.
  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? {
    guard let (subscription, topic) = try await found(delivery) else { return nil }
    let notification = try Notification(delivery.content)
    guard notification.kind == .message else { return nil }
    guard let target = subscription.deadLetterTarget else {
      end(notification, delivery, subscription, topic, error)
      return nil
    }
    do {
      var message = try await message(
        notification, delivery, isRaw: subscription.isRaw && notification.attributes.count <= SNSLimits.rawAttributes,
        toFIFO: target.resource.hasSuffix(".fifo"))
      message.attributes = Array(message.attributes.prefix(SNSLimits.rawAttributes - 3)) + [
        ("RequestID", QueueAttribute(dataType: "String", content: .string(ambient.uuid()))),
        ("ErrorCode", QueueAttribute(dataType: "String", content: .string(String(error.status ?? (error.fault == .client ? 400 : 500))))),
        ("ErrorMessage", .told("\(error.code): \(error.message)")),
      ]
      let service = ServicePrincipal("sns.amazonaws.com", sourceARN: topic.name.arn.text, sourceAccount: topic.name.account)
      let caller = Caller(
        principal: .service(service), account: delivery.account, region: delivery.region, trace: delivery.trace)
      try await targets.send(message, toQueue: target, as: caller)
    } catch let failure as AWSError where failure.fault == .client {
      metrics.add(.failedToRedrive, topic.name, ambient.now)
      end(notification, delivery, subscription, topic, error)
      throw failure
    }
    metrics.add(.redriven, topic.name, ambient.now)
    end(notification, delivery, subscription, topic, error)
    return target.text
  }

  private func end(_ notification: Notification, _ delivery: Delivery, _ subscription: Subscription, _ topic: Topic, _ error: AWSError) {
    metrics.add(.failed, topic.name, ambient.now)
    status.note(notification, delivery, subscription, topic, .failure(error), at: ambient.now)
  }
}

extension QueueAttribute {
  fileprivate init(_ attribute: MessageAttribute) {
    switch attribute.content {
    case .string(let text): self.init(dataType: attribute.dataType, content: .string(text))
    case .binary(let bytes): self.init(dataType: attribute.dataType, content: .binary(bytes))
    }
  }
}

/// What an endpoint answered, for the delivery status log.
struct ProviderAnswer: Sendable {
  var response: JSON
  var status: Int
  init(_ response: JSON, status: Int = 200) { (self.response, self.status) = (response, status) }
}
