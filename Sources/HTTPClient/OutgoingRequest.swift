import Base

/// A request to somebody else's endpoint.
public struct OutgoingRequest: Sendable, Equatable {
  public var method: String
  /// `http` or `https`.
  public var url: String
  /// `host` and `content-length` come by themselves.
  public var headers: HeaderFields
  public var body: [UInt8]
  /// Real time for everything: the name, the connection, the whole answer.
  public var limit: Duration
  /// Bytes of the answer's body that are wanted; what is beyond is not read.
  public var maximumAnswer: Int

  public init(
    _ method: String, _ url: String, headers: HeaderFields = [:], body: [UInt8] = [], limit: Duration = .seconds(15),
    maximumAnswer: Int = 64 << 10
  ) {
    (self.method, self.url, self.headers, self.body) = (method, url, headers, body)
    (self.limit, self.maximumAnswer) = (limit, maximumAnswer)
  }
}

/// What the endpoint answered, whatever its status; a redirect is an answer like others.
public struct IncomingAnswer: Sendable, Equatable {
  public var status: Int
  public var headers: HeaderFields
  public var body: [UInt8]
  /// The body was longer than the request wanted.
  public var isCut: Bool

  public init(status: Int, headers: HeaderFields = [:], body: [UInt8] = [], isCut: Bool = false) {
    (self.status, self.headers, self.body, self.isCut) = (status, headers, body, isCut)
  }
}

/// Why there is no answer.
public enum OutgoingFailure: Error, Sendable, Equatable, CustomStringConvertible {
  /// The text is no URL of a web server. Trying again does not help.
  case badURL(String)
  /// No connection: no such name, nobody listens, or the certificate is not good.
  case cannotConnect(String)
  case timedOut
  /// The connection ended, or what came was not HTTP.
  case broken(String)

  public var description: String {
    switch self {
    case .badURL(let url): "\(url) is not the URL of a web server"
    case .cannotConnect(let why): "cannot connect: \(why)"
    case .timedOut: "no answer within the time limit"
    case .broken(let why): "the connection failed: \(why)"
    }
  }
}

/// Sends requests to endpoints. Services take this; `PooledHTTPClient` is the one that does it.
public protocol HTTPSender: Sendable {
  /// Throws `OutgoingFailure` when there is no answer, and CancellationError when the task is cancelled.
  func send(_ request: OutgoingRequest) async throws -> IncomingAnswer
}
