import Base
import Fabric
import Store
import Wire

/// What subscriptions there are, and what they are set to.
extension SNSService {
  func getSubscriptionAttributes(_ input: GetSubscriptionAttributesInput, _ call: Call) async throws -> GetSubscriptionAttributesOutput {
    let name = try SubscriptionName(input.subscriptionArn, in: call.region)
    let found = try await store.read { rows -> (Subscription, Topic)? in
      guard let topic = try rows.topic(name.topic), let subscription = try rows.subscription(name) else { return nil }
      return (subscription, topic)
    }
    guard let (subscription, topic) = found else { throw SNSError.subscriptionNotFound }
    var output = GetSubscriptionAttributesOutput()
    output.attributes = SubscriptionAttributes.shown(subscription, of: topic)
    return output
  }

  func setSubscriptionAttributes(_ input: SetSubscriptionAttributesInput, _ call: Call) async throws {
    let name = try SubscriptionName(input.subscriptionArn, in: call.region)
    let (attribute, value) = (input.attributeName, input.attributeValue ?? "")
    guard SubscriptionAttributes.names.contains(attribute) else { throw SNSError.invalid("AttributeName") }
    let isReplay = attribute == "ReplayPolicy"
    try await store.transact { rows in
      guard var topic = try rows.topic(name.topic), let old = try rows.subscription(name) else { throw SNSError.subscriptionNotFound }
      var new = old
      if attribute == "FilterPolicyScope", let policy = old.attributes["FilterPolicy"], let scope = FilterScope(rawValue: value) {
        _ = try FilterPolicy(policy, scope: scope)
      }
      let checked = try SubscriptionAttributes.checked(attribute, value, old.proto, of: topic, scope: old.filterScope)
      new.attributes[attribute] = checked.isEmpty ? nil : checked
      if attribute == "FilterPolicy", checked.isEmpty { new.attributes["FilterPolicyScope"] = nil }
      if new.hasFilter, !old.hasFilter, topic.filterPolicies >= SNSLimits.filterPoliciesOfTopic { throw SNSError.filterPolicyLimit }
      if isReplay {
        guard checked.isEmpty || old.replay?.isActive != true else { throw SNSError.replayActive }
        new.replay = checked.isEmpty ? nil : .pending
        if checked.isEmpty { try rows.delete(Keys.replay(name.arn)) } else { try rows.set(Keys.replay(name.arn), ReplayCursor().row) }
      }
      try rows.save(new, was: old, &topic)
    }
    topics.forget(name.topic)
    if isReplay { replays.nudge.nudge() }
  }

  func listSubscriptions(_ input: ListSubscriptionsInput, _ call: Call) async throws -> ListSubscriptionsOutput {
    let (account, region) = (call.account, call.region)
    let page = try Page(input.nextToken, of: "subscriptions \(account) \(region)")
    let (arns, shown) = try await store.read { rows in
      let arns = try rows.entries(Keys.owned(account, region, after: page.last), limit: SNSLimits.listPage + 1)
        .map { try Keys.ownedARN($0.key) }
      return (arns, try arns.prefix(SNSLimits.listPage).compactMap { try SubscriptionName(arn: $0).flatMap { try rows.subscription($0) } })
    }
    var output = ListSubscriptionsOutput()
    output.subscriptions = shown.map(SubscriptionShape.init)
    output.nextToken = page.token(arns)
    return output
  }

  func listSubscriptionsByTopic(_ input: ListSubscriptionsByTopicInput, _ call: Call) async throws -> ListSubscriptionsByTopicOutput {
    let name = try TopicName(input.topicArn, in: call.region)
    let page = try Page(input.nextToken, of: "subscriptions of \(name.arn)")
    let found = try await store.read { rows in
      guard try rows.topic(name) != nil else { throw SNSError.topicNotFound }
      return try rows.subscriptions(of: name, after: page.last, limit: SNSLimits.listPage + 1)
    }
    var output = ListSubscriptionsByTopicOutput()
    output.subscriptions = found.prefix(SNSLimits.listPage).map(SubscriptionShape.init)
    output.nextToken = page.token(found.map(\.name.id))
    return output
  }
}

extension SubscriptionShape {
  fileprivate init(_ subscription: Subscription) {
    self.init()
    subscriptionArn = subscription.isConfirmed ? subscription.name.arn : "PendingConfirmation"
    owner = subscription.owner.text
    `protocol` = subscription.proto.rawValue
    endpoint = subscription.shownEndpoint
    topicArn = subscription.name.topic.arn.text
  }
}

extension Subscription {
  /// Passwords in URLs are nobody's business.
  var shownEndpoint: String {
    guard proto.isHTTP, let at = Credentials.of(endpoint) else { return endpoint }
    return at.url.replacing("://", by: "://\(at.user):****@")
  }
}
