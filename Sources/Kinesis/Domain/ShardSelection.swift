import Base

/// Which shards ListShards shows (API reference, ShardFilter).
enum ShardSelection: Sendable, Equatable {
  /// All that are not expired.
  case all
  case after(ShardID)
  /// Open at the moment that is the oldest in the stream.
  case atTrimHorizon
  case atLatest
  case at(Instant)
  /// Open at that time or later.
  case from(Instant)

  func of(_ map: ShardMap, created: Instant, horizon: Instant) -> [Shard] {
    let kept = map.shards.filter { !$0.isExpired(horizon) }
    func wasOpen(_ shard: Shard, _ time: Instant) -> Bool { shard.opened <= time && (shard.closed.map { $0 > time } ?? true) }
    switch self {
    case .all: return kept
    case .after(let id): return kept.filter { $0.id > id }
    case .atLatest: return kept.filter(\.isOpen)
    case .atTrimHorizon: return kept.filter { wasOpen($0, max(horizon, created)) }
    case .at(let time): return kept.filter { wasOpen($0, max(time, horizon, created)) }
    case .from(let time): return kept.filter { shard in shard.closed.map { $0 >= max(time, horizon) } ?? true }
    }
  }
}

extension ShardSelection {
  /// Throws InvalidArgumentException for a filter that lacks what its type needs, or has what it does not take.
  init(_ filter: ShardFilter?, exclusiveStart: String?, created: Instant, now: Instant) throws(AWSError) {
    if let exclusiveStart {
      guard filter == nil else { throw KinesisError.invalid("ExclusiveStartShardId and ShardFilter cannot be provided together.") }
      self = .after(ShardID(exclusiveStart) ?? ShardID(Int(Int32.max)))
      return
    }
    guard let filter else { self = .all; return }
    let (needsShard, needsTime) = (filter.type == "AFTER_SHARD_ID", ["AT_TIMESTAMP", "FROM_TIMESTAMP"].contains(filter.type))
    guard needsShard == (filter.shardId != nil) else {
      throw KinesisError.invalid("ShardId \(needsShard ? "must" : "cannot") be provided for ShardFilter type \(filter.type).")
    }
    guard needsTime == (filter.timestamp != nil) else {
      throw KinesisError.invalid("Timestamp \(needsTime ? "must" : "cannot") be provided for ShardFilter type \(filter.type).")
    }
    if let time = filter.timestamp {
      guard time <= now else { throw KinesisError.invalid("The timestamp of the ShardFilter must not be in the future.") }
    }
    switch filter.type {
    case "AFTER_SHARD_ID": self = .after(filter.shardId.flatMap { ShardID($0) } ?? ShardID(Int(Int32.max)))
    case "AT_TRIM_HORIZON": self = .atTrimHorizon
    case "FROM_TRIM_HORIZON": self = .from(created)
    case "AT_LATEST": self = .atLatest
    case "AT_TIMESTAMP": self = .at(filter.timestamp ?? created)
    default: self = .from(filter.timestamp ?? created)
    }
  }
}
