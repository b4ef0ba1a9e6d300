import Base
import Fabric
import Store
import Wire

extension SplitShardInput: StreamInput {}
extension MergeShardsInput: StreamInput {}
extension UpdateShardCountInput: StreamInput {}

/// Resharding. The old shards close and the new ones open at once; the stream is UPDATING until `StateWorker` has seen it.
extension KinesisService {
  var shardOperations: [Operation] {
    [
      Operation("SplitShard", access: access("SplitShard"), run: splitShard),
      Operation("MergeShards", access: access("MergeShards"), run: mergeShards),
      Operation("UpdateShardCount", access: access("UpdateShardCount"), run: updateShardCount),
    ]
  }

  /// An open shard of the stream. Throws for others, in AWS's words for each.
  private static func openShard(_ text: String, _ map: ShardMap, _ name: StreamName) throws(AWSError) -> Shard {
    guard let id = ShardID(text), let shard = map[id] else { throw KinesisError.noShard(text, name) }
    guard shard.isOpen else {
      throw KinesisError.invalid(
        "Shard \(id) in stream \(name.name) under account \(name.account) has already been merged or split, and thus is not eligible "
          + "for merging or splitting.")
    }
    return shard
  }

  private func splitShard(_ input: SplitShardInput, _ call: Call) async throws {
    let name = try name(input, call)
    let (text, now) = (input.newStartingHashKey, ambient.now)
    let shardText = input.shardToSplit
    try await change(name) { stream, map, rows in
      let shard = try Self.openShard(shardText, map, name)
      guard let key = HashRange.key(text), key > shard.range.first, key - shard.range.first > 1, key < shard.range.last else {
        throw KinesisError.invalid(
          "NewStartingHashKey \(text) used in SplitShard() on shard \(shard.id) in stream \(name.name) under account \(name.account) is "
            + "not both greater than one plus the shard's StartingHashKey \(shard.range.first) and less than the shard's EndingHashKey "
            + "\(shard.range.last).")
      }
      try stream.checkActive()
      try Self.checkProvisioned(stream)
      try Self.checkRoom(for: 1, stream.mode, rows, call)
      map.split(shard.id, at: key, now: now)
      stream.status = .updating
    }
  }

  private func mergeShards(_ input: MergeShardsInput, _ call: Call) async throws {
    let name = try name(input, call)
    let (first, second, now) = (input.shardToMerge, input.adjacentShardToMerge, ambient.now)
    try await change(name) { stream, map, _ in
      let (one, other) = (try Self.openShard(first, map, name), try Self.openShard(second, map, name))
      let (low, high) = one.range.first < other.range.first ? (one, other) : (other, one)
      guard low.range.last != .max, low.range.last + 1 == high.range.first else {
        throw KinesisError.invalid(
          "Shards \(one.id) and \(other.id) in stream \(name.name) under account \(name.account) are not an adjacent pair of shards "
            + "eligible for merging")
      }
      try stream.checkActive()
      try Self.checkProvisioned(stream)
      map.merge(one.id, other.id, now: now)
      stream.status = .updating
    }
  }

  private func updateShardCount(_ input: UpdateShardCountInput, _ call: Call) async throws -> UpdateShardCountOutput {
    let name = try name(input, call)
    let (target, now) = (input.targetShardCount, ambient.now)
    let current = try await change(name) { stream, map, rows -> Int in
      try stream.checkActive()
      try Self.checkProvisioned(stream)
      let open = map.openCount
      try Self.checkTarget(target, open: open)
      stream.shardUpdates = Stream.recent(stream.shardUpdates, now)
      guard stream.shardUpdates.count < KinesisLimits.shardUpdatesPerDay else {
        throw KinesisError.limit(
          "You have reached the maximum of \(KinesisLimits.shardUpdatesPerDay) UpdateShardCount calls for stream \(name.name) in a "
            + "rolling 24-hour period.")
      }
      if target > open { try Self.checkRoom(for: target - open, stream.mode, rows, call) }
      map.rescale(to: target, now: now)
      stream.shardUpdates.append(now)
      stream.status = .updating
      return open
    }
    var output = UpdateShardCountOutput()
    (output.streamName, output.streamARN) = (name.name, name.arn.text)
    (output.currentShardCount, output.targetShardCount) = (current, target)
    return output
  }

  private static func checkTarget(_ target: Int, open: Int) throws(AWSError) {
    let counts = "Current open shard count: \(open), Target shard count: \(target)"
    guard target <= KinesisLimits.shardsAfterUpdate else {
      throw KinesisError.limit(
        "Target shard count or number of open shards cannot be greater than \(KinesisLimits.shardsAfterUpdate). " + counts)
    }
    guard target <= open * 2 else {
      throw KinesisError.limit("UpdateShardCount cannot scale up over double your current open shard count. " + counts)
    }
    guard target * 2 >= open else {
      throw KinesisError.limit("UpdateShardCount cannot scale down below half your current open shard count. " + counts)
    }
    guard target != open else { throw KinesisError.invalid("Target shard count must differ from the current one. " + counts) }
  }

  static func checkProvisioned(_ stream: Stream) throws(AWSError) {
    guard stream.mode == .provisioned else {
      throw KinesisError.validation(
        "Stream \(stream.name.name) under account \(stream.name.account) is in ON_DEMAND mode; its shards cannot be changed.")
    }
  }
}
