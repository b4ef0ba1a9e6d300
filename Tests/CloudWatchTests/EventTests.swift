import Base
import Testing
import Wire

@testable import CloudWatch

private func prepared(_ streams: String...) async throws -> Fixture {
  let f = Fixture()
  try await f.createGroup("g")
  for stream in streams { try await f.createStream("g", stream) }
  return f
}

@Test func `streams are made once, in a group that exists, and deleted with their events`() async throws {
  let f = try await prepared("s", "t")
  await expectError("ResourceAlreadyExistsException", "The specified log stream already exists") {
    try await f.createStream("g", "s")
  }
  await expectError("ResourceNotFoundException", "The specified log group does not exist.") { try await f.createStream("x", "s") }
  try await f.put("g", "s", [(f.now, "one")])
  try await f.put("g", "t", [(f.now, "two")])
  try await f.run("DeleteLogStream") { (i: inout DeleteLogStreamInput) in i.logGroupName = "g"; i.logStreamName = "s" }
  #expect(try await f.filter("g").events?.compactMap(\.message) == ["two"])
  await expectError("ResourceNotFoundException", "The specified log stream does not exist.") {
    try await f.put("g", "s", [(f.now, "x")])
  }
  try await f.createStream("g", "s")
  #expect(try await f.get("g", "s").messages == [])
  _ = try await f.sweep()
  let groups = try await f.run("DescribeLogGroups", DescribeLogGroupsOutput.self) { (_: inout DescribeLogGroupsInput) in }
  #expect(groups.logGroups?.first?.storedBytes == 3 + 26)
}

@Test func `streams are described by name and by last event`() async throws {
  let f = try await prepared("b", "a", "c")
  try await f.put("g", "a", [(f.now + 5, "x")])
  try await f.put("g", "b", [(f.now + 1, "x"), (f.now + 9, "y")])
  f.clock.advance(.seconds(1))
  func list(_ fill: (inout DescribeLogStreamsInput) -> Void) async throws -> ([String], String?) {
    let page = try await f.run("DescribeLogStreams", DescribeLogStreamsOutput.self) { (i: inout DescribeLogStreamsInput) in
      i.logGroupName = "g"
      fill(&i)
    }
    return ((page.logStreams ?? []).compactMap(\.logStreamName), page.nextToken)
  }
  #expect(try await list { _ in }.0 == ["a", "b", "c"])
  #expect(try await list { $0.descending = true }.0 == ["c", "b", "a"])
  #expect(try await list { $0.orderBy = "LastEventTime" }.0 == ["c", "a", "b"])
  #expect(try await list { $0.orderBy = "LastEventTime"; $0.descending = true }.0 == ["b", "a", "c"])
  #expect(try await list { $0.logStreamNamePrefix = "b" }.0 == ["b"])
  for (order, descending) in [
    ("LogStreamName", false), ("LogStreamName", true), ("LastEventTime", false), ("LastEventTime", true),
  ] {
    var seen: [String] = []
    var token: String?
    repeat {
      let (names, next) = try await list { $0.orderBy = order; $0.descending = descending; $0.limit = 1; $0.nextToken = token }
      seen += names
      token = next
    } while token != nil
    #expect(try await seen == list { $0.orderBy = order; $0.descending = descending }.0)
  }
  await expectError("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.") {
    _ = try await list { $0.orderBy = "LastEventTime"; $0.logStreamNamePrefix = "b" }
  }
  let token = try await list { $0.limit = 1 }.1
  await expectError("InvalidParameterException", "The specified nextToken is invalid.") {
    _ = try await list { $0.orderBy = "LastEventTime"; $0.nextToken = token }
  }
  let page = try await f.run("DescribeLogStreams", DescribeLogStreamsOutput.self) { (i: inout DescribeLogStreamsInput) in
    i.logGroupIdentifier = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    i.logStreamNamePrefix = "b"
  }
  let stream = try #require(page.logStreams?.first)
  #expect(stream.firstEventTimestamp == f.now - 1000 + 1)
  #expect(stream.lastEventTimestamp == f.now - 1000 + 9)
  #expect(stream.lastIngestionTime == f.now - 1000)
  #expect(stream.arn == "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:b")
  #expect(stream.storedBytes == 0)
}

