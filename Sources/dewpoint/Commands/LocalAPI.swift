import Base
import Wire

/// Calls of the AWS APIs on a running server, signed, for the commands; blocking.
struct LocalAPI {
  let endpoint: String
  let region: String
  private let accessKeyID: String
  private let secret: String
  private let sessionToken: String?
  private let clock = AdjustableClock()

  /// - Parameter account: whose root calls where the environment has no keys.
  init(endpoint: String, account: String, region: String) {
    (self.endpoint, self.region) = (endpoint, region)
    accessKeyID = environment("AWS_ACCESS_KEY_ID") ?? account
    secret = environment("AWS_SECRET_ACCESS_KEY") ?? "secret"
    sessionToken = environment("AWS_SESSION_TOKEN")
  }

  /// What a service refused.
  struct Refusal: Error, CustomStringConvertible {
    var status: Int
    var code: String
    var description: String
  }

  /// Lambda's protocol.
  /// - Throws: `Refusal`, or what `LocalHTTP` throws.
  @discardableResult
  func lambda(_ method: String, _ path: String, _ body: JSON? = nil) throws -> JSON {
    try json("lambda", method, path, body?.bytes ?? [], ["content-type": "application/json"])
  }

  /// A service that takes its operation as a target.
  @discardableResult
  func call(_ service: String, _ target: String, _ body: JSON) throws -> JSON {
    try json(service, "POST", "/", body.bytes, ["content-type": "application/x-amz-json-1.0", "x-amz-target": target])
  }

  /// A service of the Query protocol: the text of the first element of a name.
  @discardableResult
  func query(_ service: String, version: String, _ parameters: [(String, String)], answer name: String) throws -> String? {
    let form = ([("Version", version)] + parameters).map { "\($0)=\(percentEncoded($1))" }.joined(separator: "&")
    let (status, bytes) = try send(
      service, "POST", "/", Array(form.utf8), ["content-type": "application/x-www-form-urlencoded; charset=utf-8"])
    let text = bytes.utf8Text
    guard status < 300 else {
      throw Refusal(status: status, code: Self.element("Code", text) ?? "", description: Self.element("Message", text) ?? "status \(status)")
    }
    return Self.element(name, text)
  }

  private static func element(_ name: String, _ xml: String) -> String? {
    guard let open = xml.firstRange(of: "<\(name)>"), let close = xml[open.upperBound...].firstRange(of: "</\(name)>") else { return nil }
    return String(xml[open.upperBound..<close.lowerBound])
  }

  private func json(_ service: String, _ method: String, _ path: String, _ body: [UInt8], _ headers: HeaderFields) throws -> JSON {
    let (status, bytes) = try send(service, method, path, body, headers)
    let answer = (try? JSON.parse(bytes)) ?? .null
    guard status < 300 else {
      let words = answer["message"]?.string ?? answer["Message"]?.string ?? "status \(status)"
      throw Refusal(status: status, code: answer["__type"]?.string ?? answer["code"]?.string ?? "", description: words)
    }
    return answer
  }

  private func send(
    _ service: String, _ method: String, _ path: String, _ body: [UInt8], _ headers: HeaderFields
  ) throws -> (status: Int, body: [UInt8]) {
    var headers = headers
    headers["host"] = LocalHTTP.authority(endpoint)
    let signer = Signer(accessKeyID: accessKeyID, secret: secret, sessionToken: sessionToken, region: region, service: service)
    signer.sign(method: method, target: path, headers: &headers, body: body, at: clock.wallNow())
    // The connection writes it itself.
    headers["host"] = nil
    return try LocalHTTP.send(method, endpoint, path, body, headers: headers)
  }
}
