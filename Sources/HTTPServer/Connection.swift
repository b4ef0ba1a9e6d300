import Base
import Logging
import NIOCore
import NIOHTTP1

/// One request on its way to its response. Touched on the connection's loop only.
final class Exchange: @unchecked Sendable {  // confined to the event loop of its connection
  enum Upload {
    /// The handler has, or will get, all of it.
    case complete
    /// More parts of the body come. → complete, abandoned
    case streaming(HTTPBodyStream, received: Int, maximum: Int)
    /// The client may still send, nobody will read.
    case abandoned
  }
  let head: HTTPRequestHead
  let isHTTP10: Bool
  var keepAlive: Bool
  /// The client waits for `100 Continue` before it sends the body.
  var awaitsContinue: Bool
  var upload = Upload.complete
  var task: Task<Void, Never>?
  var writers: [CheckedContinuation<Void, any Error>] = []
  var writesAreCancelled = false

  init(head: HTTPRequestHead, isHTTP10: Bool, keepAlive: Bool, awaitsContinue: Bool) {
    (self.head, self.isHTTP10) = (head, isHTTP10)
    (self.keepAlive, self.awaitsContinue) = (keepAlive, awaitsContinue)
  }
  var isHead: Bool { head.method == "HEAD" }
}

/// One HTTP/1.1 connection: takes decoded parts in, runs one request at a time, writes encoded bytes out.
///
/// Requests that the client pipelines wait in `waiting` as they came, so that answers keep their order.
final class Connection: ChannelDuplexHandler, @unchecked Sendable {  // confined to `loop`; others enter through `onLoop`
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Phase {
    /// Between requests. → collecting, handling, lingering, closed
    case idle
    /// The body comes in. → handling, lingering, closed
    case collecting(Exchange, Collecting)
    /// The handler runs. → responding, idle, lingering, closed
    case handling(Exchange)
    /// The handler writes a streamed body. → idle, lingering, closed
    case responding(Exchange, Framing)
    /// The last answer is out; input is thrown away until the client closes or time is up. → closed
    case lingering
    case closed
  }
  struct Collecting {
    var maximum: Int
    /// Over this many bytes the handler starts with a stream; nil: it gets the body whole.
    var streamsOver: Int?
    var expected: Int?
    var deadlineBase: NIODeadline?
  }
  enum Incoming {
    case part(HTTPServerRequestPart)
    /// What came could not be read; the status to answer once it is its turn.
    case unreadable(status: Int)
  }

  let lane: Lane
  let listener: Listener
  let logger: Logger
  var loop: any EventLoop { lane.loop }
  var configuration: HTTPServerConfiguration { lane.configuration }

  var phase = Phase.idle
  /// The body while the phase is `collecting`; outside of it so that appending never copies.
  var collected: [UInt8] = []
  var waiting = CircularBuffer<Incoming>()
  var waitingHeads = 0
  var waitingBytes = 0
  var context: ChannelHandlerContext?
  var remoteAddress: String?

  /// Reasons for not reading the socket.
  var uploadIsFull = false
  private var readIsHeld = false
  private var isProcessing = false
  /// Between a read and its completion, when one flush serves all answers.
  private var isReading = false
  private var needsFlush = false
  private var sawPart = false
  /// Some bytes of a head have come and its time runs.
  var headIsTimed = false
  var isStopping = false

  var phaseDeadline: NIODeadline?
  var writeDeadline: NIODeadline?
  var unwrittenAtDeadline = 0
  var timer: Scheduled<Void>?
  var timerDue = NIODeadline.distantFuture

  init(lane: Lane, listener: Listener, logger: Logger) {
    (self.lane, self.listener, self.logger) = (lane, listener, logger)
  }

  /// Runs on the connection's loop: now when the caller is on it.
  func onLoop(_ body: @escaping @Sendable (Connection) -> Void) {
    if loop.inEventLoop { body(self) } else { loop.execute { body(self) } }
  }
  var isWritable: Bool { context?.channel.isWritable ?? true }

