import Base
import Fabric
import Gateway
import Synchronization

/// A server that its own pages may use once it is complete.
final class LateServer: Sendable {
  private struct Reference { weak var server: Server? }
  private let reference = Mutex(Reference())

  func complete(_ server: Server) { reference.withLock { $0.server = server } }
  func get() throws -> Server {
    guard let server = reference.withLock({ $0.server }) else {
      throw AWSError("ServiceUnavailable", "The server is starting.", status: 503)
    }
    return server
  }
}

/// The pages that do not belong to one state, and so are answered while it is exchanged, too.
enum ServerPages {
  static func all(
    _ server: LateServer, _ metrics: RequestMetrics, _ settings: ServerSettings, _ clock: AdjustableClock, _ world: World,
    since began: Duration
  ) -> [InternalPage] {
    let services = world.modules.flatMap(\.apis).map(\.model.name)
    let uptime: @Sendable () -> Duration = { Reporting.monotonic() - began }
    return HealthPages.pages(version: Dewpoint.version, services: services) { Reporting.health(settings, uptime: uptime()) }
      + [ClockPage.page(clock) { try server.get().current.state.directory.saveClock($0) }]
      + [MetricsPage.page(metrics, uptime: uptime) { await (try? server.get())?.measurements() ?? [] }]
      + [SnapshotPage.page(server, refusal: settings.refusalOfStateControl)]
      + ResetPages.pages(
        refusal: settings.refusalOfStateControl, everything: { try await server.get().reset(keepsClock: $0) },
        account: { try await server.get().current.removeAll(of: $0) })
  }
}
