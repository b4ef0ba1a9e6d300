import Synchronization

/// Who waits for changes below which prefix. A commit costs a few searches per changed key, however many watch.
package final class WatchTable: Sendable {
  private typealias Watchers = [UInt64: AsyncStream<Void>.Continuation]
  private struct State {
    var byPrefix = SortedMap<Watchers>()
    var nextID: UInt64 = 0
    var isClosed = false
  }
  private let state = Mutex(State())

  package init() {}

  package func watch(_ prefix: Key) -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = state.withLock { state -> UInt64? in
      guard !state.isClosed else { return nil }
      state.nextID += 1
      var watchers = state.byPrefix[prefix] ?? [:]
      watchers[state.nextID] = continuation
      state.byPrefix.set(prefix, watchers)
      return state.nextID
    }
    guard let id else {
      continuation.finish()
      return stream
    }
    continuation.onTermination = { [weak self] _ in self?.remove(id, prefix) }
    return stream
  }

  private func remove(_ id: UInt64, _ prefix: Key) {
    state.withLock { state in
      guard var watchers = state.byPrefix[prefix] else { return }
      watchers[id] = nil
      if watchers.isEmpty { state.byPrefix.remove(prefix) } else { state.byPrefix.set(prefix, watchers) }
    }
  }

  package var isEmpty: Bool { state.withLock { $0.byPrefix.isEmpty } }

  /// Wakes whoever watches a prefix of one of the keys, or of a key in one of the ranges, once.
  package func notify(_ keys: some Sequence<Key>, ranges: [KeyRange] = []) {
    let woken = state.withLock { state -> Watchers in
      var woken: Watchers = [:]
      guard !state.byPrefix.isEmpty else { return woken }
      for key in keys { collect(key, state.byPrefix, into: &woken) }
      for range in ranges {
        collect(range.lower, state.byPrefix, into: &woken)
        var cursor = SortedCursor(range, reverse: false)
        while let (_, watchers) = cursor.next(in: state.byPrefix) { woken.merge(watchers) { a, _ in a } }
      }
      return woken
    }
    for continuation in woken.values { continuation.yield() }
  }

  /// All watched prefixes of a key lie at or before it; what lies between the longest one and the key shares no more
  /// with the key than the next candidate may be long. So each step jumps to the common part and shortens it.
  private func collect(_ key: Key, _ table: SortedMap<Watchers>, into woken: inout Watchers) {
    var probe = key
    while let (prefix, watchers) = table.floor(probe) {
      let common = zip(prefix.bytes, probe.bytes).prefix { $0 == $1 }.count
      if common == prefix.bytes.count {
        woken.merge(watchers) { a, _ in a }
        guard common > 0 else { return }
        probe = Key(bytes: Array(key.bytes.prefix(common - 1)))
      } else {
        probe = Key(bytes: Array(key.bytes.prefix(common)))
      }
    }
  }

  /// Ends all streams; later ones end at once.
  package func close() {
    let all = state.withLock { state -> [AsyncStream<Void>.Continuation] in
      state.isClosed = true
      var all: [AsyncStream<Void>.Continuation] = []
      var cursor = SortedCursor(KeyRange(prefix: Key()), reverse: false)
      while let (_, watchers) = cursor.next(in: state.byPrefix) { all += watchers.values }
      state.byPrefix.removeAll()
      return all
    }
    for continuation in all { continuation.finish() }
  }
}
