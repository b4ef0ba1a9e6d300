import Base
import Store

extension Stream {
  var row: [UInt8] {
    var row = RowWriter(capacity: 160)
    row.int(id)
    row.instant(created)
    row.int(version)
    row.string(status.rawValue)
    row.string(mode.rawValue)
    row.int(openShards)
    row.int(retentionHours)
    row.optional(keyID)
    row.strings(shardMetrics)
    row.int(maximumRecordKiB)
    row.optional(warmMiBps)
    row.optional(policy)
    row.map(tags)
    row.array(shardUpdates) { $0.instant($1) }
    row.array(modeChanges) { $0.instant($1) }
    return row.bytes
  }

  init(_ bytes: [UInt8], name: StreamName) throws {
    var row = try RowReader(bytes)
    let (id, created, version) = (try row.int64(), try row.instant(), try row.int())
    guard let status = Status(rawValue: try row.string()), let mode = Mode(rawValue: try row.string()) else {
      throw StoreError.corrupt("stream")
    }
    self.init(name: name, id: id, created: created, mode: mode, openShards: try row.int())
    (self.version, self.status) = (version, status)
    retentionHours = try row.int()
    keyID = try row.optionalString()
    shardMetrics = try row.strings()
    maximumRecordKiB = try row.int()
    warmMiBps = try row.optionalInt()
    policy = try row.optionalString()
    tags = try row.map()
    shardUpdates = try row.array { try $0.instant() }
    modeChanges = try row.array { try $0.instant() }
  }
}

extension ShardMap {
  var row: [UInt8] {
    var row = RowWriter(capacity: shards.count * 64 + 16)
    row.int(next)
    row.array(shards) { row, shard in
      row.int(shard.id.index)
      row.optional(shard.parent?.index)
      row.optional(shard.adjacentParent?.index)
      for end in [shard.range.first, shard.range.last] {
        row.varint(UInt64(truncatingIfNeeded: end >> 64))
        row.varint(UInt64(truncatingIfNeeded: end))
      }
      row.instant(shard.opened)
      row.optional(shard.closed)
    }
    return row.bytes
  }

  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    let next = try row.int()
    let shards = try row.array { row in
      let (id, parent, adjacent) = (ShardID(try row.int()), try row.optionalInt(), try row.optionalInt())
      let first = UInt128(try row.varint()) << 64 | UInt128(try row.varint())
      let last = UInt128(try row.varint()) << 64 | UInt128(try row.varint())
      return Shard(
        id: id, parent: parent.map { ShardID($0) }, adjacentParent: adjacent.map { ShardID($0) },
        range: HashRange(first: first, last: last), opened: try row.instant(), closed: try row.optionalInstant())
    }
    self.init(shards: shards, next: next)
  }
}

extension Consumer {
  var row: [UInt8] {
    var row = RowWriter()
    row.instant(created)
    row.string(status.rawValue)
    row.optional(policy)
    row.map(tags)
    return row.bytes
  }

  init(_ bytes: [UInt8], _ name: String, of stream: StreamName) throws {
    var row = try RowReader(bytes)
    let created = try row.instant()
    self.init(name: ConsumerName(stream, name, created: created.seconds), created: created)
    guard let status = Status(rawValue: try row.string()) else { throw StoreError.corrupt("consumer") }
    (self.status, policy, tags) = (status, try row.optionalString(), try row.map())
  }
}

/// A record as it lies in the log of its shard.
struct StoredRecord: Sendable, Equatable {
  var partitionKey: String
  var data: [UInt8]
  /// The stream was encrypted when it came.
  var isEncrypted: Bool
  /// The header of the trace that it came with.
  var trace: String?

  var row: [UInt8] {
    var row = RowWriter(capacity: data.count + partitionKey.utf8.count + (trace?.utf8.count ?? 0) + 8)
    row.bool(isEncrypted)
    row.string(partitionKey)
    row.blob(data)
    if let trace { row.string(trace) }
    return row.bytes
  }

  init(partitionKey: String, data: [UInt8], isEncrypted: Bool, trace: String? = nil) {
    (self.partitionKey, self.data, self.isEncrypted, self.trace) = (partitionKey, data, isEncrypted, trace)
  }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    (isEncrypted, partitionKey, data) = (try row.bool(), try row.string(), try row.blob())
    trace = try row.ifPresent { try $0.string() }
  }
}

/// The account's commitment to a minimum of throughput (on-demand advantage): what it has said, and when.
struct Commitment: Sendable, Equatable {
  var started: Instant?
  var ended: Instant?

  init() {}
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    (started, ended) = (try row.optionalInstant(), try row.optionalInstant())
  }
  var row: [UInt8] {
    var row = RowWriter(capacity: 16)
    row.optional(started)
    row.optional(ended)
    return row.bytes
  }
}
