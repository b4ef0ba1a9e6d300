import Base

/// Events of one stream that came in together, within `LogsLimits.chunkSpan`: what one row holds.
struct EventChunk: Sendable, Equatable {
  struct Event: Sendable, Equatable {
    var time: Instant
    var message: [UInt8]
  }

  /// Never empty, in the order of time.
  var events: [Event]
  var stream: Int64
  /// The number of the first event; the others follow on.
  var firstSequence: Int64
  var ingestedAt: Instant

  var firstTime: Instant { events.first?.time ?? .epoch }
  var size: Int { events.reduce(0) { $0 + $1.message.count + LogsLimits.eventOverhead } }

  var storedEvents: [StoredEvent] {
    events.enumerated().map { place, event in
      StoredEvent(
        position: EventPosition(time: event.time, stream: stream, sequence: firstSequence + Int64(place)),
        ingestedAt: ingestedAt, message: event.message)
    }
  }

  /// Cuts events that are in the order of time into chunks.
  static func cut(_ events: [Event], stream: Int64, firstSequence: Int64, ingestedAt: Instant) -> [EventChunk] {
    var chunks: [EventChunk] = []
    var open: [Event] = []
    var bytes = 0
    var sequence = firstSequence
    func close() {
      guard !open.isEmpty else { return }
      chunks.append(EventChunk(events: open, stream: stream, firstSequence: sequence, ingestedAt: ingestedAt))
      sequence += Int64(open.count)
      open = []
      bytes = 0
    }
    for event in events {
      if let first = open.first,
        event.time - first.time > LogsLimits.chunkSpan || open.count >= LogsLimits.chunkEvents
          || bytes + event.message.count > LogsLimits.chunkBytes
      {
        close()
      }
      open.append(event)
      bytes += event.message.count
    }
    close()
    return chunks
  }
}
