import Logging
import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import NIOSSL

/// The root of an HTTP/2 connection: idle and write time-outs, the graceful end, and the end after breaches. Its streams are
/// `Connection`s of their own; the library counts floods and reports them here.
final class HTTP2Connection: ChannelInboundHandler, LaneMember, @unchecked Sendable {  // confined to its loop
  typealias InboundIn = HTTP2Frame
  typealias OutboundOut = HTTP2Frame

  private enum State {
    case running
    /// GOAWAY is out; the connection ends with its last stream. → closed
    case leaving
    case closed
  }
  let lane: Lane
  let listener: Listener
  private let logger: Logger
  private var state = State.running
  private var openStreams = 0
  private var lastStream = HTTP2StreamID.rootStream
  private var context: ChannelHandlerContext?
  private var idleTimer: Scheduled<Void>?
  private var writeTimer: Scheduled<Void>?

  private init(_ lane: Lane, _ listener: Listener, _ logger: Logger) {
    (self.lane, self.listener, self.logger) = (lane, listener, logger)
  }

  static func handlers(_ lane: Lane, _ listener: Listener, _ logger: Logger, isSecure: Bool) -> [any ChannelHandler] {
    let limits = lane.configuration
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      .init(parameter: .maxConcurrentStreams, value: limits.maximumConcurrentStreams),
      .init(parameter: .maxHeaderListSize, value: listener.limits.headBytes),
      .init(parameter: .initialWindowSize, value: limits.streamWindowBytes),
    ]
    connection.targetWindowSize = limits.connectionWindowBytes
    connection.maximumConnectionGlitches = limits.maximumStreamErrors
    connection.controlFrameRateLimit.maximumCount = limits.maximumControlFrames
    connection.controlFrameRateLimit.windowLength = .init(limits.floodWindow)
    // Answers to floods that the client does not take: at most what the flood may be.
    connection.maximumBufferedControlFrames = limits.maximumControlFrames + 2 * limits.maximumConcurrentStreams
    var stream = NIOHTTP2Handler.StreamConfiguration()
    stream.targetWindowSize = limits.streamWindowBytes
    stream.outboundBufferSizeHighWatermark = 64 << 10
    stream.outboundBufferSizeLowWatermark = 32 << 10
    stream.streamResetFrameRateLimit.maximumCount = limits.maximumResets
    stream.streamResetFrameRateLimit.windowLength = .init(limits.floodWindow)
    stream.streamErrorRateLimit.maximumCount = limits.maximumStreamErrors
    stream.streamErrorRateLimit.windowLength = .init(limits.floodWindow)

    let root = HTTP2Connection(lane, listener, logger)
    let handler = NIOHTTP2Handler(
      mode: .server, eventLoop: lane.loop, connectionConfiguration: connection, streamConfiguration: stream
    ) { channel in
      channel.eventLoop.makeCompletedFuture {
        try root.opened(channel)
        let stream = Connection(
          lane: lane, listener: listener, logger: logger, version: .http2, isSecure: isSecure,
          headDeadline: .now() + .init(limits.headTimeout))
        try channel.pipeline.syncOperations.addHandlers([StreamReader(), stream])
      }
    }
    return [handler, root]
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    lane.add(self)
    lane.counters.openHTTP2.increment()
    lane.counters.acceptedHTTP2.increment()
    watchIdle()
    if lane.isStopping { stop() }
  }
  func handlerRemoved(context: ChannelHandlerContext) { ended() }
  func channelInactive(context: ChannelHandlerContext) {
    ended()
    context.fireChannelInactive()
  }
  private func ended() {
    guard context != nil else { return }
    context = nil
    state = .closed
    idleTimer?.cancel()
    writeTimer?.cancel()
    lane.counters.openHTTP2.decrement()
    lane.remove(self)
  }

  // Streams.

  private func opened(_ stream: any Channel) throws {
    openStreams += 1
    if let id = try stream.syncOptions?.getOption(HTTP2StreamChannelOptions.streamID) { lastStream = id }
    idleTimer?.cancel()
    idleTimer = nil
    stream.closeFuture.assumeIsolated().whenComplete { [weak self] _ in self?.streamClosed() }
  }
  private func streamClosed() {
    openStreams -= 1
    guard openStreams == 0 else { return }
    switch state {
    case .running: watchIdle()
    case .leaving: abort()
    case .closed: break
    }
  }

  private func watchIdle() {
    idleTimer?.cancel()
    idleTimer = lane.loop.assumeIsolated().scheduleTask(in: .init(lane.configuration.idleTimeout)) { [weak self] in
      self?.lane.counters.timedOutIdle.increment()
      self?.stop()
    }
  }

  // Frames of the root stream are the library's to answer.
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  /// The window of a stream has its own time; this is of a client whose socket takes nothing at all.
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    writeTimer?.cancel()
    writeTimer = nil
    if !context.channel.isWritable { watchWrites(unwritten(context)) }
    context.fireChannelWritabilityChanged()
  }
  private func watchWrites(_ before: Int) {
    writeTimer = lane.loop.assumeIsolated().scheduleTask(in: .init(lane.configuration.writeTimeout)) { [weak self] in
      guard let self, let context else { return }
      let now = unwritten(context)
      guard now >= before else { return watchWrites(now) }
      lane.counters.timedOutWrites.increment()
      abort()
    }
  }
  private func unwritten(_ context: ChannelHandlerContext) -> Int {
    (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // Half a connection is of no use here: the client cannot even acknowledge what it takes.
    if let event = event as? ChannelEvent, event == .inputClosed { abort() }
    context.fireUserInboundEventTriggered(event)
  }

  /// The library has sent RST_STREAM for errors of one stream, and GOAWAY for all others.
  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if isOfOneStream(error) { return }
    if error is NIOSSLError || error is IOError || error is ChannelError {
      logger.debug("connection failed", metadata: ["error": "\(error)"])
    } else {
      lane.counters.http2Breaches.increment()
      logger.info("an HTTP/2 connection broke the rules and is closed", metadata: ["error": "\(error)"])
    }
    abort()
  }

  // The end.

  func stop() {
    guard case .running = state, let context else { return }
    state = .leaving
    let goAway = HTTP2Frame.FramePayload.goAway(lastStreamID: lastStream, errorCode: .noError, opaqueData: nil)
    context.writeAndFlush(wrapOutboundOut(HTTP2Frame(streamID: .rootStream, payload: goAway)), promise: nil)
    if openStreams == 0 { abort() }
  }
  func abort() { context?.close(promise: nil) }
}

