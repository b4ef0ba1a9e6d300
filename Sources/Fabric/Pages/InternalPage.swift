import Base

/// A page under `/_dewpoint/`, for people and tools of this server rather than for AWS clients.
public struct InternalPage: Sendable {
  /// Below `/_dewpoint/`, for example `denials`; with `/` at its end the page serves all that lies below. One that begins with
  /// `/` is the whole path.
  public var path: String
  /// Pages tell of the inside of the server, so only this machine may read them unless they say otherwise. Changes (any
  /// method but GET and HEAD) are only ever accepted from this machine.
  public var audience: Audience
  /// The page reads its body by `nextPiece`, of any size. The body of another page has at most 8 MiB.
  public var takesStream: Bool
  public var answer: @Sendable (PageRequest) async throws -> PageAnswer

  public enum Audience: Sendable { case thisMachine, everybody }

  /// - Parameter answer: may throw `AWSError`, whose status and message become the answer.
  public init(
    _ path: String, for audience: Audience = .thisMachine, takesStream: Bool = false,
    _ answer: @escaping @Sendable (PageRequest) async throws -> PageAnswer
  ) {
    (self.path, self.audience, self.takesStream, self.answer) = (path, audience, takesStream, answer)
  }
}

public struct PageRequest: Sendable {
  public var method: String
  public var path: String
  /// What stands behind the `?`, still percent-encoded; use `parameter` to read it.
  public var query: String
  /// The `Accept` field.
  public var accept: String?
  /// The whole body; empty when the page takes it as a stream.
  public var body: [UInt8]
  /// The next piece of a body that the page takes as a stream; nil at its end.
  public var nextPiece: @Sendable () async throws -> [UInt8]?

  public init(
    method: String, path: String, query: String = "", accept: String? = nil, body: [UInt8] = [],
    nextPiece: @escaping @Sendable () async throws -> [UInt8]? = { nil }
  ) {
    (self.method, self.path, self.query, self.accept) = (method, path, query, accept)
    (self.body, self.nextPiece) = (body, nextPiece)
  }

  /// For pages with one method. Throws `AWSError` 405.
  public func require(_ methods: String...) throws {
    guard !methods.contains(method), !(method == "HEAD" && methods.contains("GET")) else { return }
    throw AWSError("MethodNotAllowed", "Use \(methods.joined(separator: " or ")).", status: 405)
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
  /// Writes the body piece by piece instead. What it throws cuts the connection off, so that the reader knows.
  public var stream: (@Sendable (_ write: @escaping @Sendable ([UInt8]) async throws -> Void) async throws -> Void)?

  public init(status: Int = 200, contentType: String, body: [UInt8]) {
    (self.status, self.contentType, self.body) = (status, contentType, body)
  }
  public init(
    contentType: String,
    stream: @escaping @Sendable (_ write: @escaping @Sendable ([UInt8]) async throws -> Void) async throws -> Void
  ) {
    (status, self.contentType, body, self.stream) = (200, contentType, [], stream)
  }
  public static func json(_ value: JSON, status: Int = 200) -> Self {
    Self(status: status, contentType: "application/json", body: value.bytes + [10])
  }
  public static func text(_ text: String, status: Int = 200) -> Self {
    Self(status: status, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
  }
}
