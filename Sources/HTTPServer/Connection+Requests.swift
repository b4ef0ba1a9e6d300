import Base
import NIOCore
import NIOHTTP1

/// From parts to a running handler.
extension Connection {
  func process(_ incoming: Incoming) {
    switch incoming {
    case .part(.head(let head)): begin(head)
    case .part(.body(let bytes)): received(bytes)
    case .part(.end(let trailers)): ended(trailers.map(HeaderFields.init(lowercasing:)) ?? [:])
    case .unreadable(let status): unreadable(status)
    }
  }

  private func begin(_ nioHead: NIOHTTP1.HTTPRequestHead) {
    guard case .idle = phase else { return }
    phaseDeadline = nil
    headIsTimed = false
    countBegun()
    var head = HTTPRequestHead(
      method: nioHead.method.rawValue, target: nioHead.uri, headers: HeaderFields(lowercasing: nioHead.headers),
      remoteAddress: remoteAddress, listener: listener.label, isSecure: isSecure)
    let isHTTP10 = nioHead.version == .http1_0
    let facts: RequestFacts
    switch RequestFacts.judge(&head, version, isHTTP10: isHTTP10, maximumTarget: configuration.maximumTargetBytes) {
    case .good(let good): facts = good
    case .refused(let status):
      lane.counters.malformed.increment()
      return answerUnreadable(status)
    }
    // After an upgrade is offered (or CONNECT) the decoder stops: the request is answered as usual, without the upgrade, and
    // the connection ends. Java's client offers h2c on plain connections.
    let exchange = Exchange(head: head, isHTTP10: isHTTP10, keepAlive: facts.keepAlive && !facts.offersUpgrade, awaitsContinue: false)

    // A connection of HTTP/1.1 has one head at a time; of HTTP/2 each stream has its own.
    if version == .http2, !hold(Incoming.part(.head(nioHead)).size, for: exchange) { return refuseForMemory(exchange) }
    let expected = facts.contentLength
    if let expect = facts.expect {
      guard expect.lowercased() == "100-continue" else { return answerWithoutBody(HTTPResponse(status: 417), exchange) }
      exchange.awaitsContinue = expected != 0
    }
    switch listener.handler.admit(head) {
    case .refuse(let response): answerWithoutBody(response, exchange)
    case .collect(let maximum):
      collect(exchange, Collecting(maximum: maximum, streamsOver: nil, expected: expected))
    case .stream(let threshold, let maximum):
      collect(exchange, Collecting(maximum: maximum, streamsOver: min(threshold, maximum), expected: expected))
    case .streamAtOnce(let maximum):
      exchange.isPatient = true
      let collecting = Collecting(maximum: maximum, streamsOver: 0, expected: expected)
      if expected ?? 0 > maximum { collect(exchange, collecting) } else { startStreaming(exchange, collecting) }
    }
  }

  private func collect(_ exchange: Exchange, _ collecting: Collecting) {
    if let expected = collecting.expected, expected > collecting.maximum {
      return answerWithoutBody(listener.handler.tooLarge(exchange.head, maximum: collecting.maximum), exchange)
    }
    if let threshold = collecting.streamsOver, let expected = collecting.expected, expected > threshold {
      return startStreaming(exchange, collecting)
    }
    let size = collecting.expected ?? 0
    guard lane.hasRoom(for: size, isSmall: size <= configuration.smallBodyBytes) else { return refuseForMemory(exchange) }
    if exchange.awaitsContinue { sendContinue(exchange) }
    phase = .collecting(exchange, collecting)
  }

  private func received(_ bytes: ByteBuffer) {
    switch phase {
    case .collecting(let exchange, let collecting):
      let total = collected.count + bytes.readableBytes
      if total > collecting.maximum {
        return answerWithoutBody(listener.handler.tooLarge(exchange.head, maximum: collecting.maximum), exchange)
      }
      guard hold(bytes.readableBytes, for: exchange) else { return refuseForMemory(exchange) }
      if collected.isEmpty, let expected = collecting.expected { collected.reserveCapacity(min(expected, 1 << 20)) }
      bytes.withUnsafeReadableBytes { collected.append(contentsOf: $0) }
      if let threshold = collecting.streamsOver, total > threshold { startStreaming(exchange, collecting) }
    case .handling(let exchange), .responding(let exchange, _):
      guard case .streaming(let stream, let received, let maximum) = exchange.upload else { return }
      guard received + bytes.readableBytes <= maximum else {
        exchange.upload = .abandoned
        return stream.fail(HTTPServerError.bodyTooLarge(maximum: maximum))
      }
      exchange.upload = .streaming(stream, received: received + bytes.readableBytes, maximum: maximum)
      if !stream.push(bytes.withUnsafeReadableBytes { Array($0) }) { uploadIsFull = true }
      extendBodyDeadline(exchange)
    case .idle, .lingering, .closed: break
    }
  }

