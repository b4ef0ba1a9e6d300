import Base

/// Limits and times of a server. Times here are real time: they guard sockets, not services.
public struct HTTPServerConfiguration: Sendable {
  /// Threads that read, write and run handlers. Nil: one for each core.
  public var eventLoops: Int?

  // Connections.

  /// Of each listener that `listen` opens; a connection over it gets 503 and is closed.
  public var maximumConnections = 10_000
  /// Of each adopted listener.
  public var maximumConnectionsOfAdopted = 256
  /// Of one client address (of IPv6 one /64), over all listeners; answered as above. Loopback is not counted: behind it are
  /// all clients of a host.
  public var maximumConnectionsPerAddress = 1000

  // Heads.

  /// The request target in bytes; over it 414.
  public var maximumTargetBytes = 32 << 10
  /// Request line and header fields together, in bytes; over it 431. The same for trailers and for the header list of HTTP/2.
  public var maximumHeadBytes = 64 << 10
  /// Of adopted listeners. Lambda's runtime clients report the cause of an error in a field of up to 1 MB.
  public var maximumHeadBytesOfAdopted = 5 << 18
  /// Header fields of a request; over it 431.
  public var maximumHeaderFields = 256
  /// Requests that wait behind a running one on a connection before its socket is no longer read.
  public var maximumPipelined = 16
  /// Pipelined requests that a connection may have answered before the other connections of its event loop have their turn.
  public var maximumPerTurn = 32

  // Memory.

  /// Body bytes that wait for the reader of a stream, or bytes behind a running request, before the socket is no longer read.
  public var bodyBufferBytes = 256 << 10
  /// What all connections together may hold of bodies that come in or are worked on, of answers that clients do not take and
  /// of pipelined requests. Over it a request gets 503 and its connection closes; bodies up to `smallBodyBytes` have an
  /// eighth more.
  public var maximumHeldBytes = 512 << 20
  public var smallBodyBytes = 64 << 10

  // HTTP/2.

  /// Streams open at a time on a connection; the client is told so, and more are refused.
  public var maximumConcurrentStreams = 100
  /// How many bytes a stream, and all streams of a connection, may send ahead of their readers.
  public var streamWindowBytes = 64 << 10
  public var connectionWindowBytes = 256 << 10
  /// Streams that the client resets, errors that it makes, and PING, SETTINGS and PRIORITY frames, each within `floodWindow`;
  /// over it GOAWAY and close.
  public var maximumResets = 200
  public var maximumStreamErrors = 100
  public var maximumControlFrames = 200
  public var floodWindow: Duration = .seconds(30)

  // Times.

  /// A kept connection without a request is closed after this.
  public var idleTimeout: Duration = .seconds(75)
  /// From the connection (or the first byte of a later request) to the end of the head; then 408 and close. TLS handshakes
  /// have the same time, and no answer.
  public var headTimeout: Duration = .seconds(20)
  /// A body may take this long plus one second for each `minimumBodyRate` bytes that have come; then 408 and close. Of a
  /// streamed body each part may take this long.
  public var bodyTimeout: Duration = .seconds(30)
  public var minimumBodyRate = 8 << 10
  /// A client that takes no byte of its response for this long is cut off.
  public var writeTimeout: Duration = .seconds(60)
  /// How long unread input is thrown away after an early answer, so that a reset does not destroy that answer.
  public var lingerTimeout: Duration = .seconds(2)

  public init(eventLoops: Int? = nil) { self.eventLoops = eventLoops }
}
