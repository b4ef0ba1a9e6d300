import Base
import Testing

@testable import Lambda

@Suite struct URLCorsTests {
  private let any = URLCors(allowOrigins: ["*"])
  private let named = URLCors(
    allowCredentials: true, allowHeaders: ["X-One", "X-Two"], allowMethods: ["GET", "POST"], allowOrigins: ["https://a.example"],
    exposeHeaders: ["Date"], maxAge: 300)

  @Test func `a preflight from an allowed origin is told what it may do`() {
    #expect(
      named.preflight(origin: "https://a.example", method: "GET", headers: "x-one").sorted == [
        "access-control-allow-credentials: true", "access-control-allow-headers: X-One,X-Two",
        "access-control-allow-methods: GET,POST", "access-control-allow-origin: https://a.example", "access-control-max-age: 300",
        "vary: Origin",
      ])
  }

  @Test(arguments: ["https://b.example", "http://a.example", "https://a.example.evil", "null", ""])
  func `an origin that is not allowed is told nothing`(_ origin: String) {
    #expect(named.preflight(origin: origin, method: "GET", headers: nil).sorted == [])
    var headers: HeaderFields = ["access-control-allow-origin": "*", "x": "y"]
    named.mark(&headers, origin: origin)
    #expect(headers.sorted == ["x: y"])
  }

  @Test func `a star is a star without credentials, and what was asked with them`() {
    var cors = URLCors(allowHeaders: ["*"], allowMethods: ["*"], allowOrigins: ["*"])
    #expect(
      cors.preflight(origin: "https://a.example", method: "PUT", headers: "x-a").sorted == [
        "access-control-allow-headers: *", "access-control-allow-methods: *", "access-control-allow-origin: *",
      ])
    cors.allowCredentials = true
    #expect(
      cors.preflight(origin: "https://a.example", method: "PUT", headers: "x-a").sorted == [
        "access-control-allow-credentials: true", "access-control-allow-headers: x-a", "access-control-allow-methods: PUT",
        "access-control-allow-origin: https://a.example", "vary: Origin",
      ])
  }

  @Test func `the settings take the place of the function's own fields`() {
    var headers: HeaderFields = [
      "access-control-allow-origin": "https://mine.example", "access-control-expose-headers": "X-Mine", "vary": "Accept",
      "content-type": "text/plain",
    ]
    named.mark(&headers, origin: "https://a.example")
    #expect(
      headers.sorted == [
        "access-control-allow-credentials: true", "access-control-allow-origin: https://a.example",
        "access-control-expose-headers: Date", "content-type: text/plain", "vary: Accept, Origin",
      ])
    headers = ["access-control-allow-origin": "https://mine.example"]
    any.mark(&headers, origin: nil)
    #expect(headers.sorted == [])
  }
}

extension HeaderFields {
  fileprivate var sorted: [String] { map { "\($0.name): \($0.value)" }.sorted() }
}
