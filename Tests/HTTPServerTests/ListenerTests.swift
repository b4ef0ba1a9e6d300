import Base
import HTTPServer
import Logging
import Testing

@Suite struct ListenerTests {
  @Test func `hundreds of adopted sockets each have their label and handler`() async throws {
    try await withServer { server, _ in
      var listeners: [(HTTPListener, Int)] = []
      for i in 0..<300 {
        let (fd, port) = listeningSocket()
        let handler = Scripted(answer: { HTTPResponse(status: 200, body: Array("\(i) \($0.listener)".utf8)) })
        listeners.append((try await server.adopt(fd: fd, label: "env-\(i)", handler: handler), port))
      }
      for (i, (listener, port)) in listeners.enumerated() {
        #expect(listener.port == port)
        let client = try RawClient(port: port)
        try await client.send("GET / HTTP/1.1\r\n\r\n")
        #expect(try await client.reply().body == "\(i) env-\(i)")
      }
      await server.close(listeners[0].0)
      #expect(throws: RawClient.Failure.self) { try RawClient(port: listeners[0].1) }
      #expect(throws: Never.self) { try RawClient(port: listeners[1].1) }
    }
  }

  @Test func `closing a listener with abort drops its long polls and no other's`() async throws {
    let polling = Gate(), cancelled = Gate()
    let handler = Scripted(answer: { _ in
      polling.open()
      await Gate().pass()
      cancelled.open()
      return HTTPResponse(status: 200)
    })
    try await withServer { server, port in
      let (fd, adopted) = listeningSocket()
      let listener = try await server.adopt(fd: fd, label: "env", handler: handler)
      let poll = try RawClient(port: adopted), other = try RawClient(port: port)
      try await poll.send("GET / HTTP/1.1\r\n\r\n")
      try await other.send("GET /1 HTTP/1.1\r\n\r\n")
      #expect(try await other.reply().body == "/1")
      await polling.pass()
      await server.close(listener, abort: true)
      await cancelled.pass()
      #expect(try await poll.isClosed())
      try await other.send("GET /2 HTTP/1.1\r\n\r\n")
      #expect(try await other.reply().body == "/2")
    }
  }

  @Test func `a stop lets running requests end and closes idle connections`() async throws {
    let running = Gate(), gate = Gate()
    let handler = Scripted(answer: { request in
      if request.target == "/slow" {
        running.open()
        await gate.pass()
      }
      return HTTPResponse(status: 200, body: Array(request.target.utf8))
    })
    let server = HTTPServer(
      configuration: .init(eventLoops: 2), handler: handler, clock: TestClock(), logger: Logger(label: "test"))
    let port = try await server.listen(host: "127.0.0.1", port: 0).port ?? 0
    let idle = try RawClient(port: port), busy = try RawClient(port: port)
    try await idle.send("GET /x HTTP/1.1\r\n\r\n")
    #expect(try await idle.reply().body == "/x")
    try await busy.send("GET /slow HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\n\r\n")
    await running.pass()

    async let stopped: Void = server.shutdownGracefully(within: .seconds(30))
    #expect(try await idle.isClosed())
    #expect(throws: RawClient.Failure.self) { try RawClient(port: port) }
    gate.open()
    let reply = try await busy.reply()
    #expect(reply.body == "/slow")
    #expect(reply.headers["connection"] == "close")
    #expect(try await busy.isClosed())
    busy.closeNow()
    await stopped
    await #expect(throws: HTTPServerError.shutDown) { try await server.listen(host: "127.0.0.1", port: 0) }
  }

  @Test func `a stop cuts off what takes longer than its limit`() async throws {
    let running = Gate(), cancelled = Gate()
    let handler = Scripted(answer: { _ in
      running.open()
      await Gate().pass()
      cancelled.open()
      return HTTPResponse(status: 200)
    })
    let server = HTTPServer(
      configuration: .init(eventLoops: 1), handler: handler, clock: TestClock(), logger: Logger(label: "test"))
    let port = try await server.listen(host: "127.0.0.1", port: 0).port ?? 0
    let client = try RawClient(port: port)
    try await client.send("GET / HTTP/1.1\r\n\r\n")
    await running.pass()
    await server.shutdownGracefully(within: .milliseconds(20))
    await cancelled.pass()
    #expect(try await client.isClosed())
  }

  @Test func `an address in use is an error that names it`() async throws {
    try await withServer { server, port in
      do {
        _ = try await server.listen(host: "127.0.0.1", port: port)
        Issue.record("a second listener on one port")
      } catch {
        #expect("\(error)".contains("127.0.0.1:\(port)"))
      }
    }
  }
}
