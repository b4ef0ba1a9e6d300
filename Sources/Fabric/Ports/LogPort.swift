import Base

/// Log groups for other services. Implemented by CloudWatch.
public protocol LogPort: Sendable {
  /// Appends lines to a stream, making the group and the stream when they are missing, as the caller is allowed to
  /// (logs:CreateLogGroup, logs:CreateLogStream, logs:PutLogEvents). Lines of one call keep their order.
  func write(_ lines: [LogLine], group: String, stream: String, as caller: Caller) async throws
}

public struct LogLine: Sendable {
  public var time: Instant
  public var message: String
  public init(time: Instant, message: String) { (self.time, self.message) = (time, message) }
}
