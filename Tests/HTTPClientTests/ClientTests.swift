import Base
import HTTPServer
import Logging
import NIOCore
import Synchronization
import Testing

@testable import HTTPClient

@Suite struct ClientTests {
  @Test func `an endpoint gets method, path, headers and body, and its answer comes back`() async throws {
    try await withEndpoint { request in
      HTTPResponse(
        status: 201, headers: ["x-seen": "\(request.method) \(request.target) \(request.headers["x-mine"] ?? "-")"], body: request.body)
    } _: { client, port in
      let answer = try await client.send(
        OutgoingRequest("POST", "http://127.0.0.1:\(port)/a/b?c=d", headers: ["X-Mine": "yes"], body: Array("hello".utf8)))
      #expect(answer.status == 201)
      #expect(answer.headers["x-seen"] == "POST /a/b?c=d yes")
      #expect(answer.body == Array("hello".utf8))
      #expect(!answer.isCut)
    }
  }

  @Test func `what the server sends for a user says so, whatever the user sets`() async throws {
    try await withEndpoint { request in
      HTTPResponse(status: 200, body: Array(request.headers.all("x-dewpoint-outgoing").joined(separator: ",").utf8))
    } _: { client, port in
      for headers: HeaderFields in [[:], ["x-dewpoint-outgoing": "mine"]] {
        let answer = try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(port)/", headers: headers))
        #expect(answer.body == Array("1".utf8))
      }
    }
  }

  @Test(arguments: [
    ("169.254.169.254", true), ("169.254.0.1", true), ("::ffff:169.254.169.254", true), ("fe80::1", true), ("febf::1", true),
    ("169.253.0.1", false), ("127.0.0.1", false), ("::1", false), ("fec0::1", false), ("10.0.0.1", false),
  ])
  func `link-local addresses are told from others`(address: String, isLinkLocal: Bool) throws {
    #expect(try SocketAddress(ipAddress: address, port: 80).isLinkLocal == isLinkLocal)
  }

  @Test func `nothing is sent to an address that is refused`() async throws {
    let seen = Mutex(0)
    try await withEndpoint { _ in
      seen.withLock { $0 += 1 }
      return HTTPResponse(status: 200)
    } _: { _, port in
      let careful = try PooledHTTPClient(.init(), clock: AdjustableClock()) { $0.ipAddress == "127.0.0.1" }
      for host in ["127.0.0.1", "localhost"] {
        var failure: OutgoingFailure?
        do { _ = try await careful.send(OutgoingRequest("GET", "http://\(host):\(port)/")) } catch { failure = error as? OutgoingFailure }
        guard case .cannotConnect = failure else { return #expect(failure == .cannotConnect("")) }
      }
      await careful.close()
    }
    #expect(seen.withLock { $0 } == 0)
  }

  @Test func `a redirect is an answer and is not followed`() async throws {
    try await withEndpoint { request in
      request.target == "/there" ? HTTPResponse(status: 200) : HTTPResponse(status: 302, headers: ["location": "/there"])
    } _: { client, port in
      let answer = try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(port)/"))
      #expect(answer.status == 302)
      #expect(answer.headers["location"] == "/there")
    }
  }

  @Test func `an answer that is too long is cut off and says so`() async throws {
    try await withEndpoint { _ in HTTPResponse(status: 200, body: [UInt8](repeating: 65, count: 300_000)) } _: { client, port in
      let answer = try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(port)/", maximumAnswer: 1000))
      #expect(answer.body.count == 1000)
      #expect(answer.isCut)
    }
  }

  @Test func `an endpoint that does not answer in time is a failure`() async throws {
    try await withEndpoint { _ in
      try? await AdjustableClock().sleepReal(for: .seconds(60))
      return HTTPResponse(status: 200)
    } _: { client, port in
      await #expect(throws: OutgoingFailure.timedOut) {
        try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(port)/", limit: .milliseconds(50)))
      }
    }
  }

  @Test(arguments: ["", "nothing", "ftp://127.0.0.1/", "http://", "http://[::1"])
  func `what is no URL of a web server is refused`(url: String) async throws {
    let client = try PooledHTTPClient(clock: AdjustableClock())
    await #expect(throws: OutgoingFailure.badURL(url)) { try await client.send(OutgoingRequest("GET", url)) }
    await client.close()
  }

  @Test func `a port where nobody listens is a failure to connect`() async throws {
    var free = 0
    try await withEndpoint { _ in HTTPResponse(status: 200) } _: { _, port in free = port }
    let client = try PooledHTTPClient(clock: AdjustableClock())
    var failure: OutgoingFailure?
    do { _ = try await client.send(OutgoingRequest("GET", "http://127.0.0.1:\(free)/")) } catch { failure = error as? OutgoingFailure }
    await client.close()
    guard case .cannotConnect = failure else { return #expect(failure == .cannotConnect("")) }
  }

  @Test func `roots that hold no certificate are refused`() {
    #expect(throws: (any Error).self) { try PooledHTTPClient(.init(roots: Array("nothing".utf8)), clock: AdjustableClock()) }
  }
}

private struct Endpoint: HTTPHandler {
  var answer: @Sendable (HTTPRequest) async -> HTTPResponse
  func handle(_ request: HTTPRequest) async -> HTTPResponse { await answer(request) }
}

private func withEndpoint(
  _ answer: @escaping @Sendable (HTTPRequest) async -> HTTPResponse, _ body: (PooledHTTPClient, Int) async throws -> Void
) async throws {
  let server = HTTPServer(
    configuration: .init(eventLoops: 1), handler: Endpoint(answer: answer), clock: TestClock(), logger: Logger(label: "test"))
  let client = try PooledHTTPClient(clock: AdjustableClock())
  do {
    try await body(client, try await server.listen(host: "127.0.0.1", port: 0).port ?? 0)
  } catch {
    await client.close()
    await server.shutdownGracefully(within: .zero)
    throw error
  }
  await client.close()
  await server.shutdownGracefully(within: .zero)
}
