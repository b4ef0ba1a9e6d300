import Base
import Fabric
import Store

/// A table that is being filled from an image.
struct RestoreJob: Sendable {
  var table: TableName
  var image: Int
  /// The image was made for this and goes with it.
  var ownsImage: Bool
  /// The last key that is there.
  var after: [UInt8] = []

  init(table: TableName, image: Int, ownsImage: Bool) { (self.table, self.image, self.ownsImage) = (table, image, ownsImage) }
  init(_ bytes: [UInt8]) throws {
    var row = try RowReader(bytes)
    table = try TableName(row: try row.blob())
    (image, ownsImage, after) = (try row.int(), try row.bool(), try row.blob())
  }
  var row: [UInt8] {
    var row = RowWriter()
    row.blob(table.row)
    row.int(image)
    row.bool(ownsImage)
    row.blob(after)
    return row.bytes
  }
}

/// Fills tables from images once these are complete, a bounded part at a time.
struct RestoreWorker: Worker {
  let name = "dynamodb-restores"
  let nudge = Nudge()
  private let store: any Store
  private let tables: TableCache
  /// Told of a table that is ready.
  private let sweep: Nudge

  init(_ store: any Store, _ tables: TableCache, sweep: Nudge) { (self.store, self.tables, self.sweep) = (store, tables, sweep) }

  func turn(_ now: Instant) async throws -> NextTurn {
    let jobs = try await store.read { rows in try rows.entries(Keys.allRestores) }
    var isMore = false
    for (key, _) in jobs {
      let (table, state) = try await store.transact { rows -> (TableName?, Step) in
        guard let bytes = try rows.get(key) else { return (nil, .over) }
        let job = try RestoreJob(bytes)
        return (job.table, try Self.step(job, key, rows, now))
      }
      if state == .more { isMore = true }
      if state == .over, let table {
        tables.forget(table)
        sweep.nudge()
      }
    }
    return isMore ? .soon : .onNudge
  }

  private enum Step { case waiting, more, over }

  private static func step(_ job: RestoreJob, _ key: Key, _ rows: any Transaction, _ now: Instant) throws -> Step {
    func end() throws -> Step {
      try rows.delete(key)
      if job.ownsImage { try TableImage.discard(job.image, rows) }
      return .over
    }
    // Either went with its account.
    guard let stored = try TableCache.read(job.table, rows), Keys.restore(stored.table.id) == key,
      let image = try TableImage.read(job.image, rows)
    else { return try end() }
    guard image.isComplete else { return .waiting }
    let (items, last, isAtEnd) = try image.items(
      after: job.after, limit: DynamoDBLimits.rowsPerTurn, bytes: DynamoDBLimits.bytesPerTurn, rows)
    let writer = TableWriter(rows, stored, now: now)
    for (key, item) in items { try writer.write(key, old: nil, new: item) }
    try writer.finish()
    guard isAtEnd else {
      var job = job
      job.after = last
      try rows.set(key, job.row)
      return .more
    }
    var table = stored.table
    table.isBeingMade = false
    try rows.set(Keys.table(table.name), table.row)
    return try end()
  }
}
