import Base
import Fabric
import Store

/// How events reach the targets of rules, and what happens when they do not.
struct TargetDelivery: DeliveryPolicy {
  let carriers: TargetCarriers
  let ambient: Ambient
  let metrics: RuleMetrics
  let destinations: HTTPDelivery
  private let owner = Owner()

  init(carriers: TargetCarriers, ambient: Ambient, metrics: RuleMetrics, destinations: HTTPDelivery) {
    (self.carriers, self.ambient, self.metrics, self.destinations) = (carriers, ambient, metrics, destinations)
  }

  func own(_ service: EventBridgeService) { owner.own(service) }

  func carry(_ delivery: Delivery) async throws {
    let details = try DeliveryDetails(row: delivery.details)
    let target = try Target(row: details.target)
    do {
      try await send(delivery, details, target)
    } catch {
      metrics.attempted(details.rule, failed: true, isRetry: delivery.attempts > 0, at: ambient.now)
      throw error
    }
    metrics.attempted(details.rule, failed: false, isRetry: delivery.attempts > 0, at: ambient.now)
    metrics.delivered(details.rule, after: ambient.now - delivery.acceptedAt, at: ambient.now)
  }

  private func send(_ delivery: Delivery, _ details: DeliveryDetails, _ target: Target) async throws {
    guard let arn = ARN(target.arn), let kind = TargetKind(arn) else { throw Self.wrong("\(target.arn) is no target.") }
    let payload = try self.payload(delivery, details, target)
    let caller = try await carriers.caller(for: delivery)
    switch kind {
    case .function: try await carriers.invoke(function: target.arn, payload: payload, as: caller)
    case .queue:
      let message = OutgoingMessage(body: payload.utf8Text, groupID: target.messageGroup)
      try await carriers.send(message, toQueue: arn, as: caller)
    case .topic: try await carriers.publish(payload.utf8Text, toTopic: arn, as: caller)
    case .stream:
      try await carriers.putRecord(payload, partitionKey: try partitionKey(delivery, target), toStream: arn, as: caller)
    case .firehose: try await carriers.putRecord(payload, toDeliveryStream: arn, as: caller)
    case .stateMachine:
      let name = "\(try Event(delivery.content, ingested: details.ingested).id)_\(delivery.id)".prefix(80)
      try await carriers.startExecution(ofStateMachine: arn, name: String(name), input: payload.utf8Text, as: caller)
    case .logGroup: try await log(payload, delivery, details, to: arn, as: caller)
    case .bus:
      guard let bus = BusName(arn) else { throw Self.wrong("\(arn) is no event bus.") }
      try await owner.get().forward(delivery.content, to: bus, as: caller, ingested: details.ingested)
    case .destination:
      let event = try Event(delivery.content, ingested: details.ingested)
      let access = Access("events:InvokeApiDestination", on: target.arn, owner: AccountID(arn.account) ?? delivery.account)
      try await owner.get().neighbours.authoriser.authorise(access, as: caller, now: ambient.now)
      try await destinations.send(payload, event, to: target)
    }
  }

  static func wrong(_ text: String) -> AWSError { AWSError(ErrorCode.invalidParameter.rawValue, text, status: 400) }

  /// What the target gets of the event.
  private func payload(_ delivery: Delivery, _ details: DeliveryDetails, _ target: Target) throws -> [UInt8] {
    switch target.input {
    case .event: return delivery.content
    case .constant(let text): return Array(text.utf8)
    case .path(let path):
      // What an event does not have is null.
      return (EventPath(path)?.value(in: try JSON.parse(delivery.content)) ?? .null).bytes
    case .transformer(let paths, let template):
      let surroundings = InputTemplate.Surroundings(
        ruleARN: delivery.source, ruleName: details.rule.name, ingested: details.ingested)
      let filled = InputTemplate(known: template, paths: paths).filled(with: try JSON.parse(delivery.content), surroundings)
      return Array(filled.utf8)
    }
  }

  /// "By default, the eventId is used as the partition key" (API reference, KinesisParameters).
  private func partitionKey(_ delivery: Delivery, _ target: Target) throws -> String {
    let event = try JSON.parse(delivery.content)
    guard let path = target.partitionKeyPath.flatMap({ EventPath($0) }) else { return event["id"]?.string ?? delivery.id }
    guard let value = path.value(in: event) else { throw Self.wrong("The event has no partition key.") }
    return value.string ?? value.text
  }

