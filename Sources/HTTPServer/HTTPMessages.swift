import Base

/// What is known of a request before its body.
public struct HTTPRequestHead: Sendable {
  public var method: String
  /// The request target exactly as it was sent: neither decoded nor normalised, because signatures and S3 keys need it so.
  ///
  /// A target in absolute form (`GET http://host/path`) comes as its path, with its host as the `host` field.
  public var target: String
  /// Over HTTP/2 `:authority` is the `host` field.
  public var headers: HeaderFields
  /// The client's IP address without its port; nil for sockets that have none.
  public var remoteAddress: String?
  /// The label of the listener that took the connection.
  public var listener: String
  /// It came over TLS.
  public var isSecure: Bool

  public init(
    method: String, target: String, headers: HeaderFields = [:], remoteAddress: String? = nil, listener: String = "",
    isSecure: Bool = false
  ) {
    (self.method, self.target, self.headers) = (method, target, headers)
    (self.remoteAddress, self.listener, self.isSecure) = (remoteAddress, listener, isSecure)
  }
}

public struct HTTPRequest: Sendable {
  public var head: HTTPRequestHead
  /// The whole body, or empty when it is to be read from `bodyStream`.
  public var body: [UInt8]
  /// Set when the handler admitted streaming and the body is larger than it wanted to have collected.
  public var bodyStream: HTTPBodyStream?
  /// Fields after a chunked body that was collected. A streamed body has its own.
  public var trailers: HeaderFields

  public init(head: HTTPRequestHead, body: [UInt8] = [], bodyStream: HTTPBodyStream? = nil, trailers: HeaderFields = [:]) {
    (self.head, self.body, self.bodyStream, self.trailers) = (head, body, bodyStream, trailers)
  }

  public var method: String { head.method }
  public var target: String { head.target }
  public var headers: HeaderFields { head.headers }
  public var remoteAddress: String? { head.remoteAddress }
  public var listener: String { head.listener }
  public var isSecure: Bool { head.isSecure }
}

public struct HTTPResponse: Sendable {
  public enum Body: Sendable {
    case bytes([UInt8])
    /// Writes the body piece by piece. The head goes out first: with the `content-length` of the response if it has one,
    /// else chunked. When the closure throws, the connection (or stream) ends without the end of the body, so that the client knows.
    case stream(@Sendable (HTTPBodyWriter) async throws -> Void)
  }
  public var status: Int
  /// `date`, `transfer-encoding` and (of a body in bytes) `content-length` are the server's and ignored here;
  /// `connection: close` ends the connection after this response.
  public var headers: HeaderFields
  public var body: Body

  public init(status: Int, headers: HeaderFields = [:], body: Body) {
    (self.status, self.headers, self.body) = (status, headers, body)
  }
  public init(status: Int, headers: HeaderFields = [:], body: [UInt8] = []) {
    self.init(status: status, headers: headers, body: .bytes(body))
  }
}

/// What a handler wants done with the body that follows a head.
public enum HTTPAdmission: Sendable {
  /// Hand the body over in one piece; a larger one is answered by `tooLarge`.
  case collect(upTo: Int)
  /// Hand a body of up to `over` bytes over in one piece and stream a larger one. A stream ends with
  /// `HTTPServerError.bodyTooLarge` after `upTo` bytes; a declared length above it is answered by `tooLarge` at once.
  case stream(over: Int, upTo: Int)
  /// Run the handler before the first byte of the body has come, and hand all of it over as a stream, which ends as above after
  /// `upTo` bytes. Its parts may come as slowly as they like: for clients whose own life is limited (functions that run).
  case streamAtOnce(upTo: Int)
  /// Answer this without the body and close the connection.
  case refuse(HTTPResponse)
}

/// Answers requests. All methods are called on an event loop: do not block there.
public protocol HTTPHandler: Sendable {
  /// The task is cancelled when the client goes away. It may take as long as it likes (long polls).
  func handle(_ request: HTTPRequest) async -> HTTPResponse
  /// Decides before the body is read, and before `100 Continue` is sent.
  func admit(_ head: HTTPRequestHead) -> HTTPAdmission
  /// The answer to a body over the limit; the connection closes after it.
  func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse
}

extension HTTPHandler {
  /// 6 MiB and some room, the largest body of an AWS API other than S3.
  public func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .collect(upTo: 7 << 20) }
  public func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse { HTTPResponse(status: 413) }
}

public enum HTTPServerError: Error, Sendable, Equatable {
  /// The connection ended before the body was read or written.
  case clientGone
  case bodyTooLarge(maximum: Int)
  /// Broken chunked framing.
  case malformedBody
  /// The client sent its body slower than the configured rate.
  case bodyTooSlow
  /// A streamed response did not write what its `content-length` says.
  case lengthMismatch(declared: Int, written: Int)
  /// Two tasks read one body stream at the same time.
  case concurrentReads
  /// The response had ended (or failed) before this write.
  case responseEnded
  case shutDown
  case cannotListen(String)
  /// The certificate or the key for TLS cannot be used.
  case badCertificate(String)
}
