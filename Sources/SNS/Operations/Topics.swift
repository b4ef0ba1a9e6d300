import Base
import Fabric
import Store
import Wire

/// Topics come and go.
extension SNSService {
  var topicOperations: [Operation] {
    [
      Operation("CreateTopic", access: createTopicAccess, run: createTopic),
      Operation("DeleteTopic", access: access("DeleteTopic"), run: deleteTopic),
      Operation("ListTopics", access: access(onAll: "ListTopics"), run: listTopics),
      Operation("GetTopicAttributes", access: access("GetTopicAttributes"), run: getTopicAttributes),
      Operation("SetTopicAttributes", access: setTopicAttributesAccess, run: setTopicAttributes),
      Operation("AddPermission", access: access("AddPermission"), run: addPermission),
      Operation("RemovePermission", access: access("RemovePermission"), run: removePermission),
      Operation(
        "TagResource",
        access: access("TagResource") { (access, input: TagResourceInput) in
          access.bringing(Dictionary(input.tags.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }))
        }, run: tagResource),
      Operation(
        "UntagResource", access: access("UntagResource") { (access, input: UntagResourceInput) in access.naming(input.tagKeys) },
        run: untagResource),
      Operation("ListTagsForResource", access: access("ListTagsForResource"), run: listTagsForResource),
    ]
  }

  private func createTopicAccess(_ input: CreateTopicInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    let name = TopicName(account: call.account, region: call.region, name: input.name)
    var all = [Access("sns:CreateTopic", on: name.arn.text, owner: call.account)]
    let tags = Dictionary((input.tags ?? []).map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    if !tags.isEmpty { all.append(Access("sns:TagResource", on: name.arn.text, owner: call.account)) }
    let roles = (input.attributes ?? [:]).sorted { $0.key < $1.key }.map { TopicAttributes.isRole($0.key) ? $0.value : nil }
    return all.map { $0.bringing(tags) } + (try passRoles(roles, call))
  }

  private func setTopicAttributesAccess(_ input: SetTopicAttributesInput, _ call: Call) async throws -> [Access] {
    let isRole = TopicAttributes.isRole(input.attributeName)
    return try await access("SetTopicAttributes")(input, call) + passRoles([isRole ? input.attributeValue : nil], call)
  }

  private func createTopic(_ input: CreateTopicInput, _ call: Call) async throws -> CreateTopicOutput {
    if let policy = input.dataProtectionPolicy, !policy.isEmpty { throw SNSError.unsupported("data protection policies") }
    let name = TopicName(account: call.account, region: call.region, name: input.name)
    let given = input.attributes ?? [:]
    let isFIFO = given["FifoTopic"]?.lowercased() == "true"
    try TopicName.check(name.name, isFIFO: isFIFO)
    let attributes = try await tied(TopicAttributes.checked(given, of: name, isFIFO: isFIFO))
    let tags = try TopicTags.checked((input.tags ?? []).map { ($0.key, $0.value) })
    let now = ambient.now
    var candidate = Topic(
      name: name, id: Int64(ambient.random.number(below: 1 << 62)), created: now,
      attributes: attributes.filter { $0.key != "FifoTopic" }, tags: tags)
    if candidate.archiveDays != nil { candidate.archivedSince = now }
    let isNew = try await store.transact { [candidate] rows in
      if let present = try rows.topic(name) {
        guard !TopicAttributes.differ(attributes, from: present, at: now) else {
          throw SNSError.invalid("Attributes", "Topic already exists with different attributes")
        }
        guard tags.isEmpty || tags == present.tags else { throw SNSError.invalid("Tags", "Topic already exists with different tags") }
        return false
      }
      try rows.save(candidate)
      return true
    }
    if isNew { topics.forget(name) }
    var output = CreateTopicOutput()
    output.topicArn = name.arn.text
    return output
  }

  /// The attributes with the users and roles of a policy by their unique ids.
  private func tied(_ attributes: [String: String]) async throws -> [String: String] {
    guard let policy = attributes["Policy"], !policy.isEmpty else { return attributes }
    var attributes = attributes
    attributes["Policy"] = try await tied(policy: policy)
    return attributes
  }
  private func tied(policy: String) async throws -> String {
    do { return try await principals.tied(policy) } catch let error as AWSError where error.code == "MalformedPolicyDocumentException" {
      throw SNSError.invalid("Policy Error: PrincipalNotFound")
    }
  }

  private func deleteTopic(_ input: DeleteTopicInput, _ call: Call) async throws {
    try await delete(try TopicName(input.topicArn, in: call.region))
  }

  /// Without a word when there is none. Its subscriptions go with it, some at a time.
  func delete(_ name: TopicName) async throws {
    var isMore = true
    while isMore {
      isMore = try await store.transact { rows in
        guard var topic = try rows.topic(name) else { return false }
        let some = try rows.subscriptions(of: name, limit: SNSLimits.sweep)
        for subscription in some { try rows.remove(subscription, &topic) }
        guard some.count < SNSLimits.sweep else { return true }
        try rows.remove(topic)
        return false
      }
      topics.forget(name)
    }
  }

  private func listTopics(_ input: ListTopicsInput, _ call: Call) async throws -> ListTopicsOutput {
    let (account, region) = (call.account, call.region)
    let page = try Page(input.nextToken, of: "topics \(account) \(region)")
    let names = try await store.read { rows in
      try rows.entries(Keys.topics(account, region, after: page.last), limit: SNSLimits.listPage + 1).map { try Keys.topicName($0.key) }
    }
    var output = ListTopicsOutput()
    output.topics = names.prefix(SNSLimits.listPage).map { name in
      var topic = TopicShape()
      topic.topicArn = name.arn.text
      return topic
    }
    output.nextToken = page.token(names.map(\.name))
    return output
  }

  private func getTopicAttributes(_ input: GetTopicAttributesInput, _ call: Call) async throws -> GetTopicAttributesOutput {
    let name = try TopicName(input.topicArn, in: call.region)
    guard let topic = try await store.read({ try $0.topic(name) }) else { throw SNSError.topicNotFound }
    var shown = TopicAttributes.shown(topic, at: ambient.now)
    if let policy = topic.attributes["Policy"] { shown["Policy"] = try await principals.shown(policy) }
    var output = GetTopicAttributesOutput()
    output.attributes = shown
    return output
  }

  private func setTopicAttributes(_ input: SetTopicAttributesInput, _ call: Call) async throws {
    let name = try TopicName(input.topicArn, in: call.region)
    let attribute = input.attributeName
    guard attribute != "FifoTopic" else { throw SNSError.invalid("AttributeName") }
    var value = try TopicAttributes.checked(attribute, input.attributeValue ?? "", of: name, isFIFO: name.isFIFO)
    if attribute == "Policy", !value.isEmpty { value = try await tied(policy: value) }
    let now = ambient.now
    try await change(name) { [value] topic in
      if attribute == "MaximumMessageSize", (Int(value) ?? 0) > SNSLimits.messageBytes,
        topic.subscriptions > SNSLimits.subscriptionsOfLargeTopics
      {
        throw SNSError.invalid("MaximumMessageSize", "The topic has more than \(SNSLimits.subscriptionsOfLargeTopics) subscriptions")
      }
      let wasArchiving = topic.archiveDays != nil
      topic.attributes[attribute] = value.isEmpty && attribute != "DisplayName" ? nil : value
      if topic.archiveDays == nil { topic.archivedSince = nil } else if !wasArchiving { topic.archivedSince = now }
    }
  }

  /// Changes a topic that exists.
  func change(_ name: TopicName, _ edit: @escaping @Sendable (inout Topic) throws -> Void) async throws {
    try await store.transact { rows in
      var topic = try rows.existing(name)
      try edit(&topic)
      try rows.save(topic)
    }
    topics.forget(name)
  }
}

