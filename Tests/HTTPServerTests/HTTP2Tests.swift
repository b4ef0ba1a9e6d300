import Base
import HTTPServer
import Logging
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct HTTP2Tests {
  private static let echo = Scripted(
    admission: { _ in .stream(over: 1000, upTo: 100 << 20) },
    answer: { request in
      let body = (try? await request.bodyStream?.collect(upTo: 100 << 20)) ?? request.body
      let head = "\(request.method) \(request.target) \(request.headers["host"] ?? "") \(request.headers["x-a"] ?? "")"
      return HTTPResponse(status: 200, headers: ["x-head": head, "connection": "keep-alive"], body: body)
    })

  @Test func `a client that begins with the preface is served in HTTP 2`() async throws {
    try await withServer(Self.echo) { server, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(
        RawHTTP2.head(1, "GET", "/a//%2F?x", more: [("x-a", "b")]),
        RawHTTP2.head(3, "POST", "/p", end: false), RawHTTP2.frame(.data, flags: 1, stream: 3, payload: Array("body".utf8)))
      let replies = try await client.replies([1, 3])
      #expect(replies[1]?.status == 200)
      #expect(replies[1]?.headers["x-head"] == "GET /a//%2F?x a.example b")
      #expect(replies[1]?.headers["content-length"] == "0")
      #expect(replies[1]?.headers["date"] == TestClock().wallNow().httpDate)
      #expect(replies[1]?.headers["connection"] == nil)
      #expect(replies[3]?.body == Array("body".utf8))
      #expect(server.counters.openHTTP2 == 1 && server.counters.openHTTP1 == 0)
    }
  }

  @Test func `requests of one connection run at the same time`() async throws {
    let gate = Gate()
    let handler = Scripted(answer: { request in
      if request.target == "/open" { gate.open() } else { await gate.pass() }
      return HTTPResponse(status: 200, body: Array(request.target.utf8))
    })
    try await withServer(handler) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "GET", "/wait"), RawHTTP2.head(3, "GET", "/open"))
      let replies = try await client.replies([1, 3])
      #expect(replies[1]?.body == Array("/wait".utf8))
      #expect(replies[3]?.body == Array("/open".utf8))
    }
  }

  @Test func `a reset stream cancels its handler and no other`() async throws {
    let polling = Gate(), cancelled = Gate()
    let handler = Scripted(answer: { request in
      guard request.target == "/poll" else { return HTTPResponse(status: 200) }
      polling.open()
      await Gate().pass()
      if Task.isCancelled { cancelled.open() }
      return HTTPResponse(status: 500)
    })
    try await withServer(handler) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "GET", "/poll"))
      await polling.pass()
      try await client.send(RawHTTP2.frame(.rstStream, stream: 1, payload: big(UInt32(8))), RawHTTP2.head(3))
      await cancelled.pass()
      #expect(try await client.reply(3).status == 200)
    }
  }

  @Test func `an upload has no more credit than its window until it is read`() async throws {
    let gate = Gate()
    let total = 1 << 20
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: .max) }, answer: { request in
      await gate.pass()
      let count = (try? await request.bodyStream?.collect(upTo: total).count) ?? -1
      return HTTPResponse(status: 200, body: Array("\(count)".utf8))
    })
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.bodyBufferBytes = 64 << 10
    try await withServer(handler, configuration) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "POST", "/", end: false))
      var (credit, connection, sent) = (65_535, 65_535, 0)
      var isOpen = false
      let piece = [UInt8](repeating: 65, count: 8192)
      while sent < total {
        while sent < total, min(credit, connection) >= piece.count {
          sent += piece.count
          (credit, connection) = (credit - piece.count, connection - piece.count)
          try await client.send(RawHTTP2.frame(.data, flags: sent == total ? 1 : 0, stream: 1, payload: piece))
        }
        if !isOpen {
          // A PING comes back only behind all credit that was given before it.
          try await client.send(RawHTTP2.frame(.ping, payload: [1, 2, 3, 4, 5, 6, 7, 8]))
        }
        guard sent < total, let frame = try await client.next() else { break }
        let increment = frame.payload.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        switch frame.type {
        case .windowUpdate where frame.stream == 0: connection += increment
        case .windowUpdate: credit += increment
        case .ping where min(credit, connection) < piece.count:
          #expect(sent <= 384 << 10)
          isOpen = true
          gate.open()
        default: break
        }
      }
      gate.open()
      #expect(try await client.reply(1).body == Array("\(total)".utf8))
    }
  }

  @Test func `a download waits for the client's window`() async throws {
    let written = Mutex(0)
    let handler = Scripted(answer: { _ in
      HTTPResponse(status: 200, body: .stream { writer in
        for _ in 0..<64 {
          try await writer.write([UInt8](repeating: 65, count: 16 << 10))
          written.withLock { $0 += 16 << 10 }
        }
      })
    })
    try await withServer(handler) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1))
      var received = 0
      while received < 65_535, let frame = try await client.next() { if frame.type == .data { received += frame.payload.count } }
      #expect(received == 65_535)
      try await client.send(RawHTTP2.frame(.ping, payload: [1, 2, 3, 4, 5, 6, 7, 8]))
      #expect(try await client.next(.ping) != nil)
      #expect(written.withLock { $0 } <= 256 << 10)
      let more = big(UInt32(1 << 20))
      try await client.send(RawHTTP2.frame(.windowUpdate, payload: more), RawHTTP2.frame(.windowUpdate, stream: 1, payload: more))
      #expect(try await client.reply(1).body.count == (1 << 20) - 65_535)
    }
  }

  @Test func `an early answer asks the client to stop sending, without an error`() async throws {
    try await withServer(Scripted(admission: { _ in .collect(upTo: 3) })) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "POST", end: false), RawHTTP2.frame(.data, stream: 1, payload: [1, 2, 3, 4]))
      #expect(try await client.reply(1).status == 413)
      let reset = try await client.next(.rstStream, .data)
      #expect(reset?.type == .rstStream)
      #expect(reset?.payload == [0, 0, 0, 0])
      try await client.send(RawHTTP2.head(3))
      #expect(try await client.reply(3).status == 200)
    }
  }

  @Test func `a stream that fails is reset and never looks complete`() async throws {
    struct Broken: Error {}
    let handler = Scripted(answer: { _ in
      HTTPResponse(status: 200, body: .stream { writer in
        try await writer.write(Array("a".utf8))
        throw Broken()
      })
    })
    try await withServer(handler) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1))
      #expect(try await client.reply(1).reset == 2)
    }
  }

  @Test func `100 Continue goes out before the body is waited for`() async throws {
    try await withServer(Self.echo) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "PUT", more: [("expect", "100-continue"), ("content-length", "2")], end: false))
      let interim = try await client.next(.headers)
      #expect(interim?.type == .headers && interim?.endsStream == false)
      try await client.send(RawHTTP2.frame(.data, flags: 1, stream: 1, payload: Array("ok".utf8)))
      #expect(try await client.reply(1).body == Array("ok".utf8))
    }
  }

  @Test func `HEAD and 204 end with their head`() async throws {
    let handler = Scripted(answer: { HTTPResponse(status: $0.method == "HEAD" ? 200 : 204, body: Array("body".utf8)) })
    try await withServer(handler) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "HEAD"), RawHTTP2.head(3))
      for _ in 0..<2 {
        let frame = try await client.next(.headers, .data)
        #expect(frame?.type == .headers && frame?.endsStream == true)
      }
    }
  }

  @Test func `a body that does not come to its end in time gets 408`() async throws {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.bodyTimeout = .milliseconds(60)
    configuration.minimumBodyRate = 1 << 30
    try await withServer(Scripted(), configuration) { server, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.head(1, "POST", end: false), RawHTTP2.frame(.data, stream: 1, payload: [1]))
      #expect(try await client.reply(1).status == 408)
      #expect(server.counters.timedOutBodies == 1)
    }
  }

  @Test func `an answer that is not taken ends its stream`() async throws {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.writeTimeout = .milliseconds(60)
    try await withServer(Scripted(), configuration) { server, port in
      // Streams begin without a window, and none is opened.
      let client = try await RawHTTP2(port: port, settings: [(4, 0)])
      try await client.send(RawHTTP2.head(1, "GET", "/answer"))
      let reply = try await client.reply(1)
      #expect(reply.status == 200 && reply.reset == 8)
      #expect(server.counters.timedOutWrites == 1)
    }
  }

  @Test func `an idle connection is closed with a word`() async throws {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.idleTimeout = .milliseconds(60)
    try await withServer(Scripted(), configuration) { server, port in
      let client = try await RawHTTP2(port: port)
      #expect(try await client.goAway() == 0)
      #expect(server.counters.timedOutIdle == 1)
    }
  }

  @Test func `a stop lets running streams end and takes no more`() async throws {
    let running = Gate(), gate = Gate()
    let handler = Scripted(answer: { _ in
      running.open()
      await gate.pass()
      return HTTPResponse(status: 200)
    })
    let server = HTTPServer(
      configuration: .init(eventLoops: 1), handler: handler, clock: TestClock(), logger: Logger(label: "test"))
    let port = try await server.listen(host: "127.0.0.1", port: 0).port ?? 0
    let client = try await RawHTTP2(port: port), idle = try await RawHTTP2(port: port)
    try await client.send(RawHTTP2.head(1))
    await running.pass()
    async let stopped: Void = server.shutdownGracefully(within: .seconds(30))
    #expect(try await idle.goAway() == 0)
    #expect(try await client.next(.goAway) != nil)
    gate.open()
    let reply = try await client.reply(1)
    #expect(reply.status == 200 && reply.reset == nil, "\(reply)")
    #expect(try await client.next() == nil)
    await stopped
  }

  /// What is sent, and whether the connection must end for it.
  private static let floods: [(String, [UInt8])] = [
    ("streams opened and reset", (0..<300).flatMap { i in
      RawHTTP2.head(2 * i + 1) + RawHTTP2.frame(.rstStream, stream: 2 * i + 1, payload: big(UInt32(8)))
    }),
    ("pings", (0..<300).flatMap { _ in RawHTTP2.frame(.ping, payload: [0, 0, 0, 0, 0, 0, 0, 0]) }),
    ("settings", (0..<300).flatMap { _ in RawHTTP2.frame(.settings, payload: [0, 4, 0, 0, 255, 255]) }),
    ("priorities", (0..<300).flatMap { _ in RawHTTP2.frame(.priority, stream: 1, payload: [0, 0, 0, 0, 1]) }),
    ("empty data", RawHTTP2.head(1, "POST", end: false) + (0..<10).flatMap { _ in RawHTTP2.frame(.data, stream: 1) }),
    ("continuations", RawHTTP2.frame(.headers, stream: 1, payload: RawHTTP2.fields([(":method", "GET")]))
      + (0..<100).flatMap { RawHTTP2.frame(.continuation, stream: 1, payload: RawHTTP2.fields([("x-\($0)", "y")])) }),
    ("a header list over the limit", RawHTTP2.frame(.headers, stream: 1, payload: RawHTTP2.fields(
      (0..<30).map { ("x-\($0)", String(repeating: "y", count: 500)) })) + (0..<3).flatMap { _ in
        RawHTTP2.frame(.continuation, stream: 1, payload: RawHTTP2.fields((0..<30).map { ("x-\($0)", String(repeating: "y", count: 500)) }))
      } + RawHTTP2.frame(.continuation, flags: 4, stream: 1, payload: RawHTTP2.fields(
        (0..<30).map { ("x-\($0)", String(repeating: "y", count: 500)) }))),
    ("a frame over the limit", RawHTTP2.frame(.data, stream: 1, payload: [UInt8](repeating: 0, count: 20_000))),
    ("data beyond the window", RawHTTP2.head(1, "POST", "/gate", end: false)
      + (0..<40).flatMap { _ in RawHTTP2.frame(.data, stream: 1, payload: [UInt8](repeating: 0, count: 16_000)) }),
    ("garbage", [UInt8](repeating: 0xff, count: 100)),
    ("no settings", RawHTTP2.frame(.settings, flags: 1, payload: [1])),
  ]

  @Test(arguments: floods.map(\.0))
  func `who floods or breaks the protocol is sent away and others are served`(name: String) async throws {
    let gate = Gate()
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: .max) }, answer: { request in
      if request.target == "/gate" { await gate.pass() }
      return HTTPResponse(status: 200, body: Array(request.target.utf8))
    })
    try await withServer(handler) { server, port in
      let good = try await RawHTTP2(port: port), bad = try await RawHTTP2(port: port)
      _ = try await bad.raw.sendSome(Self.floods.first { $0.0 == name }?.1 ?? [])
      #expect(try await bad.goAway() != 0)
      try await good.send(RawHTTP2.head(1, "GET", "/x"))
      #expect(try await good.reply(1).body == Array("/x".utf8))
      #expect(server.counters.http2Breaches == 1)
      gate.open()
    }
  }

  @Test func `streams over the limit of a connection are refused`() async throws {
    let gate = Gate()
    let handler = Scripted(answer: { _ in
      await gate.pass()
      return HTTPResponse(status: 200)
    })
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.maximumConcurrentStreams = 3
    try await withServer(handler, configuration) { server, port in
      let client = try await RawHTTP2(port: port)
      // The limit holds once the client has acknowledged it.
      try await client.send(RawHTTP2.frame(.ping, payload: [1, 2, 3, 4, 5, 6, 7, 8]))
      _ = try await client.next(.ping)
      try await client.send((0..<4).flatMap { RawHTTP2.head(2 * $0 + 1) })
      let refusal = try await client.next(.rstStream, .goAway)
      #expect(refusal?.type == .rstStream && refusal?.stream == 7 || refusal?.type == .goAway)
      gate.open()
    }
  }

  @Test(arguments: [
    [(":method", "GET"), (":scheme", "http"), (":authority", "a")], [(":method", "GET"), (":scheme", "http"), (":path", "")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("Upper", "x")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("connection", "close")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("transfer-encoding", "chunked")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":path", "/")],
    [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("x", "a\r\nb: c")],
  ])
  func `a head that HTTP 2 forbids ends its stream only`(fields: [(String, String)]) async throws {
    try await withServer(Self.echo) { _, port in
      let client = try await RawHTTP2(port: port)
      try await client.send(RawHTTP2.frame(.headers, flags: 5, stream: 1, payload: RawHTTP2.fields(fields)), RawHTTP2.head(3))
      let replies = try await client.replies([1, 3])
      #expect(replies[1]?.reset != nil || replies[1]?.status == 400)
      #expect(replies[3]?.status == 200)
    }
  }
}