private func isOfOneStream(_ error: any Error) -> Bool {
  switch error {
  // After GOAWAY and the end of the last stream: what else was to be sent does not matter, and the close is on its way.
  case is NIOHTTP2Errors.IOOnClosedConnection: true
  case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.StreamClosed, is NIOHTTP2Errors.NoSuchStream,
    is NIOHTTP2Errors.BadStreamStateTransition, is NIOHTTP2Errors.CreatedStreamAfterGoaway,
    is NIOHTTP2Errors.ContentLengthViolated, is NIOHTTP2Errors.ContentLengthHeadersMismatch,
    is NIOHTTP2Errors.ContentLengthHeaderNegative, is NIOHTTP2Errors.ContentLengthHeaderMalformedValue,
    is NIOHTTP2Errors.TrailersWithoutEndStream, is NIOHTTP2Errors.MissingPseudoHeader, is NIOHTTP2Errors.DuplicatePseudoHeader,
    is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader, is NIOHTTP2Errors.UnknownPseudoHeader,
    is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.InvalidPseudoHeaderValue, is NIOHTTP2Errors.EmptyPathHeader,
    is NIOHTTP2Errors.ForbiddenHeaderField, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName,
    is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue:
    true
  default: false
  }
}

/// Turns the frames of one stream into the parts that `Connection` reads.
final class StreamReader: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias InboundOut = HTTPServerRequestPart
  private var hasHead = false

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .headers(let frame):
      if hasHead {
        context.fireChannelRead(wrapInboundOut(.end(Self.fields(frame.headers))))
      } else {
        hasHead = true
        context.fireChannelRead(wrapInboundOut(.head(Self.head(frame.headers))))
        if frame.endStream { context.fireChannelRead(wrapInboundOut(.end(nil))) }
      }
    case .data(let frame):
      if case .byteBuffer(let bytes) = frame.data, bytes.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(bytes))) }
      if frame.endStream { context.fireChannelRead(wrapInboundOut(.end(nil))) }
    case .alternativeService, .origin, .rstStream, .priority, .windowUpdate, .settings, .pushPromise, .ping, .goAway: break
    }
  }

  /// The library has seen to it that the pseudo fields are there, once each, and nothing that only HTTP/1 knows.
  private static func head(_ list: HPACKHeaders) -> NIOHTTP1.HTTPRequestHead {
    var fields = Self.fields(list)
    if let authority = list.first(name: ":authority") { fields.replaceOrAdd(name: "host", value: authority) }
    return NIOHTTP1.HTTPRequestHead(
      version: .http2, method: .init(rawValue: list.first(name: ":method") ?? ""), uri: list.first(name: ":path") ?? "",
      headers: fields)
  }
  private static func fields(_ list: HPACKHeaders) -> HTTPHeaders {
    var fields = HTTPHeaders()
    fields.reserveCapacity(list.count)
    for (name, value, _) in list where !name.hasPrefix(":") { fields.add(name: name, value: value) }
    return fields
  }
}
