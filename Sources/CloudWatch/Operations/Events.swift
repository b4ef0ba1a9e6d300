import Base
import Fabric
import Store
import Wire

extension CloudWatchService {
  var eventOperations: [Operation] {
    [
      Operation("PutLogEvents", access: { [self] (input: PutLogEventsInput, call) in
        try await onStream("PutLogEvents", input.logGroupName, input.logStreamName, call)
      }, run: putLogEvents),
      Operation("GetLogEvents", access: { [self] (input: GetLogEventsInput, call) in
        let group = try call.groupName(input.logGroupName, input.logGroupIdentifier)
        return try await onStream("GetLogEvents", group, input.logStreamName, call)
      }, run: getLogEvents),
      Operation("FilterLogEvents", access: { [self] (input: FilterLogEventsInput, call) in
        try await onGroup("FilterLogEvents", try call.groupName(input.logGroupName, input.logGroupIdentifier), call)
      }, run: filterLogEvents),
    ]
  }

  private func putLogEvents(_ input: PutLogEventsInput, _ call: Call) async throws -> PutLogEventsOutput {
    let events = input.logEvents.map {
      EventChunk.Event(time: Instant(request: $0.timestamp), message: Array($0.message.utf8))
    }
    try EventBatch.check(events)
    let scope = LogScope(call)
    let (rejections, token) = try await store.transact { [self] t in
      let group = try t.existingLogGroup(scope, input.logGroupName)
      let stream = try t.existingLogStream(group, input.logStreamName)
      let batch = EventBatch(events, retentionDays: group.retentionDays, now: call.now)
      try t.append(batch.accepted, to: stream, in: group, at: call.now)
      var after = stream
      after.nextSequence += Int64(batch.accepted.count)
      return (batch.rejections, sequenceToken(after))
    }
    var output = PutLogEventsOutput()
    output.nextSequenceToken = token
    if !rejections.isEmpty { output.rejectedLogEventsInfo = describe(rejections) }
    if input.entity != nil {
      // The model's own way to say that the events were taken and the entity was not.
      output.rejectedEntityInfo = RejectedEntityInfo()
      output.rejectedEntityInfo?.errorType = "UnsupportedLogGroupType"
    }
    return output
  }

  private func describe(_ rejections: EventBatch.Rejections) -> RejectedLogEventsInfo {
    var info = RejectedLogEventsInfo()
    info.tooNewLogEventStartIndex = rejections.tooNewStart
    info.tooOldLogEventEndIndex = rejections.tooOldEnd
    info.expiredLogEventEndIndex = rejections.expiredEnd
    return info
  }

  private func getLogEvents(_ input: GetLogEventsInput, _ call: Call) async throws -> GetLogEventsOutput {
    let name = try call.groupName(input.logGroupName, input.logGroupIdentifier)
    let start = try input.nextToken.map(StreamToken.decode) ?? (input.startFromHead == true ? .after(nil) : .before(nil))
    await flushForReading()
    let scope = LogScope(call)
    let page = try await store.read { r in
      let group = try r.existingLogGroup(scope, name)
      let stream = try r.existingLogStream(group, input.logStreamName)
      return try EventScan(
        group: group.id, streams: .one(stream.id),
        from: max(Instant(request: input.startTime ?? 0), group.horizon(call.now) ?? .epoch),
        // The end is the first time that is not wanted.
        through: input.endTime.map { Instant(milliseconds: Instant(request: $0).milliseconds - 1) } ?? .distantFuture,
        start: start, limit: input.limit ?? LogsLimits.pageEvents
      ).page(r).events
    }
    let events: [StoredEvent] = if case .before = start { page.reversed() } else { page }
    var output = GetLogEventsOutput()
    output.events = events.map { event in
      var shape = OutputLogEvent()
      shape.timestamp = Int(event.position.time.milliseconds)
      shape.message = event.message.utf8Text
      shape.ingestionTime = Int(event.ingestedAt.milliseconds)
      return shape
    }
    (output.nextForwardToken, output.nextBackwardToken) = StreamToken.around(events, from: start)
    return output
  }

