import Base

/// Limits and times of a server. Times here are real time: they guard sockets, not services.
public struct HTTPServerConfiguration: Sendable {
  /// Threads that read, write and run handlers. Nil: one for each core.
  public var eventLoops: Int?
  /// Of each listener that `listen` opens; a connection over it gets 503 and is closed.
  public var maximumConnections = 10_000
  /// Of each adopted listener.
  public var maximumConnectionsOfAdopted = 256
  /// Request line and header fields together, in bytes; over it 431.
  public var maximumHeadBytes = 1 << 20
  /// Header fields of a request; over it 431.
  public var maximumHeaderFields = 1024
  /// Requests that wait behind a running one on a connection before its socket is no longer read.
  public var maximumPipelined = 16
  /// Body bytes that wait for the reader of a stream, or behind a running request, before the socket is no longer read.
  public var bodyBufferBytes = 256 << 10

  /// A kept connection without a request is closed after this.
  public var idleTimeout: Duration = .seconds(75)
  /// From the connection (or the first byte of a later request) to the end of the head; then 408 and close.
  public var headTimeout: Duration = .seconds(20)
  /// A body may take this long plus one second for each `minimumBodyRate` bytes that have come; then 408 and close.
  public var bodyTimeout: Duration = .seconds(30)
  public var minimumBodyRate = 1024
  /// A client that takes no byte of its response for this long is cut off.
  public var writeTimeout: Duration = .seconds(60)
  /// How long unread input is thrown away after an early answer, so that a reset does not destroy that answer.
  public var lingerTimeout: Duration = .seconds(2)

  public init(eventLoops: Int? = nil) { self.eventLoops = eventLoops }
}
