import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct URLEventTests {
  private func event(
    _ method: String = "GET", _ path: String = "/", _ query: String = "", _ headers: HeaderFields = [:], _ body: String = "",
    caller: WebCaller? = nil
  ) throws -> JSON {
    let request = WebRequest(
      id: "abc", region: .usEast1, method: method, path: path, query: query, headers: headers, body: Array(body.utf8),
      address: "203.0.113.9", requestID: "request-1")
    let trace = TraceContext(root: "1-00000000-000000000000000000000000")
    let payload = URLEvent(caller: caller, trace: trace, now: Instant(milliseconds: 1_584_039_838_390)).payload(
      of: request, domain: "abc.lambda-url.us-east-1.on.aws", owner: .one)
    return try JSON.parse(payload)
  }

  @Test func `a request without anything has no cookies, parameters, body or authoriser`() throws {
    let event = try event("GET", "/a%20b//c", "", ["host": "abc.lambda-url.us-east-1.on.aws"])
    #expect(event["version"] == "2.0")
    #expect(event["routeKey"] == "$default")
    #expect(event["rawPath"] == "/a%20b//c")
    #expect(event["rawQueryString"] == "")
    #expect(event["isBase64Encoded"] == false)
    for name in ["cookies", "queryStringParameters", "body"] { #expect(event[name] == nil, "\(name)") }
    let context = try #require(event["requestContext"])
    #expect(context["accountId"] == "anonymous")
    #expect(context["authorizer"] == nil)
    #expect(context["apiId"] == "abc")
    #expect(context["domainName"] == "abc.lambda-url.us-east-1.on.aws")
    #expect(context["domainPrefix"] == "abc")
    #expect(context["requestId"] == "request-1")
    #expect(context["time"] == "12/Mar/2020:19:03:58 +0000")
    #expect(context["timeEpoch"] == 1_584_039_838_390)
    #expect(
      context["http"] == [
        "method": "GET", "path": "/a%20b//c", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.9", "userAgent": "",
      ])
  }

  @Test func `what comes more than once is joined by commas, and cookies stand by themselves`() throws {
    var headers: HeaderFields = ["host": "abc.lambda-url.us-east-1.localhost:4566", "user-agent": "curl"]
    headers.add("X-Many", "1")
    headers.add("x-many", "2")
    headers.add("cookie", "a=1; b=2")
    headers.add("cookie", "c=3")
    let event = try event("POST", "/", "x=1&x=2&y=a%20b+c&empty=&bare&%C3%BC=%zz", headers)
    #expect(event["headers"]?["x-many"] == "1,2")
    #expect(event["headers"]?["cookie"] == nil)
    #expect(event["headers"]?["x-forwarded-for"] == "203.0.113.9")
    #expect(event["headers"]?["x-forwarded-port"] == "4566")
    #expect(event["headers"]?["x-forwarded-proto"] == "http")
    #expect(event["cookies"] == ["a=1", "b=2", "c=3"])
    #expect(event["rawQueryString"] == "x=1&x=2&y=a%20b+c&empty=&bare&%C3%BC=%zz")
    #expect(event["queryStringParameters"] == ["x": "1,2", "y": "a b c", "empty": "", "bare": "", "ü": "%zz"])
    #expect(event["requestContext"]?["http"]?["userAgent"] == "curl")
  }

  @Test(arguments: [
    ("application/json", "{}", false), ("application/json; charset=utf-8", "{}", false), ("text/plain", "hi", false),
    ("APPLICATION/VND.API+JSON", "{}", false), ("image/svg+xml", "<svg/>", false), ("application/javascript", "1", false),
    ("application/x-www-form-urlencoded", "a=b", true), ("application/octet-stream", "hi", true), ("image/png", "x", true), ("", "hi", true),
  ])
  func `text stays text, everything else comes in base64`(_ type: String, _ body: String, _ isBase64: Bool) throws {
    let event = try event("POST", "/", "", type.isEmpty ? [:] : ["content-type": type], body)
    #expect(event["isBase64Encoded"]?.bool == isBase64)
    #expect(event["body"]?.string == (isBase64 ? Array(body.utf8).base64 : body))
  }

  @Test func `text that is no UTF-8 comes in base64`() {
    let request = WebRequest(
      id: "a", region: nil, method: "POST", path: "/", headers: ["content-type": "text/plain"], body: [0xff, 0xfe], requestID: "")
    #expect(URLEvent.body(request).isBase64)
    #expect(URLEvent.body(request).text == "//4=")
  }

  @Test func `a signed request says who signed it, and the account is the owner's`() throws {
    let caller = WebCaller(
      principal: .user(account: .two, name: "ann", path: "/", id: "AIDAANN"), accessKeyID: "AKIAANN", region: .usEast1)
    let context = try #require(try event(caller: caller)["requestContext"])
    #expect(context["accountId"] == "111111111111")
    #expect(
      context["authorizer"]?["iam"] == [
        "accessKey": "AKIAANN", "accountId": "222222222222", "callerId": "AIDAANN", "cognitoIdentity": nil, "principalOrgId": nil,
        "userArn": "arn:aws:iam::222222222222:user/ann", "userId": "AIDAANN",
      ])
  }
}
