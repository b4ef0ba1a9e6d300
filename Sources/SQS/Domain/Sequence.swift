import Base
import Synchronization

/// The place of a message in the order of arrival. Unique without a durable counter that all senders would fight over.
struct MessageSequence: Hashable, Comparable, Sendable {
  /// Milliseconds of arrival times 2²¹, plus a count within the process.
  let high: Int64
  /// Random per process, so that two nodes never make the same.
  let node: Int64

  static let none = MessageSequence(high: 0, node: 0)

  static func < (a: Self, b: Self) -> Bool { (a.high, a.node) < (b.high, b.node) }

  /// The first sequence of an instant, as a bound for scans.
  static func first(at time: Instant) -> MessageSequence { MessageSequence(high: time.milliseconds << 21, node: .min) }

  /// When it was made.
  var arrival: Instant { Instant(milliseconds: high >> 21) }

  /// The 20 digits of `SequenceNumber`, growing within a queue.
  var text: String {
    let digits = String(high)
    return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
  }
}

/// Makes sequences that grow even while the clock stands still or runs back.
final class SequenceSource: Sendable {
  private let node: Int64
  private let last = Mutex<Int64>(0)

  init(_ ambient: Ambient) { node = Int64(ambient.random.number(below: 1 << 62)) }

  func next(at now: Instant) -> MessageSequence {
    MessageSequence(
      high: last.withLock { last in
        last = max(now.milliseconds << 21, last + 1)
        return last
      }, node: node)
  }
}
