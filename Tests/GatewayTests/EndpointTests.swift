import Base
import Fabric
import HTTPServer
import Synchronization
import Testing

@testable import Gateway

@Suite struct EndpointTests {
  private static let host = "abc.lambda-url.eu-west-1.localhost:4566"

  /// An endpoint that answers what it was asked, and who signed.
  private static let endpoint = WebEndpoint(
    label: "lambda-url", path: "url", service: "lambda", operation: "InvokeFunctionUrl", maximumBody: 100,
    tooLarge: WebAnswer(status: 413, body: .bytes(Array("too large".utf8)))
  ) { request in
    var answer: [(String, JSON)] = [
      ("id", .string(request.id)), ("region", JSON(request.region?.text)), ("path", .string(request.path)),
      ("query", .string(request.query)), ("body", .string(request.body.utf8Text)), ("requestID", .string(request.requestID)),
    ]
    do {
      let caller = try await request.identify()
      answer.append(("caller", JSON(caller?.principal.arn)))
    } catch {
      answer.append(("refusal", JSON((error as? AWSError)?.code)))
    }
    return WebAnswer(status: 200, headers: ["x-endpoint": "yes"], body: .bytes(JSON.object(JSONObject(answer)).bytes))
  }

  private func bench(hosts: [String] = []) -> Bench { Bench(hosts: hosts, endpoints: [Self.endpoint]) }

  @Test(arguments: [
    ("abc.lambda-url.eu-west-1.on.aws", "abc", "eu-west-1"), ("ABC.Lambda-URL.eu-west-1.ON.AWS", "abc", "eu-west-1"),
    ("abc.lambda-url.us-east-1.localhost:4566", "abc", "us-east-1"),
    ("abc.lambda-url.us-east-1.localhost.localstack.cloud:4566", "abc", "us-east-1"),
    ("abc.lambda-url.us-east-1.dewpoint.example", "abc", "us-east-1"),
  ])
  func `a host name below ours names an endpoint`(_ host: String, _ id: String, _ region: String) async {
    let answer = await bench(hosts: ["dewpoint.example"]).send(.to(nil, "POST", "/a/b?c=d", headers: ["host": host], body: "hi"))
    #expect(answer.status == 200)
    #expect(answer.json?["id"]?.string == id)
    #expect(answer.json?["region"]?.string == region)
    #expect(answer.json?["path"] == "/a/b")
    #expect(answer.json?["query"] == "c=d")
    #expect(answer.json?["body"] == "hi")
  }

  @Test(arguments: [
    "lambda-url.us-east-1.localhost", ".lambda-url.us-east-1.localhost", "abc.lambda-url.localhost", "abc.lambda-url..localhost",
    "abc.lambda-urls.us-east-1.localhost", "a.b.lambda-url.us-east-1.localhost",
  ])
  func `another host name is no endpoint`(_ host: String) async {
    let answer = await bench().send(.to(nil, "GET", "/2015-03-31/functions/f", headers: ["host": host]))
    #expect(answer.headers["x-endpoint"] == nil)
  }

  @Test(arguments: ["abc.lambda-url.us-east-1.evil.example", "abc.lambda-url.us-east-1.localhost.evil", "abc.lambda-url.us-east-1.evil"])
  func `an endpoint below a foreign name is refused`(_ host: String) async {
    let answer = await bench().send(.to(nil, "GET", "/", headers: ["host": host]))
    #expect(answer.status == 403)
    #expect(answer.headers["x-endpoint"] == nil)
  }

  @Test(arguments: [("/_dewpoint/url/ABC/x//y%20z?q", "abc", "/x//y%20z"), ("/_dewpoint/url/abc/", "abc", "/"), ("/_dewpoint/url/abc", "abc", "/")])
  func `an endpoint has a path, too`(_ target: String, _ id: String, _ path: String) async {
    let answer = await bench().send(.to(nil, "GET", target))
    #expect(answer.json?["id"]?.string == id)
    #expect(answer.json?["path"]?.string == path)
    #expect(answer.json?["region"]?.isNull == true)
  }

  @Test func `the path below a foreign name is refused`() async {
    #expect(await bench().send(.to(nil, "GET", "/_dewpoint/url/abc/", headers: ["host": "evil.example"])).status == 403)
  }

  @Test func `pages of any origin may call an endpoint, and hear nothing of ours`() async {
    for origin in ["https://evil.example", "null"] {
      let answer = await bench().send(.to(nil, "OPTIONS", "/", headers: [
        "host": Self.host, "origin": origin, "access-control-request-method": "PUT", "sec-fetch-site": "cross-site",
      ]))
      #expect(answer.headers["x-endpoint"] == "yes")
      #expect(answer.headers["access-control-allow-origin"] == nil)
    }
    // An API of ours is no endpoint, whatever its page says.
    #expect(await bench().send(.to("lambda", "GET", "/2015-03-31/functions/f", headers: ["origin": "https://evil.example"])).status == 403)
  }

  @Test func `a signature says who calls, a bad one is refused, and none is nobody`() async {
    let headers: HeaderFields = ["host": Self.host]
    let signed = await bench().send(.to("lambda", "POST", "/", headers: headers, body: "x", key: "AKIAANN", secret: "secret"))
    #expect(signed.json?["caller"]?.string?.hasSuffix("user/ann") == true)
    let wrong = await bench().send(.to("lambda", "POST", "/", headers: headers, body: "x", key: "AKIAANN", secret: "other"))
    #expect(wrong.json?["refusal"] == "InvalidSignatureException")
    let foreign = await bench().send(.to("sqs", "POST", "/", headers: headers, key: "AKIAANN", secret: "secret"))
    #expect(foreign.json?["refusal"] == "InvalidSignatureException")
    #expect(await bench().send(.to(nil, "POST", "/", headers: headers)).json?["caller"]?.isNull == true)
  }

  @Test func `the endpoint says how large a body may be`() {
    let gateway = bench().gateway
    for (target, host) in [("/", Self.host), ("/_dewpoint/url/abc/", "localhost")] {
      let head = HTTPRequestHead(method: "POST", target: target, headers: ["host": host], listener: "api")
      guard case .collect(100) = gateway.admit(head) else { Issue.record("another limit for \(target)"); return }
      #expect(Answer(gateway.tooLarge(head, maximum: 100)).text == "too large")
    }
  }
}
