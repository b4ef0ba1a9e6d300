import Base
import Store

/// Runs the waiting bodies one after another and commits them together with one synced write. Made and used on its thread.
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
  private let counter = SkipCounter()
  private let batch = WriteBatch()
  private var health = Health.well

  /// How many callers the last batch had. They are resumed together and most of them come back at once; without a short
  /// wait the first of them would be synchronised alone, and the others would pay for its sync too.
  private(set) var expectedCallers = 1
  /// How long to wait for them: a part of what a sync costs here, and not at all where that is next to nothing.
  private(set) var patienceNanoseconds = 0

  init(_ engine: Engine) { self.engine = engine }

  /// - Parameter callers: who waits for these jobs; one job may serve several.
  func perform(_ jobs: [any Job<any Transaction>], callers: Int) {
    expectedCallers = callers
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
      engine.statistics.withLock { statistics in
        if failure == nil { statistics.transactions += UInt64(ran - rest.startIndex) } else { statistics.failedCommits += 1 }
      }
      pending.reset()
      for job in rest[..<ran] { job.finish(failure) }
      rest = rest[ran...]
    }
  }

  private func run(_ job: any Job<any Transaction>, _ database: Database) {
    pending.begin()
    let transaction = PendingTransaction(database, pending, engine.gaps, counter)
    if !job.run(transaction) { pending.undo() }
    transaction.end()
  }

  private func commit(_ database: Database) throws {
    guard !pending.isEmpty else { return }
    batch.clear()
    pending.fill(batch)
    if !engine.gaps.isEmpty { engine.gaps.fill(pending.putKeys) }
    // Real time, and no part of any result: it only balances the cost of a sync against a wait.
    let start = ContinuousClock.now
    try database.write(batch)
    let duration = start.duration(to: .now)
    engine.statistics.withLock { statistics in
      statistics.commitSeconds.add(duration.inSeconds)
      statistics.committedBytes += UInt64(pending.byteCount)
    }
    let cost = Int(duration.inMicroseconds) * 1000
    patienceNanoseconds = cost < 60_000 ? 0 : min(cost / 2, 2_000_000)
    pending.settle()
  }

  private func notify() {
    guard !pending.isEmpty, !engine.watches.isEmpty else { return }
    engine.watches.notify(pending.keys, ranges: pending.cleared)
  }

  private func fail() {
    health = .failed
    pending.doubt()
    engine.gaps.forget()
  }

  private func recover() throws {
    guard case .failed = health else { return }
    try engine.reopen()
    health = .well
  }
}

/// Has the writer step over a run of deleted keys, so that it is remembered. Nobody waits for it.
final class CrowdedRange: Job {
  private let range: KeyRange
  init(_ range: KeyRange) { self.range = range }

  func run(_ transaction: any Transaction) -> Bool { (try? transaction.first(range)) != nil }
  func finish(_ failure: StoreError?) {}
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
