import Base
import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

private let cutOff = linger(l_onoff: 1, l_linger: 0)

/// How the end of a response body is known.
enum Framing {
  case length(Int, written: Int)
  case chunked
  /// HTTP/1.0 clients know no chunks.
  case untilClose
}

/// From a handler's response to bytes.
extension Connection {
  /// The end of the request's task, on the loop.
  func deliver(_ response: HTTPResponse, _ exchange: Exchange) async {
    loop.preconditionInEventLoop()
    switch response.body {
    case .bytes(let bytes): answer(response, bytes, exchange)
    case .stream(let produce):
      guard beginStream(response, exchange) else { return }
      do {
        try await produce(HTTPBodyWriter(connection: self, exchange: exchange))
        loop.preconditionInEventLoop()
        try endStream(exchange)
      } catch {
        loop.preconditionInEventLoop()
        streamFailed(exchange, error)
      }
    }
  }

  private func answer(_ response: HTTPResponse, _ bytes: [UInt8], _ exchange: Exchange) {
    guard case .handling(let current) = phase, current === exchange else { return }
    settleKeepAlive(response, exchange)
    if case .streaming = exchange.upload { exchange.keepAlive = false }
    if case .abandoned = exchange.upload { exchange.keepAlive = false }
    write(response, bytes, exchange)
    finish(exchange)
  }

  private func settleKeepAlive(_ response: HTTPResponse, _ exchange: Exchange) {
    if isStopping || response.headers["connection"]?.lowercased() == "close" { exchange.keepAlive = false }
  }

  private func write(_ response: HTTPResponse, _ bytes: [UInt8], _ exchange: Exchange) {
    let hasBody = !exchange.isHead && statusAllowsBody(response.status)
    let length: ResponseHead.Length =
      if !statusAllowsBody(response.status) { response.status == 304 ? .declared : .none }
      else if exchange.isHead, bytes.isEmpty, response.headers["content-length"] != nil { .declared }
      else { .exactly(bytes.count) }
    let head = ResponseHead(
      status: response.status, headers: response.headers, length: length, connection: connectionField(exchange), date: lane.httpDate)
    let body = hasBody ? bytes : []
    guard let context else { return }
    switch version {
    case .http1:
      var buffer = context.channel.allocator.buffer(capacity: head.capacity + body.count)
      head.encode(into: &buffer)
      buffer.writeBytes(body)
      context.write(wrapOutboundOut(buffer), promise: nil)
    case .http2:
      writeHeadFrame(head, end: body.isEmpty)
      if !body.isEmpty { writeData(body, end: true) }
    }
    holdAnswer(body.count)
  }

  private func connectionField(_ exchange: Exchange) -> ResponseHead.ConnectionField {
    if !exchange.keepAlive { .close } else if exchange.isHTTP10 { .keepAlive } else { .absent }
  }

  /// Answers before the body was read; whatever the client still sends is thrown away.
  func answerWithoutBody(_ response: HTTPResponse, _ exchange: Exchange) {
    exchange.keepAlive = false
    collected = []
    release(exchange)
    var response = response
    let bytes: [UInt8]
    if case .bytes(let body) = response.body { bytes = body } else { bytes = [] }
    response.body = .bytes(bytes)
    write(response, bytes, exchange)
    linger()
  }

  func answerUnreadable(_ status: Int) {
    let head = HTTPRequestHead(method: "", target: "")
    answerWithoutBody(
      HTTPResponse(status: status), Exchange(head: head, isHTTP10: false, keepAlive: false, awaitsContinue: false))
  }

  /// The response is complete: next request, or the end.
  private func finish(_ exchange: Exchange) {
    if case .streaming(let stream, _, _) = exchange.upload {
      stream.fail(HTTPServerError.responseEnded)
      exchange.keepAlive = false
    }
    if case .abandoned = exchange.upload { exchange.keepAlive = false }
    release(exchange)
    guard exchange.keepAlive, !isStopping, version == .http1 else { return linger() }
    flush()
    phase = .idle
    uploadIsFull = false
    setDeadline(.now() + .init(configuration.idleTimeout))
    processWaiting()
  }

  // Streamed bodies.

