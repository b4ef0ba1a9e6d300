import Base
import Fabric
import Store
import Wire

/// Records are pushed to a registered consumer for five minutes, as they come.
extension KinesisService {
  var subscribeOperations: [Operation] {
    [
      Operation("SubscribeToShard", access: { [self] (input: SubscribeToShardInput, call) in
        [try await access("SubscribeToShard", try Resource(input.consumerARN, input.streamId, call), by: call.account)]
      }, stream: { [self] in try await subscribe($0, $1) })
    ]
  }

  private func subscribe(_ input: SubscribeToShardInput, _ call: Call) async throws -> EventStreamOutput {
    guard case .consumer(let name) = try Resource(input.consumerARN, input.streamId, call) else {
      throw KinesisError.invalid("ConsumerARN \(input.consumerARN) is not valid.")
    }
    let consumer = try await consumer(name)
    guard consumer.status == .active else {
      throw KinesisError.inUse("Consumer \(name.arn) is not ACTIVE, instead in state \(consumer.status.rawValue).")
    }
    let loaded = try await usable(name.stream)
    let shard = try shard(input.shardId, of: loaded)
    let start = input.startingPosition
    let place = try place(start.type, number: start.sequenceNumber, time: start.timestamp, shard, name.stream)
    let number = try await number(of: place, in: shard.id, loaded)
    let meter = metrics.meter(loaded.stream, ambient.now)
    guard let ticket = subscriptions.begin(.init(consumer: name, shard: shard.id), RateTime(ambient.clock)) else {
      meter.subscribed(name.name, isTaken: false)
      throw KinesisError.inUse(
        "Another active subscription exists for this consumer: \(name.arn), shard: \(shard.id). Wait five seconds before subscribing again.")
    }
    meter.subscribed(name.name, isTaken: true)
    let end = ambient.now + KinesisLimits.subscription
    return EventStreamOutput(
      SubscribeToShardOutput().record,
      events: { [self] send in
        defer { subscriptions.ended(ticket) }
        try await push(shard.id, of: name.stream, from: number, ticket, until: end) { event in
          try await send("SubscribeToShardEvent", event.record)
        }
      })
  }

  private func push(
    _ id: ShardID, of name: StreamName, from start: Int64, _ ticket: Subscriptions.Ticket, until end: Instant,
    _ send: @escaping @Sendable (SubscribeToShardEvent) async throws -> Void
  ) async throws {
    var number = start
    // What the client goes on with when nothing has come: that of the last record before the place.
    var last: String?
    var bucket = RateBucket(rate: KinesisLimits.readBytesPerSecond, at: RateTime(ambient.clock))
    while subscriptions.isCurrent(ticket), ambient.now < end {
      guard let loaded = try await cache.find(name), loaded.stream.isUsable, let shard = loaded.shards[id] else { return }
      // Before the look, so that nothing that comes meanwhile is missed.
      let arrivals = store.watch(loaded.log(id).watchPrefix), changed = store.watch(Keys.stream(name))
      let page = try await read(
        loaded, shard, from: number, limit: KinesisLimits.recordsPerRead, bytes: KinesisLimits.bytesPerEvent)
      number = page.next
      last = page.lastNumber ?? last ?? Self.numberBefore(number, shard)
      var event = SubscribeToShardEvent()
      (event.records, event.millisBehindLatest) = (page.records, page.millisBehind)
      if page.isEnd { event.childShards = page.children } else { event.continuationSequenceNumber = last ?? "0" }
      try await send(event)
      metrics.meter(loaded.stream, ambient.now).pushed(
        id, to: ticket.place.consumer.name, records: page.records.count, bytes: page.bytes, behind: page.millisBehind)
      guard !page.isEnd else { return }
      bucket.take(Double(page.bytes))
      if page.records.isEmpty {
        await wait(for: [arrivals, changed], or: ticket.end, until: min(end, ambient.now + KinesisLimits.heartbeat))
      } else {
        while subscriptions.isCurrent(ticket), ambient.now < end, !bucket.isOpen(RateTime(ambient.clock)) {
          await ticket.end.wait(atMost: .milliseconds(100), clock: ambient.clock)
        }
      }
    }
  }

  /// The sequence number of what lies before a place: reading after it gives the place again.
  private static func numberBefore(_ number: Int64, _ shard: Shard) -> String {
    guard number > 0, number < Int64.max - 1 else { return SequenceNumber.start(of: shard).text }
    return SequenceNumber(shard, number: number - 1, at: shard.opened).text
  }

  /// Returns when one of the watched rows has changed, at the signal, or when the time has come.
  func wait(for changes: [AsyncStream<Void>], or signal: Nudge? = nil, until deadline: Instant) async {
    let clock = ambient.clock
    await withTaskGroup(of: Void.self) { group in
      for stream in changes {
        group.addTask { for await _ in stream { return } }
      }
      if let signal { group.addTask { await signal.wait() } }
      group.addTask { try? await clock.sleep(until: deadline) }
      await group.next()
      group.cancelAll()
    }
  }
}
