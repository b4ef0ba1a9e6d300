import Base
import Fabric
import Synchronization

/// Where a line goes.
struct LogTarget: Sendable, Hashable {
  var scope: LogScope
  var group: String
  var stream: String
}

/// Lines of one target that wait for a commit.
struct PendingLines: Sendable {
  var lines: [LogLine]
  var permission: WritePermission
}

/// Gathers the lines of all callers, so that one transaction writes those of many invocations.
///
/// `append` returns at once unless the buffer is full; `flush` returns when all that was appended before is durable.
/// Commits come one after the other, so lines keep their order. When one fails its lines go back to the front.
final class LogBuffer: Sendable {
  private struct State {
    var pending: [LogTarget: PendingLines] = [:]
    var lines = 0
    var bytes = 0
    /// Lines ever appended and ever committed, by which `flush` knows when its part is done.
    var appended: UInt64 = 0
    var committed: UInt64 = 0
    /// Nil: nobody commits now. Else who waits for the commit to end.
    var waiters: [CheckedContinuation<Void, Never>]?

    var isFull: Bool { lines >= LogsLimits.bufferLines || bytes >= LogsLimits.bufferBytes }
  }
  private let state = Mutex(State())
  private let writer: LogWriter
  /// The first line after a commit.
  let started = Nudge()
  /// Enough lines for a commit.
  let enough = Nudge()

  init(writer: LogWriter) { self.writer = writer }

  var lineCount: Int { state.withLock { $0.lines } }

  func append(_ lines: [LogLine], to target: LogTarget, _ permission: WritePermission) async throws {
    guard !lines.isEmpty else { return }
    while state.withLock({ $0.isFull }) { try await flush() }
    let count = state.withLock { state -> (before: Int, after: Int) in
      let before = state.lines
      state.pending[target, default: PendingLines(lines: [], permission: permission)].lines += lines
      state.pending[target]?.permission = permission
      state.lines += lines.count
      state.bytes += lines.reduce(0) { $0 + $1.message.utf8.count + LogsLimits.eventOverhead }
      state.appended += UInt64(lines.count)
      return (before, state.lines)
    }
    if count.before == 0 { started.nudge() }
    if count.before < LogsLimits.gatherLines, count.after >= LogsLimits.gatherLines { enough.nudge() }
  }

  func flush() async throws {
    let goal = state.withLock { $0.appended }
    while state.withLock({ $0.committed < goal }) {
      if let batch = beginCommit() { try await commit(batch) } else { await commitEnd() }
    }
  }

  private struct Batch: Sendable {
    var pending: [LogTarget: PendingLines]
    var lines: Int
    var bytes: Int
  }

  /// Nil when a commit is under way.
  private func beginCommit() -> Batch? {
    state.withLock { state in
      guard state.waiters == nil else { return nil }
      state.waiters = []
      let batch = Batch(pending: state.pending, lines: state.lines, bytes: state.bytes)
      (state.pending, state.lines, state.bytes) = ([:], 0, 0)
      return batch
    }
  }

  private func commit(_ batch: Batch) async throws {
    let result: Result<Void, any Error>
    do { result = .success(try await writer.write(batch.pending)) } catch { result = .failure(error) }
    let waiters = state.withLock { state in
      if case .success = result { state.committed += UInt64(batch.lines) } else { Self.putBack(batch, in: &state) }
      let waiters = state.waiters ?? []
      state.waiters = nil
      return waiters
    }
    for waiter in waiters { waiter.resume() }
    try result.get()
  }

  private static func putBack(_ batch: Batch, in state: inout State) {
    for (target, old) in batch.pending {
      state.pending[target] = PendingLines(
        lines: old.lines + (state.pending[target]?.lines ?? []), permission: state.pending[target]?.permission ?? old.permission)
    }
    state.lines += batch.lines
    state.bytes += batch.bytes
  }

  private func commitEnd() async {
    await withCheckedContinuation { continuation in
      let isOver = state.withLock { state in
        guard state.waiters != nil else { return true }
        state.waiters?.append(continuation)
        return false
      }
      if isOver { continuation.resume() }
    }
  }
}
