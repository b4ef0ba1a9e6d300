import Base
import Logging
import Store
import Synchronization

/// Deliveries of one service, kept from the transaction that accepts them until their targets have taken them or they are given up.
///
///     let accepted = try await store.transact { tx in … return try queue.add(deliveries, to: tx) }
///     queue.started(accepted)
///
/// The first attempt begins at once. How many run at the same time is limited in all and for each target, and a target that is slow or
/// dead gets few places: nobody else waits for it. A million that wait are in the store, not in memory. An attempt that a crash
/// interrupts, or whose end it loses, is repeated. Retries follow the adjustable clock.
public final class DeliveryQueue: Sendable {
  /// Woken in one step.
  private static let wakeLimit = 200
  /// Ends that share a transaction.
  private static let commitLimit = 256
  private static let removalStep = 500
  private static let targetsStep = 1000
  /// How long a delivery waits that could not be given up because of a failure of ours.
  private static let abandonPause = Duration.seconds(30)
  /// How often targets are looked for of which nobody has told; adjusted time.
  private static let sweepInterval = Duration.minutes(10)

  /// Of the service, for logs, measurements and hops: `sns`.
  public let name: String
  private let rows: DeliveryRows
  private let store: any Store
  private let ambient: Ambient
  private let policy: any DeliveryPolicy
  private let hops: any HopPort
  private let chaos: Chaos
  private let logger: Logger
  private let nudge = Nudge()

  private struct State {
    var lines: DeliveryLines
    var isStopped = false
    /// Those that run, by a number of their own; the task is known a moment after it has begun.
    var attempts: [UInt64: (task: Task<Void, Never>?, account: AccountID)] = [:]
    var lastAttempt: UInt64 = 0
    var ends: Batch?
    var sweepAt = Instant(milliseconds: .min)
    var counts = Counts()
  }
  private struct Counts {
    var delivered = 0, retried = 0, givenUp = 0
  }
  private let state: Mutex<State>

  public convenience init(
    _ name: String, store: any Store, ambient: Ambient, policy: any DeliveryPolicy, hops: any HopPort, chaos: Chaos = .off, logger: Logger
  ) {
    self.init(name, store: store, ambient: ambient, policy: policy, hops: hops, chaos: chaos, logger: logger, limits: .init())
  }

  init(
    _ name: String, store: any Store, ambient: Ambient, policy: any DeliveryPolicy, hops: any HopPort, chaos: Chaos = .off, logger: Logger,
    limits: DeliveryLines.Limits
  ) {
    (self.name, self.store, self.ambient, self.policy) = (name, store, ambient, policy)
    (self.hops, self.chaos, self.logger) = (hops, chaos, logger)
    rows = DeliveryRows(name)
    state = Mutex(State(lines: DeliveryLines(limits)))
  }

  /// Part of the caller's transaction: accepted and to be delivered is one step. Returns them with their ids, for `started`.
  public func add(_ deliveries: [Delivery], to transaction: any Transaction) throws -> [Delivery] {
    try rows.add(deliveries, transaction)
  }

  /// After the commit, with what `add` returned: the first attempts begin at once. Never waits.
  public func started(_ deliveries: [Delivery]) {
    guard !deliveries.isEmpty else { return }
    state.withLock { state in for delivery in deliveries { state.lines.admit(delivery) } }
    pump()
  }

  /// Brings back what is due, and what an earlier life of the server left. Its end is the end of the queue: what runs is cancelled.
  public var worker: any Worker { DeliveryWorker(queue: self, nudge: nudge) }

  /// Removes what waits for deliveries of the account; those that run are cancelled.
  public func removeAll(of account: AccountID) async throws {
    let running = state.withLock { state in
      state.lines.remove(account)
      return state.attempts.values.filter { $0.account == account }.compactMap(\.task)
    }
    for task in running { task.cancel() }
    var rest: KeyRange? = KeyRange(prefix: rows.prefix)
    while let range = rest {
      rest = try await store.transact { [rows] in try rows.remove(of: account, in: range, limit: Self.removalStep, $0) }
    }
    for task in running { await task.value }
    // What was read from the store before it was removed there.
    state.withLock { $0.lines.remove(account) }
  }

  /// What runs, what waits in memory for room, and what became of the others since the start.
  public var measurements: [Measurement] {
    let (running, waiting, counts) = state.withLock { ($0.lines.running, $0.lines.waiting, $0.counts) }
    let states = [("running", running), ("waiting", waiting)].map { label, count in
      Measurement(
        "dewpoint_deliveries", .gauge, Double(count), labels: [("queue", name), ("state", label)],
        help: "Deliveries that are being tried, and those in memory that wait for room; others are in the store.")
    }
    return states
      + [("delivered", counts.delivered), ("retried", counts.retried), ("given up", counts.givenUp)].map { label, count in
        Measurement(
          "dewpoint_delivery_attempts_total", .counter, Double(count), labels: [("queue", name), ("outcome", label)],
          help: "Attempts to deliver by what came of them.")
      }
  }
}

