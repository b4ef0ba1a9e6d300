import Base
import Fabric
import Store
import Wire

/// Fills tables from objects of S3, one object after the other.
struct ImportWorker: Worker {
  let name = "dynamodb-imports"
  let nudge = Nudge()
  private let store: any Store
  private let tables: TableCache
  private let ambient: Ambient
  private let objects: any ObjectPort
  private let door: any Door
  private let sweep: Nudge

  init(_ store: any Store, _ tables: TableCache, _ ambient: Ambient, _ objects: any ObjectPort, _ door: any Door, sweep: Nudge) {
    (self.store, self.tables, self.ambient) = (store, tables, ambient)
    (self.objects, self.door, self.sweep) = (objects, door, sweep)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let open = try await store.read { rows in try rows.entries(Keys.openImports.all).map { try Keys.openImports.name($0.key) } }
    var isMore = false
    for name in open {
      let found = try await store.read { rows in
        try rows.get(Keys.imports.row(name.table, name.label)).map { try Import($0, name.table, label: name.label) }
      }
      guard let job = found, job.status == .inProgress else {
        try await store.transact { try $0.delete(Keys.openImports.row(name.table, name.label)) }
        continue
      }
      do {
        if try await step(job, now) { isMore = true }
      } catch let error as AWSError where error.fault != .server {
        try await store.transact { try Self.fail(job, error, $0, now) }
        tables.forget(name.table)
        sweep.nudge()
      }
    }
    return isMore ? .soon : .onNudge
  }

  /// The key and size of the first object that is not done.
  func next(of job: Import, as caller: Caller) async throws -> (key: String, size: Int)? {
    guard let shape = door.model("s3")?.operations["ListObjectsV2"]?.input else { throw DynamoDBError.notImplemented("imports without S3") }
    var input = Record(shape)
    input["Bucket"] = .string(job.bucket)
    input["MaxKeys"] = .integer(1)
    if let prefix = job.prefix { input["Prefix"] = .string(prefix) }
    if !job.progress.done.isEmpty { input["StartAfter"] = .string(job.progress.done) }
    guard let found = try await door.call("s3", "ListObjectsV2", input, as: caller)?["Contents"]?.list?.first?.record,
      let key = found["Key"]?.string
    else { return nil }
    return (key, found["Size"]?.integer ?? 0)
  }

  /// One object, or the end. False at the end.
  private func step(_ job: Import, _ now: Instant) async throws -> Bool {
    let account = job.table.name.account
    let caller = Caller(principal: .root(account), account: account, region: job.table.name.region, trace: TraceContext(ambient))
    guard let (key, size) = try await next(of: job, as: caller) else {
      try await store.transact { try Self.complete(job, $0, now) }
      tables.forget(job.table.name)
      return false
    }
    var job = job
    let file = size == 0 ? [] : try await objects.read(
      ObjectName(bucket: job.bucket, key: key), maximum: DynamoDBLimits.importedBytes, as: caller)
    var text = file
    if job.isGzip, !file.isEmpty {
      do { text = try Gzip.inflate(file, upTo: DynamoDBLimits.inflatedBytes) } catch {
        throw AWSError("InvalidObject", "The object \(key) is no gzip file, or too large", status: 400)
      }
    }
    var lines = ImportedLines(text, job.format, job.table.definitions)
    for _ in 0..<job.progress.offset { _ = try? lines.next() }
    var isAtEnd = false
    while !isAtEnd {
      var (items, bytes) = ([Item](), 0)
      while items.count < DynamoDBLimits.rowsPerTurn, bytes < DynamoDBLimits.bytesPerTurn {
        do {
          guard let item = try lines.next() else {
            isAtEnd = true
            break
          }
          items.append(item)
          bytes += item.bytes.count
        } catch {
          job.progress.errors += 1
        }
        job.progress.items += 1
        job.progress.offset += 1
      }
      if isAtEnd {
        (job.progress.done, job.progress.offset) = (key, 0)
        job.progress.bytes += file.count
      }
      let (draft, batch) = (job, items)
      job = try await store.transact { try Self.write(batch, draft, $0, now) }
    }
    return true
  }

  private static func write(_ items: [Item], _ job: Import, _ rows: any Transaction, _ now: Instant) throws -> Import {
    guard let stored = try TableCache.read(job.table.name, rows), stored.table.id == job.table.id, stored.table.isBeingMade else {
      throw AWSError("TableDeleted", "The table \(job.table.name.name) is gone", status: 400)
    }
    var job = job
    let writer = TableWriter(rows, stored, now: now)
    for item in items {
      do {
        let key = try stored.table.key(of: item)
        guard !stored.table.isTooLarge(item, item.size) else { throw DynamoDBError.itemTooLarge }
        try writer.write(key, old: try writer.item(key), new: item)
        job.progress.imported += 1
      } catch is AWSError {
        job.progress.errors += 1
      }
    }
    try writer.finish()
    try rows.set(Keys.imports.row(job.table.name, job.label), job.row)
    return job
  }

  private static func complete(_ job: Import, _ rows: any Transaction, _ now: Instant) throws {
    var job = job
    job.status = .completed(now)
    if var table = try TableCache.read(job.table.name, rows)?.table, table.id == job.table.id {
      table.isBeingMade = false
      try rows.set(Keys.table(table.name), table.row)
    }
    try close(job, rows)
  }
  /// The table goes: nobody has seen it.
  static func fail(_ job: Import, _ error: AWSError, _ rows: any Transaction, _ now: Instant) throws {
    var job = job
    job.status = .failed(now, code: error.code == "TableDeleted" ? error.code : "S3" + error.code, message: error.message)
    if let table = try TableCache.read(job.table.name, rows)?.table, table.id == job.table.id, table.isBeingMade {
      try DynamoDBService.remove(table, rows, at: now)
    }
    try close(job, rows)
  }
  private static func close(_ job: Import, _ rows: any Transaction) throws {
    try rows.set(Keys.imports.row(job.table.name, job.label), job.row)
    try rows.delete(Keys.openImports.row(job.table.name, job.label))
  }
}