@Test func `a put that breaks a limit is refused as a whole`() async throws {
  let f = try await prepared("s")
  let text = String(repeating: "x", count: 524_288)
  for (message, events) in [
    ("Log events in a single PutLogEvents request must be in chronological order.", [(f.now, "a"), (f.now - 1, "b")]),
    (
      "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
      [(f.now - 86_400_001, "a"), (f.now, "b")]
    ),
    ("Upload too large: 1048628 bytes exceeds limit of 1048576", [(f.now, text), (f.now, text)]),
    ("Log event too large: 1048603 bytes exceeds limit of 1048576", [(f.now, text + text + "x")]),
  ] {
    await expectError("InvalidParameterException", message) { try await f.put("g", "s", events) }
  }
  #expect(try await f.get("g", "s").messages == [])
  try await f.put("g", "s", [(f.now - 86_400_000, "a"), (f.now, String(repeating: "x", count: 1_048_576 - 53))])
}

@Test func `events that are too old, too new or expired are left out and told`() async throws {
  let f = try await prepared("s")
  let day = 86_400_000
  let old = try await f.put("g", "s", [(f.now - 14 * day - 1, "old"), (f.now - 14 * day, "ok")])
  #expect(old.rejectedLogEventsInfo?.tooOldLogEventEndIndex == 1)
  #expect(old.rejectedLogEventsInfo?.tooNewLogEventStartIndex == nil)
  let new = try await f.put("g", "s", [(f.now, "now"), (f.now + 7_200_000, "soon"), (f.now + 7_200_001, "late")])
  #expect(new.rejectedLogEventsInfo?.tooNewLogEventStartIndex == 2)
  #expect(new.nextSequenceToken?.utf8.count == 56)
  #expect(try await f.get("g", "s").messages == ["ok", "now", "soon"])
  try await f.run("PutRetentionPolicy") { (i: inout PutRetentionPolicyInput) in i.logGroupName = "g"; i.retentionInDays = 1 }
  let expired = try await f.put("g", "s", [(f.now - day - 2, "x"), (f.now - day - 1, "x"), (f.now - day, "kept")])
  #expect(expired.rejectedLogEventsInfo?.expiredLogEventEndIndex == 2)
  #expect(expired.rejectedLogEventsInfo?.tooOldLogEventEndIndex == nil)
  #expect(try await f.put("g", "s", [(Int.max, "never")]).rejectedLogEventsInfo?.tooNewLogEventStartIndex == 0)
  #expect(try await f.get("g", "s").messages == ["kept", "now", "soon"])
}

@Test func `a stream is read from its head in pages and the last token comes back`() async throws {
  let f = try await prepared("s")
  try await f.put("g", "s", (0..<7).map { (f.now + $0 * 60, "m\($0)") })
  var token: String?
  var pages: [[String]] = []
  while true {
    let page = try await f.get("g", "s") { $0.startFromHead = true; $0.limit = 3; $0.nextToken = token }
    pages.append(page.messages)
    if page.forward == token { break }
    token = page.forward
  }
  #expect(pages == [["m0", "m1", "m2"], ["m3", "m4", "m5"], ["m6"], []])
  try await f.put("g", "s", [(f.now + 1000, "m7")])
  #expect(try await f.get("g", "s") { $0.nextToken = token }.messages == ["m7"])
}