/// Starting.
extension DeliveryQueue {
  /// Starts and reads what there is room for. Quick: it also runs on the store's thread.
  private func pump() {
    let (first, starts, loads) = state.withLock { state -> (UInt64, [Delivery], [DeliveryLines.Load]) in
      guard !state.isStopped else { return (0, [], []) }
      let starts = state.lines.starts()
      let first = state.lastAttempt + 1
      for delivery in starts {
        state.lastAttempt += 1
        state.attempts[state.lastAttempt] = (nil, delivery.account)
      }
      return (first, starts, state.lines.loads())
    }
    for (number, delivery) in zip(first..., starts) {
      let task = Task {
        await self.attempt(delivery)
        self.state.withLock { $0.attempts[number] = nil }
      }
      let isStopped = state.withLock { state in
        state.attempts[number]?.task = task
        return state.isStopped
      }
      if isStopped { task.cancel() }
    }
    for load in loads {
      // In a transaction, so that its result stands in a row with those of all others.
      store.transact { [rows] in try rows.page(of: load.target, after: load.after, limit: load.limit, $0) } then: { result in
        switch result {
        case .success(let page):
          self.state.withLock { $0.lines.loaded(page, of: load.target) }
          self.pump()
        case .failure(let error):
          self.state.withLock { $0.lines.failedToLoad(load.target) }
          self.log("deliveries cannot be read", error)
          // The next turn of the worker tries again.
          self.nudge.nudge()
        }
      }
    }
  }

  /// One attempt, and what follows from it.
  private func attempt(_ delivery: Delivery) async {
    let hop = hops.begin(delivery.trace, ambient)
    var carried = delivery
    carried.trace = hop.trace
    var end = End.over
    var outcome = HopOutcome.delivered
    var reason: String?
    do { try await carry(carried) } catch {
      // Stopped, or removed: what is still in the store is tried again by the next life of the server.
      if Task.isCancelled { return forget(delivery) }
      carried.attempts += 1
      (end, outcome, reason) = await follow(carried, error as? AWSError ?? .internalFailure(error))
    }
    var tried = delivery
    tried.attempts += 1
    hops.end(
      hop, ambient, account: delivery.account, region: delivery.region, service: name, action: "deliver", source: delivery.source,
      target: delivery.target, attempt: tried.attempts, outcome: outcome, reason: reason)
    settle(tried, end)
  }

  private func carry(_ delivery: Delivery) async throws {
    try await chaos.carry(ChaosPoint(name, delivery), isOrdered: delivery.lane != nil) { again in
      var delivery = delivery
      if let again { delivery.trace = again }
      try await policy.carry(delivery)
    }
  }

  /// What follows from a failed attempt.
  private func follow(_ delivery: Delivery, _ failure: AWSError) async -> (End, HopOutcome, String?) {
    let text = failure.hopReason
    let now = ambient.now
    switch policy.verdict(on: delivery, after: failure, now: now, random: ambient.random) {
    case .retry(let due): return (.postponed(until: due), .retried(at: due), text)
    case .giveUp(let reason):
      do {
        if let place = try await Chaos.sparing({ try await policy.abandon(delivery, reason: reason, error: failure) }) {
          return (.givenUp, .deadLettered(to: place), "\(reason) \(text)")
        }
        return (.givenUp, HopOutcome.failure(failure) == .denied ? .denied : .dropped, "\(reason) \(text)")
      } catch {
        let second = error as? AWSError ?? .internalFailure(error)
        let both = "\(reason) \(text); the dead letter failed: \(second.hopReason)"
        logger.error("a dead letter could not be delivered", metadata: [
          "queue": "\(name)", "source": "\(delivery.source)", "target": "\(delivery.target)", "trace": "\(delivery.trace.root)",
          "error": "\(second)",
        ])
        guard second.fault == .server else { return (.givenUp, .dropped, both) }
        let due = now + Self.abandonPause
        return (.postponed(until: due), .retried(at: due), both)
      }
    }
  }

  private func forget(_ delivery: Delivery) {
    state.withLock { $0.lines.ended(delivery, succeeded: true) }
  }
}

/// Ending. Deliveries that end at about the same time share a transaction.
extension DeliveryQueue {
  fileprivate enum End: Sendable {
    case over
    case givenUp
    case postponed(until: Instant)
  }

  private final class Batch: @unchecked Sendable {
    // Unchecked: `ends` is touched only with the lock of `state` held.
    var ends: [(delivery: Delivery, end: End)] = []
  }

