import Base
import Store
import Synchronization

/// A stream with its shards, and the bytes of the row from which they were read.
struct LoadedStream: Sendable {
  let bytes: [UInt8]
  let stream: Stream
  let shards: ShardMap

  func log(_ shard: ShardID) -> Log { Log(Keys.log(stream.id, shard)) }
}

/// Parsed streams, so that to authorise and to place a record reads nothing.
///
/// Every transaction compares the row with what is cached, so what is here may be late for a moment but decides nothing durable.
final class StreamCache: Sendable {
  private struct State {
    var streams: [StreamName: LoadedStream] = [:]
    /// Grows with each change, so that what was read before one is not remembered after it.
    var generation: UInt64 = 0
  }
  private let store: any Store
  private let state = Mutex(State())

  init(_ store: any Store) { self.store = store }

  func find(_ name: StreamName) async throws -> LoadedStream? {
    let (cached, generation) = state.withLock { ($0.streams[name], $0.generation) }
    if let cached { return cached }
    let found = try await store.read { try self.load(name, $0) }
    guard let found else { return nil }
    state.withLock { state in
      guard state.generation == generation else { return }
      if state.streams.count >= KinesisLimits.cachedStreams { state.streams.removeAll(keepingCapacity: true) }
      state.streams[name] = found
    }
    return found
  }

  /// The stream as it is in this transaction.
  func load(_ name: StreamName, _ reader: any Reader) throws -> LoadedStream? {
    guard let bytes = try reader.get(Keys.stream(name)) else { return nil }
    if let cached = state.withLock({ $0.streams[name] }), cached.bytes == bytes { return cached }
    let stream = try Stream(bytes, name: name)
    guard let shards = try reader.get(Keys.shards(stream.id)) else { throw StoreError.corrupt("stream without shards") }
    return LoadedStream(bytes: bytes, stream: stream, shards: try ShardMap(shards))
  }

  /// It has changed.
  func drop(_ name: StreamName) {
    state.withLock { state in
      state.generation += 1
      state.streams[name] = nil
    }
  }
}
