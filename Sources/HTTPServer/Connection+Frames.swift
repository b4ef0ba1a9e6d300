import NIOCore
import NIOHPACK
import NIOHTTP2

/// How the messages of an HTTP/2 stream are written. The order of calls is as for HTTP/1.1.
extension Connection {
  /// - Parameter end: there is no body.
  func writeHeadFrame(_ head: ResponseHead, end: Bool) {
    var fields = HPACKHeaders()
    fields.reserveCapacity(head.headers.fields.count + 3)
    fields.add(name: ":status", value: String(head.status))
    head.forEachField { name, value in
      // The library traps on other names, and the protocol has none.
      if name.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) { fields.add(name: name, value: value) }
    }
    writeFrame(.headers(.init(headers: fields, endStream: end)), isLast: end)
  }

  func writeData(_ bytes: [UInt8], end: Bool) {
    unsentBytes += bytes.count
    let promise = loop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in
      self?.unsentBytes -= bytes.count
    }
    writeFrame(.data(.init(data: .byteBuffer(ByteBuffer(bytes: bytes)), endStream: end)), isLast: end, promise)
  }

  /// An answer that comes before the end of its request asks the client to send no more, once it has all of the answer.
  private func writeFrame(_ frame: HTTP2Frame.FramePayload, isLast: Bool, _ promise: EventLoopPromise<Void>? = nil) {
    guard let context else {
      promise?.fail(ChannelError.ioOnClosedChannel)
      return
    }
    guard isLast, !inputEnded else { return context.write(NIOAny(frame), promise: promise) }
    let written = promise ?? loop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenSuccess { [weak self] in self?.resetStream(.noError) }
    context.write(NIOAny(frame), promise: written)
  }

  func writeContinueFrame() { writeFrame(.headers(.init(headers: [":status": "100"])), isLast: false) }

  func resetStream(_ code: HTTP2ErrorCode) { context?.writeAndFlush(NIOAny(HTTP2Frame.FramePayload.rstStream(code)), promise: nil) }

  /// The answer is out or on its way; the stream closes by itself when both sides have ended it.
  func finishStream() {
    phase = .lingering
    phaseDeadline = nil
    flushNow()
    // What waits for the client's window is too little, perhaps, for the channel to call itself not writable.
    if unsentBytes > 0 { watchWrites() }
  }
}
