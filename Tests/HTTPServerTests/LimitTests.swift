import Base
import HTTPServer
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct LimitTests {
  private static let small: HTTPServerConfiguration = {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.maximumHeadBytes = 2000
    configuration.maximumTargetBytes = 1000
    configuration.maximumHeaderFields = 20
    configuration.maximumConnections = 3
    return configuration
  }()
  private static let quick: HTTPServerConfiguration = {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.idleTimeout = .milliseconds(60)
    configuration.headTimeout = .milliseconds(60)
    configuration.bodyTimeout = .milliseconds(60)
    configuration.minimumBodyRate = 1 << 30
    return configuration
  }()

  @Test(arguments: [
    ("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 3000))\r\n\r\n", 431),
    ("GET /\(String(repeating: "x", count: 3000)) HTTP/1.1\r\n\r\n", 431),
    ("GET / HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 21))\r\n", 431),
    ("not http at all\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nBad Name: x\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 3, 3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: -3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 0x3\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n X: folded\r\n\r\n", 400),
    ("GET http://a@b/ HTTP/1.1\r\n\r\n", 400),
    ("GET ftp://a/ HTTP/1.1\r\n\r\n", 400),
    ("GET relative HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nX: a\u{0}b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nX: a\u{1}b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nX\u{0}Y: a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n: a\r\n\r\n", 400),
    ("GET /a\u{1}b HTTP/1.1\r\n\r\n", 400),
    ("GET /a b HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 505),  // a line feed alone counts as part of the version
    ("GET /\(String(repeating: "x", count: 1200)) HTTP/1.1\r\n\r\n", 414),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\na\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n11111111111111111111\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\na\n0\n\n", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\(String(repeating: "X: y\r\n", count: 2000))\r\n", 431),
    ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", 400),
    ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ("POST / HTTP/1.1\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", 417),
    ("GET / HTTP/2.0\r\n\r\n", 505),
  ])
  func `a request that cannot be read is answered and the connection closed`(text: String, status: Int) async throws {
    try await withServer(Scripted(), Self.small) { _, port in
      let client = try RawClient(port: port)
      _ = try await client.sendSome(Array(text.utf8))
      let reply = try await client.reply()
      #expect(reply.status == status)
      #expect(reply.headers["connection"] == "close")
      #expect(try await client.isClosed())
    }
  }

  @Test(arguments: ["Content-Length: 4000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3d0900\r\n"])
  func `a body over the limit gets the handler's answer although the client still sends`(head: String) async throws {
    let handler = Scripted(
      admission: { _ in .collect(upTo: 1000) },
      overflow: { head, maximum in HTTPResponse(status: 413, body: Array("\(head.target) \(maximum)".utf8)) })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST /big HTTP/1.1\r\n\(head)")
      _ = try await client.sendSome([UInt8](repeating: 65, count: 4_000_000))
      let reply = try await client.reply()
      #expect(reply.status == 413)
      #expect(reply.body == "/big 1000")
    }
  }

  @Test func `a body of exactly the limit is taken`() async throws {
    try await withServer(Scripted(admission: { _ in .collect(upTo: 5) })) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345")
      #expect(try await client.reply().body == "12345")
    }
  }

  @Test func `one connection too many is told so`() async throws {
    try await withServer(Scripted(), Self.small) { _, port in
      var clients: [RawClient] = []
      for _ in 0..<3 {
        let client = try RawClient(port: port)
        try await client.send("GET / HTTP/1.1\r\n\r\n")
        #expect(try await client.reply().status == 200)
        clients.append(client)
      }
      let extra = try RawClient(port: port)
      #expect(try await extra.reply().status == 503)
      #expect(try await extra.isClosed())
      try await clients[0].send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
      #expect(try await clients[0].reply().status == 200)
      #expect(try await clients[0].isClosed())
    }
  }

  @Test(arguments: ["GET / HTTP/1.1\r\nX-Slow: ", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"])
  func `a request that does not come to its end in time gets 408`(text: String) async throws {
    try await withServer(Scripted(), Self.quick) { _, port in
      let client = try RawClient(port: port)
      try await client.send(text)
      #expect(try await client.reply().status == 408)
      #expect(try await client.isClosed())
    }
  }

  @Test func `an idle connection is closed without a word and a long poll is not`() async throws {
    let gate = Gate()
    let handler = Scripted(answer: { request in
      if request.target == "/poll" { await gate.pass() }
      return HTTPResponse(status: 200, body: Array(request.target.utf8))
    })
    var configuration = Self.quick
    configuration.headTimeout = .seconds(20)
    try await withServer(handler, configuration) { _, port in
      let poll = try RawClient(port: port)
      try await poll.send("GET /poll HTTP/1.1\r\n\r\n")
      for _ in 0..<3 {
        let idle = try RawClient(port: port)
        try await idle.send("GET /x HTTP/1.1\r\n\r\n")
        #expect(try await idle.reply().body == "/x")
        #expect(try await idle.isClosed())
      }
      gate.open()
      #expect(try await poll.reply().body == "/poll")
    }
  }

  @Test func `a client that does not take its answer is cut off`() async throws {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.writeTimeout = .milliseconds(60)
    let ended = Gate()
    let handler = Scripted(answer: { _ in
      HTTPResponse(status: 200, body: .stream { writer in
        defer { ended.open() }
        while true { try await writer.write([UInt8](repeating: 0, count: 1 << 20)) }
      })
    })
    try await withServer(handler, configuration) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      await ended.pass()
      #expect(try await client.reply().isWhole == false)
    }
  }

  @Test func `a client that takes no answers has no further requests run`() async throws {
    let served = Mutex(0)
    let handler = Scripted(answer: { _ in
      served.withLock { $0 += 1 }
      return HTTPResponse(status: 200, body: [UInt8](repeating: 65, count: 1 << 20))
    })
    try await withServer(handler) { server, port in
      let client = try RawClient(port: port)
      let requests = 1000
      client.setTimeout(SO_SNDTIMEO, milliseconds: 200)
      _ = try await client.sendSome(Array(String(repeating: "GET / HTTP/1.1\r\n\r\n", count: requests).utf8))
      let other = try RawClient(port: port)
      try await other.send("GET / HTTP/1.1\r\n\r\n")
      #expect(try await other.reply().isWhole)
      // What the sockets of both sides take, and no more.
      #expect(served.withLock { $0 } < 40)
      for _ in 0..<100 { #expect(try await client.reply().isWhole) }
    }
  }

  @Test func `a pipelined flood leaves others their turn`() async throws {
    let other = Mutex<RawClient?>(nil), served = Mutex(0), before = Mutex(Int.max)
    let handler = Scripted(answer: { request in
      switch request.target {
      // From here on the other request waits at its socket while the flood is worked on.
      case "/first": try? await other.withLock { $0 }?.send("GET /other HTTP/1.1\r\n\r\n")
      case "/other": before.withLock { $0 = served.withLock { $0 } }
      default: served.withLock { $0 += 1 }
      }
      return HTTPResponse(status: 200)
    })
    try await withServer(handler) { _, port in
      let flood = try RawClient(port: port), client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      #expect(try await client.reply().status == 200)
      other.withLock { $0 = client }
      try await flood.send("GET /first HTTP/1.1\r\n\r\n" + String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 1000))
      #expect(try await client.reply().status == 200)
      #expect(before.withLock { $0 } < 500)
      for _ in 0...1000 { #expect(try await flood.reply().status == 200) }
    }
  }

  @Test func `bodies beyond the memory for all are refused while small ones are served`() async throws {
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.maximumHeldBytes = 1 << 20
    try await withServer(Scripted(), configuration) { server, port in
      let holder = try RawClient(port: port)
      try await holder.send("POST / HTTP/1.1\r\nContent-Length: 1048000\r\n\r\n")
      #expect(try await holder.sendSome([UInt8](repeating: 65, count: 1_000_000)) == 1_000_000)
      let small = try RawClient(port: port)
      // Until the server has read what is on its way.
      var status = 200
      while status == 200 {
        let large = try RawClient(port: port)
        try await large.send("POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
        _ = try await large.sendSome([UInt8](repeating: 65, count: 200_000))
        status = try await large.reply().status
      }
      #expect(status == 503)
      try await small.send("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nsmall")
      #expect(try await small.reply().body == "small")
      #expect(server.counters.refusedByMemory >= 1)
      try await holder.send(String(repeating: "B", count: 48_000))
      #expect(try await holder.reply().body.utf8.count == 1_048_000)
      let large = try RawClient(port: port)
      try await large.send("POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n")
      _ = try await large.sendSome([UInt8](repeating: 65, count: 200_000))
      #expect(try await large.reply().status == 200)
    }
  }

  @Test func `the counters tell what became of connections`() async throws {
    try await withServer(Scripted(), Self.small) { server, port in
      do {
        let client = try RawClient(port: port)
        try await client.send("GET / HTTP/1.1\r\n\r\n")
        _ = try await client.reply()
        #expect(server.counters.open == 1 && server.counters.openHTTP1 == 1)
        try await client.send("nonsense\r\n\r\n")
        #expect(try await client.reply().status == 400)
        #expect(try await client.isClosed())
      }
      let counters = server.counters
      #expect(counters.accepted == 1 && counters.malformed == 1 && counters.acceptedHTTP2 == 0 && counters.acceptedTLS == 0)
    }
  }
}
