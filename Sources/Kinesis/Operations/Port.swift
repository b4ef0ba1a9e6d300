import Base
import Fabric
import Store

/// Streams for other services: Lambda's mappings, and whoever else reads. A stream is named by its ARN or by that of a consumer of it.
///
/// Such readers are not held to the rates of GetRecords: AWS gives them theirs.
extension KinesisService {
  public var actions: [String] { ["GetRecords", "GetShardIterator", "DescribeStream", "ListShards"] }

  /// Asks IAM for what the caller wants to do, and finds the stream.
  private func stream(_ arn: ARN, _ actions: [String], as caller: Caller) async throws -> LoadedStream {
    let name: StreamName
    if let consumer = ConsumerName(arn) {
      name = consumer.stream
      try await authorise(actions.contains("GetRecords") ? ["SubscribeToShard"] : [], .consumer(consumer), as: caller)
      try await authorise(actions.filter { $0 == "ListShards" || $0.hasPrefix("Describe") }, .stream(name), as: caller)
      _ = try await self.consumer(consumer)
    } else if let found = StreamName(arn) {
      name = found
      try await authorise(actions, .stream(found), as: caller)
    } else {
      throw KinesisError.notFound("Stream \(arn) not found.")
    }
    return try await usable(name)
  }

  private func authorise(_ actions: [String], _ resource: Resource, as caller: Caller) async throws {
    for action in actions {
      let access =
        switch resource {
        case .stream(let name): try await access(action, name, isShared: true, by: caller.account)
        case .consumer: try await access(action, resource, by: caller.account)
        }
      try await authoriser.authorise(access, as: caller, now: ambient.now)
    }
  }

  public func describe(_ stream: ARN, as caller: Caller) async throws -> StreamDescription {
    let loaded = try await self.stream(stream, actions, as: caller)
    let horizon = loaded.stream.horizon(ambient.now)
    return StreamDescription(
      shards: loaded.shards.shards.filter { !$0.isExpired(horizon) }.map { shard in
        StreamShard(id: "\(shard.id)", parents: shard.parents.map { "\($0)" }, isClosed: !shard.isOpen)
      }, id: "\(loaded.stream.id)")
  }

  public func iterator(_ stream: ARN, shard: String, at position: StreamPosition, as caller: Caller) async throws -> String {
    let loaded = try await self.stream(stream, ["GetShardIterator"], as: caller)
    let found = try self.shard(shard, of: loaded)
    let place: Place =
      switch position {
      case .trimHorizon: .trimHorizon
      case .latest: .latest
      case .timestamp(let time): .time(time)
      case .after(let number): try place("AFTER_SEQUENCE_NUMBER", number: number, time: nil, found, loaded.stream.name)
      }
    return ShardIterator(loaded.stream, found.id, number: try await number(of: place, in: found.id, loaded), made: ambient.now).text
  }

  public func read(_ stream: ARN, iterator: String, limit: Int, wait: Duration, as caller: Caller) async throws -> StreamPage {
    guard let iterator = ShardIterator(iterator) else { throw KinesisError.invalidIterator }
    let deadline = ambient.now + wait
    while true {
      let loaded = try await self.stream(stream, ["GetRecords"], as: caller)
      guard loaded.stream.id == iterator.streamID, let shard = loaded.shards[iterator.shard] else {
        throw KinesisError.shardDoesNotExist("\(iterator.shard)", loaded.stream.name)
      }
      let arrivals = store.watch(loaded.log(shard.id).watchPrefix), changed = store.watch(Keys.stream(loaded.stream.name))
      if let page = try await page(loaded, shard, iterator, limit) { return page }
      guard ambient.now < deadline else { return StreamPage(records: [], next: iterator.text) }
      await self.wait(for: [arrivals, changed], until: deadline)
      try Task.checkCancellation()
    }
  }

  /// Nil when there is nothing yet.
  private func page(_ loaded: LoadedStream, _ shard: Shard, _ iterator: ShardIterator, _ limit: Int) async throws -> StreamPage? {
    let (log, now, number) = (loaded.log(shard.id), ambient.now, iterator.number)
    let page = try await store.read { rows in
      try log.read(
        from: number, limit: max(1, min(limit, KinesisLimits.recordsPerRead)), bytes: KinesisLimits.readBytesAtOnce,
        since: loaded.stream.horizon(now), rows)
    }
    let isEnd = !shard.isOpen && page.isAtEnd
    let first = page.entries.first?.number ?? page.next
    guard first <= number || number == 0 else {
      throw KinesisError.expiredIterator(made: iterator.made, now: now)
    }
    guard !page.entries.isEmpty || isEnd else { return nil }
    let records = try page.entries.map { entry in
      let record = try StoredRecord(entry.bytes)
      return StreamRecord(
        sequenceNumber: SequenceNumber(shard, number: entry.number, at: entry.time).text, partitionKey: record.partitionKey,
        arrival: entry.time, content: .data(record.data), trace: record.trace.flatMap { TraceContext(header: $0) })
    }
    let next = ShardIterator(loaded.stream, shard.id, number: max(number, page.next), made: iterator.made)
    return StreamPage(records: records, next: isEnd ? nil : next.text)
  }
}
