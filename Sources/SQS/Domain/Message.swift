import Base
import Fabric

/// A message as it is kept: what its sender gave, and what a receiver is told of its origin. It never changes but by a
/// move to another queue; what each receive changes is in `Visibility`.
struct Message: Sendable, Equatable {
  var id: String
  var sequence: MessageSequence
  var senderID: String
  /// When the message was sent. Retention counts from here, also after a move from a standard queue.
  var sentAt: Instant
  var body: String
  var bodyMD5: String
  var attributes: [MessageAttribute]
  var attributesMD5: String?
  var traceHeader: String?
  var groupID: String?
  var deduplicationID: String?
  /// The ARN of the queue from which the message was moved because it had been received too often.
  var deadLetterSource: String?
  /// When it could be received first in this queue.
  var firstVisibleAt: Instant
  /// The hop that brought it into this queue. Unlike the trace header it is not shown to receivers.
  var origin: MessageOrigin?

  /// What counts against the limits.
  var size: Int { attributes.reduce(body.utf8.count) { $0 + $1.size } }
}

/// A hop that has brought a message into a queue.
struct MessageOrigin: Sendable, Equatable {
  /// The root of its trace.
  var trace: String
  var hop: String
}

/// A message that went from one queue to another.
struct MessageMove: Sendable {
  enum Cause: Sendable {
    case received(times: Int, atMost: Int)
    case moveTask
  }
  var origin: MessageOrigin
  var hop: String
  var source: QueueName
  var target: QueueName
  var cause: Cause
}

/// What the receives of a message change.
struct Visibility: Sendable, Equatable {
  var sentAt: Instant
  /// Across all queues in which the message has been.
  var receiveCount = 0
  /// What the count was when the message came into this queue: redrive counts from there.
  var countOnArrival = 0
  var firstReceivedAt: Instant?
  /// ChangeMessageVisibility has put the row elsewhere than the receipt handle says.
  var isMoved = false

  func isExpired(at now: Instant, in queue: Queue) -> Bool { now >= sentAt + queue.retention }

  /// Whether the next receive has to move the message instead: it has been received as often as the policy allows.
  func isExhausted(by policy: RedrivePolicy) -> Bool { receiveCount - countOnArrival >= policy.maximumReceives }

  mutating func receive(at now: Instant) {
    receiveCount += 1
    firstReceivedAt = firstReceivedAt ?? now
    isMoved = false
  }
}

/// A message that a receive has handed out.
struct Delivery: Sendable {
  var message: Message
  var visibility: Visibility
  var receipt: Receipt

  /// For what comes of the message.
  var trace: TraceContext? {
    let header = message.traceHeader.flatMap { TraceContext(header: $0) }
    guard let origin = message.origin else { return header }
    let trace = header?.root == origin.trace ? header : TraceContext(root: origin.trace)
    return trace?.under(origin.hop)
  }

  /// System attributes by their AWS names.
  var systemAttributes: [String: String] {
    var out = [
      "SenderId": message.senderID, "SentTimestamp": String(message.sentAt.milliseconds),
      "ApproximateReceiveCount": String(visibility.receiveCount),
    ]
    out["ApproximateFirstReceiveTimestamp"] = visibility.firstReceivedAt.map { String($0.milliseconds) }
    out["AWSTraceHeader"] = message.traceHeader
    out["MessageGroupId"] = message.groupID
    out["MessageDeduplicationId"] = message.deduplicationID
    // Only FIFO queues have deduplication ids, and each of their messages has one.
    if message.deduplicationID != nil { out["SequenceNumber"] = message.sequence.text }
    out["DeadLetterQueueSourceArn"] = message.deadLetterSource
    return out
  }
}