  private func ended(_ trailers: HeaderFields) {
    switch phase {
    case .collecting(let exchange, _):
      run(HTTPRequest(head: exchange.head, body: takeCollected(), trailers: trailers), exchange)
    case .handling(let exchange), .responding(let exchange, _):
      switch exchange.upload {
      case .streaming(let stream, _, _):
        exchange.upload = .complete
        phaseDeadline = nil
        stream.finish(trailers: trailers)
      case .abandoned: exchange.upload = .complete
      case .complete: break
      }
    case .idle, .lingering, .closed: break
    }
  }

  private func refuseForMemory(_ exchange: Exchange) {
    lane.counters.refusedByMemory.increment()
    answerWithoutBody(HTTPResponse(status: 503, headers: ["retry-after": "1"]), exchange)
  }

  private func takeCollected() -> [UInt8] {
    var body: [UInt8] = []
    swap(&body, &collected)
    return body
  }

  private func startStreaming(_ exchange: Exchange, _ collecting: Collecting) {
    let stream = HTTPBodyStream(expectedLength: collecting.expected, capacity: configuration.bodyBufferBytes) {
      [weak self] demand in
      self?.onLoop { $0.demanded(demand, by: exchange) }
    }
    let first = takeCollected()
    // All that may wait for its reader, at once, so that what the reader takes needs no counting.
    guard hold(configuration.bodyBufferBytes, for: exchange) else { return refuseForMemory(exchange) }
    exchange.upload = .streaming(stream, received: first.count, maximum: collecting.maximum)
    if !first.isEmpty { _ = stream.push(first) }
    extendBodyDeadline(exchange)
    run(HTTPRequest(head: exchange.head, bodyStream: stream), exchange)
  }

  private func demanded(_ demand: HTTPBodyStream.Demand, by exchange: Exchange) {
    guard isCurrent(exchange) else { return }
    switch demand {
    case .firstRead:
      if exchange.awaitsContinue, case .handling = phase { sendContinue(exchange) }
    case .room:
      uploadIsFull = false
      extendBodyDeadline(exchange)
      readAgain()
    }
  }

  private func sendContinue(_ exchange: Exchange) {
    exchange.awaitsContinue = false
    if version == .http2 { writeContinueFrame() } else { context?.write(wrapOutboundOut(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil) }
    flush()
  }

  private func run(_ request: HTTPRequest, _ exchange: Exchange) {
    phase = .handling(exchange)
    if case .complete = exchange.upload { phaseDeadline = nil }
    lane.taskStarted()
    let handler = listener.handler
    let task = lane.executor.start { [self] in
      let response = await handler.handle(request)
      await deliver(response, exchange)
      loop.preconditionInEventLoop()  // the executor's promise
      lane.taskEnded()
    }
    exchange.task = task
  }

  func isCurrent(_ exchange: Exchange) -> Bool {
    switch phase {
    case .handling(let current), .responding(let current, _): current === exchange
    case .idle, .collecting, .lingering, .closed: false
    }
  }

  private func unreadable(_ status: Int) {
    switch phase {
    case .idle: answerUnreadable(status)
    case .collecting(let exchange, _):
      release(exchange)
      answerUnreadable(status)
    case .handling(let exchange), .responding(let exchange, _):
      guard case .streaming(let stream, _, _) = exchange.upload else { return }
      exchange.upload = .abandoned
      stream.fail(HTTPServerError.malformedBody)
    case .lingering, .closed: break
    }
  }
}

extension HeaderFields {
  init(lowercasing headers: HTTPHeaders) {
    self.init()
    for (name, raw) in headers {
      // The decoder leaves blanks at the end of a value.
      let value = raw.utf8.last == 32 || raw.utf8.last == 9 ? raw.trimmed : raw
      if name.utf8.contains(where: { $0 >= 65 && $0 <= 90 }) {
        add(lowercased: lowercasedASCII(name), value)
      } else {
        add(lowercased: name, value)
      }
    }
  }
}

/// Field names are ASCII; the standard library's `lowercased()` has to think of more.
private func lowercasedASCII(_ text: String) -> String {
  var text = text
  return text.withUTF8 { bytes in
    String(unsafeUninitializedCapacity: bytes.count) { out in
      for (i, byte) in bytes.enumerated() { out[i] = byte >= 65 && byte <= 90 ? byte | 0x20 : byte }
      return bytes.count
    }
  }
}