  // Channel events.

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    remoteAddress = context.remoteAddress?.ipAddress
    lane.add(self)
    if lane.isStopping { isStopping = true }
    headIsTimed = true
    setDeadline(.now() + .init(configuration.headTimeout))
  }
  func handlerRemoved(context: ChannelHandlerContext) { ended() }
  func channelInactive(context: ChannelHandlerContext) { ended() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    sawPart = true
    let part = unwrapInboundIn(data)
    if waiting.isEmpty, takesParts {
      process(.part(part))
      processWaiting()
    } else {
      enqueue(.part(part))
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    isReading = false
    if needsFlush {
      needsFlush = false
      context.flush()
    }
    if case .idle = phase, !sawPart { partOfHeadArrived() }
    if case .collecting(let exchange, let collecting) = phase { bodyProgressed(exchange, collecting) }
    sawPart = false
  }

  func read(context: ChannelHandlerContext) {
    if mayRead { context.read() } else { readIsHeld = true }
  }
  private var mayRead: Bool {
    !uploadIsFull && waitingHeads <= configuration.maximumPipelined && waitingBytes <= configuration.bodyBufferBytes
  }
  func readAgain() {
    guard readIsHeld, mayRead else { return }
    readIsHeld = false
    context?.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      writeDeadline = nil
      resumeWriters(nil)
    } else {
      watchWrites()
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed { inputClosed() } else { context.fireUserInboundEventTriggered(event) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else {
      logger.debug("connection failed", metadata: ["error": "\(error)"])
      return close()
    }
    if case .lingering = phase { return }
    let status = error == .headerOverflow ? 431 : error == .invalidVersion ? 505 : 400
    enqueue(.unreadable(status: status))
    processWaiting()
    if !isReading { flushNow() }
  }

  // The order of requests.

  private var takesParts: Bool {
    switch phase {
    case .idle, .collecting, .lingering, .closed: true
    case .handling(let exchange), .responding(let exchange, _):
      if case .complete = exchange.upload { false } else { true }
    }
  }
  private func enqueue(_ incoming: Incoming) {
    if case .part(.head) = incoming { waitingHeads += 1 }
    if case .part(.body(let bytes)) = incoming { waitingBytes += bytes.readableBytes }
    waiting.append(incoming)
  }
  /// A handler that answers at once ends up here again from within `process`: the outer call goes on then.
  func processWaiting() {
    guard !isProcessing else { return }
    isProcessing = true
    defer { isProcessing = false }
    while takesParts, let next = waiting.popFirst() {
      if case .part(.head) = next { waitingHeads -= 1 }
      if case .part(.body(let bytes)) = next { waitingBytes -= bytes.readableBytes }
      process(next)
    }
    // Without a read going on nothing else would start the time of a body that is only partly here.
    if !isReading, case .collecting(let exchange, let collecting) = phase { bodyProgressed(exchange, collecting) }
    readAgain()
  }

  /// Marks that bytes were written. One flush serves all that happens within one read.
  func flush() {
    if isReading { needsFlush = true } else { context?.flush() }
  }
  func flushNow() {
    needsFlush = false
    context?.flush()
  }

  // The end.

  /// Closes now if no request is in work, else after its response.
  func stop() {
    isStopping = true
    if case .idle = phase { close() }
  }
  func abort() { close() }

  func close() {
    if case .closed = phase { return }
    flushNow()
    context?.close(promise: nil)
  }

  /// Stops sending, and throws away what still comes for a while: closing with unread input would reset the connection and
  /// the client might lose the answer.
  func linger() {
    phase = .lingering
    uploadIsFull = false
    (waitingHeads, waitingBytes) = (0, 0)
    waiting.removeAll()
    setDeadline(.now() + .init(configuration.lingerTimeout))
    flushNow()
    context?.close(mode: .output, promise: nil)
    readAgain()
  }

  private func inputClosed() {
    switch phase {
    case .idle, .collecting, .lingering: close()
    case .handling(let exchange), .responding(let exchange, _):
      // A client that only closed its sending side still gets its answer if the handler makes one.
      exchange.keepAlive = false
      if case .streaming(let stream, _, _) = exchange.upload {
        stream.fail(HTTPServerError.clientGone)
        exchange.upload = .abandoned
      }
      exchange.task?.cancel()
    case .closed: break
    }
  }

  private func ended() {
    guard context != nil else { return }
    let last = phase
    phase = .closed
    timer?.cancel()
    timer = nil
    waiting.removeAll()
    switch last {
    case .handling(let exchange), .responding(let exchange, _):
      if case .streaming(let stream, _, _) = exchange.upload { stream.fail(HTTPServerError.clientGone) }
      resumeWriters(HTTPServerError.clientGone, of: exchange)
      exchange.task?.cancel()
    case .idle, .collecting, .lingering, .closed: break
    }
    context = nil
    listener.connectionEnded()
    lane.remove(self)
  }
}
