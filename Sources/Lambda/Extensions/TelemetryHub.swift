import Base
import Fabric
import Synchronization

/// Hands what happens in one environment to the extensions that have subscribed.
final class TelemetryHub: Sendable {
  enum Refusal: Error, Sendable, Equatable {
    /// The init phase is over.
    case closed
    /// Somebody has subscribed through the other API.
    case otherAPI
  }

  private enum Item: Sendable {
    case platform(PlatformEvent, JSON)
    case message(TelemetryKind, String)

    /// Roughly, in bytes.
    var size: Int { if case .message(_, let text) = self { 64 + text.utf8.count } else { 512 } }
  }
  private struct Subscriber {
    var subscription: TelemetrySubscription
    var buffer: TelemetryBuffer
    var nudge: Nudge
  }
  private struct State {
    var subscribers: [String: Subscriber] = [:]
    /// What has happened before anybody could subscribe, for those who do; bounded by `historyLimit` and `historyBytes`.
    var history: [(Item, Instant)] = []
    var historySize = 0
    /// What there was no room for.
    var forgotten = (records: 0, bytes: 0)
    var isOpen = true
  }

  private static let historyLimit = 1000
  private static let historyBytes = 1 << 20
  private let state = Mutex(State())
  private let record: PlatformRecord
  private let isJSON: Bool
  private let clock: any AmbientClock

  init(_ record: PlatformRecord, clock: any AmbientClock) {
    (self.record, self.clock) = (record, clock)
    isJSON = record.function.logFormat == .json
  }

  func publish(_ event: PlatformEvent, at now: Instant) {
    state.withLock { state in
      guard state.isOpen || !state.subscribers.isEmpty else { return }
      publish(.platform(event, record.record(of: event, at: now)), now, &state)
    }
  }

  func publish(_ kind: TelemetryKind, _ text: String, at now: Instant) {
    state.withLock { state in
      guard state.isOpen || !state.subscribers.isEmpty else { return }
      publish(.message(kind, text), now, &state)
    }
  }

  private func publish(_ item: Item, _ now: Instant, _ state: inout State) {
    if state.isOpen {
      if state.history.count < Self.historyLimit, state.historySize + item.size <= Self.historyBytes {
        state.history.append((item, now))
        state.historySize += item.size
      } else {
        state.forgotten = (state.forgotten.records + 1, state.forgotten.bytes + item.size)
      }
    }
    for name in state.subscribers.keys { append(item, now, to: name, &state) }
  }

  private func append(_ item: Item, _ now: Instant, to name: String, _ state: inout State, hasRoom: Bool = false) {
    guard var subscriber = state.subscribers[name], let event = encode(item, now, for: subscriber.subscription) else { return }
    let time = clock.monotonic()
    let wasDue = subscriber.buffer.due(now: time)
    _ = subscriber.buffer.append(event, now: time, hasRoom: hasRoom)
    let isDue = subscriber.buffer.due(now: time)
    state.subscribers[name] = subscriber
    // Whoever sleeps knows of the time at which the oldest event is due.
    if wasDue == nil || isDue != wasDue { subscriber.nudge.nudge() }
  }

  private func encode(_ item: Item, _ now: Instant, for subscription: TelemetrySubscription) -> [UInt8]? {
    switch item {
    case .platform(let event, let record): TelemetryEvent.event(event, record, at: now, for: subscription)
    case .message(let kind, let text): TelemetryEvent.message(kind, text, isJSON: isJSON, at: now, for: subscription)
    }
  }

  /// - Returns: false when it is subscribed already: the new wishes count, and its deliverer goes on.
  func add(_ subscription: TelemetrySubscription) -> Result<Bool, Refusal> {
    state.withLock { state in
      guard state.isOpen else { return .failure(.closed) }
      guard state.subscribers.values.allSatisfy({ $0.subscription.api == subscription.api }) else { return .failure(.otherAPI) }
      // AWS: "Duplicate subscribe requests do not result in duplicate subscriptions."
      guard state.subscribers[subscription.name] == nil else { return .success(false) }
      state.subscribers[subscription.name] = Subscriber(
        subscription: subscription, buffer: TelemetryBuffer(subscription.buffering), nudge: Nudge())
      for (item, time) in state.history { append(item, time, to: subscription.name, &state) }
      state.subscribers[subscription.name]?.buffer.missed(state.forgotten)
      return .success(true)
    }
  }

  /// Nobody subscribes any more.
  func close() { state.withLock { ($0.isOpen, $0.history, $0.historySize) = (false, [], 0) } }

  /// What waits goes out now.
  func flush() {
    state.withLock { state in
      for name in state.subscribers.keys {
        state.subscribers[name]?.buffer.want()
        state.subscribers[name]?.nudge.nudge()
      }
    }
  }

  /// The processes are gone; those that come may subscribe anew.
  func reset() { state.withLock { $0 = State() } }

  // MARK: For the deliverer of one subscriber

  /// The next batch of a subscriber, when it is due. Nil when it has been reset or the task is cancelled.
  func nextBatch(for name: String) async -> [[UInt8]]? {
    while !Task.isCancelled {
      let now = clock.monotonic()
      let (batch, due, nudge) = state.withLock { state -> ([[UInt8]]?, Duration?, Nudge?) in
        guard var subscriber = state.subscribers[name] else { return (nil, nil, nil) }
        defer { state.subscribers[name] = subscriber }
        return (subscriber.buffer.take(now: now), subscriber.buffer.due(now: now), subscriber.nudge)
      }
      guard let nudge else { return nil }
      if let batch { return batch }
      await wait(for: nudge, until: due)
    }
    return nil
  }

  /// A batch has gone out: there is room to tell what was dropped meanwhile.
  func delivered(to name: String, at now: Instant) {
    state.withLock { state in
      guard let dropped = state.subscribers[name]?.buffer.takeDropped() else { return }
      let event = PlatformEvent.dropped(records: dropped.records, bytes: dropped.bytes)
      append(.platform(event, record.record(of: event, at: now)), now, to: name, &state, hasRoom: true)
    }
  }

  private func wait(for nudge: Nudge, until due: Duration?) async {
    guard let due else { return await nudge.wait() }
    let pause = due - clock.monotonic()
    guard pause > .zero else { return }
    await withDiscardingTaskGroup { group in
      let either = Nudge()
      group.addTask { await nudge.wait(); either.nudge() }
      group.addTask { [clock] in try? await clock.sleepReal(for: pause); either.nudge() }
      await either.wait()
      group.cancelAll()
    }
  }
}
