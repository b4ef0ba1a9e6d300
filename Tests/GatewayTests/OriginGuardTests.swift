import Base
import Fabric
import HTTPServer
import Testing

@testable import Gateway

struct OriginGuardTests {
  private static func refusal(_ guardian: OriginGuard, _ headers: HeaderFields) -> AWSError? {
    do { try guardian.check(headers) } catch { return error }
    return nil
  }

  @Test(arguments: [
    "localhost", "localhost:4566", "LOCALHOST:4566", "127.0.0.1:4566", "127.1.2.3", "[::1]:4566", "[::1]", "sqs.us-east-1.localhost:4566",
    "bucket.localhost", "localhost.localstack.cloud:4566", "sqs.us-east-1.localhost.localstack.cloud", "host.docker.internal:4566",
    "sqs.us-east-1.amazonaws.com", "sqs.cn-north-1.amazonaws.com.cn", "id.lambda-url.us-east-1.on.aws", "sts.us-east-1.api.aws",
    "dewpoint.example:80", "DEWPOINT.example", "",
  ])
  func `names that lead here on purpose are answered`(_ host: String) {
    #expect(Self.refusal(OriginGuard(hosts: ["Dewpoint.Example"]), ["host": host]) == nil)
  }

  @Test(arguments: [
    "evil.example", "evil.example:4566", "localhost.evil.example", "notlocalhost", "127.0.0.1.evil.example", "127.evil", "127.0.0.256",
    "127.0.0", "127.+0.0.1", "0.0.0.0:4566", "10.0.0.1", "amazonaws.com.evil.example", "xamazonaws.com", "localhost:4566.evil", "[::2]",
    "localhost.", "dewpoint.example.evil",
  ])
  func `a name that may have been rebound is refused`(_ host: String) {
    let error = Self.refusal(OriginGuard(hosts: ["dewpoint.example"]), ["host": host])
    #expect(error?.status == 403)
    #expect(error?.message.contains("--allow-host") == true)
  }

  @Test(arguments: ["http://localhost:3000", "https://localhost", "http://127.0.0.1:8080", "http://[::1]:1", "http://app.localhost:3000"])
  func `pages of this machine may call`(_ origin: String) {
    #expect(Self.refusal(OriginGuard(), ["host": "localhost", "origin": origin]) == nil)
  }

  @Test(arguments: [
    "https://evil.example", "null", "", "http://localhost.evil.example", "https://evil.example:localhost", "file://localhost", "localhost",
    "http://evil.example/?http://localhost", "https://app.example.evil", "http://abc.lambda-url.us-east-1.localhost:4566",
  ])
  func `pages of others may not`(_ origin: String) {
    let error = Self.refusal(OriginGuard(origins: ["https://app.example"]), ["host": "localhost", "origin": origin])
    #expect(error?.status == 403)
  }

  @Test func `an origin that the operator allowed may call`() {
    #expect(Self.refusal(OriginGuard(origins: ["https://App.example"]), ["host": "localhost", "origin": "https://app.example"]) == nil)
    #expect(Self.refusal(OriginGuard(origins: ["*"]), ["host": "localhost", "origin": "null"]) == nil)
    #expect(Self.refusal(OriginGuard(origins: ["*"]), ["host": "evil.example", "origin": "null"]) != nil)
  }

  @Test func `a request across sites without an origin is refused`() {
    #expect(Self.refusal(OriginGuard(), ["host": "localhost", "sec-fetch-site": "cross-site"]) != nil)
    #expect(Self.refusal(OriginGuard(), ["host": "localhost", "sec-fetch-site": "same-origin"]) == nil)
    #expect(Self.refusal(OriginGuard(), ["host": "localhost", "sec-fetch-site": "none"]) == nil)
    #expect(Self.refusal(OriginGuard(origins: ["*"]), ["host": "localhost", "sec-fetch-site": "cross-site"]) == nil)
  }

  @Test func `a foreign page gets nothing from the gateway, its preflight and the internal pages included`() async {
    let bench = Bench(pages: [InternalPage("health", for: .everybody) { _ in .json([:]) }])
    for (method, target) in [("POST", "/"), ("OPTIONS", "/"), ("GET", "/_dewpoint/health")] {
      let headers: HeaderFields = ["origin": "https://evil.example", "access-control-request-method": "POST"]
      let answer = await bench.send(.to(nil, method, target, headers: headers))
      #expect(answer.status == 403)
      #expect(answer.headers["access-control-allow-origin"] == nil)
    }
  }

  @Test func `an allowed page is told so, in the preflight and in each answer`() async {
    let bench = Bench(origins: ["https://app.example"])
    var headers: HeaderFields = ["origin": "https://app.example", "access-control-request-method": "POST"]
    headers["access-control-request-headers"] = "authorization,x-amz-target"
    let preflight = await bench.send(.to(nil, "OPTIONS", "/", headers: headers))
    #expect(preflight.status == 204)
    #expect(preflight.headers["access-control-allow-origin"] == "https://app.example")
    #expect(preflight.headers["access-control-allow-methods"] == "POST")
    #expect(preflight.headers["access-control-allow-headers"] == "authorization,x-amz-target")
    let answer = await bench.send(.to("lambda", "GET", "/2015-03-31/functions/f", headers: ["origin": "https://app.example"]))
    #expect(answer.status == 200)
    #expect(answer.headers["access-control-allow-origin"] == "https://app.example")
    #expect(await bench.send(.to("lambda", "GET", "/2015-03-31/functions/f")).headers["access-control-allow-origin"] == nil)
  }
}
