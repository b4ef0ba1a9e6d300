import Base
import Store
import Synchronization

/// The embedded store: durable, one process per directory.
///
/// Bodies of `transact` run one after another on one thread and are committed together by one synced write; bodies of
/// `read` run where they are called as long as they find what they want in memory, else on two threads, each at a
/// snapshot. When a write fails because the disk is full or broken, its callers get
/// `StoreError.unavailable`, reads go on, and the first transaction after the disk is back succeeds.
/// A transaction that was answered with `unavailable` is not lost for certain: it may show after the recovery.
public final class RocksDBStore: StoreBackend {
  private static let readerCount = 2

  private let writes = WorkQueue<any Job<any Transaction>>(limit: 1 << 16)
  private let reads = WorkQueue<any Job<any Reader>>(limit: 1 << 16)
  private let engine: Engine
  private let done = Completion()

  /// Opens the directory, which is made if it is missing, and starts the store's threads.
  ///
  /// Throws `StoreError.cannotOpen` when another process has it open, when it was written in a newer format than
  /// `formatVersion`, or when it cannot be read. Call `close` before the directory is opened again.
  public init(directory: String, formatVersion: Int = 1) throws {
    let engine = try Engine(DataDirectory(directory, formatVersion: formatVersion))
    self.engine = engine
    let (writes, reads, done) = (writes, reads, done)
    let running = ThreadCount(Self.readerCount + 1)
    let leave: @Sendable () -> Void = {
      guard running.leave() else { return }
      engine.close()
      done.complete()
    }
    startThread("store-write") {
      Self.write(writes, engine)
      leave()
    }
    for _ in 0..<Self.readerCount {
      startThread("store-read") {
        Self.read(reads, engine, crowded: writes)
        leave()
      }
    }
  }

  deinit {
    writes.close()
    reads.close()
  }

  private static func write(_ queue: WorkQueue<any Job<any Transaction>>, _ engine: Engine) {
    let writer = Writer(engine)
    while true {
      let jobs = queue.take(most: Writer.jobLimit, gathering: writer.expectedCallers, nanoseconds: writer.patienceNanoseconds)
      if jobs.isEmpty { return }
      writer.perform(jobs, callers: queue.takenCallers)
    }
  }

  private static func read(
    _ queue: WorkQueue<any Job<any Reader>>, _ engine: Engine, crowded: WorkQueue<any Job<any Transaction>>
  ) {
    let counter = SkipCounter()
    while let job = queue.take(most: 1).first {
      let failure: StoreError? = engine.using { database in
        guard let database else { return .unavailable("the database is not open: its disk failed") }
        let reader = SnapshotReader(database, engine.gaps, counter)
        _ = job.run(reader)
        reader.end()
        engine.statistics.withLock { $0.reads += 1 }
        if let range = reader.crowded { try? crowded.add(CrowdedRange(range)) }
        return nil
      }
      job.finish(failure)
    }
  }

  public func read<T: Sendable>(_ body: @escaping @Sendable (any Reader) throws -> T) async throws -> T {
    if let result = glance(body) { return try result.get() }
    return try await withCheckedThrowingContinuation { caller in
      let job = BodyJob(body, caller)
      reads.submit(job, as: job)
    }
  }

  /// Runs the body on the caller's thread if a few rows in memory are all it wants: handing it over and coming back costs
  /// several times as much. Nil when it wants more, or the database is not open.
  private func glance<T: Sendable>(_ body: (any Reader) throws -> T) -> Result<T, any Error>? {
    engine.usingNow { database in
      let reader = SnapshotReader(database, engine.gaps, nil, reach: .memory)
      defer { reader.end() }
      let result = Result { try body(reader) }
      // Also when the body has passed over the error.
      if reader.isCut { return nil }
      engine.statistics.withLock { $0.reads += 1 }
      return result
    }
  }

  public func transact<T: Sendable>(
    _ body: @escaping @Sendable (any Transaction) throws -> T, then done: @escaping @Sendable (Result<T, any Error>) -> Void
  ) {
    let job = BodyJob(body, then: done)
    writes.submit(job, as: job)
  }

  public func joinsTransaction() { writes.join() }

  public func image() async throws -> any StoreImage {
    guard let image = engine.using({ $0.map { Image(engine, $0) } }) else {
      throw StoreError.unavailable("the database is not open: its disk failed")
    }
    return image
  }

  public var statistics: StoreStatistics { engine.statistics.withLock { $0 } }

  public func watch(_ prefix: Key) -> AsyncStream<Void> { engine.watches.watch(prefix) }

  public func close() async {
    writes.close()
    reads.close()
    await done.wait()
  }
}

/// How many threads still use the database; the last one out closes it.
private final class ThreadCount: Sendable {
  private let left: Mutex<Int>
  init(_ count: Int) { left = Mutex(count) }
  /// True for the last one.
  func leave() -> Bool {
    left.withLock { left in
      left -= 1
      return left == 0
    }
  }
}
