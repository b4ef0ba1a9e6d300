import Base

/// A shard of a stream, as a reader needs to know it.
public struct StreamShard: Sendable, Equatable {
  public var id: String
  /// The shards that it came from by a split or a merge; some may have expired.
  public var parents: [String]
  /// Nothing is added to it any more.
  public var isClosed: Bool
  public init(id: String, parents: [String] = [], isClosed: Bool = false) {
    (self.id, self.parents, self.isClosed) = (id, parents, isClosed)
  }
}

public struct StreamDescription: Sendable {
  /// All that are not expired, in the order in which they came to be.
  public var shards: [StreamShard]
  /// Tells the stream from an earlier one that had the same ARN.
  public var id: String
  public init(shards: [StreamShard], id: String = "") { (self.shards, self.id) = (shards, id) }
}

extension [StreamRecord] {
  /// What a batch goes on from: the trace of its first record that has one.
  public var trace: TraceContext? { lazy.compactMap(\.trace).first }
}

/// A record of a stream as a reader sees it.
public struct StreamRecord: Sendable, Equatable {
  public enum Content: Sendable, Equatable {
    /// The bytes that were put.
    case data([UInt8])
    /// A change of an item of a table: `INSERT`, `MODIFY` or `REMOVE`, and the member `dynamodb` of the record, JSON. `isExpiry`: the
    /// service itself deleted the item, because its time had come.
    case change(eventID: String, eventName: String, image: [UInt8], isExpiry: Bool = false)
  }
  /// Decimal digits; a record that comes later in its shard has a greater number.
  public var sequenceNumber: String
  /// Records of one key keep their order.
  public var partitionKey: String
  public var arrival: Instant
  public var content: Content
  /// Of the put that brought it, when that was part of a trace.
  public var trace: TraceContext?
  public init(sequenceNumber: String, partitionKey: String, arrival: Instant, content: Content, trace: TraceContext? = nil) {
    (self.sequenceNumber, self.partitionKey, self.arrival, self.content) = (sequenceNumber, partitionKey, arrival, content)
    self.trace = trace
  }
}

public struct StreamPage: Sendable {
  public var records: [StreamRecord]
  /// Where to read on; nil when the shard is closed and this was its end.
  public var next: String?
  public init(records: [StreamRecord], next: String?) { (self.records, self.next) = (records, next) }
}

/// Where to begin in a shard.
public enum StreamPosition: Sendable, Equatable {
  case trimHorizon
  case latest
  case timestamp(Instant)
  case after(sequenceNumber: String)
}

/// The streams of one service for readers: the hot paths of Kinesis and of DynamoDB Streams with the same permission checks and
/// no encoding. Implemented by those services.
public protocol StreamPort: Sendable {
  /// The actions that a reader's role needs, in AWS's order.
  var actions: [String] { get }
  /// Throws `AWSError` `ResourceNotFoundException` when there is no such stream, and a denial when one of `actions` is not allowed.
  func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription
  /// A place in a shard that stays what it is: the one of `latest` is where the shard ended now, also after a restart.
  func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String
  /// Waits up to `wait` (adjusted time) for a first record; at most `limit` records and 10 MB.
  /// Throws `AWSError` `ExpiredIteratorException` when what lies there is no longer kept.
  func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage
}
