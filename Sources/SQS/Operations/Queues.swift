import Base
import Fabric
import Store
import Wire

extension DeleteQueueInput: QueueInput {}
extension PurgeQueueInput: QueueInput {}

/// Queues come and go.
extension SQSService {
  var queueOperations: [Operation] {
    [
      Operation("CreateQueue", access: createQueueAccess, run: createQueue),
      Operation("GetQueueUrl", access: getQueueURLAccess, run: getQueueURL),
      Operation("DeleteQueue", access: access("DeleteQueue", isOwnersOnly: true), run: deleteQueue),
      Operation("PurgeQueue", access: access("PurgeQueue"), run: purgeQueue),
    ]
  }

  private func createQueueAccess(_ input: CreateQueueInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    let name = QueueName(account: call.account, region: call.region, name: input.queueName)
    var all = [Access("sqs:CreateQueue", on: name.arn.text, owner: call.account)]
    if input.tags?.isEmpty == false { all.append(Access("sqs:TagQueue", on: name.arn.text, owner: call.account)) }
    return all.map { $0.bringing(input.tags) }
  }

  private func createQueue(_ input: CreateQueueInput, _ call: Call) async throws -> CreateQueueOutput {
    let name = QueueName(account: call.account, region: call.region, name: input.queueName)
    let isFIFO = input.attributes?["FifoQueue"]?.lowercased() == "true"
    try QueueName.check(name.name, isFIFO: isFIFO)
    let attributes = try QueueAttributes.checked(input.attributes ?? [:], isFIFO: isFIFO, isNew: true)
    try QueueAttributes.checkTogether(attributes)
    let tags = try QueueTags.checked(input.tags ?? [:])
    let candidate = Queue(
      name: name, id: Int64(ambient.random.number(below: 1 << 62)), created: ambient.now,
      attributes: QueueAttributes.completed(attributes).filter { !$0.value.isEmpty && $0.key != "FifoQueue" }, tags: tags)
    try await commits.run(name) { transaction in
      if let present = try transaction.queue(name) {
        guard let attribute = QueueAttributes.firstDifference(attributes, present) else { return }
        throw SQSError.queueNameExists(attribute: attribute)
      }
      if let deleted = try transaction.rows.get(Keys.deleted(name)).map(InstantRow.read),
        candidate.created < deleted + SQSLimits.recreateInterval
      {
        throw SQSError.queueDeletedRecently
      }
      try transaction.link(candidate, from: nil, text: attributes["RedrivePolicy"])
      try transaction.rows.delete(Keys.deleted(name))
      try transaction.save(candidate)
    }
    var output = CreateQueueOutput()
    output.queueUrl = name.url(at: call.endpoint)
    return output
  }

  private func getQueueURLAccess(_ input: GetQueueUrlInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    return [try await access("GetQueueUrl", try namedQueue(input, call), by: call.account)]
  }
  private func namedQueue(_ input: GetQueueUrlInput, _ call: Call) throws -> QueueName {
    var account = call.account
    if let text = input.queueOwnerAWSAccountId {
      guard let owner = AccountID(text) else {
        throw SQSError.invalid("QueueOwnerAWSAccountId", text, "Invalid account id.")
      }
      account = owner
    }
    return QueueName(account: account, region: call.region, name: input.queueName)
  }
  private func getQueueURL(_ input: GetQueueUrlInput, _ call: Call) async throws -> GetQueueUrlOutput {
    let name = try namedQueue(input, call)
    guard try await cache.find(name) != nil else { throw SQSError.queueDoesNotExist(call) }
    var output = GetQueueUrlOutput()
    output.queueUrl = name.url(at: call.endpoint)
    return output
  }

  private func deleteQueue(_ input: DeleteQueueInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    let now = ambient.now
    try await commits.run(name) { transaction in
      try transaction.remove(try transaction.existing(name, call))
      try transaction.rows.set(Keys.deleted(name), InstantRow.bytes(now))
    }
  }

  private func purgeQueue(_ input: PurgeQueueInput, _ call: Call) async throws {
    let name = try queueName(input.queueUrl, call)
    let now = ambient.now
    try await commits.run(name) { transaction in
      var queue = try transaction.existing(name, call)
      let old = queue.space
      try queue.purge(at: now)
      try transaction.rows.set(Keys.garbage(old), [])
      try transaction.save(queue)
      transaction.noteChange(of: name)
    }
  }
}

extension QueueTransaction {
  /// Takes a queue away with everything that hangs on it; its messages are left to `GarbageWorker`.
  func remove(_ queue: Queue) throws {
    try rows.set(Keys.garbage(queue.space), [])
    if let target = queue.redrive?.target { try rows.delete(Keys.source(queue.name, of: target)) }
    try rows.deleteAll(KeyRange(prefix: Keys.moveTasks(queue.name)))
    try rows.delete(Keys.activeMove(queue.name))
    try delete(queue)
  }

  func existing(_ name: QueueName, _ call: Call?) throws -> Queue {
    guard let queue = try queue(name) else { throw SQSError.queueDoesNotExist(call) }
    return queue
  }

  /// Checks a redrive policy that is new, and keeps the list of the target's sources.
  func link(_ queue: Queue, from old: Queue?, text: String?) throws {
    if let text, !text.isEmpty, let policy = queue.redrive {
      try policy.check(source: queue, target: policy.target == queue.name ? queue : try self.queue(policy.target), text: text)
    }
    let (before, after) = (old?.redrive?.target, queue.redrive?.target)
    guard before != after else { return }
    if let before { try rows.delete(Keys.source(queue.name, of: before)) }
    if let after { try rows.set(Keys.source(queue.name, of: after), []) }
  }
}
