import Base
import Fabric
import Store
import Synchronization

/// Deletes files that no object needs any more, and what a crash or the deletion of a bucket has left behind.
///
/// - A transaction that takes the last piece of content out of a file names the file among the unused ones. It is deleted once nobody
///   who has seen the row before is still about to open it.
/// - A file without a row is an upload that a crash ended. The first turn looks for those of earlier runs: the names of this run's
///   files end alike.
/// - What lay in a bucket that is gone goes piece by piece.
final class ContentCollector: Worker {
  let name = "s3-content"
  let nudge: Nudge
  private let store: any Store
  private let bytes: any ByteStore
  private let readers: ReadGuard
  private let run: [UInt8]
  private let sweep = SweepPlace()
  private let unused = Mutex<Batch?>(nil)

  init(_ store: any Store, _ bytes: any ByteStore, _ readers: ReadGuard, nudge: Nudge, run: [UInt8]) {
    (self.store, self.bytes, self.readers, self.nudge, self.run) = (store, bytes, readers, nudge, run)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    if try await sweepOrphans() { return .soon }
    if try await emptyBuckets() { return .soon }
    if try await forget(now) { return .soon }
    switch try await deleteUnused() {
    case .more: return .soon
    case .waiting: return .onNudge
    case .none: break
    }
    let next = try await store.read { try $0.first(Keys.allForgets).map { try Keys.forgotten($0.key).time } }
    return next.map { .at($0) } ?? .onNudge
  }

  // Files of earlier runs.

  /// One folder at a time. False when all have been seen.
  private func sweepOrphans() async throws -> Bool {
    guard let folder = sweep.next else { return false }
    let files = try await bytes.list(folder: folder).filter { !$0.bytes.suffix(run.count).elementsEqual(run) }
    for start in stride(from: 0, to: files.count, by: S3Limits.rowsPerSweep) {
      let some = Array(files[start..<min(files.count, start + S3Limits.rowsPerSweep)])
      let orphans = try await store.read { rows in
        // The unused ones have a turn of their own.
        try some.filter { file in try rows.get(Keys.file(file)) == nil && rows.get(Keys.unused(file)) == nil }
      }
      for file in orphans { try await bytes.delete(file) }
    }
    sweep.advance()
    return true
  }

  // Files that were released.

  private enum Unused { case none, more, waiting }
  private struct Batch: Sendable {
    var files: [ByteStoreID]
    /// Readers that had begun by then may still be on the way to them.
    var mark: UInt64
  }

  private func deleteUnused() async throws -> Unused {
    guard let batch = try await nextBatch() else { return .none }
    guard readers.hasPassed(batch.mark) else { return .waiting }
    for file in batch.files { try await bytes.delete(file) }
    // The file first: the row is what remembers it.
    try await store.transact { rows in for file in batch.files { try rows.delete(Keys.unused(file)) } }
    unused.withLock { $0 = nil }
    return .more
  }

  /// Stays the same until it is deleted: readers that begin meanwhile need not be waited for.
  private func nextBatch() async throws -> Batch? {
    if let batch = unused.withLock({ $0 }) { return batch }
    let files = try await store.read { rows in
      try rows.entries(Keys.allUnused, limit: S3Limits.rowsPerSweep).map { try Keys.unusedFile($0.key) }
    }
    guard !files.isEmpty else { return nil }
    // After the rows: whoever begins from here on sees that nothing names these files.
    let batch = Batch(files: files, mark: readers.mark())
    unused.withLock { $0 = batch }
    return batch
  }

  // Answers that were remembered.

  private func forget(_ now: Instant) async throws -> Bool {
    let due = try await store.read { try $0.entries(Keys.forgets(before: now), limit: S3Limits.rowsPerSweep).map(\.key) }
    guard !due.isEmpty else { return false }
    try await store.transact { rows in
      for key in due {
        let place = try Keys.forgotten(key)
        try rows.delete(Keys.completed(place.bucket, place.upload))
        try rows.delete(key)
      }
    }
    return true
  }

  // Buckets that are gone.

  private func emptyBuckets() async throws -> Bool {
    guard try await store.read({ try $0.first(Keys.allGarbage) }) != nil else { return false }
    try await store.transact { rows in
      guard let next = try rows.first(Keys.allGarbage) else { return }
      if try rows.empty(try Keys.garbageBucket(next.key), limit: S3Limits.rowsPerSweep) { try rows.delete(next.key) }
    }
    return true
  }
}

/// How far the search of the first turns has come.
private final class SweepPlace: Sendable {
  private let folder = Mutex<Int?>(0)
  var next: Int? { folder.withLock { $0 } }
  func advance() { folder.withLock { $0 = $0.flatMap { $0 + 1 < ByteStoreID.folders ? $0 + 1 : nil } } }
}

extension Transaction {
  /// Takes away some of what lies in a bucket that is gone. True when nothing is left.
  fileprivate func empty(_ bucket: Int64, limit: Int) throws -> Bool {
    let versions = try entries(KeyRange(prefix: Keys.versions(of: bucket)), limit: limit)
    for row in versions {
      if let id = try ObjectVersion(row: row.value).facts?.content { try removeContent(id, of: bucket) }
      try delete(row.key)
    }
    guard versions.count < limit else { return false }
    let uploads = try entries(KeyRange(prefix: Keys.uploads(of: bucket)), limit: 10)
    for row in uploads {
      let id = try Keys.uploadPlace(row.key, bucket).id
      let home = KeyRange(prefix: Keys.parts(bucket, id))
      for part in try entries(home) { try release(try UploadPart(row: part.value, number: 0).content.extents) }
      try deleteAll(home)
      try delete(row.key)
    }
    guard uploads.count < 10 else { return false }
    try deleteAll(KeyRange(prefix: Keys.nulls(of: bucket)))
    try deleteAll(KeyRange(prefix: Keys.completed(of: bucket)))
    return true
  }
}
