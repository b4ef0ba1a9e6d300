import Base
import Crypto
import Fabric
import Store

/// A stream as its ARN names it.
struct StreamName: Hashable, Sendable {
  var table: TableName
  var label: String
  var arn: ARN { ARN("dynamodb", table.region, table.account, "table/\(table.name)/stream/\(label)") }

  /// Nil for an ARN of anything else.
  init?(_ arn: ARN) {
    let parts = arn.resource.split(separator: "/", omittingEmptySubsequences: false)
    guard arn.service == "dynamodb", parts.count == 4, parts[0] == "table", parts[2] == "stream", let account = AccountID(arn.account),
      let region = Region(arn.region)
    else { return nil }
    self.init(TableName(account: account, region: region, name: String(parts[1])), String(parts[3]))
  }
  init(_ table: TableName, _ label: String) { (self.table, self.label) = (table, label) }

  var notFound: AWSError {
    AWSError("ResourceNotFoundException", "Requested resource not found: Stream: \(arn.text) not found", status: 400)
  }
}

/// Where somebody reads in the one shard that a stream has.
struct StreamIterator: Sendable, Equatable {
  var stream: StreamName
  var number: Int64
  var madeAt: Instant

  var text: String {
    var row = RowWriter(capacity: 24)
    row.int(number)
    row.instant(madeAt)
    return "\(stream.arn.text)|1|\(row.bytes.base64)"
  }
  init(_ stream: StreamName, _ number: Int64, at now: Instant) { (self.stream, self.number, madeAt) = (stream, number, now) }
  init(text: String) throws {
    let parts = text.split(separator: "|", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "1", let stream = ARN(parts[0]).flatMap(StreamName.init), let bytes = decodeBase64(String(parts[2])),
      var row = try? RowReader(bytes), let number = try? row.int64(), let madeAt = try? row.instant(), row.isAtEnd, number >= 0
    else { throw DynamoDBError.validation("Invalid ShardIterator") }
    (self.stream, self.number, self.madeAt) = (stream, number, madeAt)
  }
}

/// A stream and what its log holds, in one snapshot.
struct OpenStream: Sendable {
  var name: StreamName
  var row: StreamRow
  var extent: Log.Extent
  /// The first change that is not too old.
  var oldest: Int64

  init?(_ name: StreamName, _ rows: any Reader, now: Instant) throws {
    guard let bytes = try rows.get(Keys.streams.row(name.table, name.label)) else { return nil }
    row = try StreamRow(bytes)
    let horizon = now - DynamoDBLimits.streamRetention
    if let end = row.disabledAt, end < horizon { return nil }
    let log = Log(Keys.changes(row.id))
    extent = try log.extent(rows)
    oldest = try log.number(since: horizon, rows)
    self.name = name
  }

  var isClosed: Bool { row.disabledAt != nil }
  /// One shard for the life of the stream.
  var shard: String { "shardId-\(padded(Int(row.createdAt.milliseconds), 20))-\(hexID)" }
  private var hexID: String { Array(Insecure.MD5.hash(data: Array("\(row.id)".utf8))).prefix(4).hex }

  func eventID(_ number: Int64) -> String { Array(Insecure.MD5.hash(data: Array("\(row.id)/\(number)".utf8))).hex }
}

/// A change as readers get it.
struct ReadChange: Sendable {
  var number: Int64
  var time: Instant
  var change: Change
}

extension DynamoDBService {
  /// Up to `limit` changes from the place on.
  /// Throws `TrimmedDataAccessException` when what lies there is no longer kept.
  func changes(_ name: StreamName, from number: Int64, limit: Int, now: Instant) async throws -> (OpenStream, [ReadChange], next: Int64?) {
    try await store.read { rows in
      guard let stream = try OpenStream(name, rows, now: now) else { throw name.notFound }
      guard number >= stream.oldest else { throw Self.trimmed }
      let page = try Log(Keys.changes(stream.row.id)).read(
        from: number, limit: limit, bytes: DynamoDBLimits.streamBytesPerRead, rows)
      let changes = try page.entries.map { ReadChange(number: $0.number, time: $0.time, change: try Change($0.bytes)) }
      let next = max(number, page.next)
      return (stream, changes, stream.isClosed && page.isAtEnd ? nil : next)
    }
  }
  static let trimmed = AWSError(
    "TrimmedDataAccessException",
    "The operation attempted to read past the oldest stream record in a shard.", status: 400)

  func open(_ name: StreamName, now: Instant) async throws -> OpenStream {
    guard let stream = try await store.read({ try OpenStream(name, $0, now: now) }) else { throw name.notFound }
    return stream
  }
}

/// The way of event source mappings to the streams.
extension DynamoDBService: StreamPort {
  public var actions: [String] {
    ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"]
  }

  private func allowed(_ arn: ARN, _ action: String, as caller: Caller) async throws -> StreamName {
    guard let name = StreamName(arn) else {
      throw AWSError("ResourceNotFoundException", "Requested resource not found: Stream: \(arn.text) not found", status: 400)
    }
    try await authoriser.authorise(
      Access("dynamodb:" + action, on: arn.text, owner: name.table.account), as: caller, now: ambient.now)
    return name
  }

  public func describe(_ stream: ARN, as caller: Caller) async throws -> Fabric.StreamDescription {
    var name: StreamName?
    for action in ["GetRecords", "GetShardIterator", "DescribeStream"] { name = try await allowed(stream, action, as: caller) }
    let listing = Access("dynamodb:ListStreams", owner: caller.account)
    try await authoriser.authorise(listing, as: caller, now: ambient.now)
    guard let name else { return Fabric.StreamDescription(shards: []) }
    let open = try await open(name, now: ambient.now)
    return Fabric.StreamDescription(shards: [StreamShard(id: open.shard, isClosed: open.isClosed)])
  }

  public func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    let name = try await allowed(stream, "GetShardIterator", as: caller)
    let open = try await open(name, now: ambient.now)
    guard open.shard == shard else { throw name.notFound }
    switch position {
    case .trimHorizon: return String(open.oldest)
    case .latest: return String(open.extent.next)
    case .timestamp(let time):
      return String(max(open.oldest, try await store.read { try Log(Keys.changes(open.row.id)).number(since: time, $0) }))
    case .after(let text):
      guard let number = SequenceNumber.number(text) else { throw DynamoDBError.validation("Invalid SequenceNumber") }
      return String(number + 1)
    }
  }

  public func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    let name = try await allowed(stream, "GetRecords", as: caller)
    guard let number = Int64(iterator) else { throw DynamoDBError.validation("Invalid ShardIterator") }
    let deadline = ambient.now + wait
    do {
      while true {
        let (open, changes, next) = try await changes(name, from: number, limit: limit, now: ambient.now)
        if !changes.isEmpty || next == nil || ambient.now >= deadline {
          return StreamPage(records: changes.map { Self.record($0, open) }, next: next.map { String($0) })
        }
        await arrivals.wait(for: open.row.id, until: deadline, clock: ambient.clock)
      }
    } catch let error as AWSError where error.code == "TrimmedDataAccessException" {
      throw AWSError("ExpiredIteratorException", error.message, status: 400, cause: error)
    }
  }

  private static func record(_ read: ReadChange, _ stream: OpenStream) -> StreamRecord {
    StreamRecord(
      sequenceNumber: SequenceNumber.text(read.number), partitionKey: read.change.keys.bytes.hex, arrival: read.time,
      content: .change(
        eventID: stream.eventID(read.number), eventName: read.change.kind.name,
        image: read.change.json(stream.row.view, number: read.number, at: read.time).bytes, isExpiry: read.change.isExpiry))
  }
}
