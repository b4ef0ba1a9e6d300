import Base
import Store
import Synchronization

/// Compiled buses, so that an event costs no reading and no compiling.
///
/// Every transaction compares the revision of the row with the one that was compiled, so what is here may be late for a moment but
/// decides nothing durable.
final class RuleSetCache: Sendable {
  private struct State {
    var sets: [BusName: RuleSet] = [:]
    /// Grows with each change, so that what was read before one is not remembered after it.
    var generation: UInt64 = 0
  }
  private let state = Mutex(State())

  func drop(_ bus: BusName) {
    state.withLock { state in
      state.generation += 1
      state.sets[bus] = nil
    }
  }
  func dropAll() {
    state.withLock { state in
      state.generation += 1
      state.sets.removeAll()
    }
  }

  /// The bus as it was lately.
  func find(_ bus: BusName, in store: any Store) async throws -> RuleSet {
    if let set = state.withLock({ $0.sets[bus] }) { return set }
    return try await store.read { try self.current(bus, $0) }
  }

  /// The bus as it is in a transaction.
  func current(_ bus: BusName, _ reader: any Reader) throws -> RuleSet {
    let (known, generation) = state.withLock { ($0.sets[bus], $0.generation) }
    let revision = try reader.revision(of: bus)
    if let known, known.revision == revision { return known }
    let found = try reader.bus(bus)
    let set = RuleSet(found, found == nil ? [] : try reader.rules(of: bus), revision: revision)
    state.withLock { state in
      guard state.generation == generation else { return }
      if state.sets.count >= EventBridgeLimits.cachedBuses { state.sets.removeAll(keepingCapacity: true) }
      state.sets[bus] = set
    }
    return set
  }
}
