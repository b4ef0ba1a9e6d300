import Base
import Fabric
import Gateway
import HTTPClient
import HTTPServer
import Logging
import Sandbox
import ServiceLifecycle
import Store
import Synchronization

/// A server: a stable front, and behind it the world of the day.
final class Server: Sendable {
  let settings: ServerSettings
  let logger: Logger
  let data: DataDirectory
  let clock: AdjustableClock
  let exchanges = Exchanges()
  private let client: PooledHTTPClient
  private let surroundings: World.Surroundings
  private let world: Mutex<World>
  private let switchboard: Switchboard
  private let http: HTTPServer
  private let transport: HTTPTransport
  /// Nil without TLS.
  private let renewal: (renewal: TLSRenewal, first: TLSPair)?
  private let sandboxes: SandboxHost

  init(_ settings: ServerSettings, logger: Logger) async throws {
    (self.settings, self.logger) = (settings, logger)
    let began = Reporting.monotonic()
    data = try DataDirectory(settings.dataDirectory)
    try data.claim()
    let isInMemory = settings.dataDirectory == nil
    let state: OpenState
    if let file = settings.loadedFile {
      state = try await Self.loaded(SnapshotFile(file), data, inMemory: isInMemory)
    } else {
      state = try OpenState(data.current(), inMemory: isInMemory)
    }
    data.removeOthers(than: state.directory)
    clock = AdjustableClock(mode: try state.directory.loadClock() ?? .running(offset: .zero))
    let guardian = OriginGuard(
      hosts: settings.allowedHosts + (ServerSettings.isLoopback(settings.host) ? [] : [settings.host]),
      origins: settings.allowedOrigins)
    let metrics = RequestMetrics()
    sandboxes = try SandboxHost(
      mode: settings.isIsolated ? .isolated : .plainProcess, network: settings.functionNetwork, logger: logger)
    renewal = try Self.renewal(settings, clock, logger)
    transport = HTTPTransport(
      tls: try renewal.map { try HTTPServerTLS(certificates: $0.first.certificates, key: $0.first.key) },
      plaintext: settings.tls.allowsPlaintext ? .everybody : .loopback)
    // From here on nothing may throw: a client must be closed.
    client = try PooledHTTPClient(
      .init(roots: TLSFiles.roots(settings.tls, clock), allowsLinkLocal: settings.allowsLinkLocal), clock: clock)
    surroundings = World.Surroundings(
      settings: settings, clock: clock, ambient: Ambient(clock: clock, random: SystemRandom()), originGuard: guardian,
      metrics: metrics, client: client, logger: logger)
    let first = World(state, in: surroundings)
    world = Mutex(first)

    // The pages need the server, which is not complete before them.
    let late = LateServer()
    switchboard = Switchboard(
      originGuard: guardian, pages: InternalPages(ServerPages.all(late, metrics, settings, clock, first, since: began)))
    var limits = settings.http
    // The other half is for the store, packages and functions, which must not fail because of many clients.
    limits.maximumConnections = min(limits.maximumConnections, DescriptorLimit.raise() / 2)
    http = HTTPServer(configuration: limits, handler: switchboard, clock: clock, logger: logger)
    late.complete(self)
  }

  /// The world of the day.
  var current: World { world.withLock { $0 } }

  /// Of the connections, and of the world of the day.
  func measurements() async -> [Measurement] { http.counters.measurements + (await current.measurements()) }

