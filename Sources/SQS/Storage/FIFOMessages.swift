import Base
import Store

struct FIFOMessages: QueueMessages {
  let transaction: QueueTransaction
  let queue: Queue
  init(_ transaction: QueueTransaction, _ queue: Queue) { (self.transaction, self.queue) = (transaction, queue) }
  func send(_ message: Message) throws -> Sent { throw SQSError.unsupported("FIFO") }
  func takeOver(_ message: Message, _ visibility: Visibility) throws {}
  func receive(_ request: ReceiveRequest, deadLetters: (any QueueMessages)?) throws -> Received { Received() }
  func delete(_ receipt: Receipt, at now: Instant) throws {}
  func changeVisibility(_ receipt: Receipt, to timeout: Duration, at now: Instant) throws {}
  func expire(_ sequence: MessageSequence, _ body: [UInt8]) throws {}
}
