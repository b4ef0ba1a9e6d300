import Base
import Fabric
import Logging
import Store

/// Writes gathered lines in one transaction, making groups and streams that are missing.
struct LogWriter: Sendable {
  var store: any Store
  var ambient: Ambient
  var logger: Logger?

  private struct Prepared: Sendable {
    var target: LogTarget
    var events: [EventChunk.Event]
    var permission: WritePermission
    var groupID: Int64
    var streamID: Int64
  }

  func write(_ pending: [LogTarget: PendingLines]) async throws {
    // Ids are drawn outside: a transaction may run again.
    let prepared = pending.map { target, lines in
      Prepared(
        target: target, events: Self.events(lines.lines), permission: lines.permission, groupID: ambient.logID(),
        streamID: ambient.logID())
    }
    let now = ambient.now
    let dropped = try await store.transact { t in
      var dropped: [LogTarget] = []
      for part in prepared {
        guard let group = try Self.group(t, part, now), let stream = try Self.stream(t, part, group, now) else {
          dropped.append(part.target)
          continue
        }
        try t.append(part.events, to: stream, in: group, at: now)
      }
      return dropped
    }
    for target in dropped {
      logger?.warning(
        "log lines dropped: the group or stream is missing and the caller may not create it",
        metadata: ["group": "\(target.group)", "stream": "\(target.stream)"])
    }
  }

  private static func group(_ t: any Transaction, _ part: Prepared, _ now: Instant) throws -> LogGroup? {
    if let group = try t.logGroup(part.target.scope, part.target.group) { return group }
    guard part.permission.mayCreateGroup else { return nil }
    let group = LogGroup(id: part.groupID, name: part.target.group, createdAt: now)
    try t.put(group, part.target.scope)
    return group
  }

  private static func stream(_ t: any Transaction, _ part: Prepared, _ group: LogGroup, _ now: Instant) throws -> LogStream? {
    if let stream = try t.logStream(group, part.target.stream) { return stream }
    guard part.permission.mayCreateStream else { return nil }
    let stream = LogStream(id: part.streamID, name: part.target.stream, createdAt: now)
    try t.put(stream, in: group, replacing: nil)
    return stream
  }

  /// Empty messages are no events; what exceeds the largest event is cut off at a whole character.
  private static func events(_ lines: [LogLine]) -> [EventChunk.Event] {
    var events = lines.compactMap { line -> EventChunk.Event? in
      line.message.isEmpty ? nil : EventChunk.Event(time: line.time, message: cut(Array(line.message.utf8)))
    }
    // Lines of one time keep their order: the sort is by time and place.
    if zip(events, events.dropFirst()).contains(where: { $0.time > $1.time }) {
      events = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
    }
    return events
  }

  private static func cut(_ message: [UInt8]) -> [UInt8] {
    guard message.count > LogsLimits.messageBytes else { return message }
    var end = LogsLimits.messageBytes
    while end > 0, message[end] & 0xc0 == 0x80 { end -= 1 }
    return Array(message[..<end])
  }
}