  private func filterLogEvents(_ input: FilterLogEventsInput, _ call: Call) async throws -> FilterLogEventsOutput {
    let query = try FilterQuery(input, call.groupName(input.logGroupName, input.logGroupIdentifier), call)
    await flushForReading()
    let page = try await store.read { r in try query.page(r) }
    var output = FilterLogEventsOutput()
    output.events = page.events.map { event in
      var shape = FilteredLogEvent()
      shape.logStreamName = page.names[event.position.stream]
      shape.timestamp = Int(event.position.time.milliseconds)
      shape.message = event.message.utf8Text
      shape.ingestionTime = Int(event.ingestedAt.milliseconds)
      shape.eventId = event.position.eventID
      return shape
    }
    output.searchedLogStreams = []
    output.nextToken = page.next?.token
    return output
  }
}

/// The tokens of GetLogEvents: a direction and a position. At the end of a stream the token that came is given back.
private enum StreamToken {
  static func decode(_ token: String) throws -> EventScan.Start {
    let parts = token.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[2] == "s", let position = EventPosition(token: parts[1]) else { throw AWSError.badToken }
    switch parts[0] {
    case "f": return .after(position)
    case "b": return .before(position)
    default: throw AWSError.badToken
    }
  }

  static func around(_ events: [StoredEvent], from start: EventScan.Start) -> (forward: String, backward: String) {
    let last: EventPosition, first: EventPosition
    switch start {
    case .after(let position):
      last = events.last?.position ?? position ?? .before(.epoch)
      first = events.first?.position ?? position?.successor ?? .before(.epoch)
    case .before(let position):
      last = events.last?.position ?? position?.predecessor ?? .before(.epoch)
      first = events.first?.position ?? position ?? .before(.epoch)
    }
    return ("f/\(last.token)/s", "b/\(first.token)/s")
  }
}

/// What FilterLogEvents looks for.
private struct FilterQuery: Sendable {
  private let scope: LogScope
  private let group: String
  private let streamNames: [String]?
  private let streamPrefix: String?
  private let from: Instant
  private let through: Instant
  private let after: EventPosition?
  private let limit: Int
  private let pattern: FilterPattern
  private let now: Instant

  init(_ input: FilterLogEventsInput, _ group: String, _ call: Call) throws {
    guard input.logStreamNames == nil || input.logStreamNamePrefix == nil else {
      throw AWSError.invalidParameter("Only one of logStreamNames and logStreamNamePrefix may be specified.")
    }
    (self.group, scope, now) = (group, LogScope(call), call.now)
    (streamNames, streamPrefix) = (input.logStreamNames, input.logStreamNamePrefix)
    from = Instant(request: input.startTime ?? 0)
    through = input.endTime.map { Instant(request: $0) } ?? .distantFuture
    limit = input.limit ?? LogsLimits.pageEvents
    after = try input.nextToken.map {
      guard let position = EventPosition(token: $0) else { throw AWSError.badToken }
      return position
    }
    do throws(InvalidFilterPattern) {
      pattern = try FilterPattern(input.filterPattern ?? "")
    } catch {
      throw AWSError.invalidParameter(error.reason)
    }
  }

  func page(_ reader: any Reader) throws -> EventScan.Page {
    let group = try reader.existingLogGroup(scope, self.group)
    return try EventScan(
      group: group.id, streams: try streams(of: group, reader), from: max(from, group.horizon(now) ?? .epoch),
      through: through, start: .after(after), limit: limit, weight: pattern.weight, selects: { pattern.matches($0.message) }
    ).page(reader)
  }

  private func streams(of group: LogGroup, _ reader: any Reader) throws -> EventScan.Streams {
    if let streamNames {
      let ids = Set(try streamNames.map { try reader.existingLogStream(group, $0).id })
      return ids.count == 1 ? .one(ids.first ?? 0) : .some(ids)
    }
    guard let streamPrefix else { return .all }
    var ids: Set<Int64> = []
    try reader.scan(nameRange(LogsKeys.streams(group.id), prefix: streamPrefix, after: nil)) { _, row in
      ids.insert(try LogStream(row: row).id)
      return true
    }
    return .some(ids)
  }
}
