import NIOCore
import NIOHTTP1
import Synchronization

/// Answers with the request's body.
final class Echo: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart
  private var body = ByteBuffer()

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: body.clear()
    case .body(var part): body.writeBuffer(&part)
    case .end: respond(context, .ok, [:], body)
    }
  }
}

/// Has an event for whoever asks, and takes every response.
final class RuntimeAPI: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart
  private static let event = ByteBuffer(string: #"{"a":1}"#)
  private static let eventHeaders: HTTPHeaders = [
    "content-type": "application/json", "lambda-runtime-aws-request-id": "5f0a2f5b-40bb-4b4b-93a5-0e3f3a9e7c11",
    "lambda-runtime-deadline-ms": "4102444800000",
    "lambda-runtime-invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:echo",
  ]
  private let counter: Counter
  private var asksForEvent = false

  init(_ counter: Counter) { self.counter = counter }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): asksForEvent = head.method == .GET
    case .body: break
    case .end where asksForEvent: respond(context, .ok, Self.eventHeaders, Self.event)
    case .end:
      counter.add()
      respond(context, .accepted, [:], ByteBuffer())
    }
  }
}

extension ChannelInboundHandler where OutboundOut == HTTPServerResponsePart {
  fileprivate func respond(
    _ context: ChannelHandlerContext, _ status: HTTPResponseStatus, _ headers: HTTPHeaders, _ body: ByteBuffer
  ) {
    var headers = headers
    headers.add(name: "content-length", value: String(body.readableBytes))
    context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }
}

/// Counts the responses of a runtime.
final class Counter: Sendable {
  private let count = Atomic<Int>(0)

  func add() { count.add(1, ordering: .relaxed) }

  func printEverySecond(on loop: any EventLoop) {
    loop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      print(self.count.exchange(0, ordering: .relaxed))
      flushOutput()
    }
  }
}
