import Base
import Store
import Synchronization

/// Buckets with their parsed settings, so that authorising and checking a call reads nothing.
///
/// What is here may be late for a moment. A transaction takes `current`, which compares with the bucket's row, so that nothing
/// durable is decided by an old copy.
final class BucketCache: Sendable {
  private let store: any Store
  private struct Cache {
    var states: [String: BucketState] = [:]
    /// Grows with each change, so that what was read before one is not remembered after it.
    var generation: UInt64 = 0
  }
  private let cache = Mutex(Cache())

  init(_ store: any Store) { self.store = store }

  func find(_ name: String) async throws -> BucketState? {
    let (cached, generation) = cache.withLock { ($0.states[name], $0.generation) }
    if let cached { return cached }
    let state = try await store.read { rows in
      try rows.bucket(name).map { BucketState(bucket: $0, settings: try rows.settings(of: $0)) }
    }
    guard let state else { return nil }
    cache.withLock { cache in
      guard cache.generation == generation else { return }
      if cache.states.count >= S3Limits.cachedBuckets { cache.states.removeAll(keepingCapacity: true) }
      cache.states[name] = state
    }
    return state
  }

  /// Throws NoSuchBucket.
  func existing(_ name: String) async throws -> BucketState {
    guard let state = try await find(name) else { throw S3Error.noSuchBucket(name) }
    return state
  }

  /// The bucket as the transaction sees it; its settings are read only when the cached ones are of another version.
  /// Throws NoSuchBucket.
  func current(_ name: String, _ rows: any Reader) throws -> BucketState {
    let bucket = try rows.existingBucket(name)
    if let cached = cache.withLock({ $0.states[name] }), cached.bucket == bucket { return cached }
    return BucketState(bucket: bucket, settings: try rows.settings(of: bucket))
  }

  /// To be called after each commit that has changed a bucket, its settings or its being.
  func forget(_ name: String) {
    cache.withLock { cache in
      cache.states[name] = nil
      cache.generation += 1
    }
  }
}