@Test func `without startFromHead the newest events come, and the backward token leads to older ones`() async throws {
  let f = try await prepared("s")
  try await f.put("g", "s", (0..<7).map { (f.now + $0 * 60, "m\($0)") })
  let last = try await f.get("g", "s") { $0.limit = 3 }
  #expect(last.messages == ["m4", "m5", "m6"])
  let before = try await f.get("g", "s") { $0.limit = 3; $0.nextToken = last.backward }
  #expect(before.messages == ["m1", "m2", "m3"])
  let first = try await f.get("g", "s") { $0.limit = 3; $0.nextToken = before.backward }
  #expect(first.messages == ["m0"])
  let none = try await f.get("g", "s") { $0.nextToken = first.backward }
  #expect(none.messages == [])
  #expect(none.backward == first.backward)
  #expect(try await f.get("g", "s") { $0.limit = 2; $0.nextToken = before.forward }.messages == ["m4", "m5"])
  #expect(try await f.get("g", "s") { $0.nextToken = none.forward }.messages.count == 7)
  await expectError("InvalidParameterException", "The specified nextToken is invalid.") {
    _ = try await f.get("g", "s") { $0.nextToken = "f/12/s" }
  }
}

@Test func `the start is included and the end is not in GetLogEvents, but is in FilterLogEvents`() async throws {
  let f = try await prepared("s")
  try await f.put("g", "s", [(f.now, "a"), (f.now + 1, "b"), (f.now + 2, "c")])
  #expect(try await f.get("g", "s") { $0.startTime = f.now + 1; $0.endTime = f.now + 2 }.messages == ["b"])
  let filtered = try await f.filter("g") { $0.startTime = f.now + 1; $0.endTime = f.now + 2 }
  #expect(filtered.events?.compactMap(\.message) == ["b", "c"])
  #expect(try await f.get("g", "s") { $0.endTime = 0 }.messages == [])
  #expect(try await f.filter("g") { $0.startTime = Int.max; $0.endTime = Int.max }.events?.isEmpty == true)
}

@Test func `an answer holds at most a megabyte`() async throws {
  let f = try await prepared("s")
  let text = String(repeating: "x", count: 400_000)
  for i in 0..<5 { try await f.put("g", "s", [(f.now + i, text)]) }
  #expect(try await f.get("g", "s").messages.count == 2)
  #expect(try await f.filter("g").events?.count == 2)
  #expect(try await f.filterAll("g", limit: 10_000).count == 5)
}

@Test func `a group is filtered in the order of time over all streams, page by page, each event once`() async throws {
  let f = try await prepared("a", "b", "c")
  var expected: [(Int, String)] = []
  // Batches whose times interleave, overlap within a chunk's span, and repeat.
  for round in 0..<6 {
    for (place, stream) in ["a", "b", "c"].enumerated() {
      let events = (0..<20).map { (f.now + round * 37 + $0 * (5 + place * 3), "\(stream)\(round)-\($0)") }
      try await f.put("g", stream, events)
      expected += events
    }
  }
  for limit in [1, 7, 50, 10_000] {
    let events = try await f.filterAll("g", limit: limit)
    #expect(events.compactMap(\.timestamp) == expected.map(\.0).sorted())
    #expect(Set(events.compactMap(\.message)) == Set(expected.map(\.1)))
    #expect(Set(events.compactMap(\.eventId)).count == expected.count)
    #expect(events.allSatisfy { $0.eventId?.utf8.count == 56 && $0.ingestionTime == f.now })
    #expect(events.allSatisfy { $0.message?.first == $0.logStreamName?.first })
  }
  let once = try await f.filterAll("g", limit: 10_000).compactMap(\.eventId)
  #expect(try await f.filterAll("g", limit: 13).compactMap(\.eventId) == once)
  let page = try await f.filter("g") { $0.interleaved = true }
  #expect(page.searchedLogStreams?.isEmpty == true)
  #expect(page.nextToken == nil)
}