  /// Serves until SIGTERM or SIGINT, then stops in order: no new requests, running ones end, state is flushed.
  func runUntilSignalled() async throws {
    sandboxes.cleanUpLeftovers()
    let group = ServiceGroup(
      configuration: .init(
        services: [.init(service: Running(server: self))], gracefulShutdownSignals: [.sigterm, .sigint],
        logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }))
    do { try await group.run() } catch {
      await client.close()
      data.removeIfTemporary()
      throw error
    }
    await client.close()
  }

  private struct Running: Service {
    let server: Server
    func run() async throws { try await server.serve() }
  }

  private func serve() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try? await gracefulShutdown()
        self.exchanges.finish()
      }
      run(current, in: &group)
      switchboard.connect(current.gateway)
      let listeners = try await listen()
      async let _: Void = renewCertificate()
      for await order in exchanges.orders { await carryOut(order, in: &group) }
      logger.notice("stopping")
      for listener in listeners { await http.close(listener) }
      await current.stop(within: settings.stopLimit)
      try await group.waitForAll()
      await http.shutdownGracefully(within: .seconds(5))
      await current.close()
      sandboxes.finish()
      data.removeIfTemporary()
      logger.notice("stopped")
    }
  }

  private func run(_ world: World, in group: inout ThrowingTaskGroup<Void, any Error>) {
    group.addTask {
      do { try await world.run(sandboxes: self.sandboxes, http: self.http) } catch {
        // Nothing would run functions any more.
        self.exchanges.finish()
        throw error
      }
    }
  }

  private static func renewal(_ settings: ServerSettings, _ clock: any AmbientClock, _ logger: Logger) throws
    -> (renewal: TLSRenewal, first: TLSPair)?
  {
    let pair: @Sendable () throws -> TLSPair
    if let certificate = settings.tls.certificate, let key = settings.tls.key {
      pair = { try TLSFiles.ofOperator(certificate: certificate, key: key) }
    } else if settings.tls.isLocal {
      let names = TLSAuthority.names(besides: ([settings.host] + settings.allowedHosts).filter { $0 != "0.0.0.0" && $0 != "::" })
      let files = TLSFiles(dataDirectory: try DataDirectory(settings.tls.directory).root, clock: clock)
      pair = { try files.server(names: names) }
    } else {
      return nil
    }
    return (TLSRenewal(pair: pair, clock: clock, logger: logger), try pair())
  }

  private func renewCertificate() async {
    guard let (renewal, first) = renewal, let tls = transport.tls else { return }
    await renewal.run(tls, from: first)
  }

  private func listen() async throws -> [HTTPListener] {
    var listeners = [try await http.listen(host: settings.host, port: settings.port, label: "api", transport: transport)]
    let port = listeners[0].port ?? settings.port
    // `localhost` means ::1 first to some clients; a host without IPv6 does without.
    if settings.host == "127.0.0.1" || settings.host == "localhost", let v6 = try? await http.listen(host: "::1", port: port, label: "api", transport: transport) {
      listeners.append(v6)
    }
    surroundings.address.listens(on: port)
    Reporting.ready(host: settings.host, port: port, data: settings.dataDirectory ?? "memory")
    return listeners
  }
}

/// The exchange of the world.
extension Server {
  private func carryOut(_ order: Exchanges.Order, in group: inout ThrowingTaskGroup<Void, any Error>) async {
    do {
      let (state, mode) = try await order.prepare()
      do {
        try state.directory.saveClock(mode)
        switchboard.hold()
        try data.adopt(state.directory)
      } catch let error where (try? data.current()) != state.directory {
        switchboard.connect(current.gateway)
        await discard(state)
        throw error
      } catch {
        // The name stands, only its durability is in doubt: the exchange has happened.
        logger.error("the name of the new state may not be durable", metadata: ["error": "\(error)"])
      }
      let old = current
      await old.stop(within: .zero)
      await old.close()
      clock.set(mode)
      let next = World(state, in: surroundings)
      world.withLock { $0 = next }
      run(next, in: &group)
      switchboard.connect(next.gateway)
      order.complete(.success(()))
      // It may be many files, and nobody waits for them.
      startThread("remove-state") { [data] in data.remove(old.state.directory) }
    } catch {
      logger.error("the state could not be exchanged", metadata: ["error": "\(error)"])
      order.complete(.failure(error))
    }
  }

  /// A state that nobody will use.
  func discard(_ state: OpenState) async {
    await state.store.close()
    data.remove(state.directory)
  }

  func makeState() throws -> OpenState {
    let directory = try data.makeState()
    do { return try OpenState(directory, inMemory: settings.dataDirectory == nil) } catch {
      data.remove(directory)
      throw error
    }
  }

  /// Empties everything at once.
  func reset(keepsClock: Bool) async throws {
    let began = Reporting.monotonic()
    try await exchanges.ask { (try self.makeState(), keepsClock ? self.clock.mode : .running(offset: .zero)) }
    logger.notice("the state was emptied", metadata: ["milliseconds": "\((Reporting.monotonic() - began).inMilliseconds)"])
  }

  /// Before anything runs: the file's state takes the place of what the directory holds.
  private static func loaded(_ file: SnapshotFile, _ data: DataDirectory, inMemory: Bool) async throws -> OpenState {
    let directory = try data.makeState()
    do {
      let state = try OpenState(directory, inMemory: inMemory)
      let manifest = try await file.load(into: state)
      try directory.saveClock(manifest.clock)
      try data.adopt(directory)
      return state
    } catch {
      if (try? data.current()) != directory { data.remove(directory) }
      throw error
    }
  }
}
