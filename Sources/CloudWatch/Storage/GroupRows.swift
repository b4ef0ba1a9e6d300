import Base
import Store

extension LogGroup {
  var row: [UInt8] {
    var w = RowWriter()
    w.int(id)
    w.string(name)
    w.instant(createdAt)
    w.optional(retentionDays)
    w.string(storageClass)
    w.map(tags)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    id = try r.int64()
    name = try r.string()
    createdAt = try r.instant()
    retentionDays = try r.optionalInt()
    storageClass = try r.string()
    tags = try r.map()
  }
}

extension LogStream {
  var row: [UInt8] {
    var w = RowWriter()
    w.int(id)
    w.string(name)
    w.instant(createdAt)
    w.optional(firstEvent)
    w.optional(lastEvent)
    w.optional(lastIngestion)
    w.int(nextSequence)
    return w.bytes
  }
  init(row: [UInt8]) throws {
    var r = try RowReader(row)
    id = try r.int64()
    name = try r.string()
    createdAt = try r.instant()
    firstEvent = try r.optionalInstant()
    lastEvent = try r.optionalInstant()
    lastIngestion = try r.optionalInstant()
    nextSequence = try r.int64()
  }
}

extension Reader {
  func logGroup(_ scope: LogScope, _ name: String) throws -> LogGroup? {
    try get(LogsKeys.group(scope, name)).map(LogGroup.init(row:))
  }
  /// Throws ResourceNotFoundException.
  func existingLogGroup(_ scope: LogScope, _ name: String) throws -> LogGroup {
    guard let group = try logGroup(scope, name) else { throw AWSError.groupNotFound }
    return group
  }
  func logStream(_ group: LogGroup, _ name: String) throws -> LogStream? {
    try get(LogsKeys.stream(group.id, name)).map(LogStream.init(row:))
  }
  /// Throws ResourceNotFoundException.
  func existingLogStream(_ group: LogGroup, _ name: String) throws -> LogStream {
    guard let stream = try logStream(group, name) else { throw AWSError.streamNotFound }
    return stream
  }
  func logStreamName(_ group: Int64, _ stream: Int64) throws -> String? {
    try get(LogsKeys.streamName(group, stream)).map(\.utf8Text)
  }
  func storedBytes(_ group: Int64) throws -> Int64 {
    var sum: Int64 = 0
    try scan(KeyRange(prefix: LogsKeys.byteCounts(group))) { _, value in
      var row = try RowReader(value)
      sum += try row.int64()
      return true
    }
    return sum
  }
}

extension Transaction {
  func put(_ group: LogGroup, _ scope: LogScope) throws { try set(LogsKeys.group(scope, group.name), group.row) }

  /// Writes a stream and its place in the order of last events.
  func put(_ stream: LogStream, in group: LogGroup, replacing old: LogStream?) throws {
    if let old, old.recency != stream.recency { try delete(LogsKeys.streamByTime(group.id, old)) }
    if old?.recency != stream.recency { try set(LogsKeys.streamByTime(group.id, stream), []) }
    if old == nil { try set(LogsKeys.streamName(group.id, stream.id), Array(stream.name.utf8)) }
    try set(LogsKeys.stream(group.id, stream.name), stream.row)
  }

  /// Makes a stream unreachable; its events are removed by the worker.
  func remove(_ stream: LogStream, from group: LogGroup) throws {
    try delete(LogsKeys.stream(group.id, stream.name))
    try delete(LogsKeys.streamName(group.id, stream.id))
    try delete(LogsKeys.streamByTime(group.id, stream))
    try set(LogsKeys.garbage(group: group.id, stream: stream.id), [])
  }

  /// Makes a group with all that it holds unreachable.
  func remove(_ group: LogGroup, _ scope: LogScope) throws {
    try delete(LogsKeys.group(scope, group.name))
    try set(LogsKeys.garbage(group: group.id), [])
  }

  func addStoredBytes(_ group: Int64, day: Int64, _ difference: Int) throws {
    let key = LogsKeys.byteCount(group, day)
    var count: Int64 = 0
    if let row = try get(key) {
      var reader = try RowReader(row)
      count = try reader.int64()
    }
    var w = RowWriter(capacity: 12)
    w.int(max(0, count + Int64(difference)))
    try set(key, w.bytes)
  }
}
