import Base
import Fabric
import Logging
import Synchronization

/// Polls the queue of one mapping with as many pollers as its scale allows, and feeds the function.
struct QueuePoller: Sendable {
  /// The longest wait of one receive (SQS: 20 s).
  private static let longestPoll = Duration.seconds(20)
  /// While a throttled batch waits for its function.
  private static let throttlePause = Duration.milliseconds(100)

  let control: ControlPlane
  let invoker: any FunctionInvoker
  let queues: any QueuePort
  let roles: any RolePort
  let metrics: FunctionMetrics
  let hops: InvocationHops
  let chaos: Chaos
  let ambient: Ambient
  let logger: Logger

  /// What the pollers of a mapping share.
  private final class Fleet: Sendable {
    let filter: EventFilter
    struct State {
      var scale: PollerScale
      var running = 0
      var busy = 0
    }
    let state: Mutex<State>
    /// More pollers may be wanted, or the mapping stops.
    let changed: Nudge
    init(_ scale: PollerScale, _ filter: EventFilter, _ changed: Nudge) {
      self.filter = filter
      state = Mutex(State(scale: scale))
      self.changed = changed
    }
  }

  /// Runs until the task is cancelled or the signal comes. Receives are given up at once; batches are finished.
  func run(_ mapping: EventSourceMapping, until stop: Nudge) async {
    let filter: EventFilter
    do { filter = try EventFilter(mapping.filters, of: .queue) } catch {
      // Checked when the mapping was made; without its filter it must not delete or deliver anything.
      logger.error("a mapping has a filter that cannot be read", metadata: ["mapping": "\(mapping.uuid)", "error": "\(error)"])
      return await stop.wait()
    }
    let scale = mapping.provisionedPollers.map { PollerScale(provisioned: $0, now: ambient.now) }
    let fleet = Fleet(
      scale ?? PollerScale(maximumConcurrency: mapping.maximumConcurrency, now: ambient.now), filter, Nudge())
    await withTaskGroup(of: Void.self) { race in
      race.addTask { await stop.wait() }
      race.addTask { await supervise(mapping, fleet) }
      await race.next()
      race.cancelAll()
    }
  }

