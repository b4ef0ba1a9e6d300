import Fabric

/// Which shards of a stream may be read now, and from where (AWS: children are read after their parents are exhausted).
struct ShardPlan: Sendable, Equatable {
  /// Shards that were never read, with where they begin.
  var beginnings: [(shard: String, position: StreamPosition)] = []
  /// Shards that are passed over: nothing in them is new enough.
  var skipped: [String] = []
  /// Shards that may be read now, new ones among them.
  var readable: [String] = []

  /// - Parameters:
  ///   - known: shards that were begun, and whether they are finished. Empty for a mapping that has not read anything.
  init(_ shards: [StreamShard], known: [String: Bool], start: StreamSettings.Start) {
    let present = Set(shards.map(\.id))
    var finished = known
    for shard in shards where known[shard.id] == nil {
      guard known.isEmpty, start == .latest else {
        // What came after the mapping began is read from its first record on.
        beginnings.append((shard.id, known.isEmpty ? start.position : .trimHorizon))
        finished[shard.id] = false
        continue
      }
      if shard.isClosed { skipped.append(shard.id) } else { beginnings.append((shard.id, .latest)) }
      finished[shard.id] = shard.isClosed
    }
    readable = shards.filter { shard in
      finished[shard.id] == false && shard.parents.allSatisfy { !present.contains($0) || finished[$0] == true }
    }.map(\.id)
  }

  static func == (a: ShardPlan, b: ShardPlan) -> Bool {
    a.beginnings.elementsEqual(b.beginnings) { $0 == $1 } && a.skipped == b.skipped && a.readable == b.readable
  }
}

extension StreamSettings.Start {
  var position: StreamPosition {
    switch self {
    case .trimHorizon: .trimHorizon
    case .latest: .latest
    case .timestamp(let time): .timestamp(time)
    }
  }
}
