import Base
import CloudWatch
import Fabric
import Gateway
import HTTPServer
import IAM
import Lambda
import Logging
import SQS
import Sandbox
import ServiceLifecycle
import Store
import StoreMemory
import StoreRocksDB
import Synchronization

/// The whole server, put together: the only place that knows every part.
final class Server: Sendable {
  private let settings: ServerSettings
  private let logger: Logger
  private let directory: DataDirectory
  private let ambient: Ambient
  private let store: any Store
  private let sqs: SQSService
  private let logs: CloudWatchService
  private let lambda: LambdaService
  private let workers: WorkerGroup
  private let http: HTTPServer
  private let transport: HTTPTransport
  private let sandboxes: SandboxHost

  init(_ settings: ServerSettings, logger: Logger) async throws {
    (self.settings, self.logger) = (settings, logger)
    let began = Reporting.monotonic()
    directory = try DataDirectory(settings.dataDirectory)
    let clock = AdjustableClock(mode: directory.loadClock() ?? .running(offset: .zero))
    ambient = Ambient(clock: clock, random: SystemRandom())
    let blobs: any BlobStore
    if settings.dataDirectory == nil {
      store = MemoryStore()
      blobs = MemoryBlobStore()
    } else {
      store = try RocksDBStore(directory: directory.store)
      blobs = try FileBlobStore(directory: directory.blobs)
    }
    sandboxes = try SandboxHost(mode: settings.isIsolated ? .isolated : .plainProcess, logger: logger)

    let identity = IdentityConfiguration(
      localMode: settings.rootKey == nil,
      rootKey: settings.rootKey.map { (id: $0.accessKeyID, secret: $0.secret, account: $0.account) })
    let iam = IAMService(store: store, ambient: ambient, configuration: identity)
    let dispatcher = Dispatcher(authoriser: iam, ambient: ambient, logger: logger)
    sqs = SQSService(store: store, ambient: ambient, authoriser: iam)
    logs = CloudWatchService(store: store, ambient: ambient, authoriser: iam, logger: logger)
    lambda = LambdaService(
      store: store, blobs: blobs, ambient: ambient,
      neighbours: .init(authoriser: iam, roles: iam, queues: sqs, logs: logs),
      configuration: .init(
        directory: directory.lambda, virtualEnvironments: settings.virtualEnvironments,
        searchPath: environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"),
      logger: logger)
    let modules: [any ServiceModule] = [iam, sqs, logs, lambda]
    dispatcher.install(modules.flatMap(\.apis))
    workers = WorkerGroup(modules.flatMap(\.workers), clock: clock, logger: logger)

    let (saved, isolation) = (directory, settings.isIsolated ? "isolated" : "plain processes, NOT ISOLATED")
    let pages = modules.flatMap(\.pages) + [
      ClockPage.page(clock) { try saved.saveClock($0) },
      InternalPage("health", for: .everybody) { _ in
        Reporting.health(dispatcher.apis, since: began, isolation: isolation, directory: settings.dataDirectory)
      },
    ]
    let metrics = RequestMetrics()
    let gateway = Gateway(
      dispatcher: dispatcher, keys: iam, ambient: ambient,
      originGuard: OriginGuard(
        hosts: settings.allowedHosts + (Up.isLoopback(settings.host) ? [] : [settings.host]), origins: settings.allowedOrigins),
      pages: InternalPages(pages), metrics: metrics)
    transport = try Self.transport(settings, clock)
    var limits = HTTPServerConfiguration()
    // The other half is for the store, packages and functions, which must not fail because of many clients.
    limits.maximumConnections = min(limits.maximumConnections, DescriptorLimit.raise() / 2)
    http = HTTPServer(configuration: limits, handler: gateway, clock: clock, logger: logger)
  }

  /// Serves until SIGTERM or SIGINT, then stops in order: no new requests, running ones end, state is flushed.
  func runUntilSignalled() async throws {
    sandboxes.cleanUpLeftovers()
    let service = Running(server: self)
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: service)], gracefulShutdownSignals: [.sigterm, .sigint],
        logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
    try await group.run()
  }

  private struct Running: Service {
    let server: Server
    func run() async throws { try await server.serve() }
  }

  private func serve() async throws {
    let workTask = WorkScope()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await self.lambda.run(sandboxes: self.sandboxes, server: self.http) }
      group.addTask { await workTask.run { try? await self.workers.run() } }
      let listeners = try await listen()
      try? await gracefulShutdown()
      logger.notice("stopping")
      for listener in listeners { await http.close(listener) }
      sqs.endWaits()
      await lambda.stop(within: settings.stopLimit)
      workTask.stop()
      try await group.waitForAll()
      // Of clients that have asked again since, by a connection that they keep open.
      sqs.endWaits()
      await http.shutdownGracefully(within: .seconds(5))
      try? await logs.flush()
      await store.close()
      sandboxes.finish()
      directory.removeIfTemporary()
      logger.notice("stopped")
    }
  }

  private static func transport(_ settings: ServerSettings, _ clock: any AmbientClock) throws -> HTTPTransport {
    let tls: HTTPServerTLS? =
      switch settings.tls.identity {
      case .none: nil
      case .files(let certificate, let key): try TLSFiles.operatorTLS(certificate: certificate, key: key)
      case .local(let directory):
        try TLSFiles(dataDirectory: DataDirectory(directory).root, clock: clock).serverTLS(
          names: TLSAuthority.names(besides: ([settings.host] + settings.allowedHosts).filter { $0 != "0.0.0.0" && $0 != "::" }))
      }
    return HTTPTransport(tls: tls, plaintext: settings.tls.allowsPlaintext ? .everybody : .loopback)
  }

  private func listen() async throws -> [HTTPListener] {
    var listeners = [try await http.listen(host: settings.host, port: settings.port, label: "api", transport: transport)]
    let port = listeners[0].port ?? settings.port
    // `localhost` means ::1 first to some clients; a host without IPv6 does without.
    if settings.host == "127.0.0.1" || settings.host == "localhost", let v6 = try? await http.listen(host: "::1", port: port, label: "api", transport: transport) {
      listeners.append(v6)
    }
    Reporting.ready(host: settings.host, port: port, data: settings.dataDirectory ?? "memory")
    return listeners
  }
}

/// Runs something until told to stop.
private struct WorkScope: Sendable {
  private let signal = Nudge()
  func stop() { signal.nudge() }
  func run(_ body: @escaping @Sendable () async -> Void) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask(operation: body)
      group.addTask { await signal.wait() }
      await group.next()
      group.cancelAll()
    }
  }
}
