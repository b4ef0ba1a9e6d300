import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  var streamOperations: [Operation] {
    [
      Operation("CreateLogStream", access: { [self] (input: CreateLogStreamInput, call) in
        try await onStream("CreateLogStream", input.logGroupName, input.logStreamName, call)
      }, run: createLogStream),
      Operation("DeleteLogStream", access: { [self] (input: DeleteLogStreamInput, call) in
        try await onStream("DeleteLogStream", input.logGroupName, input.logStreamName, call)
      }, run: deleteLogStream),
      Operation("DescribeLogStreams", access: { [self] (input: DescribeLogStreamsInput, call) in
        try await onGroup("DescribeLogStreams", try call.groupName(input.logGroupName, input.logGroupIdentifier), call)
      }, run: describeLogStreams),
    ]
  }

  private func createLogStream(_ input: CreateLogStreamInput, _ call: Call) async throws {
    let scope = LogScope(call)
    let stream = LogStream(id: ambient.logID(), name: input.logStreamName, createdAt: call.now)
    try await store.transact { t in
      let group = try t.existingLogGroup(scope, input.logGroupName)
      guard try t.logStream(group, stream.name) == nil else { throw AWSError.streamExists }
      try t.put(stream, in: group, replacing: nil)
    }
  }

  private func deleteLogStream(_ input: DeleteLogStreamInput, _ call: Call) async throws {
    await flushForReading()
    let scope = LogScope(call)
    try await store.transact { t in
      let group = try t.existingLogGroup(scope, input.logGroupName)
      try t.remove(try t.existingLogStream(group, input.logStreamName), from: group)
    }
    nudgeSweeper()
  }

  private func describeLogStreams(_ input: DescribeLogStreamsInput, _ call: Call) async throws -> DescribeLogStreamsOutput {
    let name = try call.groupName(input.logGroupName, input.logGroupIdentifier)
    let byTime = input.orderBy == "LastEventTime"
    guard !byTime || input.logStreamNamePrefix == nil else {
      throw AWSError.invalidParameter("Cannot order by LastEventTime with a logStreamNamePrefix.")
    }
    await flushForReading()
    let scope = LogScope(call)
    let limit = input.limit ?? LogsLimits.describe
    let query = StreamQuery(
      prefix: input.logStreamNamePrefix ?? "", isByTime: byTime, isDescending: input.descending ?? false,
      after: try input.nextToken.map { try StreamQuery.decode($0, isByTime: byTime) }, limit: limit)
    let (streams, next) = try await store.read { r in try query.page(r, try r.existingLogGroup(scope, name)) }
    var output = DescribeLogStreamsOutput()
    output.logStreams = streams.map { describe($0, name, scope) }
    output.nextToken = next
    return output
  }

  private func describe(_ stream: LogStream, _ group: String, _ scope: LogScope) -> LogStreamShape {
    var shape = LogStreamShape()
    shape.logStreamName = stream.name
    shape.creationTime = Int(stream.createdAt.milliseconds)
    shape.firstEventTimestamp = stream.firstEvent.map { Int($0.milliseconds) }
    shape.lastEventTimestamp = stream.lastEvent.map { Int($0.milliseconds) }
    shape.lastIngestionTime = stream.lastIngestion.map { Int($0.milliseconds) }
    shape.uploadSequenceToken = sequenceToken(stream)
    shape.arn = scope.arn(group: group, stream: stream.name)
    // AWS has answered 0 for each stream since 2019; only the group tells its bytes.
    shape.storedBytes = 0
    return shape
  }

  /// AWS still answers with tokens, though any is accepted.
  func sequenceToken(_ stream: LogStream) -> String {
    EventPosition(time: stream.recency, stream: stream.id, sequence: stream.nextSequence).eventID
  }
}

/// Which streams DescribeLogStreams shows, and in what order.
private struct StreamQuery: Sendable {
  var prefix: String
  var isByTime: Bool
  var isDescending: Bool
  /// The key of the last stream that was shown, without what all have in common.
  var after: [UInt8]?
  var limit: Int

  func page(_ reader: any Reader, _ group: LogGroup) throws -> ([LogStream], String?) {
    let parent = isByTime ? LogsKeys.streamsByTime(group.id) : LogsKeys.streams(group.id)
    var range = isByTime ? KeyRange(prefix: parent) : nameRange(parent, prefix: prefix, after: nil)
    if let after {
      let last = Key(bytes: parent.bytes + after)
      if isDescending { range.upper = min(range.upper, last) } else { range.lower = max(range.lower, last.end) }
    }
    guard range.lower < range.upper else { return ([], nil) }
    let entries = try reader.entries(range, limit: limit + 1, reverse: isDescending)
    let streams = try entries.prefix(limit).map { key, value in
      guard isByTime else { return try LogStream(row: value) }
      var parts = KeyReader(key, after: parent)
      _ = try parts.instant()
      return try reader.existingLogStream(group, try parts.string())
    }
    let next = entries.count > limit ? entries[limit - 1].key.bytes.dropFirst(parent.bytes.count).hex : nil
    return (streams, next.map { (isByTime ? "t" : "n") + $0 })
  }

  /// A token belongs to the order in which it was given out.
  static func decode(_ token: String, isByTime: Bool) throws -> [UInt8] {
    guard token.first == (isByTime ? "t" : "n"), let bytes = decodeHex(token.dropFirst()), !bytes.isEmpty else {
      throw AWSError.badToken
    }
    return bytes
  }
}
