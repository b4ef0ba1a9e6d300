import Base
import Store

/// The messages of one queue within one transaction, whatever its kind.
protocol QueueMessages {
  var queue: Queue { get }
  func send(_ message: Message) throws -> Sent
  /// Takes a message over that was received too often elsewhere.
  func takeOver(_ message: Message, _ visibility: Visibility) throws
  func receive(_ request: ReceiveRequest, deadLetters: (any QueueMessages)?) throws -> Received
  /// An old receipt deletes nothing.
  func delete(_ receipt: Receipt, at now: Instant) throws
  func changeVisibility(_ receipt: Receipt, to timeout: Duration, at now: Instant) throws
  /// Removes a message that has outlived the retention, given the row of its body.
  func expire(_ sequence: MessageSequence, _ body: [UInt8], at now: Instant) throws
}

extension QueueTransaction {
  func messages(_ queue: Queue) -> any QueueMessages {
    queue.isFIFO ? FIFOMessages(self, queue) : StandardMessages(self, queue)
  }
}

/// One look into a queue.
struct ReceiveRequest: Sendable {
  var maximum: Int
  var timeout: Duration
  var now: Instant
  /// FIFO: repeats of a receive with the same id get the same messages.
  var attemptID: String?
  /// Somebody waits, and wants to know when the next message becomes visible by itself.
  var wantsNextDue = false
  /// Standard queues: tenants whose messages come last, with how many each has in flight.
  var noisy: [Lane: Int] = [:]
  /// For a message that FIFO queues have to number anew.
  var sequence: MessageSequence = .none
}

/// What one look found.
struct Received: Sendable {
  /// A message that was handed out, as bytes: reading them is left to the caller's thread.
  struct Lease: Sendable {
    var body: [UInt8]
    var visibility: Visibility
    var receipt: Receipt
  }
  var leases: [Lease] = []
  /// There may be more that is visible now.
  var mayBeMore = false
  /// When the next message becomes visible by itself, if that was asked for.
  var nextDue: Instant?
}
