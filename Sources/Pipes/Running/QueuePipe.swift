import Base
import Fabric
import Logging
import Patterns
import Synchronization

/// Polls the queue of a pipe, and deletes what has gone through. What has not comes back when its visibility time-out has passed, until
/// the queue's redrive policy takes it.
struct QueuePipe: Sendable {
  let flow: PipeFlow
  let queues: any QueuePort
  let ambient: Ambient
  let logger: Logger

  /// Runs until the task is cancelled or the signal comes. Receives are given up at once.
  func run(_ pipe: Pipe, until stop: Nudge, as caller: @escaping @Sendable () async throws -> Caller) async {
    guard let source = ARN(pipe.source), let filter = try? RecordFilter(pipe.filters, contentKey: "body") else {
      // Checked when the pipe was made; without its filter it must not move anything.
      logger.error("a pipe cannot be read", metadata: ["pipe": "\(pipe.name.arn)"])
      return await stop.wait()
    }
    await withTaskGroup(of: Void.self) { race in
      race.addTask { await stop.wait() }
      race.addTask {
        await withDiscardingTaskGroup { pollers in
          let crew = PollerCrew(most: PipesLimits.pollers)
          while !Task.isCancelled {
            for _ in 0..<crew.hire() { pollers.addTask { await poll(pipe, source, filter, caller, crew) } }
            await crew.changed.wait()
          }
        }
      }
      await race.next()
      race.cancelAll()
    }
  }

  private func poll(
    _ pipe: Pipe, _ source: ARN, _ filter: RecordFilter, _ caller: @Sendable () async throws -> Caller, _ crew: PollerCrew
  ) async {
    var failures = 0
    while !Task.isCancelled {
      do {
        try await turn(pipe, source, filter, try await caller(), crew)
        if crew.mayGo() { return }
        failures = 0
      } catch is CancellationError {
        return
      } catch {
        failures += 1
        if failures == 1 {
          logger.warning("a pipe cannot read its source", metadata: ["pipe": "\(pipe.name.arn)", "error": "\(error)"])
        }
        try? await ambient.clock.sleepReal(for: .milliseconds(min(250 << min(failures, 6), 15_000)))
      }
    }
  }

  private func turn(_ pipe: Pipe, _ source: ARN, _ filter: RecordFilter, _ caller: Caller, _ crew: PollerCrew) async throws {
    let messages = try await gather(pipe, source, caller)
    guard !messages.isEmpty else { return }
    crew.begin()
    defer { crew.end() }
    var wanted: [QueueMessage] = [], events: [PipeEvent] = [], unwanted: [QueueMessage] = []
    for message in messages {
      let event = PipeEvent(message, from: source)
      if filter.wants(event.filtered, contentIsObject: event.contentIsObject) {
        wanted.append(message)
        events.append(event)
      } else {
        unwanted.append(message)
      }
    }
    if !unwanted.isEmpty {
      flow.noteFiltered(unwanted.map { $0.trace }, pipe)
      try await queues.delete(source, receiptHandles: unwanted.map(\.receiptHandle), as: caller)
    }
    guard !wanted.isEmpty else { return }
    let failed = await flow.move(events, ids: wanted.map(\.messageID), trace: wanted.lazy.compactMap(\.trace).first, of: pipe, as: caller)
    let done = wanted.filter { !failed.contains($0.messageID) }.map(\.receiptHandle)
    for start in stride(from: 0, to: done.count, by: 10) {
      try await queues.delete(source, receiptHandles: Array(done[start..<min(start + 10, done.count)]), as: caller)
    }
  }

  /// A batch: full, or its window has passed, or as large as a function takes. Without a window whatever is there goes at once.
  private func gather(_ pipe: Pipe, _ source: ARN, _ caller: Caller) async throws -> [QueueMessage] {
    var messages: [QueueMessage] = []
    var bytes = 0
    var deadline: Instant?
    while messages.count < pipe.batchSize, bytes < PipesLimits.batchBytes {
      let wait = deadline.map { max(.zero, $0 - ambient.now) } ?? PipesLimits.longestPoll
      if deadline != nil, wait == .zero { break }
      let found = try await queues.receive(
        source, maximum: min(10, pipe.batchSize - messages.count), wait: min(wait, PipesLimits.longestPoll),
        visibilityTimeout: try await visibility(pipe, source, caller), as: caller)
      if messages.isEmpty {
        guard !found.isEmpty, pipe.window > .zero else { return found }
        deadline = ambient.now + pipe.window
      }
      messages += found
      bytes += found.reduce(0) { $0 + $1.body.utf8.count }
    }
    return messages
  }

  /// While a batch is gathered nobody else may get its messages.
  private func visibility(_ pipe: Pipe, _ source: ARN, _ caller: Caller) async throws -> Duration? {
    guard pipe.window > .zero else { return nil }
    let queue = try await queues.describe(source, as: caller)
    return pipe.window + .seconds(30) > queue.visibilityTimeout ? pipe.window + queue.visibilityTimeout : nil
  }
}

/// The pollers of one pipe. As long as there is work one of them waits for more: who finds some makes room for another, up to a limit,
/// and when two wait, one goes.
final class PollerCrew: Sendable {
  private struct State {
    var present = 0
    var working = 0
  }
  private let state = Mutex(State())
  private let most: Int
  /// Another one may be wanted.
  let changed = Nudge()

  init(most: Int) { self.most = most }

  /// How many more are to begin; they count from now on.
  func hire() -> Int {
    state.withLock { state in
      guard state.present == state.working, state.present < most else { return 0 }
      state.present += 1
      return 1
    }
  }
  /// A poller has found work.
  func begin() {
    state.withLock { $0.working += 1 }
    changed.nudge()
  }
  func end() { state.withLock { $0.working -= 1 } }
  /// True when another one waits already: who asks is to go, and counts no more.
  func mayGo() -> Bool {
    state.withLock { state in
      guard state.present - state.working > 1 else { return false }
      state.present -= 1
      return true
    }
  }
}

extension QueueMessage {
  /// As its sender handed it on.
  var trace: TraceContext? { systemAttributes["AWSTraceHeader"].flatMap { TraceContext(header: $0) } }
}
