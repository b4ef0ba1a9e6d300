import Base

/// A shard: a range of hash keys and a log of records.
struct Shard: Sendable, Equatable {
  let id: ShardID
  /// The one that was split, or the lower of the two that were merged.
  var parent: ShardID?
  var adjacentParent: ShardID?
  let range: HashRange
  let opened: Instant
  /// Nil while it takes records.
  var closed: Instant?

  var isOpen: Bool { closed == nil }
  var parents: [ShardID] { [parent, adjacentParent].compactMap { $0 } }
  /// Closed for longer than records are kept: nothing in it can be read any more.
  func isExpired(_ horizon: Instant) -> Bool { closed.map { $0 < horizon } ?? false }
}

/// All shards of a stream in the order of their ids. Open ones cover the whole space of hash keys without overlap.
struct ShardMap: Sendable, Equatable {
  private(set) var shards: [Shard]
  /// The number of the next shard; ids are not used again.
  private(set) var next: Int
  /// Places of the open shards, by the beginning of their ranges.
  private var open: [Int] = []

  init(shards: [Shard], next: Int) {
    (self.shards, self.next) = (shards, next)
    index()
  }
  /// Shards of equal size.
  init(count: Int, at now: Instant) {
    self.init(
      shards: HashRange.uniform(count).enumerated().map { Shard(id: ShardID($0), range: $1, opened: now) }, next: count)
  }

  private mutating func index() {
    open = shards.indices.filter { shards[$0].isOpen }.sorted { shards[$0].range.first < shards[$1].range.first }
  }

  var openShards: [Shard] { open.map { shards[$0] } }
  var openCount: Int { open.count }

  subscript(id: ShardID) -> Shard? { place(id).map { shards[$0] } }
  private func place(_ id: ShardID) -> Int? {
    var (low, high) = (0, shards.count)
    while low < high {
      let middle = (low + high) / 2
      if shards[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low < shards.count && shards[low].id == id ? low : nil
  }

  /// The open shard that takes records of the hash key.
  func shard(for key: UInt128) -> Shard {
    var (low, high) = (0, open.count)
    while low + 1 < high {
      let middle = (low + high) / 2
      if shards[open[middle]].range.first <= key { low = middle } else { high = middle }
    }
    return shards[open[low]]
  }

  func children(of id: ShardID) -> [Shard] { shards.filter { $0.parents.contains(id) } }

  /// Closes a shard and opens two in its place.
  mutating func split(_ id: ShardID, at key: UInt128, now: Instant) {
    guard let place = place(id) else { return }
    let range = shards[place].range
    shards[place].closed = now
    add(Shard(id: ShardID(next), parent: id, range: HashRange(first: range.first, last: key - 1), opened: now))
    add(Shard(id: ShardID(next), parent: id, range: HashRange(first: key, last: range.last), opened: now))
    index()
  }

  /// Closes two shards that lie side by side and opens one in their place.
  mutating func merge(_ id: ShardID, _ adjacent: ShardID, now: Instant) {
    guard let lower = place(id), let upper = place(adjacent) else { return }
    let range = HashRange(
      first: min(shards[lower].range.first, shards[upper].range.first), last: max(shards[lower].range.last, shards[upper].range.last))
    shards[lower].closed = now
    shards[upper].closed = now
    add(Shard(id: ShardID(next), parent: id, adjacentParent: adjacent, range: range, opened: now))
    index()
  }

  private mutating func add(_ shard: Shard) {
    shards.append(shard)
    next += 1
  }

  /// Splits and merges until the open shards are so many of equal size. As on AWS some shards live for the time of this only.
  mutating func rescale(to count: Int, now: Instant) {
    let boundaries = (1..<max(1, count)).map { HashRange.boundary($0, of: count) }
    for boundary in boundaries {
      let shard = shard(for: boundary)
      if shard.range.first != boundary { split(shard.id, at: boundary, now: now) }
    }
    let wanted = Set(boundaries)
    var at = 0
    while at + 1 < open.count {
      let (lower, upper) = (shards[open[at]], shards[open[at + 1]])
      if wanted.contains(upper.range.first) { at += 1 } else { merge(lower.id, upper.id, now: now) }
    }
  }

  /// Forgets shards of which nothing can be read any more.
  /// - Returns: their ids.
  mutating func removeExpired(_ horizon: Instant) -> [ShardID] {
    let gone = shards.filter { $0.isExpired(horizon) }.map(\.id)
    guard !gone.isEmpty else { return [] }
    shards.removeAll { $0.isExpired(horizon) }
    index()
    return gone
  }
}
