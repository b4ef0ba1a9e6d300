import Store

/// One moment of the database. Its pages are read on a thread of its own, so that services' reads do not wait for them.
final class Image: StoreImage {
  private let queue = WorkQueue<any Job<ImagePages>>(limit: 4)

  init(_ engine: Engine, _ database: Database) {
    let queue = queue
    let pages = ImagePages(engine: engine, database: database, snapshot: database.snapshot())
    startThread("store-image") {
      while let job = queue.take(most: 1).first {
        _ = job.run(pages)
        job.finish(nil)
      }
    }
  }

  deinit { queue.close() }

  func entries(after key: Key?, bytes: Int) async throws -> [(key: Key, value: [UInt8])] {
    try await withCheckedThrowingContinuation { caller in
      let job = BodyJob({ (pages: ImagePages) in try pages.entries(after: key, bytes: bytes) }, caller)
      queue.submit(job, as: job)
    }
  }
}

/// The blocking part.
struct ImagePages: @unchecked Sendable {
  // Unchecked: RocksDB's snapshots may be read by any thread, and nothing here changes.
  let engine: Engine
  let database: Database
  let snapshot: Database.Snapshot

  func entries(after key: Key?, bytes: Int) throws -> [(key: Key, value: [UInt8])] {
    try engine.using { current in
      // After a failure of the disk the database is opened again, which must not wait for this one.
      guard current === database else { throw StoreError.unavailable("the database was opened anew during the copy") }
      let range = KeyRange(key.map { Key(bytes: $0.bytes + [0]) } ?? Key(), Key().end)
      let iterator = database.iterator(range, reverse: false, snapshot)
      var page: [(key: Key, value: [UInt8])] = []
      var size = 0
      while size < bytes, let key = try iterator.key() {
        let value = iterator.value()
        page.append((key, value))
        size += key.bytes.count + value.count
        iterator.advance()
      }
      return page
    }
  }
}