  /// False when there is nothing to produce: the client is gone or the response has no body.
  private func beginStream(_ response: HTTPResponse, _ exchange: Exchange) -> Bool {
    guard case .handling(let current) = phase, current === exchange, let context else { return false }
    settleKeepAlive(response, exchange)
    let allowed = statusAllowsBody(response.status)
    let declared = allowed ? response.headers["content-length"].flatMap { Int($0) } : nil
    let framing: Framing =
      if let declared { .length(declared, written: 0) } else if exchange.isHTTP10 { .untilClose } else { .chunked }
    if case .untilClose = framing { exchange.keepAlive = false }
    let length: ResponseHead.Length =
      if !allowed { response.status == 304 ? .declared : .none }
      else { switch framing { case .length: .declared; case .chunked: .chunked; case .untilClose: .none } }
    let head = ResponseHead(
      status: response.status, headers: response.headers, length: length, connection: connectionField(exchange), date: lane.httpDate)
    let hasBody = allowed && !exchange.isHead
    switch version {
    case .http1:
      var buffer = context.channel.allocator.buffer(capacity: head.capacity)
      head.encode(into: &buffer)
      context.write(wrapOutboundOut(buffer), promise: nil)
    case .http2: writeHeadFrame(head, end: !hasBody)
    }
    guard hasBody else {
      finish(exchange)
      return false
    }
    phase = .responding(exchange, framing)
    // The head leaves with the first piece if that comes at once, and without it otherwise.
    loop.execute { self.flush() }
    return true
  }

  func send(_ bytes: [UInt8], of exchange: Exchange) throws {
    guard case .responding(let current, let framing) = phase, current === exchange, let context else {
      if case .closed = phase { throw HTTPServerError.clientGone }
      throw HTTPServerError.responseEnded
    }
    if exchange.writesAreCancelled { throw CancellationError() }
    if case .length(let declared, let written) = framing {
      guard written + bytes.count <= declared else {
        throw HTTPServerError.lengthMismatch(declared: declared, written: written + bytes.count)
      }
      phase = .responding(current, .length(declared, written: written + bytes.count))
    }
    if version == .http2 {
      writeData(bytes, end: false)
      return flushNow()
    }
    var buffer = context.channel.allocator.buffer(capacity: bytes.count + 20)
    switch framing {
    case .chunked:
      buffer.writeString(String(bytes.count, radix: 16))
      buffer.writeStaticString("\r\n")
      buffer.writeBytes(bytes)
      buffer.writeStaticString("\r\n")
    case .length, .untilClose: buffer.writeBytes(bytes)
    }
    context.write(wrapOutboundOut(buffer), promise: nil)
    flushNow()
  }

  private func endStream(_ exchange: Exchange) throws {
    guard case .responding(let current, let framing) = phase, current === exchange else { return }
    switch framing {
    case .length(let declared, let written):
      guard written == declared else { throw HTTPServerError.lengthMismatch(declared: declared, written: written) }
    case .chunked:
      if version == .http1 { context?.write(wrapOutboundOut(ByteBuffer(staticString: "0\r\n\r\n")), promise: nil) }
    case .untilClose: break
    }
    if version == .http2 { writeData([], end: true) }
    finish(exchange)
  }

  /// The client must be able to tell: the end of the body is not written.
  private func streamFailed(_ exchange: Exchange, _ error: any Error) {
    guard isCurrent(exchange) else { return }
    logger.debug("a streamed response failed", metadata: ["error": "\(error)", "target": "\(exchange.head.target)"])
    if version == .http2 { return resetStream(.internalError) }
    if case .responding(_, .untilClose) = phase { return reset() }
    close()
  }
  /// Without chunks or a length only a reset tells the client that the body is cut.
  private func reset() {
    guard let options = context?.channel as? any SocketOptionProvider else { return close() }
    options.setSoLinger(cutOff).assumeIsolated().whenComplete { _ in self.close() }
  }

  func awaitWritable(_ continuation: CheckedContinuation<Void, any Error>, of exchange: Exchange) {
    guard isCurrent(exchange) else { return continuation.resume(throwing: HTTPServerError.clientGone) }
    if exchange.writesAreCancelled { return continuation.resume(throwing: CancellationError()) }
    if isWritable { return continuation.resume() }
    exchange.writers.append(continuation)
  }
  func resumeWriters(_ error: (any Error)?) {
    if case .responding(let exchange, _) = phase { resumeWriters(error, of: exchange) }
  }
  func resumeWriters(_ error: (any Error)?, of exchange: Exchange) {
    let writers = exchange.writers
    exchange.writers = []
    for writer in writers { if let error { writer.resume(throwing: error) } else { writer.resume() } }
  }
  func cancelWrites(of exchange: Exchange) {
    exchange.writesAreCancelled = true
    resumeWriters(CancellationError(), of: exchange)
  }
}

func statusAllowsBody(_ status: Int) -> Bool { status >= 200 && status != 204 && status != 304 }
