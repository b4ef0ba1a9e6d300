import Base
import Fabric
import Store
import Wire

/// Subscriptions begin and are confirmed.
extension SNSService {
  var subscriptionOperations: [Operation] {
    [
      Operation("Subscribe", access: subscribeAccess, run: subscribe),
      Operation("ConfirmSubscription", access: confirmAccess, run: confirmSubscription),
      Operation("Unsubscribe", access: unsubscribeAccess, run: unsubscribe),
      Operation("ListSubscriptions", access: access(onAll: "ListSubscriptions"), run: listSubscriptions),
      Operation("ListSubscriptionsByTopic", access: access("ListSubscriptionsByTopic"), run: listSubscriptionsByTopic),
      Operation("GetSubscriptionAttributes", access: access("GetSubscriptionAttributes"), run: getSubscriptionAttributes),
      Operation("SetSubscriptionAttributes", access: setSubscriptionAttributesAccess, run: setSubscriptionAttributes),
    ]
  }

  private func subscribeAccess(_ input: SubscribeInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    var access = try await access("Subscribe", try TopicName(input.topicArn, in: call.region))
    access.conditionValues["sns:protocol"] = [input.`protocol`]
    if let endpoint = input.endpoint { access.conditionValues["sns:endpoint"] = [endpoint] }
    return [access] + (try passRoles([input.attributes?["SubscriptionRoleArn"]], call))
  }

  private func setSubscriptionAttributesAccess(_ input: SetSubscriptionAttributesInput, _ call: Call) async throws -> [Access] {
    let isRole = input.attributeName == "SubscriptionRoleArn"
    return try await access("SetSubscriptionAttributes")(input, call) + passRoles([isRole ? input.attributeValue : nil], call)
  }

  private func subscribe(_ input: SubscribeInput, _ call: Call) async throws -> SubscribeOutput {
    let name = try TopicName(input.topicArn, in: call.region)
    let proto = try SubscriptionProtocol(checking: input.`protocol`)
    guard let endpoint = input.endpoint, !endpoint.isEmpty else { throw SNSError.invalid("Endpoint") }
    let topic = try await topics.existing(name).topic
    try Self.check(proto, endpoint, for: topic)
    if proto == .firehose, door.model("firehose") == nil { throw SNSError.unsupported("the protocol firehose, whose service does not exist here") }
    let attributes = try SubscriptionAttributes.checkedAtSubscribe(input.attributes ?? [:], proto, of: topic)
    let isKnown = Self.isConfirmed(proto, endpoint, by: call)
    let id = ambient.uuid()
    let token = isKnown ? nil : ConfirmationToken.make(id, ambient)
    var candidate = Subscription(
      name: SubscriptionName(topic: name, id: id), owner: call.account, principal: call.principal.arn, proto: proto, endpoint: endpoint,
      created: ambient.now,
      confirmation: isKnown ? .confirmed(authenticated: true) : .pending(until: ambient.now + SNSLimits.confirmationTime), token: token,
      attributes: attributes)
    candidate.replay = attributes["ReplayPolicy"] == nil ? nil : .pending
    let kept = try await keep(candidate, call)
    var output = SubscribeOutput()
    output.subscriptionArn = kept.isConfirmed || input.returnSubscriptionArn == true ? kept.name.arn : "pending confirmation"
    return output
  }

