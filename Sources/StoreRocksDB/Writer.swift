import Store

/// Runs the waiting bodies one after another and commits them together with one synced write. Lives on its thread.
final class Writer {
  private enum Health {
    /// May become `failed`.
    case well
    /// The last commit did not reach the disk. Each further batch tries to open the database again, and only then
    /// becomes `well`.
    case failed
  }

  /// A commit is cut here, so that one caller does not wait for another one's megabytes.
  static let jobLimit = 256
  private static let byteLimit = 4 << 20

  private let engine: Engine
  private let pending = Pending()
  private let gaps = Gaps()
  private let batch = WriteBatch()
  private var health = Health.well

  init(_ engine: Engine) { self.engine = engine }

  func perform(_ jobs: [any Job<any Transaction>]) {
    var rest = jobs[...]
    while !rest.isEmpty {
      var ran = rest.startIndex
      let failure = engine.attempt(recovering: recover) { database in
        while ran < rest.endIndex, ran == rest.startIndex || pending.byteCount < Self.byteLimit {
          run(rest[ran], database)
          ran += 1
        }
        try commit(database)
      }
      if failure == nil { notify() } else { fail(); ran = rest.endIndex }
      pending.reset()
      for job in rest[..<ran] { job.finish(failure) }
      rest = rest[ran...]
    }
  }

  private func run(_ job: any Job<any Transaction>, _ database: Database) {
    pending.begin()
    let transaction = PendingTransaction(database, pending, gaps)
    if !job.run(transaction) { pending.undo() }
    transaction.end()
  }

  private func commit(_ database: Database) throws {
    guard !pending.isEmpty else { return }
    batch.clear()
    pending.fill(batch)
    try database.write(batch)
    pending.forEach { key, value in if value != nil { gaps.fill(key) } }
  }

  private func notify() {
    guard !pending.isEmpty, !engine.watches.isEmpty else { return }
    var keys: [Key] = []
    pending.forEach { key, _ in keys.append(key) }
    engine.watches.notify(keys, ranges: pending.cleared)
  }

  private func fail() {
    health = .failed
    gaps.forget()
  }

  private func recover() throws {
    guard case .failed = health else { return }
    try engine.reopen()
    health = .well
  }
}

extension Engine {
  /// Runs the body on a database that is fit for writing. The failure is what every caller of this commit is told.
  fileprivate func attempt(recovering recover: () throws -> Void, _ body: (Database) throws -> Void) -> StoreError? {
    do {
      try recover()
      try using { database in
        guard let database else { throw StoreError.unavailable("the database is not open") }
        try body(database)
      }
      return nil
    } catch { return .unavailable(Database.message(error)) }
  }
}
