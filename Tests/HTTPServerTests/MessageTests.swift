import Base
import HTTPServer
import Testing

@Suite struct MessageTests {
  @Test func `a connection serves one request after the other with length and date`() async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      for target in ["/a", "/b"] {
        try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
        let reply = try await client.reply()
        #expect(reply.status == 200)
        #expect(reply.body == target)
        #expect(reply.headers["content-length"] == "2")
        #expect(reply.headers["date"] == TestClock().wallNow().httpDate)
        #expect(reply.headers["connection"] == nil)
      }
    }
  }

  @Test(arguments: ["/a//b/../c", "/bkt/a%20b/%C3%BC%2B%26%3D%3B~%2A.txt", "/%2F//?x=%2f&&y", "//", "/?"])
  func `the target arrives as it was sent`(target: String) async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try await client.reply().body == target)
    }
  }

  @Test func `the head names the client, the listener and fields in lower case and order`() async throws {
    let handler = Scripted(answer: { request in
      let fields = request.headers.fields.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
      return HTTPResponse(status: 200, body: Array("\(request.remoteAddress ?? "") \(request.listener) \(fields)".utf8))
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\nHOST: x\r\nX-Amz-Date: 1\r\nx-a:  b  c \r\nX-A: d\r\n\r\n")
      #expect(try await client.reply().body == "127.0.0.1 main host=x;x-amz-date=1;x-a=b  c;x-a=d")
    }
  }

  @Test func `pipelined requests are answered in their order`() async throws {
    let gate = Gate()
    let handler = Scripted(answer: { request in
      if request.target == "/0" { await gate.pass() }
      return HTTPResponse(status: 200, body: Array(request.target.utf8) + request.body)
    })
    var configuration = HTTPServerConfiguration(eventLoops: 1)
    configuration.maximumPipelined = 4
    try await withServer(handler, configuration) { _, port in
      let client = try RawClient(port: port)
      let all = (0..<200).map { "POST /\($0) HTTP/1.1\r\nContent-Length: 1\r\n\r\n!" }.joined()
      try await client.send(all)
      gate.open()
      for i in 0..<200 { #expect(try await client.reply().body == "/\(i)!") }
    }
  }

  @Test func `a malformed request behind a running one is answered in its turn`() async throws {
    let gate = Gate()
    let handler = Scripted(answer: { _ in
      await gate.pass()
      return HTTPResponse(status: 200)
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\nnonsense\r\n\r\n")
      gate.open()
      #expect(try await client.reply().status == 200)
      #expect(try await client.reply().status == 400)
      #expect(try await client.isClosed())
    }
  }

  @Test func `HTTP 1.0 closes unless the client asks to keep the connection`() async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let kept = try await client.reply()
      #expect(kept.headers["connection"] == "keep-alive")
      try await client.send("GET /b HTTP/1.0\r\n\r\n")
      let last = try await client.reply()
      #expect(last.headers["connection"] == "close")
      #expect(try await client.isClosed())
    }
  }

  @Test func `either side may end the connection with a field`() async throws {
    let handler = Scripted(answer: { _ in HTTPResponse(status: 200, headers: ["connection": "close"]) })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      #expect(try await client.reply().headers["connection"] == "close")
      #expect(try await client.isClosed())
    }
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
      #expect(try await client.reply().headers["connection"] == "close")
      #expect(try await client.isClosed())
    }
  }

  @Test func `a chunked body arrives whole with its trailers`() async throws {
    let handler = Scripted(answer: { request in
      HTTPResponse(status: 200, body: request.body + Array((request.trailers["x-end"] ?? "").utf8))
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX-End: !\r\n\r\n")
      #expect(try await client.reply().body == "abc0123456789!")
    }
  }

  @Test func `answers without a body have none`() async throws {
    let handler = Scripted(answer: { request in
      switch request.target {
      case "/204": HTTPResponse(status: 204, body: Array("no".utf8))
      case "/304": HTTPResponse(status: 304, headers: ["etag": "e"], body: Array("no".utf8))
      case "/declared": HTTPResponse(status: 200, headers: ["content-length": "77"])
      case "/stream": HTTPResponse(status: 200, body: .stream { try await $0.write(Array("no".utf8)) })
      default: HTTPResponse(status: 200, body: Array("12345".utf8))
      }
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      let table: [(method: String, target: String, length: String?)] = [
        ("GET", "/204", nil), ("GET", "/304", nil), ("HEAD", "/", "5"), ("HEAD", "/declared", "77"), ("HEAD", "/stream", nil),
      ]
      for row in table {
        try await client.send("\(row.method) \(row.target) HTTP/1.1\r\n\r\n")
        let reply = try await client.reply(toHead: true)
        #expect(reply.headers["content-length"] == row.length, "\(row)")
      }
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      #expect(try await client.reply().body == "12345")
    }
  }

  @Test func `a header value cannot add a field or a body`() async throws {
    let handler = Scripted(answer: { _ in HTTPResponse(status: 200, headers: ["x-a": "1\r\nx-evil: 2\r\n\r\nbody", "x\n-b": "3"]) })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\n\r\n")
      let reply = try await client.reply()
      #expect(reply.headers["x-a"] == "1  x-evil: 2    body")
      #expect(reply.headers["x-evil"] == nil)
    }
  }

  @Test func `an offered upgrade is answered as plain HTTP and ends the connection`() async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send(
        "POST /x HTTP/1.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Length: 2\r\n\r\nhi")
      let reply = try await client.reply()
      #expect(reply.body == "hi")
      #expect(reply.headers["connection"] == "close")
      #expect(try await client.isClosed())
    }
  }

  @Test func `100 Continue goes out once a collected body is admitted`() async throws {
    try await withServer { _, port in
      let client = try RawClient(port: port)
      try await client.send("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
      #expect(try await client.reply().status == 100)
      try await client.send("ok")
      #expect(try await client.reply().body == "ok")
    }
  }

  @Test func `a final answer in place of 100 Continue closes`() async throws {
    let handler = Scripted(admission: { head in
      head.target == "/stream" ? .stream(over: 0, upTo: 100) : .refuse(HTTPResponse(status: 403, body: Array("no".utf8)))
    }, answer: { _ in HTTPResponse(status: 404) })
    try await withServer(handler) { _, port in
      for (target, status) in [("/", 403), ("/stream", 404)] {
        let client = try RawClient(port: port)
        try await client.send("PUT \(target) HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        let reply = try await client.reply()
        #expect(reply.status == status)
        #expect(reply.headers["connection"] == "close")
        #expect(try await client.isClosed())
      }
    }
  }

  @Test func `a streamed body is asked for with its first read`() async throws {
    let handler = Scripted(admission: { _ in .stream(over: 0, upTo: 100) }, answer: { request in
      let body = try? await request.bodyStream?.collect(upTo: 100)
      return HTTPResponse(status: 200, body: body ?? [])
    })
    try await withServer(handler) { _, port in
      let client = try RawClient(port: port)
      for _ in 0..<2 {
        try await client.send("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try await client.reply().status == 100)
        try await client.send("ok")
        #expect(try await client.reply().body == "ok")
      }
    }
  }
}
