import Base

/// Who waits for messages of one queue, and who is told when one comes: first come, first served.
///
/// Only the first in line watches the clock for the next message that becomes visible by itself; when it leaves, the next
/// takes over. So a thousand waiting clients do not all wake for one message.
struct WaitingLine: Sendable {
  typealias WaiterID = UInt64

  enum Event: Sendable, Equatable {
    /// A client joins the end of the line.
    case joined(WaiterID)
    /// The client is about to look into the queue.
    case looks(WaiterID)
    /// It looked and found nothing; `nextDue` is when the queue's next message becomes visible, if there is one.
    case foundNothing(WaiterID, nextDue: Instant?)
    /// It looked, found messages and leaves.
    case served(WaiterID, mayBeMore: Bool, nextDue: Instant?)
    /// It leaves because its time is over or its client has gone.
    case left(WaiterID)
    /// A message is visible now.
    case arrived
    /// A message will become visible by itself at this time.
    case due(Instant)
    /// The queue is gone or emptied: everybody looks again.
    case changed
  }

  enum Action: Sendable, Equatable {
    /// Look into the queue again.
    case call(WaiterID)
    /// Sleep on, but by the alarm, which is earlier now or has become yours.
    case watch(WaiterID)
  }

  /// waiting: nobody called it. called: told to look, and has not looked since.
  private enum Place: Sendable, Equatable { case waiting, called }
  /// What is known of the next message that becomes visible by itself. unknown: the first in line is looking, or left while
  /// it did; what was reported since it began counts.
  private enum NextDue: Sendable, Equatable {
    case unknown(atMost: Instant?)
    case known(Instant?)

    var time: Instant? {
      switch self {
      case .unknown(let time), .known(let time): time
      }
    }
    mutating func merge(_ time: Instant?) {
      guard let time else { return }
      switch self {
      case .unknown(let other): self = .unknown(atMost: min(time, other ?? time))
      case .known(let other): self = .known(min(time, other ?? time))
      }
    }
  }

  private var order: [WaiterID] = []
  private var places: [WaiterID: Place] = [:]
  private var nextDue = NextDue.unknown(atMost: nil)

  var nextDueTime: Instant? { nextDue.time }
  var isEmpty: Bool { order.isEmpty }
  var count: Int { order.count }

  /// Until when the waiter may sleep if nobody calls it.
  func alarm(for waiter: WaiterID, deadline: Instant) -> Instant {
    guard order.first == waiter, let time = nextDue.time else { return deadline }
    return min(time, deadline)
  }

  mutating func handle(_ event: Event) -> [Action] {
    switch event {
    case .joined(let waiter):
      order.append(waiter)
      places[waiter] = .waiting
      return []
    case .looks(let waiter):
      places[waiter] = .waiting
      if order.first == waiter { nextDue = .unknown(atMost: nil) }
      return []
    case .foundNothing(let waiter, let due): return learn(due, from: waiter)
    case .served(let waiter, let mayBeMore, let due):
      _ = learn(due, from: waiter)
      return leave(waiter, callsNext: mayBeMore)
    case .left(let waiter): return leave(waiter, callsNext: false)
    case .arrived: return callNext()
    case .due(let time): return learn(time, from: nil)
    case .changed:
      for waiter in order { places[waiter] = .called }
      return order.map { .call($0) }
    }
  }

  private mutating func learn(_ due: Instant?, from waiter: WaiterID?) -> [Action] {
    let before = nextDue.time
    nextDue.merge(due)
    if let waiter, waiter == order.first {
      nextDue = .known(nextDue.time)
      return []
    }
    guard nextDue.time != before, let first = order.first else { return [] }
    return [.watch(first)]
  }

  private mutating func callNext() -> [Action] {
    guard let waiter = order.first(where: { places[$0] == .waiting }) else { return [] }
    places[waiter] = .called
    return [.call(waiter)]
  }

  /// A waiter that leaves passes on a call that it has not followed.
  private mutating func leave(_ waiter: WaiterID, callsNext: Bool) -> [Action] {
    let wasFirst = order.first == waiter
    let wasCalled = places.removeValue(forKey: waiter) == .called
    order.removeAll { $0 == waiter }
    guard let first = order.first else {
      nextDue = .unknown(atMost: nil)
      return []
    }
    var actions = wasCalled || callsNext ? callNext() : []
    guard wasFirst, !actions.contains(.call(first)) else { return actions }
    switch nextDue {
    case .known(nil): break
    case .known: actions.append(.watch(first))
    case .unknown:
      places[first] = .called
      actions.append(.call(first))
    }
    return actions
  }
}
