import Base
import Fabric
import Logging
import Store

/// Takes over records of streams of Kinesis: a record and how far its shard is read are one step, so none is missed or taken twice.
struct StreamFeed: Worker {
  let name = "firehose-feed"
  let nudge = Nudge()
  private let store: any Store
  private let ambient: Ambient
  private let neighbours: FirehoseService.Neighbours
  private let lanes: [DeliveryLane]
  private let logger: Logger

  init(_ store: any Store, _ ambient: Ambient, _ neighbours: FirehoseService.Neighbours, _ lanes: [DeliveryLane], _ logger: Logger) {
    (self.store, self.ambient, self.neighbours, self.lanes, self.logger) = (store, ambient, neighbours, lanes, logger)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let streams = try await store.read { rows in
      try rows.deliveryStreams(Keys.streams(after: nil)).filter { $0.source != .directPut && $0.status == .active }
    }
    guard !streams.isEmpty else { return .onNudge }
    await withTaskGroup(of: Void.self) { group in
      for stream in streams { group.addTask { await take(from: stream) } }
    }
    return .at(now + FirehoseLimits.readPause)
  }

  private func take(from stream: DeliveryStream) async {
    guard case .kinesis(let source, let role) = stream.source else { return }
    do {
      let caller = try await Callers(neighbours.roles, ambient).caller(role, of: stream.name)
      for shard in try await readable(source, stream, caller) {
        while try await step(shard, source, stream, caller) {}
      }
    } catch is CancellationError {
    } catch {
      logger.warning("a stream cannot be read for its delivery", metadata: [
        "delivery": "\(stream.name.arn)", "stream": "\(source)", "error": "\(error)",
      ])
    }
  }

  /// Shards whose parents are taken over. New ones are noted with where they begin: the first with what came since the delivery stream
  /// was made, later ones at their beginning.
  private func readable(_ source: ARN, _ stream: DeliveryStream, _ caller: Caller) async throws -> [String] {
    let shards = try await neighbours.streams.describe(source, as: caller).shards
    var known = try await positions(stream)
    let isFirst = known.isEmpty
    var new: [String: FeedPosition] = [:]
    for shard in shards where known[shard.id] == nil {
      // A clock that was set back has not come to that time yet.
      let begin: StreamPosition = isFirst ? .timestamp(min(stream.created, ambient.now)) : .trimHorizon
      new[shard.id] = FeedPosition(try await neighbours.streams.iterator(source, shard: shard.id, at: begin, as: caller))
    }
    if !new.isEmpty {
      let begun = new
      try await store.transact { rows in
        for (shard, position) in begun { try rows.set(Keys.shard(stream.id, shard), position.row) }
      }
      known.merge(new) { $1 }
    }
    let present = Set(shards.map(\.id))
    return shards.filter { shard in
      known[shard.id]?.iterator != nil && shard.parents.allSatisfy { !present.contains($0) || known[$0]?.iterator == nil }
    }.map(\.id)
  }

  private func positions(_ stream: DeliveryStream) async throws -> [String: FeedPosition] {
    try await store.read { rows in
      Dictionary(
        uniqueKeysWithValues: try rows.entries(KeyRange(prefix: Keys.shards(stream.id))).map {
          (try Keys.shardName($0.key, stream.id), try FeedPosition($0.value))
        })
    }
  }

  /// - Returns: whether there may be more.
  private func step(_ shard: String, _ source: ARN, _ stream: DeliveryStream, _ caller: Caller) async throws -> Bool {
    let (key, now) = (Keys.shard(stream.id, shard), ambient.now)
    let (row, waiting) = try await store.read { (try $0.get(key), try Counter(Keys.waiting(stream.id)).value($0)) }
    guard let row, let iterator = try FeedPosition(row).iterator, waiting < Int64(FirehoseLimits.heldBytes) else { return false }
    let page: StreamPage
    do {
      page = try await neighbours.streams.read(source, iterator: iterator, limit: FirehoseLimits.recordsPerRead, wait: .zero, as: caller)
    } catch let error as AWSError where error.code == "ExpiredIteratorException" {
      // What lies there is no longer kept: it goes on with what is.
      let oldest = try await neighbours.streams.iterator(source, shard: shard, at: .trimHorizon, as: caller)
      try await store.transact { try $0.set(key, FeedPosition(oldest).row) }
      return true
    }
    guard !page.records.isEmpty || page.next == nil else { return false }
    let records = page.records.compactMap { record -> BufferedRecord? in
      guard case .data(let data) = record.content else { return nil }
      let origin = BufferedRecord.Origin(shard: shard, sequenceNumber: record.sequenceNumber, partitionKey: record.partitionKey)
      return BufferedRecord(data: data, origin: origin)
    }
    let taken = try await store.transact { rows -> (wasEmpty: Bool, bytes: Int64)? in
      // Somebody else has gone on, or the delivery stream is gone.
      guard try rows.get(key) == row, let present = try rows.deliveryStream(stream.name), present.id == stream.id else { return nil }
      try rows.set(key, FeedPosition(page.next).row)
      let taken = try rows.take(records, into: stream, at: now)
      return (taken.wasEmpty, taken.bytes)
    }
    guard let taken else { return false }
    if taken.wasEmpty || taken.bytes >= Int64(stream.buffer.bytes) { lanes[Int(stream.id % Int64(lanes.count))].nudge.nudge() }
    return page.next != nil
  }
}