/// Permissions and tags.
extension SNSService {
  private func addPermission(_ input: AddPermissionInput, _ call: Call) async throws {
    let name = try TopicName(input.topicArn, in: call.region)
    let (label, accounts, actions) = (input.label, input.awsAccountId, input.actionName)
    guard SNSLimits.labelLength.contains(label.utf8.count), label.utf8.allSatisfy(isNameByte) else { throw SNSError.invalid("Label") }
    guard !accounts.isEmpty, accounts.allSatisfy({ AccountID($0) != nil }) else { throw SNSError.invalid("AWSAccountId") }
    guard !actions.isEmpty else { throw SNSError.invalid("ActionName") }
    guard actions.allSatisfy({ $0 == "*" || TopicPolicy.actions.contains($0) }) else {
      throw SNSError.invalid("Policy statement action out of service scope!")
    }
    try await change(name) { topic in
      topic.attributes["Policy"] = try TopicPolicy.adding(label: label, accounts: accounts, actions: actions, to: topic.policy, of: name)
    }
  }

  private func removePermission(_ input: RemovePermissionInput, _ call: Call) async throws {
    let label = input.label
    try await change(try TopicName(input.topicArn, in: call.region)) { topic in
      topic.attributes["Policy"] = TopicPolicy.removing(label: label, from: topic.policy)
    }
  }

  private func tagResource(_ input: TagResourceInput, _ call: Call) async throws -> TagResourceOutput {
    let tags = try TopicTags.checked(input.tags.map { ($0.key, $0.value) })
    try await changeResource(input.resourceArn, call) { $0.tags = try TopicTags.limited($0.tags.merging(tags) { $1 }) }
    return TagResourceOutput()
  }

  private func untagResource(_ input: UntagResourceInput, _ call: Call) async throws -> UntagResourceOutput {
    let keys = input.tagKeys
    guard keys.allSatisfy({ (1...128).contains($0.count) }) else {
      throw SNSError.invalid("TagKeys", "Tag keys must be between 1 and 128 characters in length.")
    }
    try await changeResource(input.resourceArn, call) { for key in keys { $0.tags[key] = nil } }
    return UntagResourceOutput()
  }

  private func changeResource(_ arn: String, _ call: Call, _ edit: @escaping @Sendable (inout Topic) throws -> Void) async throws {
    let name = try TopicName(arn, "ResourceArn", in: call.region)
    do { try await change(name, edit) } catch let error as AWSError where error.code == SNSError.topicNotFound.code {
      throw SNSError.resourceNotFound
    }
  }

  private func listTagsForResource(_ input: ListTagsForResourceInput, _ call: Call) async throws -> ListTagsForResourceOutput {
    let name = try TopicName(input.resourceArn, "ResourceArn", in: call.region)
    guard let topic = try await store.read({ try $0.topic(name) }) else { throw SNSError.resourceNotFound }
    var output = ListTagsForResourceOutput()
    output.tags = topic.tags.sorted { $0.key < $1.key }.map { key, value in
      var tag = TagShape()
      (tag.key, tag.value) = (key, value)
      return tag
    }
    return output
  }
}
