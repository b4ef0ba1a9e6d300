import Base
import Fabric
import Store

/// An account is emptied.
extension ControlPlane {
  static let inventory = [
    InventoryItem("functions", below: Keys.functions), InventoryItem("layers", below: Keys.layers), InventoryItem("event source mappings", below: Keys.mappings),
    InventoryItem("function URLs", below: Keys.urls), InventoryItem("code signing configurations", below: Keys.signings),
  ]

  /// Pollers stop as soon as the runner has looked.
  func removeMappings(of account: AccountID) async throws {
    try await store.transact { tx in
      for mapping in try MappingRows(tx).all() where mapping.account == account { try MappingRows.delete(mapping, in: tx) }
    }
    mappingNudge.nudge()
  }

  func removeFunctions(of account: AccountID) async throws {
    let now = ambient.now
    let removed = try await store.transact { tx in
      let functions = try tx.entries(KeyRange(prefix: Keys.functions(account))).map { try StoredFunction(row: $0.value) }
      for function in functions { try FunctionRows.delete(function, in: tx, at: now) }
      try tx.deleteAll(KeyRange(prefix: Keys.signings(account)))
      let layers = LayerRows(tx)
      for layer in try layers.layers(of: account) {
        for version in try layers.versions(layer) { try LayerRows.delete(version, in: tx, at: now) }
        try tx.delete(Keys.layer(layer))
      }
      return functions.map(\.id)
    }
    for id in removed { functionChanged(.deleted(id)) }
    collector.nudge.nudge()
  }
}
