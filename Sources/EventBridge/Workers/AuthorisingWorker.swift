import Base
import Fabric
import Store
import Synchronization

/// Fetches the first token of a new OAuth connection, so that its state tells whether it works. Nothing depends on it: a delivery
/// fetches a token when it needs one. After a restart it begins with the connections that still wait.
final class AuthorisingWorker: Worker {
  static let pause = Duration.minutes(1)
  let name = "events-connections"
  let nudge = Nudge()
  private let store: any Store
  private let connections: ConnectionAccess

  init(store: any Store, connections: ConnectionAccess) { (self.store, self.connections) = (store, connections) }

  func nudge(_ connection: Connection) { if connection.state == .authorizing { nudge.nudge() } }

  func turn(_ now: Instant) async throws -> NextTurn {
    let waiting = try await store.read { reader in
      try Keys.connections.list(limit: .max, reader).rows.map(\.row).filter { $0.state == .authorizing }
    }
    for connection in waiting { await connections.authorise(connection.arn.text) }
    return waiting.isEmpty ? .onNudge : .at(now + Self.pause)
  }
}
