import Base
import Store

extension MoveTask {
  var row: [UInt8] {
    var row = RowWriter()
    row.int(id)
    row.optional(destination?.arn.text)
    row.optional(rate)
    row.instant(started)
    row.int(toMove)
    row.int(moved)
    row.string(status.rawValue)
    row.optional(failure)
    return row.bytes
  }

  init(_ bytes: [UInt8], source: QueueName) throws {
    var row = try RowReader(bytes)
    let id = try row.int64()
    let destination = try row.optionalString().flatMap { ARN($0) }.flatMap(QueueName.init)
    self.init(
      source: source, destination: destination, rate: try row.optionalInt(), started: try row.instant(), toMove: try row.int(),
      id: id)
    moved = try row.int()
    guard let status = Status(rawValue: try row.string()) else { throw StoreError.corrupt("move task status") }
    self.status = status
    failure = try row.optionalString()
  }
}

extension QueueTransaction {
  /// Throws when the queue is no dead-letter queue, or a task is at work on it.
  func startMove(from source: QueueName, to destination: QueueName?, rate: Int?, at now: Instant) throws -> MoveTask {
    guard let queue = try queue(source) else {
      throw SQSError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    guard try rows.first(Keys.sources(of: source, after: nil)) != nil else {
      throw SQSError.invalid("Source queue must be configured as a Dead Letter Queue.")
    }
    if let destination {
      guard let target = try self.queue(destination) else {
        throw SQSError.resourceNotFound("The resource that you specified for the DestinationArn parameter doesn't exist.")
      }
      guard target.isFIFO == queue.isFIFO, destination != source else {
        throw SQSError.invalid("Destination queue must be another queue of the same type as the source queue.")
      }
    }
    guard try rows.get(Keys.activeMove(source)) == nil else {
      throw SQSError.invalid(
        "There is already a task running. Only one active task is allowed for a source queue arn at a given time.")
    }
    guard
      try rows.entries(Keys.activeMoves(of: source.account), limit: SQSLimits.activeMoveTasks).count < SQSLimits.activeMoveTasks
    else { throw AWSError("OverLimit", "Only \(SQSLimits.activeMoveTasks) active message move tasks are allowed.", status: 403) }
    let before = try rows.entries(KeyRange(prefix: Keys.moveTasks(source)))
    for old in before.dropFirst(SQSLimits.moveTasksKept - 1) { try rows.delete(old.key) }
    let last = try before.first.map { try MoveTask($0.value, source: source).id } ?? 0
    let task = MoveTask(
      source: source, destination: destination, rate: rate, started: now, toMove: try tally(queue.space).messages,
      id: max(now.milliseconds, last + 1))
    try save(task)
    return task
  }

  /// Keeps the task, and in the list of those at work as long as it runs.
  func save(_ task: MoveTask) throws {
    try rows.set(Keys.moveTask(task.source, task.id), task.row)
    if task.status == .running {
      var row = RowWriter(capacity: 12)
      row.int(task.id)
      try rows.set(Keys.activeMove(task.source), row.bytes)
    } else {
      try rows.delete(Keys.activeMove(task.source))
    }
  }

  /// The task at work on a source.
  func activeMove(_ source: QueueName) throws -> MoveTask? {
    guard let value = try rows.get(Keys.activeMove(source)) else { return nil }
    var row = try RowReader(value)
    return try rows.get(Keys.moveTask(source, try row.int64())).map { try MoveTask($0, source: source) }
  }
}
