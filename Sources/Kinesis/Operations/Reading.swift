import Base
import Fabric
import Store
import Wire

extension GetShardIteratorInput: StreamInput {}

/// Records go out, to whoever asks.
extension KinesisService {
  var readOperations: [Operation] {
    [
      Operation("GetShardIterator", access: access("GetShardIterator", isShared: true), run: getShardIterator),
      Operation("GetRecords", access: getRecordsAccess, run: getRecords),
    ]
  }

  // MARK: Where to read

  /// A place in a shard.
  enum Place: Sendable {
    case trimHorizon
    case latest
    case time(Instant)
    case at(SequenceNumber)
    case after(SequenceNumber)
  }

  func shard(_ text: String, of loaded: LoadedStream) throws(AWSError) -> Shard {
    guard let id = ShardID(text) else { throw KinesisError.noShard(text, loaded.stream.name) }
    guard let shard = loaded.shards[id], !shard.isExpired(loaded.stream.horizon(ambient.now)) else {
      throw KinesisError.shardDoesNotExist("\(id)", loaded.stream.name)
    }
    return shard
  }

  /// What the type of an iterator, its number and its time mean together. Throws InvalidArgumentException.
  func place(_ type: String, number: String?, time: Instant?, _ shard: Shard, _ name: StreamName) throws(AWSError) -> Place {
    let needsNumber = type == "AT_SEQUENCE_NUMBER" || type == "AFTER_SEQUENCE_NUMBER"
    guard needsNumber == (number != nil) else {
      throw KinesisError.invalid(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and "
          + "no StartingSequenceNumber. Request specified \(type) and \(number == nil ? "no" : "also a") StartingSequenceNumber.")
    }
    guard (type == "AT_TIMESTAMP") == (time != nil) else {
      throw KinesisError.invalid(
        "Must either specify AT_TIMESTAMP and Timestamp, or another type and no Timestamp. Request specified \(type) and "
          + "\(time == nil ? "no" : "also a") Timestamp.")
    }
    if let time {
      guard time <= ambient.now else {
        throw KinesisError.invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis.")
      }
      return .time(time)
    }
    guard let number else { return type == "LATEST" ? .latest : .trimHorizon }
    guard let sequence = SequenceNumber(number) else {
      throw KinesisError.invalid(
        "StartingSequenceNumber \(number) used in GetShardIterator on shard \(shard.id) in stream \(name.name) under account "
          + "\(name.account) is invalid.")
    }
    guard sequence.shard == shard.id else {
      throw KinesisError.invalid(
        "Invalid StartingSequenceNumber. It encodes \(sequence.shard), while it was used in a call to a shard with \(shard.id)")
    }
    guard sequence.shardOpened == shard.opened.seconds else {
      throw KinesisError.invalid(
        "StartingSequenceNumber \(number) used in GetShardIterator on shard \(shard.id) in stream \(name.name) under account "
          + "\(name.account) is invalid because it did not come from this stream.")
    }
    return type == "AT_SEQUENCE_NUMBER" ? .at(sequence) : .after(sequence)
  }

  /// The number in the shard's log at which the place is now.
  func number(of place: Place, in shard: ShardID, _ loaded: LoadedStream) async throws -> Int64 {
    let log = loaded.log(shard)
    switch place {
    case .trimHorizon: return try await store.read { try log.extent($0).first }
    case .latest: return try await store.read { try log.extent($0).next }
    case .time(let time): return try await store.read { try log.number(since: time, $0) }
    case .at(let sequence): return sequence.number
    case .after(let sequence): return sequence.numberAfter
    }
  }

  private func getShardIterator(_ input: GetShardIteratorInput, _ call: Call) async throws -> GetShardIteratorOutput {
    let name = try name(input, call)
    let loaded = try await usable(name)
    let shard = try shard(input.shardId, of: loaded)
    let place = try place(
      input.shardIteratorType, number: input.startingSequenceNumber, time: input.timestamp, shard, name)
    let number = try await number(of: place, in: shard.id, loaded)
    var output = GetShardIteratorOutput()
    output.shardIterator = ShardIterator(loaded.stream, shard.id, number: number, made: ambient.now).text
    return output
  }

  // MARK: Reading

