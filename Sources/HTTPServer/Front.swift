import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// The first handler of a connection: tells from the first bytes what the client speaks, puts the handlers for that behind
/// itself, and goes. After it, nothing of the detection is left on the way of a request.
///
/// TLS is found by the first byte; behind TLS stands a `Front` again, for what comes out of it.
final class Front: ChannelInboundHandler, RemovableChannelHandler, LaneMember, @unchecked Sendable {  // confined to the loop of its lane
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Finding: Equatable { case undecided, tls, http1, http2 }

  let lane: Lane
  let listener: Listener
  private let logger: Logger
  private let isSecure: Bool
  private let deadline: NIODeadline
  private var first: ByteBuffer?
  private var timer: Scheduled<Void>?
  /// Nil once it has handed over or the connection has ended.
  private var context: ChannelHandlerContext?

  /// - Parameter deadline: for the handshake and the head of the first request together.
  init(lane: Lane, listener: Listener, logger: Logger, isSecure: Bool, deadline: NIODeadline) {
    (self.lane, self.listener, self.logger) = (lane, listener, logger)
    (self.isSecure, self.deadline) = (isSecure, deadline)
  }

  /// Waits for more only while the bytes are the beginning of the client's preface of HTTP/2.
  static func judge(_ bytes: some Collection<UInt8>) -> Finding {
    if bytes.first == 0x16 { return .tls }  // a handshake record; no method begins so
    let preface = "PRI * HTTP/2.0\r\n".utf8
    guard zip(bytes, preface).allSatisfy({ $0 == $1 }) else { return .http1 }
    return bytes.count < preface.count ? .undecided : .http2
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    lane.add(self)
    timer = lane.loop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] in
      self?.lane.counters.timedOutHeads.increment()
      self?.abort()
    }
  }
  func handlerRemoved(context: ChannelHandlerContext) { leave() }
  func channelInactive(context: ChannelHandlerContext) {
    leave()
    context.fireChannelInactive()
  }
  private func leave() {
    guard context != nil else { return }
    context = nil
    timer?.cancel()
    lane.remove(self)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    // At most the preface and one read.
    let all: ByteBuffer
    if var earlier = first.take() {
      earlier.writeBuffer(&bytes)
      all = earlier
    } else {
      all = bytes
    }
    guard let handlers = handlers(for: Self.judge(all.readableBytesView), context) else {
      if self.context != nil { first = all }
      return
    }
    do {
      try context.pipeline.syncOperations.addHandlers(handlers, position: .after(self))
    } catch {
      return context.close(promise: nil)  // the pipeline is gone already
    }
    context.fireChannelRead(wrapInboundOut(all))
    context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
  }

  /// Nil when there is nothing to hand over to, or not yet.
  private func handlers(for finding: Finding, _ context: ChannelHandlerContext) -> [any ChannelHandler]? {
    switch finding {
    case .undecided: return nil
    case .tls:
      // A listener without TLS reads it as HTTP/1.1, which answers 400.
      guard !isSecure, let tls = listener.transport.tls else { return http1() }
      lane.counters.acceptedTLS.increment()
      return [
        NIOSSLServerHandler(context: tls.context),
        Front(lane: lane, listener: listener, logger: logger, isSecure: true, deadline: deadline),
      ]
    case .http1, .http2:
      guard isSecure || mayBePlain(context) else {
        refusePlaintext(context)
        return nil
      }
      return finding == .http1 ? http1() : HTTP2Connection.handlers(lane, listener, logger, isSecure: isSecure)
    }
  }

  private func http1() -> [any ChannelHandler] {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = listener.limits.headBytes
    limits.maxHeaderListSize = listener.limits.headBytes
    limits.maxHeaderFieldCount = lane.configuration.maximumHeaderFields
    let decoder = HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits)
    let connection = Connection(
      lane: lane, listener: listener, logger: logger, version: .http1, isSecure: isSecure, headDeadline: deadline)
    return [ByteToMessageHandler(decoder), connection]
  }

  private func mayBePlain(_ context: ChannelHandlerContext) -> Bool {
    switch listener.transport.plaintext {
    case .everybody: true
    case .loopback: ClientNetwork(context.channel.remoteAddress) == nil
    }
  }

  private func refusePlaintext(_ context: ChannelHandlerContext) {
    lane.counters.refusedPlaintext.increment()
    let text = "This port takes HTTPS only, except from its own host. Use https:// in the endpoint, or start it with --allow-plaintext.\n"
    let answer = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: \(text.utf8.count)\r\nconnection: close\r\n\r\n\(text)"
    leave()
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
    context.close(promise: nil)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  /// Behind TLS these are handshakes that fail; else the socket's.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if isSecure { lane.counters.failedHandshakes.increment() }
    logger.debug("a connection failed at its start", metadata: ["error": "\(error)"])
    context.close(promise: nil)
  }

  func stop() { context?.close(promise: nil) }
  func abort() { context?.close(promise: nil) }
}
