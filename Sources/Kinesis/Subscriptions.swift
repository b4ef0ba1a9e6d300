import Base
import Fabric
import Synchronization

/// Who is subscribed to which shard now. One subscription for each consumer and shard: a later one takes the place of an earlier.
final class Subscriptions: Sendable {
  struct Place: Hashable { var consumer: ConsumerName; var shard: ShardID }
  private struct Entry {
    var number: UInt64
    var began: RateTime
    /// Tells it to end.
    var end: Nudge
  }
  private struct State {
    var entries: [Place: Entry] = [:]
    var next: UInt64 = 0
    var isClosed = false
  }
  /// What a subscription knows of itself.
  struct Ticket: Sendable {
    var place: Place
    fileprivate var number: UInt64
    var end: Nudge
  }
  private let state = Mutex(State())

  /// Nil when the one that is there was made less than five seconds ago.
  func begin(_ place: Place, _ now: RateTime) -> Ticket? {
    state.withLock { state -> Ticket? in
      if let old = state.entries[place] {
        guard now.seconds(since: old.began) >= Double(KinesisLimits.resubscribe.inMilliseconds) / 1000 else { return nil }
        old.end.nudge()
      }
      state.next += 1
      let entry = Entry(number: state.next, began: now, end: Nudge())
      if state.isClosed { entry.end.nudge() }
      state.entries[place] = entry
      return Ticket(place: place, number: entry.number, end: entry.end)
    }
  }

  func isCurrent(_ ticket: Ticket) -> Bool { state.withLock { !$0.isClosed && $0.entries[ticket.place]?.number == ticket.number } }

  func ended(_ ticket: Ticket) {
    state.withLock { state in
      if state.entries[ticket.place]?.number == ticket.number { state.entries[ticket.place] = nil }
    }
  }

  /// Ends those of consumers that are gone.
  func end(_ isGone: (ConsumerName) -> Bool) {
    state.withLock { state in
      for (place, entry) in state.entries where isGone(place.consumer) {
        state.entries[place] = nil
        entry.end.nudge()
      }
    }
  }

  /// The server stops.
  func endAll() {
    state.withLock { state in
      state.isClosed = true
      for entry in state.entries.values { entry.end.nudge() }
    }
  }

  var count: Int { state.withLock { $0.entries.count } }
}
