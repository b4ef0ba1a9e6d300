import Base
import NIOCore
import Testing

@testable import HTTPServer

@Suite struct RequestFactsTests {
  private func judge(
    _ fields: [(String, String)], method: String = "GET", target: String = "/", _ version: Connection.Version = .http1
  ) -> (RequestFacts.Judgement, HTTPRequestHead) {
    var head = HTTPRequestHead(method: method, target: target, headers: HeaderFields(fields))
    return (RequestFacts.judge(&head, version, isHTTP10: false, maximumTarget: 100), head)
  }

  @Test(arguments: [
    ("http://b.example:80/a/../b?x", "/a/../b?x", "b.example:80"), ("HTTPS://b", "/", "b"), ("http://b?x=/", "/?x=/", "b"),
    ("/http://b/", "/http://b/", "a"), ("//b/c", "//b/c", "a"), ("http://[::1]:4566/", "/", "[::1]:4566"),
  ])
  func `the host of an absolute target outranks the field`(target: String, path: String, host: String) {
    let (judgement, head) = judge([("host", "a")], target: target)
    #expect(judgement == .good(RequestFacts(keepAlive: true)))
    #expect(head.target == path)
    #expect(head.headers.all("host") == [host])
  }

  @Test(arguments: ["", "*", "a", "http:/a", "http://", "http:///a", "http://a b/", "http://a@b/", "://a/"])
  func `other targets are no targets`(target: String) {
    #expect(judge([], target: target).0 == .refused(status: 400))
  }

  @Test func `a server may be asked as a whole`() { #expect(judge([], method: "OPTIONS", target: "*").1.target == "*") }

  @Test(arguments: [("close", false), ("Keep-Alive", true), ("x, Close", false), ("upgrade", true), ("", true)])
  func `the connection is kept unless a token says close`(field: String, isKept: Bool) {
    #expect(judge([("connection", field)]).0 == .good(RequestFacts(keepAlive: isKept)))
  }

  @Test func `HTTP 2 has no transfer coding and no upgrade`() {
    #expect(judge([("transfer-encoding", "chunked")], .http2).0 == .refused(status: 400))
    #expect(judge([("upgrade", "h2c")], .http2).0 == .good(RequestFacts(keepAlive: true)))
    #expect(judge([("upgrade", "h2c")]).0 == .good(RequestFacts(keepAlive: true, offersUpgrade: true)))
  }

  @Test func `the target has a limit`() {
    #expect(judge([], target: "/" + String(repeating: "x", count: 99)).0 == .good(RequestFacts(keepAlive: true)))
    #expect(judge([], target: "/" + String(repeating: "x", count: 100)).0 == .refused(status: 414))
  }
}

@Suite struct FrontTests {
  @Test(arguments: [
    ("PRI * HTTP/2.0\r\n", Front.Finding.http2), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2), ("P", .undecided), ("PR", .undecided),
    ("PRI * HTTP/2.0\r", .undecided), ("PO", .http1), ("PROPFIND", .http1), ("PRI * HTTP/1.1\r\n", .http1), ("G", .http1),
    ("\u{16}", .tls), ("\u{16}\u{3}", .tls), ("\u{15}", .http1), ("\u{0}", .http1),
  ])
  func `the first bytes tell the protocol, and only the preface is waited for`(text: String, finding: Front.Finding) {
    #expect(Front.judge(Array(text.utf8)) == finding)
  }
}

@Suite struct ConnectionLimitTests {
  @Test(arguments: ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
  func `loopback counts for nobody`(address: String) throws {
    #expect(ClientNetwork(try SocketAddress(ipAddress: address, port: 1)) == nil)
  }

  @Test(arguments: [
    ("10.0.0.1", "10.0.0.1", true), ("10.0.0.1", "10.0.0.2", false), ("::ffff:10.0.0.1", "10.0.0.1", true),
    ("2001:db8::1", "2001:db8::ffff:1", true), ("2001:db8::1", "2001:db8:0:1::1", false), ("::2", "0.0.0.0", false),
  ])
  func `an address is one client, and so is a network of IPv6`(one: String, other: String, same: Bool) throws {
    let (one, other) = (try SocketAddress(ipAddress: one, port: 1), try SocketAddress(ipAddress: other, port: 2))
    #expect((ClientNetwork(one) == ClientNetwork(other)) == same)
  }

  @Test func `a client has as many connections as the limit says, and gets them back`() throws {
    let limit = AddressLimit(maximum: 2)
    let a = try #require(ClientNetwork(SocketAddress(ipAddress: "10.0.0.1", port: 1)))
    let b = try #require(ClientNetwork(SocketAddress(ipAddress: "10.0.0.2", port: 1)))
    #expect(limit.admit(a) && limit.admit(a) && !limit.admit(a) && limit.admit(b))
    limit.ended(a)
    #expect(limit.admit(a) && !limit.admit(a))
  }
}