  private static func check(_ proto: SubscriptionProtocol, _ endpoint: String, for topic: Topic) throws(AWSError) {
    try proto.check(endpoint, in: topic.name.region)
    if topic.isFIFO {
      guard proto == .sqs else { throw SNSError.invalid("Invalid parameter: Endpoint Reason: Please use FIFO SQS queue") }
    } else if proto == .sqs, endpoint.hasSuffix(".fifo") {
      throw SNSError.invalid("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
    }
    if topic.maximumMessageSize > SNSLimits.messageBytes, !proto.takesLargeMessages {
      throw SNSError.invalid("Protocol", "A topic with a MaximumMessageSize above 256 KB has only SQS, Lambda and Firehose subscriptions")
    }
  }

  /// Whether nobody has to be asked: the endpoint is the caller's own, or is a phone.
  private static func isConfirmed(_ proto: SubscriptionProtocol, _ endpoint: String, by call: Call) -> Bool {
    switch proto {
    case .sqs, .lambda, .firehose: ARN(endpoint)?.account == call.account.text
    case .sms: true
    case .http, .https, .email, .emailJSON: false
    }
  }

  /// Keeps a new subscription, or gives back the one that there is. Whoever is to confirm is told.
  private func keep(_ candidate: Subscription, _ call: Call) async throws -> Subscription {
    let name = candidate.name.topic
    let (id, now) = (ambient.uuid(), ambient.now)
    let (kept, started) = try await store.transact { [deliveries] rows -> (Subscription, [Delivery]) in
      var topic = try rows.existing(name)
      let present = try rows.subscription(to: name, candidate.proto, candidate.endpoint)
      if let present {
        guard candidate.attributes.isEmpty || candidate.attributes == present.attributes else {
          throw SNSError.invalid("Attributes", "Subscription already exists with different attributes")
        }
        guard !present.isConfirmed, present.token != nil else { return (present, []) }
      } else {
        try Self.checkLimits(topic, candidate)
        try rows.save(candidate, was: nil, &topic)
        if candidate.replay != nil { try rows.set(Keys.replay(candidate.name.arn), ReplayCursor().row) }
      }
      let subscription = present ?? candidate
      guard let token = subscription.token, !subscription.isConfirmed else { return (subscription, []) }
      let word = Notification.confirmation(token: token, of: topic, id: id, at: now, endpoint: call.endpoint)
      return (subscription, try deliveries.add([Self.delivery(word, to: subscription, call.trace, at: now)], to: rows))
    }
    topics.forget(name)
    deliveries.started(started)
    if kept.replay?.isActive == true { replays.nudge.nudge() }
    return kept
  }

  private static func checkLimits(_ topic: Topic, _ candidate: Subscription) throws(AWSError) {
    if topic.isFIFO, topic.subscriptions >= SNSLimits.fifoSubscriptions {
      throw SNSError.subscriptionLimit("The FIFO topic already has \(SNSLimits.fifoSubscriptions) subscriptions.")
    }
    if topic.maximumMessageSize > SNSLimits.messageBytes, topic.subscriptions >= SNSLimits.subscriptionsOfLargeTopics {
      throw SNSError.subscriptionLimit(
        "A topic with a MaximumMessageSize above 256 KB has at most \(SNSLimits.subscriptionsOfLargeTopics) subscriptions.")
    }
    if candidate.hasFilter, topic.filterPolicies >= SNSLimits.filterPoliciesOfTopic { throw SNSError.filterPolicyLimit }
  }
}

/// Confirming and ending, which need no key: the token, or the ARN, is the proof.
extension SNSService {
  private func confirmAccess(_ input: ConfirmSubscriptionInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    guard call.principal != .anonymous else { return [] }
    return [try await access("ConfirmSubscription", try TopicName(input.topicArn, in: call.region))]
  }

