import Base
import Store

extension EventChunk {
  /// Times are kept as differences from the first event's, which is in the key.
  var row: [UInt8] {
    var w = RowWriter(capacity: size + 16)
    w.int(size)
    w.instant(ingestedAt)
    w.array(events) { w, event in
      w.varint(UInt64(event.time.milliseconds - firstTime.milliseconds))
      w.blob(event.message)
    }
    return w.bytes
  }

  init(row: [UInt8], at position: EventPosition) throws {
    var r = try RowReader(row)
    _ = try r.int()
    ingestedAt = try r.instant()
    events = try r.array { r in
      let time = position.time.milliseconds + Int64(clamping: try r.varint())
      return Event(time: Instant(milliseconds: time), message: try r.blob())
    }
    (stream, firstSequence) = (position.stream, position.sequence)
  }

  /// The size of a chunk without reading its events.
  static func size(ofRow row: [UInt8]) throws -> Int {
    var r = try RowReader(row)
    return try r.int()
  }

  var position: EventPosition { EventPosition(time: firstTime, stream: stream, sequence: firstSequence) }
}

extension Transaction {
  /// Adds events, which must be in the order of time, to a stream.
  func append(_ events: [EventChunk.Event], to stream: LogStream, in group: LogGroup, at now: Instant) throws {
    guard let first = events.first, let last = events.last else { return }
    for chunk in EventChunk.cut(events, stream: stream.id, firstSequence: stream.nextSequence, ingestedAt: now) {
      try set(LogsKeys.chunk(group.id, chunk.position), chunk.row)
      try set(LogsKeys.chunkByTime(group.id, chunk.position), [])
      try addStoredBytes(group.id, day: chunk.firstTime.day, chunk.size)
    }
    var updated = stream
    updated.nextSequence += Int64(events.count)
    updated.firstEvent = min(stream.firstEvent ?? first.time, first.time)
    updated.lastEvent = max(stream.lastEvent ?? last.time, last.time)
    updated.lastIngestion = now
    try put(updated, in: group, replacing: stream)
  }

  func removeChunk(_ group: Int64, _ position: EventPosition) throws {
    try delete(LogsKeys.chunk(group, position))
    try delete(LogsKeys.chunkByTime(group, position))
  }
}
