import Base
import Store

/// Streams within one transaction.
extension Transaction {
  /// Notes a stream, and that there is something to finish when it is not active.
  func put(_ stream: Stream, shards: ShardMap? = nil) throws {
    var stream = stream
    stream.version += 1
    if let shards {
      stream.openShards = shards.openCount
      try set(Keys.shards(stream.id), shards.row)
    }
    try set(Keys.stream(stream.name), stream.row)
    if stream.status != .active { try set(Keys.pending(stream.name), []) }
  }

  /// Takes a stream away with its records and consumers.
  func remove(_ stream: Stream) throws {
    try deleteAll(Keys.logs(stream.id))
    try deleteAll(Keys.consumers(stream.id))
    for key in [Keys.shards(stream.id), Keys.stream(stream.name), Keys.pending(stream.name)] { try delete(key) }
  }

  func put(_ consumer: Consumer, of stream: Stream) throws {
    try set(Keys.consumer(stream.id, consumer.name.name), consumer.row)
    if consumer.status != .active { try set(Keys.pending(stream.name), []) }
  }
}

extension Reader {
  func consumer(_ name: String, of stream: Stream) throws -> Consumer? {
    try get(Keys.consumer(stream.id, name)).map { try Consumer($0, name, of: stream.name) }
  }
  func consumers(of stream: Stream, after last: String? = nil, limit: Int = .max) throws -> [Consumer] {
    try entries(Keys.consumers(stream.id, after: last), limit: limit).map {
      try Consumer($0.value, Keys.consumerName($0.key, stream.id), of: stream.name)
    }
  }
  /// The streams of an account in a Region, by name.
  func streams(_ account: AccountID, _ region: Region, after last: String? = nil, limit: Int = .max) throws -> [Stream] {
    try entries(Keys.streams(account, region, after: last), limit: limit).map {
      try Stream($0.value, name: Keys.streamName($0.key))
    }
  }
}
