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
  /// The parts of the body have no time limit.
  var isPatient = false
  var upload = Upload.complete
  /// Bytes that the lane counts as held for this exchange.
  var held = 0
  var task: Task<Void, Never>?
  var writers: [CheckedContinuation<Void, any Error>] = []
  var writesAreCancelled = false

  init(head: HTTPRequestHead, isHTTP10: Bool, keepAlive: Bool, awaitsContinue: Bool) {
    (self.head, self.isHTTP10) = (head, isHTTP10)
    (self.keepAlive, self.awaitsContinue) = (keepAlive, awaitsContinue)
  }
  var isHead: Bool { head.method == "HEAD" }
}

/// One HTTP/1.1 connection, or one stream of HTTP/2: takes decoded parts in, runs one request at a time, writes answers out.
/// The two differ in how answers are written and how they end.
///
/// Requests that the client pipelines wait in `waiting` as they came, so that answers keep their order.
final class Connection: ChannelDuplexHandler, LaneMember, @unchecked Sendable {  // confined to `loop`; others enter through `onLoop`
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = ByteBuffer
  /// Of HTTP/1.1; a stream writes frames.
  typealias OutboundOut = ByteBuffer

  enum Version { case http1, http2 }
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

    /// About what it takes to keep it, in bytes.
    var size: Int {
      switch self {
      case .part(.head(let head)): head.headers.reduce(256 + head.uri.utf8.count) { $0 + 64 + $1.name.utf8.count + $1.value.utf8.count }
      case .part(.body(let bytes)): 64 + bytes.readableBytes
      case .part(.end), .unreadable: 64
      }
    }
  }

  let lane: Lane
  let listener: Listener
  let logger: Logger
  let version: Version
  let isSecure: Bool
  private let headDeadline: NIODeadline
  var loop: any EventLoop { lane.loop }
  var configuration: HTTPServerConfiguration { lane.configuration }

  var phase = Phase.idle
  /// The body while the phase is `collecting`; outside of it so that appending never copies.
  var collected: [UInt8] = []
  var waiting = CircularBuffer<Incoming>()
  var waitingHeads = 0
  private var waitingBytes = 0
  /// The client has sent all of its request (of HTTP/2: its side of the stream).
  private(set) var inputEnded = false
  /// What the lane counts as held for answers that wait in the socket.
  private var heldAnswers = 0
  /// Of HTTP/2: bytes of the body that the stream has not been able to send.
  var unsentBytes = 0
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
  /// Requests begun since the others last had their turn, and whether it is theirs now.
  private var begunInTurn = 0
  private var isYielding = false
  /// Some bytes of a head have come and its time runs.
  var headIsTimed = false
  var isStopping = false

  var phaseDeadline: NIODeadline?
  var writeDeadline: NIODeadline?
  var unwrittenAtDeadline = 0
  var timer: Scheduled<Void>?
  var timerDue = NIODeadline.distantFuture

  init(lane: Lane, listener: Listener, logger: Logger, version: Version, isSecure: Bool, headDeadline: NIODeadline) {
    (self.lane, self.listener, self.logger) = (lane, listener, logger)
    (self.version, self.isSecure, self.headDeadline) = (version, isSecure, headDeadline)
  }

  /// Runs on the connection's loop: now when the caller is on it.
  func onLoop(_ body: @escaping @Sendable (Connection) -> Void) {
    if loop.inEventLoop { body(self) } else { loop.execute { body(self) } }
  }
  var isWritable: Bool { context?.channel.isWritable ?? true }

  // Channel events.

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    // Not of the context: streams of HTTP/2 have the address of their connection, and trap on the other way to it.
    remoteAddress = context.channel.remoteAddress?.ipAddress
    if lane.isStopping { isStopping = true }
    switch version {
    case .http1:
      lane.add(self)
      lane.counters.openHTTP1.increment()
    case .http2: lane.hold(Self.streamBytes)
    }
    headIsTimed = true
    setDeadline(headDeadline)
  }
  /// About what a stream takes by itself: without counting it a client could have a hundred on each of its connections.
  private static let streamBytes = 8 << 10

  func handlerRemoved(context: ChannelHandlerContext) { ended() }
  func channelInactive(context: ChannelHandlerContext) { ended() }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    isReading = true
    sawPart = true
    let part = unwrapInboundIn(data)
    if case .end = part { inputEnded = true } else { inputEnded = false }
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
    if waiting.isEmpty { begunInTurn = 0 }
  }

  func read(context: ChannelHandlerContext) {
    if mayRead { context.read() } else { readIsHeld = true }
  }
  private var mayRead: Bool {
    if case .idle = phase, !isWritable || isYielding { return false }
    return !uploadIsFull && waitingHeads <= configuration.maximumPipelined && waitingBytes <= configuration.bodyBufferBytes
  }
  func readAgain() {
    guard readIsHeld, mayRead else { return }
    readIsHeld = false
    context?.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable {
      writeDeadline = nil
      releaseAnswers()
      resumeWriters(nil)
      processWaiting()
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
    lane.counters.malformed.increment()
    let status = error == .headerOverflow ? 431 : error == .invalidVersion ? 505 : 400
    enqueue(.unreadable(status: status))
    processWaiting()
    if !isReading { flushNow() }
  }

  // The order of requests.

  private var takesParts: Bool {
    switch phase {
    // A client that does not take its answers gets no further ones.
    case .idle: isWritable && !isYielding
    case .collecting, .lingering, .closed: true
    case .handling(let exchange), .responding(let exchange, _):
      if case .complete = exchange.upload { false } else { true }
    }
  }
  private func enqueue(_ incoming: Incoming) {
    if case .part(.head) = incoming { waitingHeads += 1 }
    let size = incoming.size
    waitingBytes += size
    lane.hold(size)
    waiting.append(incoming)
    if !lane.hasRoom(for: 0, isSmall: true) {
      lane.counters.refusedByMemory.increment()
      close()
    }
  }
  private func dropWaiting() {
    lane.release(waitingBytes)
    (waitingHeads, waitingBytes) = (0, 0)
    waiting.removeAll()
  }
  /// A handler that answers at once ends up here again from within `process`: the outer call goes on then.
  func processWaiting() {
    guard !isProcessing else { return }
    isProcessing = true
    defer { isProcessing = false }
    while takesParts, let next = waiting.popFirst() {
      if case .part(.head) = next { waitingHeads -= 1 }
      let size = next.size
      waitingBytes -= size
      lane.release(size)
      process(next)
    }
    // Without a read going on nothing else would start the time of a body that is only partly here.
    if !isReading, case .collecting(let exchange, let collecting) = phase { bodyProgressed(exchange, collecting) }
    readAgain()
  }

  /// Counts a request that begins. One read may bring thousands of small ones, and handlers that answer at once would keep the
  /// event loop to this connection for as long as they last.
  func countBegun() {
    begunInTurn += 1
    guard begunInTurn >= configuration.maximumPerTurn else { return }
    begunInTurn = 0
    isYielding = true
    lane.yield(self)
  }
  func takeTurn() {
    isYielding = false
    guard let context else { return }
    (isReading, sawPart) = (true, true)
    processWaiting()
    channelReadComplete(context: context)
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
    uploadIsFull = false
    dropWaiting()
    if version == .http2 { return finishStream() }
    phase = .lingering
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
    dropWaiting()
    releaseAnswers()
    switch last {
    case .handling(let exchange), .responding(let exchange, _):
      if case .streaming(let stream, _, _) = exchange.upload { stream.fail(HTTPServerError.clientGone) }
      resumeWriters(HTTPServerError.clientGone, of: exchange)
      exchange.task?.cancel()
      release(exchange)
    case .collecting(let exchange, _): release(exchange)
    case .idle, .lingering, .closed: break
    }
    context = nil
    switch version {
    case .http1:
      lane.counters.openHTTP1.decrement()
      lane.remove(self)
    case .http2: lane.release(Self.streamBytes)
    }
  }

  // Memory.

  /// False when all connections together hold too much already.
  func hold(_ bytes: Int, for exchange: Exchange) -> Bool {
    guard lane.hasRoom(for: bytes, isSmall: exchange.held + bytes <= configuration.smallBodyBytes) else { return false }
    exchange.held += bytes
    lane.hold(bytes)
    return true
  }
  func release(_ exchange: Exchange) {
    lane.release(exchange.held)
    exchange.held = 0
  }
  /// Notes what waits in the socket after an answer was written.
  func holdAnswer(_ bytes: Int) {
    guard !isWritable else { return }
    heldAnswers += bytes
    lane.hold(bytes)
  }
  private func releaseAnswers() {
    lane.release(heldAnswers)
    heldAnswers = 0
  }
}
