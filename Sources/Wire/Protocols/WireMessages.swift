import Base

/// A request as the codecs see it: after routing and authentication, before its meaning is known.
public struct WireRequest: Sendable {
  public var method: String
  /// As it arrived, percent-encoding included.
  public var path: String
  /// As it arrived, without the question mark.
  public var query: String
  public var headers: HeaderFields
  public var body: [UInt8]

  public init(method: String = "POST", path: String = "/", query: String = "", headers: HeaderFields = [:], body: [UInt8] = []) {
    (self.method, self.path, self.query, self.headers, self.body) = (method, path, query, headers, body)
  }
}

/// A complete answer. The transport adds `Date` and `Content-Length`.
public struct WireResponse: Sendable {
  public var status: Int
  public var headers: HeaderFields
  public var body: [UInt8]

  public init(status: Int, headers: HeaderFields = [:], body: [UInt8] = []) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
}
