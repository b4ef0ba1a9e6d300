import Base

/// The decision about one PutLogEvents: which of its events are taken.
struct EventBatch: Sendable, Equatable {
  /// Indices into what was sent, as `rejectedLogEventsInfo` tells them.
  struct Rejections: Sendable, Equatable {
    var tooNewStart: Int?
    var tooOldEnd: Int?
    var expiredEnd: Int?
    var isEmpty: Bool { tooNewStart == nil && tooOldEnd == nil && expiredEnd == nil }
  }
  var accepted: [EventChunk.Event]
  var rejections: Rejections

  /// Throws InvalidParameterException when the call as a whole breaks a limit.
  static func check(_ events: [EventChunk.Event]) throws {
    var size = 0
    for event in events {
      let own = event.message.count + LogsLimits.eventOverhead
      guard own <= LogsLimits.batchBytes else {
        throw AWSError.invalidParameter("Log event too large: \(own) bytes exceeds limit of \(LogsLimits.batchBytes)")
      }
      size += own
    }
    guard size <= LogsLimits.batchBytes else {
      throw AWSError.invalidParameter("Upload too large: \(size) bytes exceeds limit of \(LogsLimits.batchBytes)")
    }
    guard zip(events, events.dropFirst()).allSatisfy({ $0.time <= $1.time }) else {
      throw AWSError.invalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
    }
    if let first = events.first, let last = events.last, last.time - first.time > LogsLimits.batchSpan {
      throw AWSError.invalidParameter(
        "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
    }
  }

  /// - Parameter events: in the order of time.
  init(_ events: [EventChunk.Event], retentionDays: Int?, now: Instant) {
    let tooOld = Self.count(events, before: now - LogsLimits.past)
    let expired = retentionDays.map { Self.count(events, before: now - .days($0)) } ?? 0
    let tooNew = events.firstIndex { $0.time > now + LogsLimits.future }
    rejections = Rejections(
      tooNewStart: tooNew, tooOldEnd: tooOld > 0 ? tooOld : nil, expiredEnd: expired > 0 ? expired : nil)
    accepted = Array(events[min(max(tooOld, expired), tooNew ?? events.count)..<(tooNew ?? events.count)])
  }

  private static func count(_ events: [EventChunk.Event], before time: Instant) -> Int {
    events.firstIndex { $0.time >= time } ?? events.count
  }
}
