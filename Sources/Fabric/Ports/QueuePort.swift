import Base

/// A message as a poller sees it.
public struct QueueMessage: Sendable {
  public var messageID: String
  public var receiptHandle: String
  public var body: String
  public var md5OfBody: String
  public var md5OfAttributes: String?
  /// System attributes by their AWS names (`ApproximateReceiveCount`, `SentTimestamp`, …).
  public var systemAttributes: [String: String]
  public var attributes: [(name: String, value: QueueAttribute)]
  /// The way that it has come; its parent is the hop that brought it into the queue. Its trace header, unless something else is known.
  public var trace: TraceContext?

  public init(
    messageID: String, receiptHandle: String, body: String, md5OfBody: String, md5OfAttributes: String?,
    systemAttributes: [String: String], attributes: [(name: String, value: QueueAttribute)], trace: TraceContext? = nil
  ) {
    self.trace = trace ?? systemAttributes["AWSTraceHeader"].flatMap { TraceContext(header: $0) }
    (self.messageID, self.receiptHandle, self.body, self.md5OfBody) = (messageID, receiptHandle, body, md5OfBody)
    (self.md5OfAttributes, self.systemAttributes, self.attributes) = (md5OfAttributes, systemAttributes, attributes)
  }
}

/// A message attribute: its data type with an optional custom label, and a string or bytes.
public struct QueueAttribute: Sendable, Equatable {
  public enum Content: Sendable, Equatable { case string(String), binary([UInt8]) }
  public var dataType: String
  public var content: Content
  public init(dataType: String, content: Content) { (self.dataType, self.content) = (dataType, content) }
}

/// What others need to know of a queue.
public struct QueueDescription: Sendable {
  public var arn: ARN
  public var isFIFO: Bool
  public var visibilityTimeout: Duration
  public var maximumMessageSize: Int
  public init(arn: ARN, isFIFO: Bool, visibilityTimeout: Duration, maximumMessageSize: Int) {
    (self.arn, self.isFIFO) = (arn, isFIFO)
    (self.visibilityTimeout, self.maximumMessageSize) = (visibilityTimeout, maximumMessageSize)
  }
}

/// A message to be sent by a service.
public struct OutgoingMessage: Sendable {
  public var body: String
  public var attributes: [(name: String, value: QueueAttribute)]
  public var groupID: String?
  public var deduplicationID: String?
  public var traceHeader: String?
  public init(
    body: String, attributes: [(name: String, value: QueueAttribute)] = [], groupID: String? = nil,
    deduplicationID: String? = nil, traceHeader: String? = nil
  ) {
    (self.body, self.attributes, self.groupID) = (body, attributes, groupID)
    (self.deduplicationID, self.traceHeader) = (deduplicationID, traceHeader)
  }
}

/// Queues for other services: the hot paths of SQS with the same permission checks and no encoding. Implemented by SQS.
///
/// Each call asks IAM for the action of the same name (`sqs:ReceiveMessage`, …) and throws `AWSError`.
public protocol QueuePort: Sendable {
  /// Needs sqs:GetQueueAttributes.
  func describe(_ queue: ARN, as caller: Caller) async throws -> QueueDescription
  /// Waits up to `wait` (adjusted time) for a first message; at most `maximum` (1 to 10) messages.
  func receive(_ queue: ARN, maximum: Int, wait: Duration, visibilityTimeout: Duration?, as caller: Caller) async throws
    -> [QueueMessage]
  func delete(_ queue: ARN, receiptHandles: [String], as caller: Caller) async throws
  func changeVisibility(_ queue: ARN, receiptHandles: [String], to timeout: Duration, as caller: Caller) async throws
  /// Returns the message id.
  func send(_ message: OutgoingMessage, to queue: ARN, as caller: Caller) async throws -> String
}
