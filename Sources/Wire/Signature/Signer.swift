import Base
import Crypto

/// Signs requests with Signature Version 4 in the `Authorization` field.
public struct Signer: Sendable {
  public var accessKeyID: String
  public var secret: String
  public var sessionToken: String?
  public var region: String
  public var service: String

  public init(accessKeyID: String, secret: String, sessionToken: String? = nil, region: String, service: String) {
    (self.accessKeyID, self.secret, self.sessionToken) = (accessKeyID, secret, sessionToken)
    (self.region, self.service) = (region, service)
  }

  /// Adds date, token, for S3 the payload hash, and the signature over all fields there are then. `headers` needs `host`.
  ///
  /// - Parameter payload: instead of the body's hash, for example `UNSIGNED-PAYLOAD`; sent as `x-amz-content-sha256`.
  public func sign(
    method: String, target: String, headers: inout HeaderFields, body: [UInt8], at time: Instant, payload: String? = nil
  ) {
    let isS3 = isS3Scope(service)
    let time = time.basicISO8601, date = String(time.prefix(8))
    headers["authorization"] = nil
    headers["x-amz-date"] = time
    headers["x-amz-security-token"] = sessionToken
    let payload = payload ?? headers["x-amz-content-sha256"] ?? SHA256.hash(bytes: body).hexText
    if isS3 || payload.utf8.count != 64 { headers["x-amz-content-sha256"] = payload }

    let names = Set(headers.fields.map(\.name)).subtracting(Self.unsigned).sorted()
    let canonical = CanonicalRequest.write(
      method, CanonicalRequest.first(target, isS3: isS3, isPresigned: false), headers, signed: names, payload: payload)
    let scope = "\(date)/\(region)/\(service)/aws4_request"
    let key = SigningKey(secret: secret, date: date, region: region, service: service)
    let signature = key.hash.code(stringToSign(time, scope, canonical)).hexText
    headers["authorization"] =
      "AWS4-HMAC-SHA256 Credential=\(accessKeyID)/\(scope), SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
  }

  /// Fields that proxies and HTTP libraries change.
  private static let unsigned: Set<String> = [
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
    "upgrade", "user-agent", "x-amzn-trace-id", "baggage", "traceparent", "tracestate",
  ]
}
