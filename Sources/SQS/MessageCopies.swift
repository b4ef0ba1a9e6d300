import Base
import Fabric
import Synchronization

/// Messages that a standard queue is to give once more, as one does on AWS whose servers did not all take part in a deletion: at the next
/// receive, whatever became of the message in the meantime.
///
/// In memory: a copy is nothing that anybody was promised. Where there are too many, the oldest go.
final class MessageCopies: Sendable {
  private static let maximumBytes = 16 << 20
  private static let maximumCount = 1000

  private struct State {
    var copies: [(queue: QueueName, copy: Delivery)] = []
    var bytes = 0
  }
  private let state = Mutex(State())
  private let count = Atomic(0)

  /// Costs one relaxed load.
  var isEmpty: Bool { count.load(ordering: .relaxed) == 0 }

  func add(_ copy: Delivery, of queue: QueueName) {
    change { state in
      state.copies.append((queue, copy))
      state.bytes += copy.message.body.utf8.count
      while state.copies.count > Self.maximumCount || state.bytes > Self.maximumBytes {
        state.bytes -= state.copies.removeFirst().copy.message.body.utf8.count
      }
    }
  }

  /// The oldest of a queue, at most so many. Those from before its last purge, and of an earlier queue of its name, are gone.
  func take(_ maximum: Int, of queue: QueueName, in space: Space?) -> [Delivery] {
    change { state in
      var taken: [Delivery] = []
      state.copies.removeAll { name, copy in
        guard name == queue, copy.receipt.space != space || taken.count < maximum else { return false }
        state.bytes -= copy.message.body.utf8.count
        if copy.receipt.space == space { taken.append(copy) }
        return true
      }
      return taken
    }
  }

  func removeAll(of account: AccountID) {
    change { state in
      state.copies.removeAll { $0.queue.account == account }
      state.bytes = state.copies.reduce(0) { $0 + $1.copy.message.body.utf8.count }
    }
  }

  private func change<T: Sendable>(_ body: (inout State) -> T) -> T {
    state.withLock { state in
      let result = body(&state)
      count.store(state.copies.count, ordering: .relaxed)
      return result
    }
  }
}

extension SQSService {
  /// What a receive of a standard queue gives where chaos rules may strike: some of it is to come again, and it may have another order.
  func struck(_ deliveries: [Delivery], of name: QueueName) -> [Delivery] {
    guard !deliveries.isEmpty else { return deliveries }
    for delivery in deliveries {
      guard let trace = chaos.duplicate(ChaosPoint(name, delivery.trace ?? TraceContext(ambient))) else { continue }
      var copy = delivery
      copy.visibility.receiveCount += 1
      if let hop = trace.parent { copy.message.origin = MessageOrigin(trace: trace.root, hop: hop) }
      copies.add(copy, of: name)
    }
    let order = chaos.order(
      ChaosPoint(name, deliveries[0].trace ?? TraceContext(ambient)), of: deliveries.map(\.trace))
    return order.map { $0.map { deliveries[$0] } } ?? deliveries
  }
}

extension ChaosPoint {
  fileprivate init(_ queue: QueueName, _ trace: TraceContext) {
    let arn = queue.arn.text
    self.init(service: "sqs", account: queue.account, region: queue.region, source: arn, target: arn, resources: [arn], trace: trace)
  }
}