  /// The slot is given back once the store has the end, so that what ends can never become more than what runs.
  private func settle(_ delivery: Delivery, _ end: End) {
    let batch = state.withLock { state -> Batch? in
      if let batch = state.ends, batch.ends.count < Self.commitLimit {
        batch.ends.append((delivery, end))
        return nil
      }
      let batch = Batch()
      batch.ends.append((delivery, end))
      state.ends = batch
      return batch
    }
    if let batch { commit(batch) } else { store.joinsTransaction() }
  }

  private func commit(_ batch: Batch) {
    store.transact { [rows] transaction -> [Delivery] in
      var followers: [Delivery] = []
      for (delivery, end) in self.close(batch) {
        switch end {
        case .over, .givenUp: if let next = try rows.end(delivery, transaction) { followers.append(next) }
        case .postponed(let due): try rows.postpone(delivery, until: due, transaction)
        }
      }
      return followers
    } then: { result in
      switch result {
      case .success(let followers): self.committed(self.close(batch), followers)
      case .failure(let error):
        self.log("the end of deliveries cannot be written", error)
        if error as? StoreError == .closed { return }
        // Nothing is lost: without their ends they would be tried again. Real time, for a frozen clock must not stop this.
        Task {
          try? await self.ambient.clock.sleepReal(for: .seconds(1))
          self.commit(batch)
        }
      }
    }
  }

  /// From now on nobody joins.
  private func close(_ batch: Batch) -> [(delivery: Delivery, end: End)] {
    state.withLock { state in
      if state.ends === batch { state.ends = nil }
      return batch.ends
    }
  }

  private func committed(_ ends: [(delivery: Delivery, end: End)], _ followers: [Delivery]) {
    var isPostponed = false
    state.withLock { state in
      for (delivery, end) in ends {
        switch end {
        case .over: state.counts.delivered += 1
        case .givenUp: state.counts.givenUp += 1
        case .postponed:
          state.counts.retried += 1
          isPostponed = true
        }
        if case .over = end { state.lines.ended(delivery, succeeded: true) } else { state.lines.ended(delivery, succeeded: false) }
      }
      for delivery in followers { state.lines.admit(delivery) }
    }
    if isPostponed { nudge.nudge() }
    pump()
  }

  fileprivate func log(_ what: Logger.Message, _ error: any Error) {
    if error as? StoreError == .closed { return }
    logger.error(what, metadata: ["queue": "\(name)", "error": "\(error)"])
  }
}

/// Waking, and what was left.
extension DeliveryQueue {
  fileprivate func turn(_ now: Instant) async throws -> NextTurn {
    let isSweep = state.withLock { state in
      state.lines.tidy()
      guard state.sweepAt <= now else { return false }
      state.sweepAt = now + Self.sweepInterval
      return true
    }
    if isSweep {
      do { try await sweep() } catch {
        state.withLock { $0.sweepAt = Instant(milliseconds: .min) }
        throw error
      }
    }
    let next = try await withCheckedThrowingContinuation { (caller: CheckedContinuation<NextTurn, any Error>) in
      store.transact { [rows] in try rows.wake(upTo: now, limit: Self.wakeLimit, $0) } then: { result in
        if case .success(let (woken, _)) = result {
          self.state.withLock { state in for delivery in woken { state.lines.admit(delivery) } }
        }
        caller.resume(with: result.map(\.next))
      }
    }
    pump()
    let sweepAt = state.withLock { $0.sweepAt }
    return switch next {
    case .soon: .soon
    case .at(let due): .at(min(due, sweepAt))
    case .onNudge: .at(sweepAt)
    }
  }

  /// Looks for targets with ready deliveries: what an earlier life left, and what was committed without its caller coming to say so.
  private func sweep() async throws {
    var last: String?
    repeat {
      let after = last
      let targets = try await store.transact { [rows] in try rows.targets(after: after, limit: Self.targetsStep, $0) }
      state.withLock { state in for target in targets { state.lines.suspect(target) } }
      pump()
      last = targets.count == Self.targetsStep ? targets.last : nil
    } while last != nil
  }

  /// Cancels what runs and waits for it. Nothing starts afterwards.
  fileprivate func stop() async {
    let running = state.withLock { state in
      state.isStopped = true
      return state.attempts.values.compactMap(\.task)
    }
    for task in running { task.cancel() }
    for task in running { await task.value }
  }
}

extension ChaosPoint {
  fileprivate init(_ service: String, _ delivery: Delivery) {
    self.init(
      service: service, account: delivery.account, region: delivery.region, source: delivery.source, target: delivery.target,
      trace: delivery.trace)
  }
}

private struct DeliveryWorker: Worker {
  let queue: DeliveryQueue
  let nudge: Nudge
  var name: String { "deliveries of \(queue.name)" }
  func turn(_ now: Instant) async throws -> NextTurn { try await queue.turn(now) }
  func stop() async { await queue.stop() }
}
