import Synchronization

/// What functions have made of batches that could not be delivered: they are not called again for the next attempt. In memory and
/// bounded: after a restart, or when there is no room, a function sees its records once more, as it may on AWS.
final class HeldOutcomes: Sendable {
  private struct Held {
    var last: Int64
    var version: Int
    var bytes: Int
    var outcome: Transformation.Outcome
  }
  private let held = Mutex<[Int64: Held]>([:])

  /// Of a batch that ends with this record, by the configuration as it is.
  func find(_ stream: DeliveryStream, last: Int64) -> Transformation.Outcome? {
    held.withLock { held in
      guard let found = held[stream.id], found.last == last, found.version == stream.version else { return nil }
      return found.outcome
    }
  }

  func keep(_ outcome: Transformation.Outcome, _ stream: DeliveryStream, last: Int64) {
    let bytes = outcome.records.reduce(0) { $0 + $1.data.count } + outcome.failed.reduce(0) { $0 + $1.record.data.count }
    held.withLock { held in
      held[stream.id] = nil
      // The others may be of delivery streams that are gone.
      if held.values.reduce(bytes, { $0 + $1.bytes }) > FirehoseLimits.outcomeBytes { held.removeAll() }
      guard bytes <= FirehoseLimits.outcomeBytes else { return }
      held[stream.id] = Held(last: last, version: stream.version, bytes: bytes, outcome: outcome)
    }
  }

  func drop(_ stream: DeliveryStream) { held.withLock { $0[stream.id] = nil } }
}
