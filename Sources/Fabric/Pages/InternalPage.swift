import Base

/// A page under `/_dewpoint/`, for people and tools of this server rather than for AWS clients.
public struct InternalPage: Sendable {
  /// Below `/_dewpoint/`, for example `denials`; with `/` at its end the page serves all that lies below.
  public var path: String
  /// Pages tell of the inside of the server, so only this machine may read them unless they say otherwise. Changes (any
  /// method but GET and HEAD) are only ever accepted from this machine.
  public var audience: Audience
  public var answer: @Sendable (PageRequest) async throws -> PageAnswer

  public enum Audience: Sendable { case thisMachine, everybody }

  /// - Parameter answer: may throw `AWSError`, whose status and message become the answer.
  public init(
    _ path: String, for audience: Audience = .thisMachine,
    _ answer: @escaping @Sendable (PageRequest) async throws -> PageAnswer
  ) {
    (self.path, self.audience, self.answer) = (path, audience, answer)
  }
}

public struct PageRequest: Sendable {
  public var method: String
  public var path: String
  /// What stands behind the `?`, still percent-encoded; use `parameter` to read it.
  public var query: String
  public var body: [UInt8]

  public init(method: String, path: String, query: String = "", body: [UInt8] = []) {
    (self.method, self.path, self.query, self.body) = (method, path, query, body)
  }

  /// The decoded value of a query parameter; nil when it is not given.
  public func parameter(_ name: String) -> String? {
    for pair in query.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard percentDecoded(String(parts[0]), plusIsSpace: true) == name else { continue }
      return parts.count > 1 ? percentDecoded(String(parts[1]), plusIsSpace: true) : ""
    }
    return nil
  }
}

public struct PageAnswer: Sendable {
  public var status: Int
  public var contentType: String
  public var body: [UInt8]

  public init(status: Int = 200, contentType: String, body: [UInt8]) {
    (self.status, self.contentType, self.body) = (status, contentType, body)
  }
  public static func json(_ value: JSON, status: Int = 200) -> Self {
    Self(status: status, contentType: "application/json", body: value.bytes + [10])
  }
  public static func text(_ text: String, status: Int = 200) -> Self {
    Self(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
  }
}
