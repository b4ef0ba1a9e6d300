import Base
import Store

extension Queue {
  var row: [UInt8] {
    var row = RowWriter()
    row.int(id)
    row.int(generation)
    row.int(version)
    row.instant(created)
    row.instant(modified)
    row.optional(purged)
    row.map(attributes)
    row.map(tags)
    return row.bytes
  }

  init(_ bytes: [UInt8], name: QueueName) throws {
    var row = try RowReader(bytes)
    self.init(
      name: name, id: try row.int64(), generation: try row.int(), version: try row.int(), created: try row.instant(),
      modified: try row.instant(),
      purged: try row.optionalInstant(), attributes: try row.map(), tags: try row.map())
  }
}

/// How many messages a space holds, and where the scan of a receive begins.
///
/// Rows that were removed leave marks behind which a scan has to pass; `head` is a place before which nothing lives.
struct Tally: Sendable, Equatable {
  var messages = 0
  var head = DuePlace.start
  /// FIFO: the last sequence that was given, so that they grow even where the clock stands still over a restart.
  var last: Int64 = 0

  init() {}
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    messages = try row.int()
    head = DuePlace(
      visibleAt: try row.instant(), sequence: MessageSequence(high: try row.int64(), node: try row.int64()))
    if !row.isAtEnd { last = try row.int64() }
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 40)
    row.int(messages)
    row.instant(head.visibleAt)
    row.int(head.sequence.high)
    row.int(head.sequence.node)
    if last != 0 { row.int(last) }
    return row.bytes
  }
}

extension Visibility {
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    self.init(sentAt: try row.instant())
    receiveCount = try row.int()
    countOnArrival = try row.int()
    firstReceivedAt = try row.optionalInstant()
    isMoved = try row.bool()
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 32)
    row.instant(sentAt)
    row.int(receiveCount)
    row.int(countOnArrival)
    row.optional(firstReceivedAt)
    row.bool(isMoved)
    return row.bytes
  }
}

extension Message {
  init(_ bytes: [UInt8], sequence: MessageSequence) throws {
    var row = try RowReader(bytes)
    firstVisibleAt = try row.instant()
    groupID = try row.optionalString()
    self.sequence = sequence
    id = try row.string()
    senderID = try row.string()
    sentAt = try row.instant()
    body = try row.string()
    bodyMD5 = try row.string()
    attributes = try row.array { row in
      MessageAttribute(
        name: try row.string(), dataType: try row.string(),
        content: try row.bool() ? .binary(try row.blob()) : .string(try row.string()))
    }
    attributesMD5 = try row.optionalString()
    traceHeader = try row.optionalString()
    deduplicationID = try row.optionalString()
    deadLetterSource = try row.optionalString()
    origin = try row.ifPresent { MessageOrigin(trace: try $0.string(), hop: try $0.string()) }
  }

  var row: [UInt8] {
    var row = RowWriter(capacity: body.utf8.count + 200)
    row.instant(firstVisibleAt)
    row.optional(groupID)
    row.string(id)
    row.string(senderID)
    row.instant(sentAt)
    row.string(body)
    row.string(bodyMD5)
    row.array(attributes) { row, attribute in
      row.string(attribute.name)
      row.string(attribute.dataType)
      switch attribute.content {
      case .string(let text):
        row.bool(false)
        row.string(text)
      case .binary(let bytes):
        row.bool(true)
        row.blob(bytes)
      }
    }
    row.optional(attributesMD5)
    row.optional(traceHeader)
    row.optional(deduplicationID)
    row.optional(deadLetterSource)
    if let origin {
      row.string(origin.trace)
      row.string(origin.hop)
    }
    return row.bytes
  }

  /// The fields at the front of a row, without reading the rest.
  static func front(_ bytes: [UInt8]) throws -> (firstVisibleAt: Instant, groupID: String?) {
    var row = try RowReader(bytes)
    return (try row.instant(), try row.optionalString())
  }
}

/// One instant as a row.
enum InstantRow {
  static func bytes(_ time: Instant) -> [UInt8] {
    var row = RowWriter(capacity: 12)
    row.instant(time)
    return row.bytes
  }
  static func read(_ bytes: [UInt8]) throws -> Instant {
    var row = try RowReader(bytes)
    return try row.instant()
  }
}
