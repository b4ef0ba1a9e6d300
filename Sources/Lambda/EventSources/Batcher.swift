import Base
import Fabric

/// Gathers messages of a queue into batches for a function. Decides when a batch is complete.
///
/// A batch closes when it is full, when its window has passed since the first message, or when one more message would
/// take the payload over 6 MB (AWS: "Batching behavior").
struct Batcher: Sendable {
  static let maximumPayload = 6 << 20

  private let batchSize: Int
  private let window: Duration
  private var messages: [QueueMessage] = []
  private var size = 0
  private var closesAt: Instant?

  init(batchSize: Int, window: Duration) { (self.batchSize, self.window) = (batchSize, window) }

  /// When the batch that is being gathered closes; nil while it is empty.
  var deadline: Instant? { closesAt }
  var isEmpty: Bool { messages.isEmpty }
  /// How many messages the next receive may bring (at most 10, the limit of ReceiveMessage).
  var room: Int { max(1, min(10, batchSize - messages.count)) }

  /// Takes messages in; returns the batches that are complete now.
  mutating func add(_ new: [QueueMessage], now: Instant) -> [[QueueMessage]] {
    var closed: [[QueueMessage]] = []
    for message in new {
      let bytes = SQSEvent.size(of: message)
      if !messages.isEmpty, size + bytes > Self.maximumPayload { closed.append(close()) }
      if messages.isEmpty { closesAt = now + window }
      messages.append(message)
      size += bytes
      if messages.count >= batchSize { closed.append(close()) }
    }
    if let batch = tick(now: now) { closed.append(batch) }
    return closed
  }

  /// The batch, when its window has passed. Without a window whatever is there goes at once.
  mutating func tick(now: Instant) -> [QueueMessage]? {
    guard let closesAt, now >= closesAt else { return nil }
    return close()
  }

  private mutating func close() -> [QueueMessage] {
    defer { (messages, size, closesAt) = ([], 0, nil) }
    return messages
  }
}
