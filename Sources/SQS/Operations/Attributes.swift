import Base
import Fabric
import Store
import Wire

extension GetQueueAttributesInput: QueueInput {}
extension SetQueueAttributesInput: QueueInput {}
extension TagQueueInput: QueueInput {}
extension UntagQueueInput: QueueInput {}
extension ListQueueTagsInput: QueueInput {}
extension AddPermissionInput: QueueInput {}
extension RemovePermissionInput: QueueInput {}

/// What a queue is set to: attributes, policy, tags.
extension SQSService {
  var attributeOperations: [Operation] {
    [
      Operation("GetQueueAttributes", access: access("GetQueueAttributes"), run: getQueueAttributes),
      Operation("SetQueueAttributes", access: access("SetQueueAttributes", isOwnersOnly: true), run: setQueueAttributes),
      Operation("AddPermission", access: access("AddPermission", isOwnersOnly: true), run: addPermission),
      Operation("RemovePermission", access: access("RemovePermission", isOwnersOnly: true), run: removePermission),
      Operation(
        "TagQueue", access: access("TagQueue", isOwnersOnly: true) { (access, input: TagQueueInput) in access.bringing(input.tags) },
        run: tagQueue),
      Operation(
        "UntagQueue",
        access: access("UntagQueue", isOwnersOnly: true) { (access, input: UntagQueueInput) in access.naming(input.tagKeys) },
        run: untagQueue),
      Operation("ListQueueTags", access: access("ListQueueTags", isOwnersOnly: true), run: listQueueTags),
    ]
  }

  private func getQueueAttributes(_ input: GetQueueAttributesInput, _ call: Call) async throws -> GetQueueAttributesOutput {
    let name = try queueName(input.queueUrl, call)
    let asked = Set(input.attributeNames ?? [])
    for name in asked.sorted() where name != "All" && !QueueAttributes.isKnown(name) { throw SQSError.unknownAttribute(name) }
    let counts = asked.contains("All") || asked.contains { $0.hasPrefix("Approximate") }
    var all = try await attributes(of: name, withCounts: counts, call)
    if !asked.contains("All") { all = all.filter { asked.contains($0.key) } }
    var output = GetQueueAttributesOutput()
    output.attributes = all.isEmpty ? nil : all
    return output
  }

  private func attributes(of name: QueueName, withCounts: Bool, _ call: Call) async throws -> [String: String] {
    let now = ambient.now
    return try await store.read { rows in
      guard let bytes = try rows.get(Keys.queue(name)) else { throw SQSError.queueDoesNotExist(call) }
      let queue = try Queue(bytes, name: name)
      var shown = QueueAttributes.shown(queue)
      guard withCounts else { return shown }
      let counts = try MessageCounts(rows, queue, at: now)
      shown["ApproximateNumberOfMessages"] = String(counts.visible)
      shown["ApproximateNumberOfMessagesNotVisible"] = String(counts.inFlight)
      shown["ApproximateNumberOfMessagesDelayed"] = String(counts.delayed)
      return shown
    }
  }

  private func setQueueAttributes(_ input: SetQueueAttributesInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    let changes = try QueueAttributes.checked(input.attributes, isFIFO: name.isFIFO, isNew: false)
    try await change(name, call) { queue, now in
      queue.apply(QueueAttributes.completed(changes), at: now)
      try QueueAttributes.checkTogether(queue.attributes)
    }
  }

  /// Changes a queue, and what hangs on its redrive policy with it.
  private func change(
    _ name: QueueName, _ call: Call, _ edit: @escaping @Sendable (inout Queue, Instant) throws -> Void
  ) async throws {
    let now = ambient.now
    try await commits.run(name) { transaction in
      let old = try transaction.existing(name, call)
      var queue = old
      try edit(&queue, now)
      let policy = queue.attributes["RedrivePolicy"]
      try transaction.link(queue, from: old, text: policy == old.attributes["RedrivePolicy"] ? nil : policy)
      try transaction.save(queue)
    }
  }

  private func addPermission(_ input: AddPermissionInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    let (label, accounts, actions) = (input.label, input.awsAccountIds, input.actions)
    guard SQSLimits.nameLength.contains(label.utf8.count), label.utf8.allSatisfy(isNameByte) else {
      throw SQSError.invalid(
        "Label", label, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.")
    }
    guard !accounts.isEmpty else { throw SQSError.missing("AWSAccountIds") }
    guard !actions.isEmpty else { throw SQSError.missing("Actions") }
    guard actions.count <= SQSLimits.permissionActions else {
      throw SQSError.overLimit("\(actions.count) Actions were found, maximum allowed is \(SQSLimits.permissionActions).")
    }
    if let bad = accounts.first(where: { AccountID($0) == nil }) {
      throw SQSError.invalid("PrincipalId", "[\(bad)]", "Unable to verify.")
    }
    if let bad = actions.first(where: { !Self.grantable.contains($0) }) {
      throw SQSError.invalid(
        "ActionName", "SQS:\(bad)", "Only the queue owner is allowed to invoke this action.")
    }
    try await change(name, call) { queue, now in
      let policy = try QueuePolicy.adding(label: label, accounts: accounts, actions: actions, to: queue.policy, of: name)
      queue.apply(["Policy": policy], at: now)
    }
  }
  private static let grantable: Set<String> = [
    "*", "ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues",
    "PurgeQueue", "ReceiveMessage", "SendMessage",
  ]

  private func removePermission(_ input: RemovePermissionInput, _ call: Call) async throws {
    let (name, label) = (try queueName(input.queueUrl, call), input.label)
    try await change(name, call) { queue, now in
      queue.apply(["Policy": try QueuePolicy.removing(label: label, from: queue.policy)], at: now)
    }
  }

  private func tagQueue(_ input: TagQueueInput, _ call: Call) async throws {
    let tags = try QueueTags.checked(input.tags)
    guard !tags.isEmpty else { throw SQSError.missing("Tags") }
    try await change(try queueName(input.queueUrl, call), call) { queue, _ in
      queue.tags = try QueueTags.checked(queue.tags.merging(tags) { $1 })
    }
  }

  private func untagQueue(_ input: UntagQueueInput, _ call: Call) async throws {
    let keys = input.tagKeys
    guard !keys.isEmpty else { throw SQSError.missing("TagKeys") }
    try await change(try queueName(input.queueUrl, call), call) { queue, _ in for key in keys { queue.tags[key] = nil } }
  }

  private func listQueueTags(_ input: ListQueueTagsInput, _ call: Call) async throws -> ListQueueTagsOutput {
    guard let queue = try await cache.find(try queueName(input.queueUrl, call)) else { throw SQSError.queueDoesNotExist(call) }
    var output = ListQueueTagsOutput()
    output.tags = queue.tags.isEmpty ? nil : queue.tags
    return output
  }
}

/// The rules of tags (API reference, TagQueue).
enum QueueTags {
  static func checked(_ tags: [String: String]) throws(AWSError) -> [String: String] {
    guard tags.count <= SQSLimits.tags else {
      throw SQSError.invalid("Too many tags added for queue. Maximum is \(SQSLimits.tags).")
    }
    for (key, value) in tags {
      guard (1...128).contains(key.count), value.count <= 256, !key.lowercased().hasPrefix("aws:") else {
        throw SQSError.invalid(
          "Tag keys must be between 1 and 128 characters in length and must not begin with aws:, tag values must not be longer "
            + "than 256 characters."
        )
      }
    }
    return tags
  }
}
