/// Keys in order with their values: sorted chunks under an array of chunks, so an insertion moves a chunk's worth of
/// entries and not the whole map.
///
/// Inlinable throughout: the backends live in other modules, and unspecialised it costs more than all else in a commit.
@frozen @usableFromInline package struct SortedMap<Value> {
  /// Never empty while it is in `chunks`.
  @frozen @usableFromInline struct Chunk {
    @usableFromInline var keys: [Key]
    @usableFromInline var values: [Value]
    @inlinable init(keys: [Key], values: [Value]) { (self.keys, self.values) = (keys, values) }
  }

  /// Where an entry is, valid until the map changes.
  @frozen @usableFromInline package struct Position {
    @usableFromInline var chunk: Int
    @usableFromInline var slot: Int
    @inlinable init(chunk: Int, slot: Int) { (self.chunk, self.slot) = (chunk, slot) }
  }

  @inlinable static var chunkLimit: Int { 256 }
  @usableFromInline var chunks: [Chunk] = []
  @usableFromInline package internal(set) var count = 0
  /// Goes up with each change, so that a cursor knows whether its position still holds.
  @usableFromInline package internal(set) var version = 0

  @inlinable package init() {}
  @inlinable package var isEmpty: Bool { count == 0 }

  @inlinable package subscript(_ key: Key) -> Value? {
    let at = lowerBound(key)
    guard at.chunk < chunks.count, chunks[at.chunk].keys[at.slot] == key else { return nil }
    return chunks[at.chunk].values[at.slot]
  }

  @inlinable package func entry(_ at: Position) -> (key: Key, value: Value)? {
    guard at.chunk >= 0, at.chunk < chunks.count else { return nil }
    return (chunks[at.chunk].keys[at.slot], chunks[at.chunk].values[at.slot])
  }

  /// The first entry whose key is not below the given one.
  @inlinable package func lowerBound(_ key: Key) -> Position {
    // The last chunk that begins at or below the key holds it, if any does.
    var low = 0
    var high = chunks.count
    while low < high {
      let middle = (low + high) / 2
      if key < chunks[middle].keys[0] { high = middle } else { low = middle + 1 }
    }
    guard low > 0 else { return Position(chunk: 0, slot: 0) }
    let slot = slot(of: key, in: low - 1)
    return slot < chunks[low - 1].keys.count ? Position(chunk: low - 1, slot: slot) : Position(chunk: low, slot: 0)
  }

  @inlinable func slot(of key: Key, in chunk: Int) -> Int {
    var low = 0
    var high = chunks[chunk].keys.count
    while low < high {
      let middle = (low + high) / 2
      if chunks[chunk].keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    return low
  }

  @inlinable package func position(after at: Position) -> Position {
    at.slot + 1 < chunks[at.chunk].keys.count ? Position(chunk: at.chunk, slot: at.slot + 1)
      : Position(chunk: at.chunk + 1, slot: 0)
  }

  /// The entry before, or a position without an entry.
  @inlinable package func position(before at: Position) -> Position {
    if at.slot > 0 { return Position(chunk: at.chunk, slot: at.slot - 1) }
    guard at.chunk > 0 else { return Position(chunk: -1, slot: 0) }
    return Position(chunk: at.chunk - 1, slot: chunks[at.chunk - 1].keys.count - 1)
  }

  /// The last entry whose key is at or below the given one.
  @inlinable package func floor(_ key: Key) -> (key: Key, value: Value)? {
    let at = lowerBound(key)
    if let exact = entry(at), exact.key == key { return exact }
    return entry(position(before: at))
  }

  /// Puts a value and returns the one that it replaces.
  @discardableResult @inlinable package mutating func set(_ key: Key, _ value: Value) -> Value? {
    version += 1
    guard !chunks.isEmpty else {
      chunks.append(Chunk(keys: [key], values: [value]))
      count = 1
      return nil
    }
    var at = lowerBound(key)
    if at.chunk < chunks.count, chunks[at.chunk].keys[at.slot] == key {
      let old = chunks[at.chunk].values[at.slot]
      chunks[at.chunk].values[at.slot] = value
      return old
    }
    // Between two chunks the new entry goes to the end of the left one, which keeps appends cheap.
    if at.slot == 0, at.chunk > 0 { at = Position(chunk: at.chunk - 1, slot: chunks[at.chunk - 1].keys.count) }
    chunks[at.chunk].keys.insert(key, at: at.slot)
    chunks[at.chunk].values.insert(value, at: at.slot)
    count += 1
    if chunks[at.chunk].keys.count > Self.chunkLimit { split(at.chunk, appending: at.slot) }
    return nil
  }

  /// Rising keys leave full chunks behind; others are cut in the middle.
  @inlinable mutating func split(_ chunk: Int, appending slot: Int) {
    let total = chunks[chunk].keys.count
    let cut = slot == total - 1 ? total - 1 : total / 2
    let right = Chunk(keys: Array(chunks[chunk].keys[cut...]), values: Array(chunks[chunk].values[cut...]))
    chunks[chunk].keys.removeSubrange(cut...)
    chunks[chunk].values.removeSubrange(cut...)
    chunks.insert(right, at: chunk + 1)
  }

  /// Removes the entry and returns its value.
  @discardableResult @inlinable package mutating func remove(_ key: Key) -> Value? {
    let at = lowerBound(key)
    guard at.chunk < chunks.count, chunks[at.chunk].keys[at.slot] == key else { return nil }
    version += 1
    count -= 1
    chunks[at.chunk].keys.remove(at: at.slot)
    let old = chunks[at.chunk].values.remove(at: at.slot)
    if chunks[at.chunk].keys.isEmpty { chunks.remove(at: at.chunk) } else { mergeIfSmall(at.chunk) }
    return old
  }

  /// A map that shrinks must not be left with thousands of chunks of one entry.
  @inlinable mutating func mergeIfSmall(_ chunk: Int) {
    guard chunk + 1 < chunks.count, chunks[chunk].keys.count + chunks[chunk + 1].keys.count <= Self.chunkLimit / 4 else { return }
    let right = chunks.remove(at: chunk + 1)
    chunks[chunk].keys += right.keys
    chunks[chunk].values += right.values
  }

  @inlinable package mutating func removeAll() {
    version += 1
    count = 0
    chunks.removeAll(keepingCapacity: true)
  }
}

/// Walks a range of a sorted map in either direction while the map may change under it: entries ahead are seen as
/// they are when the walk comes to them.
@frozen @usableFromInline package struct SortedCursor {
  @usableFromInline let range: KeyRange
  @usableFromInline let reverse: Bool
  /// Everything up to here is behind the walk.
  @usableFromInline var last: Key?
  /// Where the next entry is, as long as the map has this version.
  @usableFromInline var ahead: (version: Int, chunk: Int, slot: Int)?

  @inlinable package init(_ range: KeyRange, reverse: Bool) {
    self.range = range
    self.reverse = reverse
  }

  /// The next entry, which stays the next one.
  @inlinable package mutating func peek<Value>(in map: SortedMap<Value>) -> (key: Key, value: Value)? {
    if let ahead, ahead.version == map.version {
      return inRange(map.entry(SortedMap.Position(chunk: ahead.chunk, slot: ahead.slot)))
    }
    let position = find(map)
    ahead = (map.version, position.chunk, position.slot)
    return inRange(map.entry(position))
  }

  /// Puts the key behind the walk. It must not lie beyond the next entry.
  @inlinable package mutating func pass<Value>(_ key: Key, in map: SortedMap<Value>) {
    last = key
    guard let ahead, ahead.version == map.version else { return }
    let position = SortedMap<Value>.Position(chunk: ahead.chunk, slot: ahead.slot)
    guard map.entry(position)?.key == key else { return }
    let next = reverse ? map.position(before: position) : map.position(after: position)
    self.ahead = (map.version, next.chunk, next.slot)
  }

  @inlinable package mutating func next<Value>(in map: SortedMap<Value>) -> (key: Key, value: Value)? {
    guard let entry = peek(in: map) else { return nil }
    pass(entry.key, in: map)
    return entry
  }

  @inlinable func inRange<Value>(_ entry: (key: Key, value: Value)?) -> (key: Key, value: Value)? {
    guard let entry, range.contains(entry.key) else { return nil }
    return entry
  }

  @inlinable func find<Value>(_ map: SortedMap<Value>) -> SortedMap<Value>.Position {
    if reverse { return map.position(before: map.lowerBound(last ?? range.upper)) }
    guard let last else { return map.lowerBound(range.lower) }
    let position = map.lowerBound(last)
    return map.entry(position)?.key == last ? map.position(after: position) : position
  }
}