  private func confirmSubscription(_ input: ConfirmSubscriptionInput, _ call: Call) async throws -> ConfirmSubscriptionOutput {
    // Without a key there is no Region but the ARN's.
    let region = call.principal == .anonymous ? Self.region(of: input.topicArn) ?? call.region : call.region
    let name = try TopicName(input.topicArn, in: region)
    let token = input.token
    guard let id = ConfirmationToken.subscription(token) else { throw SNSError.invalid("Token") }
    let isAuthenticated = call.principal != .anonymous
    let needsSignature = input.authenticateOnUnsubscribe?.lowercased() == "true"
    guard !needsSignature || isAuthenticated else {
      throw AWSError("AuthorizationErrorException", "AuthenticateOnUnsubscribe needs an authenticated request", status: 403)
    }
    let now = ambient.now
    let subscription = SubscriptionName(topic: name, id: id)
    let known = try await store.transact { rows -> SubscriptionName in
      var topic = try rows.existing(name)
      if let row = try rows.get(Keys.farewell(token)) {
        // The endpoint takes its leave back, from the topic that it had left and from no other.
        let farewell = try Farewell(row)
        guard farewell.subscription.name == subscription, farewell.topicID == topic.id, now < farewell.until else {
          throw SNSError.invalidToken
        }
        var returning = farewell.subscription
        returning.confirmation = .confirmed(authenticated: isAuthenticated)
        try rows.delete(Keys.farewell(token))
        try rows.delete(Keys.pending(farewell.until, token))
        if let other = try rows.subscription(to: name, returning.proto, returning.endpoint) { return other.name }
        try Self.checkLimits(topic, returning)
        try rows.save(returning, was: nil, &topic)
        return subscription
      }
      guard let present = try rows.subscription(subscription), present.token == token else { throw SNSError.invalidToken }
      guard case .pending(let until) = present.confirmation else { return subscription }
      guard now < until else { throw SNSError.invalidToken }
      var confirmed = present
      confirmed.confirmation = .confirmed(authenticated: isAuthenticated)
      confirmed.needsSignatureToEnd = needsSignature
      try rows.save(confirmed, was: present, &topic)
      return subscription
    }
    topics.forget(name)
    replays.nudge.nudge()
    var output = ConfirmSubscriptionOutput()
    output.subscriptionArn = known.arn
    return output
  }

  static func region(of arn: String) -> Region? { ARN(arn).flatMap { Region($0.region) } }

  private func unsubscribeAccess(_ input: UnsubscribeInput, _ call: Call) async throws -> [Access] {
    guard call.principal == .anonymous else { return try await access("Unsubscribe")(input, call) }
    try input.checkRequired()
    let name = try SubscriptionName(input.subscriptionArn, in: Self.region(of: input.subscriptionArn) ?? call.region)
    guard try await topics.subscription(name)?.0.needsSignatureToEnd != true else {
      throw AWSError(
        "AuthorizationErrorException", "User: anonymous is not authorized to perform: sns:Unsubscribe on resource: \(name.topic.arn)",
        status: 403)
    }
    return []
  }

  private func unsubscribe(_ input: UnsubscribeInput, _ call: Call) async throws {
    let name = try SubscriptionName(input.subscriptionArn, in: Self.region(of: input.subscriptionArn) ?? call.region)
    let (id, now) = (ambient.uuid(), ambient.now)
    let token = ConfirmationToken.make(name.id, ambient)
    let started = try await store.transact { [deliveries] rows -> [Delivery] in
      guard var topic = try rows.topic(name.topic), let subscription = try rows.subscription(name) else { return [] }
      try rows.remove(subscription, &topic)
      guard subscription.isConfirmed, subscription.proto.isHTTP || subscription.proto == .email || subscription.proto == .emailJSON else {
        return []
      }
      var leaving = subscription
      leaving.token = token
      let farewell = Farewell(subscription: leaving, topicID: topic.id, until: now + SNSLimits.confirmationTime)
      try rows.set(Keys.farewell(token), farewell.row)
      try rows.set(Keys.pending(farewell.until, token), [])
      let word = Notification.farewell(subscription, token: token, of: topic, id: id, at: now, endpoint: call.endpoint)
      return try deliveries.add([Self.delivery(word, to: subscription, call.trace, at: now)], to: rows)
    }
    topics.forget(name.topic)
    deliveries.started(started)
  }
}

/// What an endpoint shows to confirm: it names the subscription, and cannot be guessed.
enum ConfirmationToken {
  static func make(_ subscription: String, _ ambient: Ambient) -> String {
    subscription.replacing("-", by: "") + ambient.random.bytes(48).hex
  }
  /// The id of the subscription; nil for what is no token.
  static func subscription(_ token: String) -> String? {
    let text = Array(token.utf8)
    guard text.count == 128, text.allSatisfy({ hexValue($0) != nil }) else { return nil }
    return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { text[$0].utf8Text }.joined(separator: "-")
  }
}
