import Base
import Fabric
import Synchronization

/// The clients that wait for messages, by queue: the shell round `WaitingLine`.
final class WaitingRooms: Sendable {
  typealias WaiterID = WaitingLine.WaiterID

  private struct Room {
    var line = WaitingLine()
    var nudges: [WaiterID: Nudge] = [:]
    /// Who has been called and not looked since.
    var called: Set<WaiterID> = []
    /// Who is to go home with nothing.
    var ended: Set<WaiterID> = []
  }
  private struct State {
    var rooms: [QueueName: Room] = [:]
    var nextID: WaiterID = 0
  }
  private let state = Mutex(State())
  private let clock: any AmbientClock

  init(_ clock: any AmbientClock) { self.clock = clock }

  /// A place in the line of a queue.
  struct Ticket: Sendable {
    let queue: QueueName
    let id: WaiterID
    fileprivate let nudge: Nudge
  }

  /// Nil when too many wait already.
  func join(_ queue: QueueName) -> Ticket? {
    state.withLock { state in
      var room = state.rooms[queue] ?? Room()
      guard room.line.count < SQSLimits.waitersPerQueue else { return nil }
      state.nextID += 1
      let ticket = Ticket(queue: queue, id: state.nextID, nudge: Nudge())
      room.nudges[ticket.id] = ticket.nudge
      _ = room.line.handle(.joined(ticket.id))
      state.rooms[queue] = room
      return ticket
    }
  }

  func looks(_ ticket: Ticket) {
    tell(ticket.queue, .looks(ticket.id)) { $0.called.remove(ticket.id) }
  }
  func foundNothing(_ ticket: Ticket, nextDue: Instant?) { tell(ticket.queue, .foundNothing(ticket.id, nextDue: nextDue)) }
  func served(_ ticket: Ticket, mayBeMore: Bool, nextDue: Instant?) {
    leave(ticket, .served(ticket.id, mayBeMore: mayBeMore, nextDue: nextDue))
  }
  func left(_ ticket: Ticket) { leave(ticket, .left(ticket.id)) }
  private func leave(_ ticket: Ticket, _ event: WaitingLine.Event) {
    tell(ticket.queue, event) { room in
      room.nudges[ticket.id] = nil
      room.called.remove(ticket.id)
      room.ended.remove(ticket.id)
    }
  }

  /// Sends home everybody who waits now.
  func endAll() {
    let nudges = state.withLock { state in
      var nudges: [Nudge] = []
      for (queue, var room) in state.rooms {
        room.ended = Set(room.nudges.keys)
        nudges += room.nudges.values
        state.rooms[queue] = room
      }
      return nudges
    }
    for nudge in nudges { nudge.nudge() }
  }

  /// How many wait at a queue.
  func count(_ queue: QueueName) -> Int { state.withLock { $0.rooms[queue]?.line.count ?? 0 } }

  /// When whoever is first in line looks again by itself.
  func alarm(_ queue: QueueName) -> Instant? { state.withLock { $0.rooms[queue]?.line.nextDueTime } }

  /// Messages became visible, will become visible, or are gone.
  func announce(_ effects: QueueTransaction.Effects, at now: Instant) {
    for (queue, time) in effects.due { tell(queue, time <= now ? .arrived : .due(time)) }
    for queue in effects.changed { tell(queue, .changed) }
  }

  private func tell(_ queue: QueueName, _ event: WaitingLine.Event, _ change: (inout Room) -> Void = { _ in }) {
    let nudges = state.withLock { state -> [Nudge] in
      guard var room = state.rooms.removeValue(forKey: queue) else { return [] }
      change(&room)
      let actions = room.line.handle(event)
      var nudges: [Nudge] = []
      for action in actions {
        switch action {
        case .call(let waiter):
          room.called.insert(waiter)
          if let nudge = room.nudges[waiter] { nudges.append(nudge) }
        case .watch(let waiter):
          if let nudge = room.nudges[waiter] { nudges.append(nudge) }
        }
      }
      if !room.line.isEmpty { state.rooms[queue] = room }
      return nudges
    }
    for nudge in nudges { nudge.nudge() }
  }

  /// Waits until there is a reason to look. False when the deadline has come first, or after `endAll`. Throws when cancelled.
  ///
  /// The deadline holds in real time, too: a client counts its own seconds, and would give up before a frozen clock.
  /// - Parameter limit: the same deadline by `AmbientClock.monotonic`.
  func sleep(_ ticket: Ticket, until deadline: Instant, limit: Duration) async throws -> Bool {
    while true {
      try Task.checkCancellation()
      let now = clock.now()
      let (called, ended, alarm) = state.withLock { state -> (Bool, Bool, Instant) in
        guard let room = state.rooms[ticket.queue] else { return (true, false, deadline) }
        return (
          room.called.contains(ticket.id), room.ended.contains(ticket.id), room.line.alarm(for: ticket.id, deadline: deadline)
        )
      }
      if ended { return false }
      if called { return true }
      let rest = limit - clock.monotonic()
      if now >= deadline || rest <= .zero { return false }
      if now >= alarm { return true }
      await withTaskGroup(of: Void.self) { [clock] group in
        group.addTask { await ticket.nudge.wait(until: alarm, clock: clock) }
        group.addTask { try? await clock.sleepReal(for: rest) }
        await group.next()
        group.cancelAll()
      }
    }
  }
}
