import Base
import Fabric
import Store
import Synchronization

/// Delivers the batches of some of the delivery streams, one after the other, when they are complete.
final class DeliveryLane: Worker {
  let name: String
  let nudge = Nudge()
  private let number: Int64
  private let count: Int64
  private let delivery: Delivery
  /// Of streams whose last delivery failed. In memory: after a restart they are tried at once.
  private let trials = Mutex<[Int64: DeliveryTrial]>([:])

  init(_ number: Int, of count: Int, _ delivery: Delivery) {
    (self.number, self.count, self.delivery) = (Int64(number), Int64(count), delivery)
    name = "firehose-delivery-\(number)"
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let (number, count) = (number, count)
    let streams = try await delivery.store.read { rows in
      try rows.deliveryStreams(Keys.streams(after: nil)).filter { $0.status == .active && $0.id % count == number }
    }
    var next: Instant?
    for stream in streams {
      let due = try await deliver(stream)
      if let due { next = min(next ?? due, due) }
    }
    return next.map { .at($0) } ?? .onNudge
  }

  /// Delivers what is due, but no more than a few batches before the others of the lane have their turn.
  /// - Returns: when there is something to do again; nil when nothing waits.
  private func deliver(_ stream: DeliveryStream) async throws -> Instant? {
    for _ in 0..<FirehoseLimits.deliveriesPerTurn {
      guard let due = try await delivery.due(stream) else {
        trials.withLock { $0[stream.id] = nil }
        return nil
      }
      let trial = trials.withLock { $0[stream.id] }?.seen(at: delivery.ambient.now)
      let when = max(due, trial?.next ?? due)
      guard delivery.ambient.now >= when else { return when }
      do {
        try await delivery.deliver(stream, trial)
        trials.withLock { $0[stream.id] = nil }
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        let failed = DeliveryTrial(after: trial, at: delivery.ambient.now)
        trials.withLock { $0[stream.id] = failed }
        await delivery.tell(stream, error, failed)
      }
    }
    return delivery.ambient.now
  }
}

/// A batch that could not be delivered yet.
struct DeliveryTrial: Sendable, Equatable {
  var attempts: Int
  var began: Instant
  var next: Instant

  /// When the clock was set back the next attempt is due: it would be as far away as the clock was ahead.
  func seen(at now: Instant) -> DeliveryTrial {
    guard next > now + FirehoseLimits.longestPause else { return self }
    var trial = self
    (trial.began, trial.next) = (min(began, now), now)
    return trial
  }

  /// The pauses double.
  init(after last: DeliveryTrial?, at now: Instant) {
    attempts = (last?.attempts ?? 0) + 1
    began = last?.began ?? now
    let pause = FirehoseLimits.firstPause * (1 << min(attempts - 1, 10))
    next = now + min(pause, FirehoseLimits.longestPause)
  }
}
