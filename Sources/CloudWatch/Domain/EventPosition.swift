import Base

/// The place of an event in its group: events are ordered by time, then by stream, then by their number in the stream.
struct EventPosition: Sendable, Hashable, Comparable {
  var time: Instant
  var stream: Int64
  var sequence: Int64

  /// Before every event of the time.
  static func before(_ time: Instant) -> EventPosition { EventPosition(time: time, stream: .min, sequence: .min) }

  /// The next and the last place of the same stream and time.
  var successor: EventPosition { EventPosition(time: time, stream: stream, sequence: sequence &+ 1) }
  var predecessor: EventPosition { EventPosition(time: time, stream: stream, sequence: sequence &- 1) }

  static func < (a: EventPosition, b: EventPosition) -> Bool {
    (a.time, a.stream, a.sequence) < (b.time, b.stream, b.sequence)
  }

  /// The event's id: 56 digits that never change, as AWS's.
  var eventID: String {
    "3" + padded(Int(time.milliseconds), 17) + padded(Int(stream), 19) + padded(Int(sequence), 19)
  }

  /// The opaque text of a token: 48 hexadecimal digits.
  var token: String {
    [time.milliseconds, stream, sequence].flatMap { n in (0..<8).map { UInt8(truncatingIfNeeded: n >> Int64(56 - 8 * $0)) } }.hex
  }

  init(time: Instant, stream: Int64, sequence: Int64) {
    (self.time, self.stream, self.sequence) = (time, stream, sequence)
  }

  init?(token: some StringProtocol) {
    guard let bytes = decodeHex(token), bytes.count == 24 else { return nil }
    let numbers = [0, 8, 16].map { start in bytes[start..<(start + 8)].reduce(Int64(0)) { $0 << 8 | Int64($1) } }
    self.init(time: Instant(milliseconds: numbers[0]), stream: numbers[1], sequence: numbers[2])
  }
}

/// An event as it is stored.
struct StoredEvent: Sendable, Equatable {
  var position: EventPosition
  var ingestedAt: Instant
  var message: [UInt8]

  /// As limits and `storedBytes` count it.
  var size: Int { message.count + LogsLimits.eventOverhead }
}
