import Base
import HTTPServer

/// What a browser must hear before it lets a page of an allowed origin call us and read the answer (CORS).
enum CrossOrigin {
  /// The answer to a preflight; nil when the request is none. The guard has allowed the origin already.
  static func preflight(_ request: HTTPRequest) -> HTTPResponse? {
    guard request.method == "OPTIONS", request.headers["origin"] != nil,
      let method = request.headers["access-control-request-method"]
    else { return nil }
    var headers: HeaderFields = ["access-control-allow-methods": method, "access-control-max-age": "600"]
    headers["access-control-allow-headers"] = request.headers["access-control-request-headers"]
    if request.headers["access-control-request-private-network"] == "true" {
      headers["access-control-allow-private-network"] = "true"
    }
    return mark(HTTPResponse(status: 204, headers: headers), for: request)
  }

  /// The names of a list of header fields, in lower case.
  static func names(_ list: String) -> [String] {
    list.split(separator: ",").map { String($0).trimmed.lowercased() }.filter { !$0.isEmpty }
  }

  static func mark(_ response: HTTPResponse, for request: HTTPRequest) -> HTTPResponse {
    guard let origin = request.headers["origin"] else { return response }
    var response = response
    response.headers["access-control-allow-origin"] = origin
    response.headers["vary"] = "Origin"
    response.headers["access-control-expose-headers"] =
      "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-amzn-query-error,x-amz-request-id,x-amz-function-error,"
      + "x-amz-log-result,x-amz-executed-version,Date"
    return response
  }
}
