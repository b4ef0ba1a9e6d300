import Base
import Fabric
import Store

extension EventBridgeService {
  /// Removes all buses, rules, archives, replays, connections and API destinations of the account, and what was on its way.
  public func removeAll(of account: AccountID) async throws {
    try await store.transact { tx in
      for rule in try Keys.rules.list(idPrefix: Key(account), limit: .max, tx).rows {
        try Keys.schedules.complete(rule.row.name.arn.text, tx)
        try Keys.rules.delete(rule.id, tx)
      }
      for archive in try Keys.archives.list(idPrefix: Key(account), limit: .max, tx).rows {
        try tx.set(Keys.garbage(archive.row.id), [])
        try Keys.archives.delete(archive.id, tx)
      }
      for bus in try Keys.buses.list(idPrefix: Key(account), limit: .max, tx).rows { try Keys.buses.delete(bus.id, tx) }
      for replay in try Keys.replays.list(idPrefix: Key(account), limit: .max, tx).rows { try Keys.replays.delete(replay.id, tx) }
      for item in try Keys.connections.list(idPrefix: Key(account), limit: .max, tx).rows { try Keys.connections.delete(item.id, tx) }
      for item in try Keys.destinations.list(idPrefix: Key(account), limit: .max, tx).rows { try Keys.destinations.delete(item.id, tx) }
      try tx.deleteAll(Keys.active(of: account))
      try tx.deleteAll(Keys.revisions(of: account))
    }
    cache.dropAll()
    connections.forgetAll()
    try await deliveries.removeAll(of: account)
    nudgeSweeper()
  }
}
