import Base
import Fabric
import Store

/// Carries out move tasks, each as fast as it may go. A task goes on where it was after a restart.
struct MoveWorker: Worker {
  let name = "sqs-moves"
  let nudge = Nudge()
  private let store: any Store
  private let commits: SharedCommits
  private let ambient: Ambient
  private let sequences: SequenceSource

  init(_ store: any Store, _ commits: SharedCommits, _ ambient: Ambient, _ sequences: SequenceSource) {
    (self.store, self.commits, self.ambient, self.sequences) = (store, commits, ambient, sequences)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let sources = try await store.read { rows in
      try rows.entries(Keys.allActiveMoves, limit: SQSLimits.queuesPerSweep).map { try Keys.activeMoveSource($0.key) }
    }
    var next: Instant?
    for source in sources {
      guard let time = try await step(source, now) else { continue }
      next = min(time, next ?? time)
    }
    guard let next else { return .onNudge }
    return next <= now ? .soon : .at(next)
  }

  /// Moves a part. Returns when the next part may be moved; nil when the task has ended.
  private func step(_ source: QueueName, _ now: Instant) async throws -> Instant? {
    // Redriven messages are new ones: new ids, new places in the order, a new retention.
    let fresh = (0..<SQSLimits.movesPerCommit).map { _ in (id: ambient.uuid(), sequence: sequences.next(at: now)) }
    return try await commits.run(source) { transaction in
      guard var task = try transaction.activeMove(source) else { return nil }
      let outcome = try Self.move(&task, fresh, transaction, now)
      switch outcome {
      case .all: task.end(.completed)
      case .failed(let reason): task.end(.failed, reason)
      case .some where now >= task.started + SQSLimits.moveTaskDuration:
        task.end(.failed, "The task did not complete within 36 hours.")
      case .some: break
      }
      try transaction.save(task)
      return task.status == .running ? task.nextMove : nil
    }
  }

  private enum Outcome { case some, all, failed(String) }

  private static func move(
    _ task: inout MoveTask, _ fresh: [(id: String, sequence: MessageSequence)], _ transaction: QueueTransaction, _ now: Instant
  ) throws -> Outcome {
    guard let queue = try transaction.queue(task.source) else { return .failed(MoveTask.noQueue) }
    let wanted = min(task.allowance(at: now), task.toMove - task.moved)
    guard task.moved < task.toMove else { return .all }
    guard wanted > 0 else { return .some }
    let source = transaction.messages(queue)
    let request = ReceiveRequest(maximum: wanted, timeout: .seconds(1), now: now)
    let received = try source.receive(request, deadLetters: nil)
    for (lease, new) in zip(received.leases, fresh) {
      var message = try Message(lease.body, sequence: new.sequence)
      guard let name = task.destination ?? message.deadLetterSource.flatMap({ ARN($0) }).flatMap(QueueName.init),
        let target = try transaction.queue(name), target.isFIFO == queue.isFIFO
      else {
        return .failed(task.destination == nil && message.deadLetterSource == nil ? MoveTask.noSource : MoveTask.noQueue)
      }
      (message.id, message.deadLetterSource, message.sentAt, message.firstVisibleAt) = (new.id, nil, now, now)
      transaction.noteMove(of: &message, from: task.source, to: name, .moveTask)
      try source.delete(lease.receipt, at: now)
      try transaction.messages(target).takeOver(message, Visibility(sentAt: now))
      task.add(1)
    }
    let isEmpty = received.leases.isEmpty && !received.mayBeMore
    return isEmpty || task.moved >= task.toMove ? .all : .some
  }
}
