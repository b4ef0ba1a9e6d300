import Base

/// The HTTP response that the result of a function behind a URL means
/// (AWS: "Invoking Lambda function URLs", Response payload format).
struct URLResponse: Sendable, Equatable {
  /// The result is no response: the client gets 502.
  struct Malformed: Error, Equatable { var reason: String }

  var status: Int
  var headers: HeaderFields
  var body: [UInt8]

  /// An object with `statusCode` says what the response is. Everything else is the body of a 200, as JSON; text without its
  /// quotes.
  static func infer(_ payload: [UInt8]) throws(Malformed) -> URLResponse {
    let result: JSON
    do { result = try JSON.parse(payload) } catch { throw Malformed(reason: "not JSON: \(error)") }
    if let object = result.object, object["statusCode"] != nil { return try structured(object) }
    let body = result.string.map { Array($0.utf8) } ?? payload
    return URLResponse(status: 200, headers: ["content-type": "application/json"], body: body)
  }

  private static func structured(_ object: JSONObject) throws(Malformed) -> URLResponse {
    var response = try head(object)
    if response.headers["content-type"] == nil { response.headers["content-type"] = "application/json" }
    let isBase64: Bool
    switch object["isBase64Encoded"] {
    case nil, .null: isBase64 = false
    case .bool(let flag): isBase64 = flag
    default: throw Malformed(reason: "isBase64Encoded is no boolean")
    }
    switch object["body"] {
    case nil, .null: break
    case .string(let text) where isBase64:
      guard let bytes = decodeBase64(text) else { throw Malformed(reason: "the body is no base64") }
      response.body = bytes
    case .string(let text): response.body = Array(text.utf8)
    case let other?: response.body = other.bytes
    }
    return response
  }

  /// What a whole response and the prelude of a streamed one have in common: `statusCode`, `headers` and `cookies`.
  static func head(_ object: JSONObject) throws(Malformed) -> URLResponse {
    var response = URLResponse(status: try status(object["statusCode"]), headers: [:], body: [])
    switch object["headers"] {
    case nil, .null: break
    case .object(let fields):
      for (name, value) in fields { try response.add(name, value) }
    default: throw Malformed(reason: "headers is no object")
    }
    switch object["cookies"] {
    case nil, .null: break
    case .array(let cookies):
      for cookie in cookies {
        guard let text = cookie.string, isFieldValue(text) else { throw Malformed(reason: "a cookie is no text") }
        response.headers.add(lowercased: "set-cookie", text)
      }
    default: throw Malformed(reason: "cookies is no list")
    }
    return response
  }

  /// 200 when there is none, which only a prelude may leave out.
  private static func status(_ value: JSON?) throws(Malformed) -> Int {
    guard let value else { return 200 }
    let status = value.int.map { Int(clamping: $0) } ?? value.string.flatMap { Int($0) }
    guard let status, (200...599).contains(status) else { throw Malformed(reason: "statusCode is no status of an answer") }
    return status
  }

  /// Fields of the connection, which are the server's to set: they come out under another name, as on AWS.
  private static let remapped: Set<String> = [
    "connection", "content-length", "date", "host", "keep-alive", "proxy-authenticate", "server", "te", "trailer",
    "transfer-encoding", "upgrade", "www-authenticate",
  ]

  private mutating func add(_ name: String, _ value: JSON) throws(Malformed) {
    let text: String
    switch value {
    case .string(let string): text = string
    case .int, .double, .number, .bool: text = value.text
    case .null: return
    case .array, .object: throw Malformed(reason: "the header \(name) is no text")
    }
    guard Self.isFieldName(name), Self.isFieldValue(text) else { throw Malformed(reason: "a header is none of HTTP") }
    let name = name.lowercased()
    headers.add(lowercased: Self.remapped.contains(name) ? "x-amzn-remapped-\(name)" : name, text)
  }

  /// A token of RFC 9110.
  private static func isFieldName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        byte | 32 >= 97 && byte | 32 <= 122 || byte >= 48 && byte <= 57 || "!#$%&'*+-.^_`|~".utf8.contains(byte)
      }
  }
  /// Nothing that could begin another field.
  private static func isFieldValue(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 32 && $0 != 127 || $0 == 9 } }
}