  private func iterator(_ input: GetRecordsInput, _ call: Call) throws(AWSError) -> ShardIterator {
    guard let iterator = ShardIterator(input.shardIterator), iterator.stream.region == call.region else {
      throw KinesisError.invalidIterator
    }
    if let arn = input.streamARN, arn != iterator.stream.arn.text {
      throw KinesisError.invalid("StreamARN \(arn) does not belong to the ShardIterator.")
    }
    return iterator
  }

  private func getRecordsAccess(_ input: GetRecordsInput, _ call: Call) async throws -> [Access] {
    [try await access("GetRecords", try iterator(input, call).stream, isShared: true, by: call.account)]
  }

  private func getRecords(_ input: GetRecordsInput, _ call: Call) async throws -> GetRecordsOutput {
    let began = ambient.clock.monotonic()
    let (iterator, now) = (try iterator(input, call), ambient.now)
    guard now - iterator.made <= KinesisLimits.iteratorLife else { throw KinesisError.expiredIterator(made: iterator.made, now: now) }
    let loaded = try await usable(iterator.stream)
    guard loaded.stream.id == iterator.streamID, let shard = loaded.shards[iterator.shard] else {
      throw KinesisError.shardDoesNotExist("\(iterator.shard)", iterator.stream)
    }
    let meter = metrics.meter(loaded.stream, now)
    let key = ShardRates.Shard(stream: loaded.stream.id, shard: shard.id)
    guard rates.takesRead(key, RateTime(ambient.clock)) else {
      meter.throttledRead(shard.id)
      throw KinesisError.throttled(shard.id, iterator.stream)
    }
    let page = try await read(
      loaded, shard, from: iterator.number, limit: input.limit ?? KinesisLimits.recordsPerRead, bytes: KinesisLimits.readBytesAtOnce)
    rates.hasRead(key, bytes: page.bytes, RateTime(ambient.clock))
    meter.read(shard.id, records: page.records.count, bytes: page.bytes, age: page.millisBehind, latency: ambient.clock.monotonic() - began)
    var output = GetRecordsOutput()
    output.records = page.records
    output.millisBehindLatest = page.millisBehind
    if page.isEnd {
      output.childShards = page.children
    } else {
      output.nextShardIterator = ShardIterator(loaded.stream, shard.id, number: page.next, made: now).text
    }
    return output
  }

  /// What one read of a shard gives.
  struct ShardPage: Sendable {
    var records: [KinesisRecord] = []
    /// Data and partition keys.
    var bytes = 0
    var next: Int64
    /// The shard is closed and this was the last of it.
    var isEnd = false
    var millisBehind = 0
    var children: [ChildShard] = []
    var lastNumber: String?
  }

  func read(_ loaded: LoadedStream, _ shard: Shard, from number: Int64, limit: Int, bytes: Int) async throws -> ShardPage {
    let (log, now) = (loaded.log(shard.id), ambient.now)
    let (stored, behind) = try await store.read { rows -> (Log.Page, Instant?) in
      let page = try log.read(from: number, limit: limit, bytes: bytes, since: loaded.stream.horizon(now), rows)
      return (page, page.isAtEnd ? nil : try log.time(of: page.next, rows))
    }
    var page = ShardPage(next: max(number, stored.next))
    for entry in stored.entries {
      let record = try StoredRecord(entry.bytes)
      page.bytes += record.data.count + record.partitionKey.utf8.count
      page.records.append(KinesisRecord(record, SequenceNumber(shard, number: entry.number, at: entry.time), entry.time))
    }
    page.lastNumber = page.records.last?.sequenceNumber
    // How far the reader is from the tip: the age of what it gets last, or would get next.
    if let behind { page.millisBehind = Int(max(0, (now - (stored.entries.last?.time ?? behind)).inMilliseconds)) }
    if !shard.isOpen, stored.isAtEnd {
      page.isEnd = true
      page.children = loaded.shards.children(of: shard.id).map { ChildShard($0) }
    }
    return page
  }
}

extension KinesisRecord {
  init(_ record: StoredRecord, _ number: SequenceNumber, _ time: Instant) {
    self.init()
    (sequenceNumber, approximateArrivalTimestamp) = (number.text, time)
    (data, partitionKey) = (record.data, record.partitionKey)
    if record.isEncrypted { encryptionType = "KMS" }
  }
}

extension ChildShard {
  init(_ shard: Shard) {
    self.init()
    (shardId, parentShards, hashKeyRange) = ("\(shard.id)", shard.parents.map { "\($0)" }, HashKeyRange(shard.range))
  }
}