@Test func `a filter takes streams by name or prefix and a pattern`() async throws {
  let f = try await prepared("app/1", "app/2", "web")
  for (i, stream) in ["app/1", "app/2", "web"].enumerated() {
    try await f.put("g", stream, [(f.now + i, "ERROR \(stream)"), (f.now + 10 + i, "INFO \(stream)")])
  }
  func messages(_ fill: (inout FilterLogEventsInput) -> Void) async throws -> [String] {
    try await f.filterAll("g", limit: 1, fill).compactMap(\.message)
  }
  #expect(try await messages { $0.logStreamNames = ["web"] } == ["ERROR web", "INFO web"])
  #expect(try await messages { $0.logStreamNames = ["web", "app/2"]; $0.filterPattern = "INFO" } == ["INFO app/2", "INFO web"])
  #expect(try await messages { $0.logStreamNamePrefix = "app"; $0.filterPattern = "ERROR" } == ["ERROR app/1", "ERROR app/2"])
  #expect(try await messages { $0.filterPattern = "nothing" } == [])
  await expectError("ResourceNotFoundException", "The specified log stream does not exist.") {
    _ = try await messages { $0.logStreamNames = ["web", "zzz"] }
  }
  await expectError("InvalidParameterException", "Invalid filter pattern") {
    _ = try await messages { $0.filterPattern = "{ $.a }" }
  }
  await expectError("InvalidParameterException", "The specified nextToken is invalid.") {
    _ = try await f.filter("g") { $0.nextToken = "zz" }
  }
  await expectError("InvalidParameterException", "Only one of logStreamNames and logStreamNamePrefix may be specified.") {
    _ = try await messages { $0.logStreamNames = ["web"]; $0.logStreamNamePrefix = "w" }
  }
  await expectError("InvalidParameterException", "Exactly one of logGroupName and logGroupIdentifier must be specified.") {
    _ = try await messages { $0.logGroupIdentifier = "g" }
  }
}

@Test func `a long search answers with a token before it has seen all, and the next call goes on`() async throws {
  let f = try await prepared("s", "t")
  for i in 0..<40 { try await f.put("g", i % 2 == 0 ? "s" : "t", [(f.now + i * 30, i % 10 == 7 ? "needle \(i)" : "hay \(i)")]) }
  let scope = LogScope(.local, .usEast1)
  var found: [String] = []
  var pages = 0
  var after: EventPosition?
  repeat {
    let start = after
    let page = try await f.store.read { r in
      try EventScan(
        group: try r.existingLogGroup(scope, "g").id, streams: .all, from: .epoch, through: .distantFuture, start: .after(start),
        limit: 100, budget: 600, selects: { contains($0.message, Array("needle".utf8)) }
      ).page(r)
    }
    found += page.events.map(\.message.utf8Text)
    pages += 1
    if let old = after, let next = page.next { #expect(old < next) }
    after = page.next
  } while after != nil
  #expect(found == ["needle 7", "needle 17", "needle 27", "needle 37"])
  #expect(pages > 5)
}

@Test func `an event chunk holds at most its span, and its events survive the row`() throws {
  let start = Instant(seconds: 1_700_000_000)
  let events = [0, 0, 50, 100, 101, 500].map { EventChunk.Event(time: start + .milliseconds($0), message: Array("m\($0)".utf8)) }
  let chunks = EventChunk.cut(events, stream: 5, firstSequence: 10, ingestedAt: start)
  #expect(chunks.map(\.events.count) == [4, 1, 1])
  #expect(chunks.map(\.firstSequence) == [10, 14, 15])
  for chunk in chunks {
    #expect(try EventChunk(row: chunk.row, at: chunk.position) == chunk)
    #expect(try EventChunk.size(ofRow: chunk.row) == chunk.size)
  }
}

@Test func `positions order as their tokens and ids`() throws {
  let positions = [(0, 1, 5), (1, 0, 0), (1, 0, 1), (1, 2, 0), (2, 0, 0)].map {
    EventPosition(time: Instant(milliseconds: $0), stream: $1, sequence: $2)
  }
  #expect(positions == positions.sorted())
  #expect(positions.map(\.eventID) == positions.map(\.eventID).sorted())
  for position in positions + [.before(.epoch)] { #expect(EventPosition(token: position.token) == position) }
}