  /// An event is one line, in a stream of its own day and delivery as on AWS; a transformer may say time and text itself
  /// (`{"timestamp": …, "message": …}`).
  private func log(_ payload: [UInt8], _ delivery: Delivery, _ details: DeliveryDetails, to arn: ARN, as caller: Caller) async throws {
    let parts = arn.resource.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count >= 2 else { throw Self.wrong("\(arn) is no log group.") }
    let group = String(parts[1])
    var line = LogLine(time: try Event(delivery.content, ingested: details.ingested).time, message: payload.utf8Text)
    if case .transformer = target(details)?.input, let json = try? JSON.parse(payload), let message = json["message"] {
      line.message = message.string ?? message.text
      line.time = json["timestamp"].flatMap(Self.time) ?? line.time
    }
    let stream = "\(delivery.acceptedAt.iso8601.prefix(10))-\(details.rule.name)"
    do {
      try await carriers.putLogEvents([line], toGroup: group, stream: stream, as: caller)
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      _ = try? await carriers.call(
        "logs", "CreateLogStream", input: ["logGroupName": .string(group), "logStreamName": .string(stream)], as: caller)
      try await carriers.putLogEvents([line], toGroup: group, stream: stream, as: caller)
    }
  }
  private func target(_ details: DeliveryDetails) -> Target? { try? Target(row: details.target) }
  private static func time(_ value: JSON) -> Instant? {
    value.int.map { Instant(milliseconds: $0) } ?? value.string.flatMap { Instant(iso8601: $0) }
  }

  func verdict(on delivery: Delivery, after error: AWSError, now: Instant, random: any RandomSource) -> DeliveryVerdict {
    guard let details = try? DeliveryDetails(row: delivery.details), let target = try? Target(row: details.target) else {
      return .giveUp(reason: "Its row cannot be read.")
    }
    let verdict = RetrySchedule.verdict(
      after: ErrorCode(error), attempts: delivery.attempts, acceptedAt: delivery.acceptedAt, target: target, now: now,
      jitter: random.unit())
    return switch verdict {
    case .retry(let at): .retry(at: at)
    case .giveUp(let condition): .giveUp(reason: condition?.rawValue ?? "no retry mends this:")
    }
  }

  /// The dead letter is the event itself, with attributes that say what went wrong.
  func abandon(_ delivery: Delivery, reason: String, error: AWSError) async throws -> String? {
    let details = try DeliveryDetails(row: delivery.details)
    metrics.failed(details.rule, at: ambient.now)
    guard let queue = target(details)?.deadLetter, let arn = ARN(queue) else { return nil }
    var attributes: [(String, String)] = [
      ("RULE_ARN", delivery.source), ("TARGET_ARN", delivery.target), ("ERROR_CODE", ErrorCode(error).rawValue),
      ("ERROR_MESSAGE", error.message), ("RETRY_ATTEMPTS", String(max(delivery.attempts - 1, 0))),
    ]
    if let condition = RetrySchedule.Condition(rawValue: reason) {
      attributes.append(("EXHAUSTED_RETRY_CONDITION", condition.rawValue))
    }
    let message = OutgoingMessage(
      body: delivery.content.utf8Text,
      attributes: attributes.filter { !$0.1.isEmpty }.map { name, value in (name, .told(value)) })
    // The queue's own policy lets EventBridge in, whatever role the target has.
    let service = ServicePrincipal("events.amazonaws.com", sourceARN: delivery.source, sourceAccount: delivery.account)
    let caller = Caller(principal: .service(service), account: delivery.account, region: delivery.region, trace: delivery.trace)
    do {
      try await carriers.send(message, toQueue: arn, as: caller)
      metrics.deadLettered(details.rule, failed: false, at: ambient.now)
    } catch {
      metrics.deadLettered(details.rule, failed: true, at: ambient.now)
      throw error
    }
    return queue
  }
}

extension EventBridgeService {
  /// An event of another bus arrives: who sends it must be allowed to put events there.
  func forward(_ bytes: [UInt8], to bus: BusName, as caller: Caller, ingested: Instant) async throws {
    var event = try Event(bytes, ingested: ambient.now)
    event.isForwarded = true
    guard let found = try await cache.find(bus, in: store).bus else { throw EventBridgeError.noBus(bus.name) }
    let access = Access(
      "events:PutEvents", on: bus.arn.text, owner: bus.account, resourcePolicy: found.policy,
      conditionValues: [
        "events:source": [event.source], "events:detail-type": [event.detailType], "events:eventbusinvocation": ["true"],
      ]).having(found.tags)
    try await neighbours.authoriser.authorise(access, as: caller, now: ambient.now)
    try await accept([Arrival(event: event, bus: bus, trace: caller.trace)])
  }
}
