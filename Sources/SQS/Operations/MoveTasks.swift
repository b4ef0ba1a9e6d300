import Base
import Fabric
import Store
import Wire

/// Dead-letter queue redrive: tasks that move messages back.
extension SQSService {
  var moveTaskOperations: [Operation] {
    [
      Operation("StartMessageMoveTask", access: startMoveAccess, run: startMessageMoveTask),
      Operation("CancelMessageMoveTask", access: cancelMoveAccess, run: cancelMessageMoveTask),
      Operation("ListMessageMoveTasks", access: listMovesAccess, run: listMessageMoveTasks),
    ]
  }

  /// A queue by an ARN of the caller's account. Throws ResourceNotFoundException.
  private func queue(_ arn: String, _ parameter: String, _ call: Call) throws(AWSError) -> QueueName {
    guard let name = ARN(arn).flatMap(QueueName.init), name.account == call.account, name.region == call.region else {
      throw SQSError.resourceNotFound("The resource that you specified for the \(parameter) parameter doesn't exist.")
    }
    return name
  }

  // AWS asks for what the task does as well: it receives and deletes here and sends there, without a destination to every
  // queue that has this one as its dead-letter queue (developer guide, "dead-letter queue redrive permissions").
  private func startMoveAccess(_ input: StartMessageMoveTaskInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    let source = try queue(input.sourceArn, "SourceArn", call)
    var all: [Access] = []
    for action in ["StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"] {
      all.append(try await access(action, source, isOwnersOnly: true, by: call.account))
    }
    let targets: [QueueName]
    if let arn = input.destinationArn {
      targets = [try queue(arn, "DestinationArn", call)]
    } else {
      targets = try await store.read { rows in
        try rows.entries(Keys.sources(of: source, after: nil), limit: SQSLimits.moveSourcesChecked)
          .compactMap { ARN(try Keys.sourceARN($0.key, of: source)).flatMap(QueueName.init) }
      }
    }
    for target in targets { all.append(try await access("SendMessage", target, by: call.account)) }
    return all
  }

  private func startMessageMoveTask(_ input: StartMessageMoveTaskInput, _ call: Call) async throws -> StartMessageMoveTaskOutput {
    let source = try queue(input.sourceArn, "SourceArn", call)
    let destination = try input.destinationArn.map { try queue($0, "DestinationArn", call) }
    let rate = input.maxNumberOfMessagesPerSecond
    if let rate, !SQSLimits.moveTaskRate.contains(rate) {
      throw SQSError.invalid(
        "MaxNumberOfMessagesPerSecond", rate, "Must be between 1 and \(SQSLimits.moveTaskRate.upperBound), if provided.")
    }
    let now = ambient.now
    let task = try await commits.run(source) { transaction in
      try transaction.startMove(from: source, to: destination, rate: rate, at: now)
    }
    moves.nudge.nudge()
    var output = StartMessageMoveTaskOutput()
    output.taskHandle = task.handle
    return output
  }

  private func cancelMoveAccess(_ input: CancelMessageMoveTaskInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    let (source, _) = try task(input.taskHandle, call)
    return [try await access("CancelMessageMoveTask", source, isOwnersOnly: true, by: call.account)]
  }
  private func task(_ handle: String, _ call: Call) throws(AWSError) -> (source: QueueName, id: Int64) {
    guard let (source, id) = MoveTask.read(handle: handle) else {
      throw SQSError.invalid("Value for parameter TaskHandle is invalid.")
    }
    guard source.account == call.account, source.region == call.region else {
      throw SQSError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    return (source, id)
  }

  private func cancelMessageMoveTask(_ input: CancelMessageMoveTaskInput, _ call: Call) async throws
    -> CancelMessageMoveTaskOutput
  {
    let (source, id) = try task(input.taskHandle, call)
    let moved = try await commits.run(source) { transaction in
      guard try transaction.queue(source) != nil else {
        throw SQSError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
      }
      guard let row = try transaction.rows.get(Keys.moveTask(source, id)) else {
        throw SQSError.resourceNotFound("Task does not exist.")
      }
      var task = try MoveTask(row, source: source)
      guard task.status == .running else {
        throw SQSError.unsupported("Only active tasks can be cancelled.")
      }
      task.end(.cancelled)
      try transaction.save(task)
      return task.moved
    }
    var output = CancelMessageMoveTaskOutput()
    output.approximateNumberOfMessagesMoved = moved
    return output
  }

  private func listMovesAccess(_ input: ListMessageMoveTasksInput, _ call: Call) async throws -> [Access] {
    try input.checkRequired()
    return [
      try await access(
        "ListMessageMoveTasks", try queue(input.sourceArn, "SourceArn", call), isOwnersOnly: true, by: call.account)
    ]
  }

  private func listMessageMoveTasks(_ input: ListMessageMoveTasksInput, _ call: Call) async throws -> ListMessageMoveTasksOutput {
    let source = try queue(input.sourceArn, "SourceArn", call)
    let limit = input.maxResults ?? 1
    guard (1...SQSLimits.moveTasksListed).contains(limit) else {
      throw SQSError.invalid("MaxResults", limit, "Must be between 1 and 10, if provided.")
    }
    guard try await cache.find(source) != nil else {
      throw SQSError.resourceNotFound("The resource that you specified for the SourceArn parameter doesn't exist.")
    }
    let tasks = try await store.read { rows in
      try rows.entries(KeyRange(prefix: Keys.moveTasks(source)), limit: limit).map { try MoveTask($0.value, source: source) }
    }
    var output = ListMessageMoveTasksOutput()
    output.results = tasks.map(\.entry)
    return output
  }
}

extension MoveTask {
  /// As the list shows it: only a task that runs can be cancelled, so only that has a handle.
  fileprivate var entry: ListMessageMoveTasksResultEntry {
    var out = ListMessageMoveTasksResultEntry()
    out.taskHandle = status == .running ? handle : nil
    out.status = status.rawValue
    out.sourceArn = source.arn.text
    out.destinationArn = destination?.arn.text
    out.maxNumberOfMessagesPerSecond = rate
    (out.approximateNumberOfMessagesMoved, out.approximateNumberOfMessagesToMove) = (moved, toMove)
    out.failureReason = failure
    out.startedTimestamp = Int(started.milliseconds)
    return out
  }
}
