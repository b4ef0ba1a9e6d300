import Base
import Fabric
import Store

/// Takes replays on, a part at a time: what was replayed and how far it has come is one step, so that a crash repeats and loses
/// nothing.
///
/// Events come in the order of the minutes in which they happened ("Replaying archived events": all of one minute before the next).
struct ReplayWorker: Worker {
  let name = "events-replays"
  let nudge = Nudge()
  private let store: any Store
  private let owner = Owner()

  init(store: any Store) { self.store = store }
  func own(_ service: EventBridgeService) { owner.own(service) }

  func turn(_ now: Instant) async throws -> NextTurn {
    let service = try owner.get()
    let active = try await store.read { reader in
      try reader.entries(Keys.allActive, limit: EventBridgeLimits.rowsPerSweep).map { try Keys.activeReplay($0.key) }
    }
    guard !active.isEmpty else { return .onNudge }
    for name in active {
      let accepted = try await store.transact { try service.step(name, now, $0) }
      service.started(accepted)
    }
    return .soon
  }
}

extension EventBridgeService {
  /// One step of a replay.
  fileprivate func step(_ name: ResourceName, _ now: Instant, _ transaction: any Transaction) throws -> Accepted {
    guard var replay = try transaction.replay(name) else {
      try transaction.delete(Keys.active(name))
      return Accepted()
    }
    var accepted = Accepted()
    switch replay.state {
    case .cancelling: replay.end(.cancelled, now)
    case .starting: replay.state = .running
    case .running: accepted = try play(&replay, now, transaction)
    case .completed, .cancelled, .failed: break
    }
    try transaction.save(replay)
    return accepted
  }

  /// Puts the next events of the archive on their bus.
  private func play(_ replay: inout Replay, _ now: Instant, _ transaction: any Transaction) throws -> Accepted {
    guard let archive = try transaction.archive(replay.archive), archive.bus == replay.bus else {
      replay.end(.failed, now, "Archive \(replay.archive.name) does not exist.")
      return Accepted()
    }
    let first = max(replay.from, archive.oldest(now) ?? replay.from)
    var range = Keys.kept(archive.id, from: first, before: replay.to + .milliseconds(1))
    if !replay.position.isEmpty { range.lower = max(range.lower, Key(bytes: replay.position + [0])) }
    let page = try transaction.entries(range, limit: EventBridgeLimits.eventsPerTurn)
    let set = try cache.current(replay.bus, transaction)
    let only = replay.filter.isEmpty ? nil : Set(replay.filter)
    let trace = TraceContext(ambient)
    let arrivals = try page.map { key, bytes in
      var event = try Event(kept: bytes).replayed(by: replay.name.name)
      event.ingested = now
      return Arrival(event: event, bus: replay.bus, trace: trace, only: only)
    }
    if let last = arrivals.last, let key = page.last?.key { (replay.lastReplayed, replay.position) = (last.event.time, key.bytes) }
    if page.count < EventBridgeLimits.eventsPerTurn { replay.end(.completed, now) }
    return try take(arrivals, arrivals.map { (set, set.match($0.event, only: $0.only)) }, now, transaction)
  }
}

extension Replay {
  fileprivate mutating func end(_ state: State, _ now: Instant, _ reason: String? = nil) {
    (self.state, ended, self.reason) = (state, now, reason)
  }
}

extension Archive {
  /// Events from before are no longer kept. Nil: all are.
  func oldest(_ now: Instant) -> Instant? { retentionDays == 0 ? nil : now - .days(retentionDays) }
}
