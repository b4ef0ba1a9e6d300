import Base
import Fabric
import Wire

/// An input that names its topic.
protocol TopicInput: RecordView {
  var topicArn: String { get }
}
extension DeleteTopicInput: TopicInput {}
extension GetTopicAttributesInput: TopicInput {}
extension SetTopicAttributesInput: TopicInput {}
extension AddPermissionInput: TopicInput {}
extension RemovePermissionInput: TopicInput {}
extension SubscribeInput: TopicInput {}
extension ConfirmSubscriptionInput: TopicInput {}
extension ListSubscriptionsByTopicInput: TopicInput {}
extension PublishBatchInput: TopicInput {}

/// An input that names its subscription.
protocol SubscriptionInput: RecordView {
  var subscriptionArn: String { get }
}
extension UnsubscribeInput: SubscriptionInput {}
extension GetSubscriptionAttributesInput: SubscriptionInput {}
extension SetSubscriptionAttributesInput: SubscriptionInput {}

/// An input that names a topic as a resource with tags.
protocol ResourceInput: RecordView {
  var resourceArn: String { get }
}
extension TagResourceInput: ResourceInput {}
extension UntagResourceInput: ResourceInput {}
extension ListTagsForResourceInput: ResourceInput {}

extension RecordView {
  /// SNS has a text of its own for a required member that is missing, so the model's validation is not used.
  func checkRequired() throws(AWSError) {
    for (place, member) in Self.shape.members.enumerated() where member.isRequired && record.slots[place] == nil {
      throw SNSError.missing(member.name)
    }
  }
}

/// What calls touch.
extension SNSService {
  /// The action on the topic, decided with the topic's own policy. A topic that does not exist has none, so only who could see it
  /// learns that it is missing.
  func access(_ action: String, _ name: TopicName) async throws -> Access {
    let topic = try await topics.find(name)?.topic
    return Access("sns:" + action, on: name.arn.text, owner: name.account, resourcePolicy: topic?.policy).having(topic?.tags ?? [:])
  }

  func access<Input: TopicInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try input.checkRequired()
      return [try await self.access(action, try TopicName(input.topicArn, in: call.region))]
    }
  }

  /// A subscription is its subscriber's as well as its topic's owner's.
  func access<Input: SubscriptionInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try input.checkRequired()
      let name = try SubscriptionName(input.subscriptionArn, in: call.region)
      var access = try await self.access(action, name.topic)
      if let found = try await self.topics.subscription(name)?.0, found.owner == call.account { access.owner = found.owner }
      return [access]
    }
  }

  func access<Input: ResourceInput>(
    _ action: String, tags: @escaping @Sendable (Access, Input) -> Access = { access, _ in access }
  ) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try input.checkRequired()
      return [tags(try await self.access(action, try TopicName(input.resourceArn, "ResourceArn", in: call.region)), input)]
    }
  }

  /// Roles that attributes name must be the caller's to hand on, and of his account. What is no role is refused when it is looked at.
  func passRoles(_ roles: [String?], _ call: Call) throws -> [Access] {
    try roles.compactMap { text in
      guard let text, let role = ARN(text), role.service == "iam" else { return nil }
      guard role.account == call.account.text else {
        throw AWSError("AuthorizationErrorException", "Cross-account pass role is not allowed.", status: 403)
      }
      return Access("iam:PassRole", on: text, owner: call.account, conditionValues: ["iam:passedtoservice": ["sns.amazonaws.com"]])
    }
  }

  /// What has no resource of its own.
  func access<Input: RecordView>(onAll action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try input.checkRequired()
      return [Access("sns:" + action, on: ARN("sns", call.region, call.account, "*").text, owner: call.account)]
    }
  }

  /// What belongs to the account as a whole (text messages).
  func access<Input: RecordView>(onAny action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      try input.checkRequired()
      return [Access("sns:" + action, owner: call.account)]
    }
  }
}
