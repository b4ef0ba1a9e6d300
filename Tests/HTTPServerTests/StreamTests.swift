import Base
import HTTPServer
import Synchronization
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct StreamTests {
  private struct Broken: Error {}

  @Test func `a streamed answer is chunked, or framed by its declared length`() async throws {
    let handler = Scripted(answer: { request in
      HTTPResponse(
        status: 200, headers: request.target == "/length" ? ["content-length": "6"] : [:],
        body: .stream { writer in
          try await writer.write(Array("abc".utf8))
          await Task.yield()
          try await writer.write([])
          try await writer.write(Array("def".utf8))
        })
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      for (target, framing) in [("/length", "content-length"), ("/chunks", "transfer-encoding")] {
        try await client.send("GET \(target) HTTP/1.1\r\n\r\n")
        let reply = try await client.reply()
        #expect(reply.body == "abcdef")
        #expect(reply.headers[framing] != nil)
      }
      try await client.send("GET /old HTTP/1.0\r\n\r\n")
      #expect(try await client.reply().body == "abcdef")
    }
  }

  @Test(arguments: [nil, "10", "2"])
  func `a stream that fails or misses its length never looks complete`(length: String?) async throws {
    let handler = Scripted(answer: { _ in
      HTTPResponse(
        status: 200, headers: length.map { ["content-length": $0] } ?? [:],
        body: .stream { writer in
          try await writer.write(Array("a".utf8))
          try await writer.write(Array("bc".utf8))
          if length == nil { throw Broken() }
        })
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      #expect(try await client.reply().isWhole == false)
    }
  }

  @Test func `an answer may stream while its request still does`() async throws {
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: .max) }, answer: { request in
      HTTPResponse(status: 200, body: .stream { writer in
        guard let stream = request.bodyStream else { return }
        for try await piece in stream { try await writer.write(piece) }
        try await writer.write(Array((stream.trailers["x-t"] ?? "").utf8))
      })
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      for _ in 0..<2 {
        try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        try await client.send("2\r\nde\r\n0\r\nX-T: !\r\n\r\n")
        #expect(try await client.reply().body == "abcde!")
      }
    }
  }

  @Test func `a stream at once begins before its body, and its parts may come slowly`() async throws {
    let gate = Gate()
    let handler = Scripted(admission: { $0.target == "/timed" ? .stream(over: 0, upTo: 6) : .streamAtOnce(upTo: 6) }, answer: { request in
      gate.open()
      do {
        let body = try await request.bodyStream?.collect(upTo: .max)
        return HTTPResponse(status: 200, body: body ?? [])
      } catch {
        return HTTPResponse(status: error as? HTTPServerError == .bodyTooLarge(maximum: 6) ? 413 : 500)
      }
    })
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.bodyTimeout = .milliseconds(50)
    try await withServer(handler, configuration) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
      await gate.pass()
      try await client.send("3\r\nabc\r\n")
      // Another body, which began later, runs out of time meanwhile.
      let other = try RawClient(port: port)
      try await other.send("POST /timed HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
      #expect(try await other.reply().status == 500)
      try await client.send("3\r\ndef\r\n0\r\n\r\n")
      #expect(try await client.reply().body == "abcdef")
      try await client.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
      #expect(try await client.reply().status == 200)
      try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nabcdefg\r\n0\r\n\r\n")
      #expect(try await client.reply().status == 413)
    }
  }

  @Test func `a small body under the threshold comes whole`() async throws {
    let handler = Scripted(admission: { _ in .stream(over: 4, upTo: 100) }, answer: { request in
      HTTPResponse(status: request.bodyStream == nil ? 200 : 201, body: request.body)
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.status == 200)
      #expect(reply.body == "abcd")
    }
  }

  @Test func `a stream over its limit fails in the handler`() async throws {
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: 4) }, answer: { request in
      do { return HTTPResponse(status: 200, body: try await request.bodyStream?.collect(upTo: 100) ?? []) }
      catch { return HTTPResponse(status: 413, body: Array("\(error)".utf8)) }
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n")
      let reply = try await client.reply()
      #expect(reply.status == 413)
      #expect(reply.body == "bodyTooLarge(maximum: 4)")
      #expect(try await client.isClosed())
    }
  }

  @Test func `an upload waits while nobody reads it`() async throws {
    let gate = Gate()
    let total = 48 << 20
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: .max) }, answer: { request in
      await gate.pass()
      var count = 0
      do { if let stream = request.bodyStream { for try await piece in stream { count += piece.count } } } catch { count = -1 }
      return HTTPResponse(status: 200, body: Array("\(count)".utf8))
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nContent-Length: \(total)\r\n\r\n")
      client.setTimeout(SO_SNDTIMEO, milliseconds: 200)
      let body = [UInt8](repeating: 1, count: total)
      let stuckAt = try await client.sendSome(body)
      #expect(stuckAt < 16 << 20)
      gate.open()
      client.setTimeout(SO_SNDTIMEO, milliseconds: 10_000)
      #expect(try await client.sendSome(Array(body[stuckAt...])) == total - stuckAt)
      #expect(try await client.reply().body == "\(total)")
    }
  }

  @Test func `a download waits while nobody takes it`() async throws {
    let written = Mutex(0)
    let handler = Scripted(answer: { request in
      guard request.target == "/big" else { return HTTPResponse(status: 200) }
      return HTTPResponse(status: 200, headers: ["content-length": "\(64 << 20)"], body: .stream { writer in
        for _ in 0..<64 {
          try await writer.write([UInt8](repeating: 65, count: 1 << 20))
          written.withLock { $0 += 1 }
        }
      })
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET /big HTTP/1.1\r\n\r\n")
      let other = try RawClient(port: port)
      for _ in 0..<100 {
        try await other.send("GET / HTTP/1.1\r\n\r\n")
        #expect(try await other.reply().status == 200)
      }
      #expect(written.withLock { $0 } < 32)
      let reply = try await client.reply()
      #expect(reply.body.utf8.count == 64 << 20)
      #expect(reply.isWhole)
    }
  }

  @Test func `a client that goes away cancels its handler and its streams`() async throws {
    let started = Gate(), cancelled = Gate()
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: 100) }, answer: { request in
      started.open()
      if let stream = request.bodyStream {
        do { _ = try await stream.collect(upTo: 100) } catch { cancelled.open() }
      } else {
        await Gate().pass()
        if Task.isCancelled { cancelled.open() }
      }
      return HTTPResponse(status: 200)
    })
    for request in ["GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"] {
      try await withServer(handler) { _, port in
        let client = try RawClient(port: port)
        try await client.send(request)
        await started.pass()
        client.closeNow()
        await cancelled.pass()
      }
    }
  }

  @Test func `a client that only stops sending still gets its answer`() async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET /x HTTP/1.1\r\n\r\n")
      client.closeSending()
      #expect(try await client.reply().body == "/x")
      #expect(try await client.isClosed())
    }
  }
}
