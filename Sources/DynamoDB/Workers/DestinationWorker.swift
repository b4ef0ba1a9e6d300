import Base
import Fabric
import Logging
import Store
import Synchronization

/// Carries changes of tables to streams of Kinesis, and moves destinations from state to state.
///
/// A change is kept in the transaction that makes it and removed once the stream has it: none is lost, and after a crash some come twice,
/// with the same `eventID`. What a stream does not take for a day is lost, as on AWS.
struct DestinationWorker: Worker {
  let name = "dynamodb-destinations"
  let nudge = Nudge()
  private let store: any Store
  private let tables: TableCache
  private let ambient: Ambient
  private let writer: StreamWriter
  private let logger: Logger
  private let progress = Progress()

  /// What is known of destinations while the process lives.
  private final class Progress: Sendable {
    struct State {
      var failures = 0
      var retryAt = Instant.epoch
      /// Numbers behind the first that the stream has not taken yet, which it has taken.
      var taken: Set<Int64> = []
    }
    let states = Mutex<[Int: State]>([:])
  }

  init(_ store: any Store, _ tables: TableCache, _ ambient: Ambient, _ door: any Door, _ logger: Logger) {
    (self.store, self.tables, self.ambient, self.logger) = (store, tables, ambient, logger)
    writer = StreamWriter(door, ambient)
  }

  func turn(_ now: Instant) async throws -> NextTurn {
    let destinations = try await store.read { rows in
      try rows.entries(Keys.allDestinations).map { (id: try Keys.destination($0.key), table: try TableName(row: $0.value)) }
    }
    var next = NextTurn.onNudge
    for start in stride(from: 0, to: destinations.count, by: DynamoDBLimits.destinationsPerTurn) {
      try await withThrowingTaskGroup(of: NextTurn.self) { group in
        for (id, table) in destinations[start...].prefix(DynamoDBLimits.destinationsPerTurn) {
          group.addTask { try await self.serve(id, of: table, now) }
        }
        for try await one in group { next = next.earlier(one) }
      }
    }
    return next
  }

  private func serve(_ id: Int, of name: TableName, _ now: Instant) async throws -> NextTurn {
    let retryAt = progress.states.withLock { $0[id]?.retryAt } ?? .epoch
    guard retryAt <= now else { return .at(retryAt) }
    let found = try await store.read { rows -> (Table, StreamingDestination)? in
      guard let table = try TableCache.read(name, rows)?.table, let destination = table.destinations.first(where: { $0.id == id })
      else { return nil }
      return (table, destination)
    }
    // The table is gone, or has another destination in its place.
    guard let (table, destination) = found else { return try await remove(id) }
    switch destination.status {
    case .enabling:
      guard let stream = ARN(destination.stream) else { return try await move(id, of: name, to: .failed) }
      let exists: Bool
      do { exists = try await writer.exists(stream, for: name) } catch let error as AWSError { return failed(id, error, now) }
      return try await move(id, of: name, to: exists ? .active : .failed)
    case .updating: return try await move(id, of: name, to: .active)
    case .active, .disabling: return try await carry(destination, of: table, now)
    case .disabled, .failed: return try await remove(id)
    }
  }

  private func move(_ id: Int, of name: TableName, to status: StreamingDestination.Status) async throws -> NextTurn {
    try await store.transact { rows in
      guard var table = try TableCache.read(name, rows)?.table, let place = table.destinations.firstIndex(where: { $0.id == id })
      else { return }
      table.destinations[place].status = status
      try rows.set(Keys.table(name), table.row)
    }
    tables.forget(name)
    return .soon
  }

  private func remove(_ id: Int) async throws -> NextTurn {
    try await store.transact { rows in
      try Log(Keys.streamed(id)).removeAll(rows)
      try rows.delete(Keys.destination(id))
    }
    progress.states.withLock { _ = $0.removeValue(forKey: id) }
    return .onNudge
  }

  /// Writes what is kept, at most one call's worth.
  private func carry(_ destination: StreamingDestination, of table: Table, _ now: Instant) async throws -> NextTurn {
    let (id, log) = (destination.id, Log(Keys.streamed(destination.id)))
    let horizon = now - DynamoDBLimits.destinationRetention
    let (page, first) = try await store.read { rows in
      (
        try log.read(from: 0, limit: DynamoDBLimits.recordsPerPut, bytes: DynamoDBLimits.bytesPerPut, since: horizon, rows),
        try log.extent(rows).first
      )
    }
    guard !page.entries.isEmpty else {
      if page.next > first { try await store.transact { try log.remove(before: page.next, $0) } }
      return destination.status == .disabling ? try await move(id, of: table.name, to: .disabled) : .onNudge
    }
    let taken = progress.states.withLock { $0[id]?.taken } ?? []
    let due = page.entries.filter { !taken.contains($0.number) }
    let changes = try due.map { StreamedChange(change: try Change($0.bytes), number: $0.number, time: $0.time) }
    var failed: Set<Int64> = []
    var failure: AWSError?
    do {
      let result = try await writer.put(changes.map { ($0.data(destination, table.name), $0.partitionKey) }, destination, of: table.name)
      failure = result.failure
      failed = Set(result.failed.map { changes[$0].number })
    } catch let error as AWSError {
      (failure, failed) = (error, Set(changes.map(\.number)))
    }
    let end = page.entries.map(\.number).first(where: failed.contains) ?? page.next
    if end > first { try await store.transact { try log.remove(before: end, $0) } }
    guard let failure else {
      progress.states.withLock { $0[id] = nil }
      return page.isAtEnd && destination.status == .active ? .onNudge : .soon
    }
    // Nobody waits for a stream that is gone.
    if destination.status == .disabling, failure.code == "ResourceNotFoundException" {
      return try await move(id, of: table.name, to: .disabled)
    }
    let all = page.entries.map(\.number).filter { $0 > end && !failed.contains($0) }
    return self.failed(id, failure, now, taken: Set(all))
  }

  /// Longer and longer pauses, up to ten seconds.
  private func failed(_ id: Int, _ error: AWSError, _ now: Instant, taken: Set<Int64> = []) -> NextTurn {
    let (failures, retryAt) = progress.states.withLock { states in
      var state = states[id] ?? Progress.State()
      state.failures += 1
      state.retryAt = now + .milliseconds(min(100 << min(state.failures, 7), 10_000))
      state.taken = taken
      states[id] = state
      return (state.failures, state.retryAt)
    }
    // Once for each time that it begins to fail.
    if failures == 1 {
      logger.warning("changes of a table cannot be written to their stream", metadata: ["destination": "\(id)", "error": "\(error)"])
    }
    return .at(retryAt)
  }
}

extension NextTurn {
  fileprivate func earlier(_ other: NextTurn) -> NextTurn {
    switch (self, other) {
    case (.soon, _), (_, .soon): .soon
    case (.at(let a), .at(let b)): .at(min(a, b))
    case (.at, .onNudge): self
    case (.onNudge, _): other
    }
  }
}
