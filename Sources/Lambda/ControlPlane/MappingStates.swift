import Base
import Fabric
import Store

/// What the pollers use.
extension ControlPlane {
  /// The mappings of all accounts and Regions.
  func mappings() async throws -> [EventSourceMapping] { try await store.read { try MappingRows($0).all() } }

  func mapping(_ uuid: String) async throws -> EventSourceMapping? {
    try await store.read { try MappingRows($0).mapping(uuid: uuid)?.mapping }
  }

  /// Records that the poller has acted on a mapping.
  /// - Parameter from: the state that the poller saw; when a user has changed the mapping since, nothing happens, and the
  ///   nudge of that change is on its way.
  /// - Returns: whether the state was set.
  @discardableResult
  func setMappingState(_ uuid: String, from: EventSourceMapping.State, to state: EventSourceMapping.State) async throws -> Bool {
    try await store.transact { tx in
      guard let old = try MappingRows(tx).mapping(uuid: uuid), old.mapping.state == from else { return false }
      var new = old
      new.mapping.state = state
      try MappingRows.save(new, replacing: old, in: tx)
      return true
    }
  }

  /// Ends the deletion of a mapping whose poller has stopped.
  func removeMapping(_ uuid: String) async throws {
    try await store.transact { tx in
      guard let stored = try MappingRows(tx).mapping(uuid: uuid), stored.mapping.state == .deleting else { return }
      try MappingRows.delete(stored.mapping, in: tx)
    }
  }
}
