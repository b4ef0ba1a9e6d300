import Base
import Fabric

/// The event that a request to a function URL becomes: API Gateway's payload format 2.0
/// (AWS: "Invoking Lambda function URLs", Request payload format).
struct URLEvent {
  /// Who signed; nil for a URL without authentication.
  var caller: WebCaller?
  var trace: TraceContext
  var now: Instant

  /// - Parameter owner: the account of the function.
  func payload(of request: WebRequest, domain: String, owner: AccountID) -> [UInt8] {
    var event = JSONObject([
      ("version", "2.0"), ("routeKey", "$default"), ("rawPath", .string(request.path)), ("rawQueryString", .string(request.query)),
    ])
    let cookies = request.headers.all("cookie").flatMap { $0.split(separator: ";").map { String($0).trimmed } }.filter { !$0.isEmpty }
    if !cookies.isEmpty { event["cookies"] = .array(cookies.map { .string($0) }) }
    event["headers"] = .object(headers(of: request))
    let parameters = Self.parameters(request.query)
    if !parameters.isEmpty { event["queryStringParameters"] = .object(parameters) }
    event["requestContext"] = .object(context(of: request, domain: domain, owner: owner))
    let body = Self.body(request)
    if let text = body.text { event["body"] = .string(text) }
    event["isBase64Encoded"] = .bool(body.isBase64)
    return JSON.object(event).bytes
  }

  /// Those that come more than once are joined by commas; the cookies stand by themselves.
  private func headers(of request: WebRequest) -> JSONObject {
    var headers = JSONObject()
    for field in request.headers where field.name != "cookie" && field.name != "connection" {
      let earlier = headers[field.name]?.string
      headers[field.name] = .string(earlier.map { "\($0),\(field.value)" } ?? field.value)
    }
    let port = request.headers["host"].flatMap { host in host.lastIndex(of: ":").map { String(host[$0...].dropFirst()) } }
    headers["x-amzn-trace-id"] = .string(trace.header)
    headers["x-forwarded-for"] = .string(request.address ?? "127.0.0.1")
    headers["x-forwarded-port"] = .string(port.flatMap { UInt16($0) == nil ? nil : $0 } ?? (request.isSecure ? "443" : "80"))
    headers["x-forwarded-proto"] = .string(request.isSecure ? "https" : "http")
    return headers
  }

  /// The values of a name that comes more than once are joined by commas.
  private static func parameters(_ query: String) -> JSONObject {
    var parameters = JSONObject()
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = percentDecoded(String(parts[0]), plusIsSpace: true)
      let value = parts.count > 1 ? percentDecoded(String(parts[1]), plusIsSpace: true) : ""
      parameters[name] = .string(parameters[name]?.string.map { "\($0),\(value)" } ?? value)
    }
    return parameters
  }

  private func context(of request: WebRequest, domain: String, owner: AccountID) -> JSONObject {
    var context = JSONObject([
      ("accountId", .string(caller == nil ? "anonymous" : owner.text)), ("apiId", .string(request.id)),
    ])
    if let caller { context["authorizer"] = ["iam": .object(Self.identity(caller))] }
    context["domainName"] = .string(domain)
    context["domainPrefix"] = .string(request.id)
    context["http"] = [
      "method": .string(request.method), "path": .string(request.path), "protocol": "HTTP/1.1",
      "sourceIp": .string(request.address ?? "127.0.0.1"), "userAgent": .string(request.headers["user-agent"] ?? ""),
    ]
    context["requestId"] = .string(request.requestID)
    context["routeKey"] = "$default"
    context["stage"] = "$default"
    context["time"] = .string(now.commonLogTime)
    context["timeEpoch"] = .int(now.milliseconds)
    return context
  }

  private static func identity(_ caller: WebCaller) -> JSONObject {
    let id = caller.principal.userID
    return JSONObject([
      ("accessKey", .string(caller.accessKeyID)), ("accountId", .string(caller.principal.account?.text ?? "")),
      ("callerId", .string(id)), ("cognitoIdentity", nil), ("principalOrgId", nil), ("userArn", .string(caller.principal.arn)),
      ("userId", .string(id)),
    ])
  }

  /// Text stays text; everything else comes in base64. A form counts as everything else, as on AWS.
  static func body(_ request: WebRequest) -> (text: String?, isBase64: Bool) {
    if request.body.isEmpty { return (nil, false) }
    if isText(request.headers["content-type"] ?? ""), let text = String(validating: request.body, as: UTF8.self) { return (text, false) }
    return (request.body.base64, true)
  }

  private static func isText(_ contentType: String) -> Bool {
    let type = contentType.prefix { $0 != ";" }.lowercased().trimmed
    return type.hasPrefix("text/") || type.hasSuffix("+json") || type.hasSuffix("+xml")
      || ["application/json", "application/xml", "application/javascript"].contains(type)
  }
}

extension Instant {
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  /// `12/Mar/2020:19:03:58 +0000`
  fileprivate var commonLogTime: String {
    let t = CivilTime(self)
    return "\(padded(t.day, 2))/\(Self.months[t.month - 1])/\(padded(t.year, 4)):\(padded(t.hour, 2)):\(padded(t.minute, 2)):"
      + "\(padded(t.second, 2)) +0000"
  }
}
