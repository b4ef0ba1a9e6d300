import Base
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Serves HTTP/1.1 and HTTP/2, plain and over TLS, on any number of listening sockets, with one set of event loops.
///
/// Handlers run on the event loop of their connection. `shutdownGracefully` must be called before the server is let go.
public final class HTTPServer: Sendable {
  private enum State {
    case running(listeners: [ListenerID: any Channel], next: UInt64)
    /// → ended
    case stopping
    case ended
  }

  private let configuration: HTTPServerConfiguration
  private let handler: any HTTPHandler
  private let logger: Logger
  let group: MultiThreadedEventLoopGroup
  private let lanes: [ObjectIdentifier: Lane]
  private let addresses: AddressLimit
  private let counted = Counters()
  private let state = Mutex(State.running(listeners: [:], next: 1))

  /// - Parameters:
  ///   - handler: answers on listeners that name no other.
  ///   - clock: only for the `Date` header; its wall time is used.
  public init(
    configuration: HTTPServerConfiguration = .init(), handler: any HTTPHandler, clock: any AmbientClock, logger: Logger
  ) {
    (self.configuration, self.handler, self.logger) = (configuration, handler, logger)
    group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.eventLoops ?? System.coreCount)
    addresses = AddressLimit(maximum: configuration.maximumConnectionsPerAddress)
    let loops = Array(group.makeIterator())
    var lanes: [ObjectIdentifier: Lane] = [:]
    for loop in loops {
      lanes[ObjectIdentifier(loop)] = Lane(
        loop: loop, configuration: configuration, share: configuration.maximumHeldBytes / loops.count, counters: counted, clock: clock)
    }
    self.lanes = lanes
  }

  /// What the connections have met so far.
  public var counters: HTTPServerCounters { counted.values }

  /// Opens a listening socket. Port 0 takes a free port, which the result names.
  public func listen(
    host: String, port: Int, label: String = "", transport: HTTPTransport = .init(), handler: (any HTTPHandler)? = nil
  ) async throws(HTTPServerError) -> HTTPListener {
    let limits = Listener.Limits(connections: configuration.maximumConnections, headBytes: configuration.maximumHeadBytes)
    let listener = try makeListener(label, handler, transport, limits)
    return try await open(listener, "\(host):\(port)") { try await $0.bind(host: host, port: port).get() }
  }

  /// Serves a listening socket that someone else opened, perhaps in another network namespace. The server owns `fd` from
  /// here on, also when this throws.
  public func adopt(
    fd: Int32, label: String, handler: (any HTTPHandler)? = nil
  ) async throws(HTTPServerError) -> HTTPListener {
    let limits = Listener.Limits(
      connections: configuration.maximumConnectionsOfAdopted, headBytes: configuration.maximumHeadBytesOfAdopted)
    let listener = try makeListener(label, handler, .init(), limits)
    return try await open(listener, "descriptor \(fd)") { try await $0.withBoundSocket(fd).get() }
  }

  /// Stops accepting. Idle connections of the listener close at once; the others after their response, or, with
  /// `abort`, at once too: their handlers are cancelled.
  public func close(_ listener: HTTPListener, abort: Bool = false) async {
    let channel = state.withLock { state -> (any Channel)? in
      guard case .running(var listeners, let next) = state else { return nil }
      let channel = listeners.removeValue(forKey: listener.id)
      state = .running(listeners: listeners, next: next)
      return channel
    }
    try? await channel?.close().get()  // it may have closed itself
    for lane in lanes.values {
      lane.loop.execute { if abort { lane.abort(listener.id) } else { lane.stop(listener.id) } }
    }
  }

  /// Stops accepting, closes idle connections, lets running requests end, and after `limit` cuts off what is left.
  public func shutdownGracefully(within limit: Duration) async {
    let listeners = state.withLock { state -> [any Channel]? in
      guard case .running(let listeners, _) = state else { return nil }
      state = .stopping
      return Array(listeners.values)
    }
    guard let listeners else { return }
    for channel in listeners { try? await channel.close().get() }
    if await drain(within: limit) {
      try? await group.shutdownGracefully()
    } else {
      // Their continuations still need the event loops.
      logger.error("handlers ignore their cancellation; the server's threads are left to them")
    }
    state.withLock { $0 = .ended }
  }

  /// True when no connection and no handler is left.
  private func drain(within limit: Duration) async -> Bool {
    let lanes = Array(self.lanes.values)
    let cut = group.next().scheduleTask(in: .init(limit)) {
      for lane in lanes { lane.loop.execute { lane.abort(nil) } }
    }
    let result = group.next().makePromise(of: Bool.self)
    let drained = lanes.map { lane in lane.loop.flatSubmit { lane.drain() } }
    EventLoopFuture.andAllComplete(drained, on: result.futureResult.eventLoop).whenComplete { _ in result.succeed(true) }
    // Cancelled handlers get a little time to notice. The first of the two answers counts.
    let giveUp = result.futureResult.eventLoop.scheduleTask(in: .init(limit) + .seconds(1)) { result.succeed(false) }
    defer {
      cut.cancel()
      giveUp.cancel()
    }
    return (try? await result.futureResult.get()) ?? false
  }

  private func makeListener(
    _ label: String, _ handler: (any HTTPHandler)?, _ transport: HTTPTransport, _ limits: Listener.Limits
  ) throws(HTTPServerError) -> Listener {
    let number = state.withLock { state -> UInt64? in
      guard case .running(let listeners, let next) = state else { return nil }
      state = .running(listeners: listeners, next: next + 1)
      return next
    }
    guard let number else { throw .shutDown }
    return Listener(
      id: ListenerID(number: number), label: label, handler: handler ?? self.handler, transport: transport, limits: limits)
  }

  private func open(
    _ listener: Listener, _ name: String, _ bind: (ServerBootstrap) async throws -> any Channel
  ) async throws(HTTPServerError) -> HTTPListener {
    let channel: any Channel
    do { channel = try await bind(bootstrap(listener)) } catch { throw .cannotListen("\(name): \(Self.reason(error))") }
    let isKept = state.withLock { state in
      guard case .running(var listeners, let next) = state else { return false }
      listeners[listener.id] = channel
      state = .running(listeners: listeners, next: next)
      return true
    }
    guard isKept else {
      try? await channel.close().get()
      throw .shutDown
    }
    let address = channel.localAddress
    return HTTPListener(id: listener.id, label: listener.label, host: address?.ipAddress, port: address?.port)
  }

  /// The system's own words, without the call that failed.
  private static func reason(_ error: any Error) -> String {
    guard let failure = error as? IOError else { return "\(error)" }
    if failure.errnoCode == EADDRINUSE { return "the port is in use already; stop the other server, or choose another port" }
    return String(cString: strerror(failure.errnoCode))
  }

  private func bootstrap(_ listener: Listener) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      // When the process has no descriptor left, accepting waits instead of failing again at once.
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(
            AcceptBackoffHandler(shouldForwardIOErrorCaught: false) { _ in .milliseconds(100) })
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // A second read that only finds the socket empty would cost every request a system call.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelInitializer { channel in self.configure(channel, listener) }
  }

  private func configure(_ channel: any Channel, _ listener: Listener) -> EventLoopFuture<Void> {
    guard let lane = lanes[ObjectIdentifier(channel.eventLoop)], admit(channel, to: listener) else { return refuse(channel) }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(
        Front(
          lane: lane, listener: listener, logger: logger, isSecure: false, deadline: .now() + .init(configuration.headTimeout)))
    }
  }

  /// Counts the connection in until it closes.
  private func admit(_ channel: any Channel, to listener: Listener) -> Bool {
    guard listener.admitConnection() else {
      counted.refusedByListener.increment()
      return false
    }
    let client = ClientNetwork(channel.remoteAddress)
    if let client, !addresses.admit(client) {
      listener.connectionEnded()
      counted.refusedByAddress.increment()
      return false
    }
    counted.accepted.increment()
    counted.open.increment()
    channel.closeFuture.whenComplete { [counted, addresses] _ in
      counted.open.decrement()
      listener.connectionEnded()
      if let client { addresses.ended(client) }
    }
    return true
  }

  private func refuse(_ channel: any Channel) -> EventLoopFuture<Void> {
    let answer = ByteBuffer(
      staticString: "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n")
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(Refusal(answer: answer))
    }
  }
}

/// Answers a connection that is one too many.
private final class Refusal: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private let answer: ByteBuffer
  init(answer: ByteBuffer) { self.answer = answer }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    context.close(promise: nil)
  }
}