  private func supervise(_ mapping: EventSourceMapping, _ fleet: Fleet) async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        let missing = fleet.state.withLock { state in
          defer { state.running = max(state.running, state.scale.target) }
          return max(0, state.scale.target - state.running)
        }
        for _ in 0..<missing { group.addTask { await poll(mapping, fleet) } }
        await fleet.changed.wait()
      }
    }
  }

  /// One poller: receives, gathers a batch, invokes, settles; ends when there are more pollers than wanted.
  private func poll(_ mapping: EventSourceMapping, _ fleet: Fleet) async {
    var batcher = Batcher(batchSize: mapping.batchSize, window: mapping.batchingWindow)
    var failures = 0
    while !Task.isCancelled {
      let isSurplus = fleet.state.withLock { state in
        guard state.running > state.scale.target else { return false }
        state.running -= 1
        return true
      }
      // What has been gathered is in flight: it comes back when its visibility time-out has passed.
      if isSurplus { return }
      do {
        try await turn(mapping, fleet, &batcher)
        failures = 0
      } catch is CancellationError {
        break
      } catch {
        failures += 1
        if failures == 1 {
          logger.warning("a queue cannot be polled", metadata: ["mapping": "\(mapping.uuid)", "queue": "\(mapping.source)", "error": "\(error)"])
        }
        try? await ambient.clock.sleepReal(for: .milliseconds(min(250 << min(failures, 6), 15_000)))
      }
    }
    fleet.state.withLock { $0.running -= 1 }
  }

  private func turn(_ mapping: EventSourceMapping, _ fleet: Fleet, _ batcher: inout Batcher) async throws {
    let name = FunctionName(id: mapping.function, qualifier: mapping.qualifier)
    let resolved = try await control.resolve(name)
    let caller = try await caller(for: resolved.version)
    let now = ambient.now
    let wait = batcher.deadline.map { max(.zero, min(Self.longestPoll, $0 - now)) } ?? Self.longestPoll
    let messages = try await queues.receive(
      mapping.source, maximum: batcher.room, wait: wait, visibilityTimeout: try await visibility(mapping, resolved, caller),
      as: caller)
    metrics.add(.polled, messages.count, of: mapping, at: ambient.now)
    let pollers = fleet.state.withLock { state in
      if messages.isEmpty, batcher.isEmpty { state.scale.foundNothing(now: ambient.now) }
      return state.scale.provisionedPollers
    }
    if mapping.provisionedPollers != nil { metrics.add(.provisionedPollers, pollers, of: mapping, at: ambient.now) }
    let wanted = try await filtered(messages, mapping, fleet, caller)
    // A group whose message failed comes back as a whole: the batches that follow leave it alone.
    var stopped: Set<String> = []
    for batch in batcher.add(wanted, now: ambient.now).map({ shuffled($0, mapping) }) {
      let open = batch.filter { message in !(message.groupID.map(stopped.contains) ?? false) }
      guard !open.isEmpty else { continue }
      let failed = try await process(open, mapping, name, caller, fleet)
      if mapping.isFIFO { stopped.formUnion(failed.compactMap(\.groupID)) }
    }
  }

  /// The batch in another order, when a chaos rule says so. FIFO queues keep theirs.
  private func shuffled(_ batch: [QueueMessage], _ mapping: EventSourceMapping) -> [QueueMessage] {
    guard chaos.isOn, !mapping.isFIFO else { return batch }
    let order = chaos.order(ChaosPoint(mapping, batch.lazy.compactMap(\.trace).first ?? TraceContext(ambient)), of: batch.map(\.trace))
    return order.map { $0.map { batch[$0] } } ?? batch
  }

  /// The messages that the mapping wants; the others are deleted.
  private func filtered(
    _ messages: [QueueMessage], _ mapping: EventSourceMapping, _ fleet: Fleet, _ caller: Caller
  ) async throws -> [QueueMessage] {
    var wanted: [QueueMessage] = [], unwanted: [String] = []
    for message in messages {
      if fleet.filter.wants(message, from: mapping.source) {
        wanted.append(message)
      } else {
        unwanted.append(message.receiptHandle)
        noteFiltered(message, mapping)
      }
    }
    metrics.add(.filteredOut, unwanted.count, of: mapping, at: ambient.now)
    if !unwanted.isEmpty { try await delete(unwanted, mapping, caller) }
    return wanted
  }

  /// With a window, AWS makes the messages of a batch invisible for long enough (AWS Lambda with SQS, 2023 guide).
  private func visibility(_ mapping: EventSourceMapping, _ resolved: ResolvedFunction, _ caller: Caller) async throws -> Duration? {
    guard mapping.batchingWindow > .zero else { return nil }
    let queue = try await queues.describe(mapping.source, as: caller)
    let needed = mapping.batchingWindow + resolved.version.timeout
    return needed > queue.visibilityTimeout ? needed + .seconds(30) : nil
  }

  /// - Returns: the messages that were not handled; they come back when their visibility time-out has passed.
  private func process(
    _ batch: [QueueMessage], _ mapping: EventSourceMapping, _ name: FunctionName, _ caller: Caller, _ fleet: Fleet
  ) async throws -> [QueueMessage] {
    fleet.state.withLock { state in
      state.busy += 1
      state.scale.found(allBusy: state.busy >= state.running && batch.count >= min(10, mapping.batchSize), now: ambient.now)
    }
    fleet.changed.nudge()
    defer { fleet.state.withLock { $0.busy -= 1 } }

    let (looping, batch) = try await split(batch, name)
    for message in looping { hops.begin(message).map { noteEnd($0, mapping, .failed, "it has come through the function too often: a loop") } }
    let answer = batch.isEmpty ? .allSucceeded : try await invoke(batch, mapping, name, caller)
    let failed: [QueueMessage]
    switch answer {
    case .allSucceeded:
      failed = []
      if !batch.isEmpty { fleet.state.withLock { $0.scale.succeeded(now: ambient.now) } }
    case .failed(let ids):
      failed = batch.filter { ids.contains($0.messageID) }
    case .allFailed:
      failed = batch
      if !mapping.reportsBatchItemFailures { fleet.state.withLock { $0.scale.failed(now: ambient.now) } }
    }
    metrics.add(.failedInvoke, failed.count + looping.count, of: mapping, at: ambient.now)
    let ids = Set(failed.map(\.messageID))
    let handles = batch.filter { !ids.contains($0.messageID) }.map(\.receiptHandle)
    if !handles.isEmpty { try await delete(handles, mapping, caller) }
    metrics.add(.deleted, handles.count, of: mapping, at: ambient.now)
    return failed + looping
  }

  /// Messages whose chain has come through the function too often, and the others. The former stay in the queue, and their receive
  /// counts grow until its redrive policy takes them away; they do not take the others with them.
  private func split(_ batch: [QueueMessage], _ name: FunctionName) async throws -> (looping: [QueueMessage], others: [QueueMessage]) {
    let resolved = try await control.resolve(name)
    let id = resolved.version.id
    func isLooping(_ message: QueueMessage) -> Bool {
      guard !resolved.allowsRecursion, let lineage = message.trace?.lineage else { return false }
      return Lineage(lineage).count(of: id) >= Lineage.limit
    }
    let looping = batch.filter(isLooping)
    for _ in looping { metrics.add(.recursiveInvocationsDropped, of: MetricTarget(resolved), at: ambient.now) }
    return (looping, looping.isEmpty ? batch : batch.filter { !isLooping($0) })
  }

  /// The trace of the first message that has one, with what the chains of all have come through.
  private func trace(of batch: [QueueMessage], under hop: OpenHop?) -> TraceContext {
    let traces = batch.compactMap(\.trace)
    guard var trace = hop?.trace ?? traces.first else { return TraceContext(ambient) }
    var lineage = Lineage(nil)
    for trace in traces { lineage.merge(Lineage(trace.lineage)) }
    trace.lineage = lineage.visits.isEmpty ? nil : lineage.text
    return trace
  }

  /// A delete that failed would make the function see messages again that it has handled, so it is tried again.
  private func delete(_ handles: [String], _ mapping: EventSourceMapping, _ caller: Caller) async throws {
    for attempt in 1...3 {
      do { return try await queues.delete(mapping.source, receiptHandles: handles, as: caller) } catch {
        guard attempt < 3 else { throw error }
        try await ambient.clock.sleepReal(for: .milliseconds(50 * attempt))
      }
    }
  }

  /// Invokes the function, which is a hop of each message.
  private func invoke(
    _ batch: [QueueMessage], _ mapping: EventSourceMapping, _ name: FunctionName, _ caller: Caller
  ) async throws -> BatchResponse {
    let open = batch.map { hops.begin($0) }
    let first = open.first { $0 != nil } ?? nil
    do {
      let (answer, reason) = try await invoke(batch, mapping, name, caller, trace(of: batch, under: first))
      for (message, hop) in zip(batch, open) {
        guard let hop, let first else { continue }
        // What the function does is in the trace of the first.
        let elsewhere = hop.trace.root == first.trace.root ? nil : "in one batch with \(first.trace.root), where what it caused is"
        let isFailed = answer.fails(message.messageID)
        let failure = isFailed ? reason ?? "the function reported it as failed" : nil
        noteEnd(hop, mapping, isFailed ? .failed : .delivered, [failure, elsewhere].compactMap { $0 }.joined(separator: "; "))
      }
      return answer
    } catch {
      for hop in open { hop.map { noteEnd($0, mapping, .failure(of: error), InvocationHops.reason(error)) } }
      throw error
    }
  }

  /// While the function is throttled, tries on until the messages become visible to others. Also says why all failed.
  private func invoke(
    _ batch: [QueueMessage], _ mapping: EventSourceMapping, _ name: FunctionName, _ caller: Caller, _ trace: TraceContext
  ) async throws -> (BatchResponse, reason: String?) {
    switch try await chaos.obstacle(ChaosPoint(mapping, trace), in: .adjusted) {
    case .fail: return (.allFailed, FunctionError.crash(ambient.uuid()).hopReason)
    // Others that are throttled are tried again until the visibility time-out; this one would be throttled as often as the rule likes.
    case .throttle: return (.allFailed, InvocationHops.reason(LambdaError.throttled(reason: "ConcurrentInvocationLimitExceeded")))
    default: break
    }
    let payload = SQSEvent.payload(batch, source: mapping.source)
    let began = ambient.now
    while true {
      let resolved = try await control.resolve(name)
      do {
        let (_, result) = try await invoker.invoke(resolved, payload: payload, invokedARN: mapping.functionARN, trace: trace)
        metrics.add(.invoked, batch.count, of: mapping, at: ambient.now)
        switch result.outcome {
        case .success(let body):
          if !mapping.isFIFO, let again = chaos.duplicate(ChaosPoint(mapping, trace)) {
            _ = try? await invoker.invoke(resolved, payload: payload, invokedARN: mapping.functionARN, trace: again)
          }
          let response = BatchResponse.parse(
            body, reportsFailures: mapping.reportsBatchItemFailures, itemIDs: Set(batch.map(\.messageID)))
          return (response, nil)
        case .functionError(let error): return (.allFailed, error.hopReason)
        case .systemError(let reason): throw LambdaFailure(description: reason)
        }
      } catch let error as AWSError where error.status == 429 {
        let visibility = try await queues.describe(mapping.source, as: caller).visibilityTimeout
        guard ambient.now + Self.throttlePause < began + visibility else { return (.allFailed, InvocationHops.reason(error)) }
        try await ambient.clock.sleepReal(for: Self.throttlePause)
      }
    }
  }

  private func noteFiltered(_ message: QueueMessage, _ mapping: EventSourceMapping) {
    guard let hop = hops.begin(message) else { return }
    hops.end(
      hop, "filter", of: mapping.function, from: mapping.source.text, to: mapping.functionARN, .filtered,
      "no pattern of the mapping \(mapping.uuid) wants it: \(mapping.filters.joined(separator: " or "))")
  }

  private func noteEnd(_ hop: OpenHop, _ mapping: EventSourceMapping, _ outcome: HopOutcome, _ reason: String) {
    hops.end(
      hop, "invoke", of: mapping.function, from: mapping.source.text, to: mapping.functionARN, outcome, reason.isEmpty ? nil : reason)
  }

  private func caller(for function: FunctionVersion) async throws -> Caller {
    let session = try await roles.session(
      role: function.role, sessionName: function.id.name, by: ServicePrincipal("lambda.amazonaws.com"))
    return Caller(
      principal: .role(session), account: function.id.account, region: function.id.region, trace: TraceContext(ambient))
  }
}

extension QueueMessage {
  /// Of a message of a FIFO queue.
  var groupID: String? { systemAttributes["MessageGroupId"] }
}

extension InvocationHops {
  /// Nil for a message of which nobody knows where it came from.
  fileprivate func begin(_ message: QueueMessage) -> OpenHop? { message.trace.map { begin($0) } }
}

extension BatchResponse {
  fileprivate func fails(_ id: String) -> Bool {
    switch self {
    case .allSucceeded: false
    case .allFailed: true
    case .failed(let ids): ids.contains(id)
    }
  }
}
