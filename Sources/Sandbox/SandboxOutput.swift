// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// What the processes of a sandbox write to stdout and stderr, merged in the order written. For one consumer.
///
/// At most 256 KiB wait here and 64 KiB in the pipe; then the writers wait, so nothing is lost and nothing grows.
public final class SandboxOutput: AsyncSequence, Sendable {
  public static let limitBytes = 256 * 1024

  private struct State {
    /// -1 once the last writer is gone.
    var descriptor: Int32
    var buffer: [UInt8] = []
    var waiter: CheckedContinuation<Void, Never>?
    /// The supervisor stopped reading because the buffer was full, and must be told when it is not.
    var stalled = false

    mutating func take() -> (bytes: [UInt8], stalled: Bool) {
      defer {
        buffer = []
        stalled = false
      }
      return (buffer, stalled)
    }
  }

  private let state: Mutex<State>
  /// Tells the supervisor that there is room again.
  private let onRoom: @Sendable () -> Void

  init(descriptor: Int32, onRoom: @escaping @Sendable () -> Void) {
    state = Mutex(State(descriptor: descriptor))
    self.onRoom = onRoom
  }

  deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

  /// Everything that has been written up to now, without waiting. After a program has said "done" over another channel,
  /// this holds all that it wrote before.
  public func takeAvailable() -> [UInt8] {
    let taken = state.withLock { state in
      Self.fill(&state, limit: Self.limitBytes + 64 * 1024)
      return state.take()
    }
    if taken.stalled { onRoom() }
    return taken.bytes
  }

  /// Waits until there is something to take; false after the end, when nothing is left, and for a cancelled task.
  ///
  /// It hands out no bytes itself: whoever calls `takeAvailable` meanwhile would get what was written after them first.
  public func ready() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let isReady = state.withLock { state in
          guard state.buffer.isEmpty, state.descriptor >= 0, state.waiter == nil, !Task.isCancelled else { return true }
          state.waiter = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        defer { state.waiter = nil }
        return state.waiter
      }
      waiter?.resume()
    }
    return state.withLock { !$0.buffer.isEmpty || ($0.descriptor >= 0 && !Task.isCancelled) }
  }

  /// The next piece; `nil` after the end. A cancelled task gets `nil`.
  public func next() async -> [UInt8]? {
    while await ready() {
      let bytes = takeAvailable()
      if !bytes.isEmpty { return bytes }
    }
    return nil
  }

  /// Lets the user inside open `/dev/stdout` again. Both ends of a pipe are one file.
  func give(to identity: (uid: UInt32, gid: UInt32)) {
    state.withLock { _ = fchown($0.descriptor, identity.uid, identity.gid) }
  }

  /// The descriptor to poll, while there is room and it is open.
  func descriptorToPoll() -> Int32? {
    state.withLock { state in
      state.stalled = state.buffer.count >= Self.limitBytes
      return state.descriptor >= 0 && !state.stalled ? state.descriptor : nil
    }
  }

  /// Reads what is there. Called by the supervisor when the descriptor is readable.
  func readable() {
    let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
      Self.fill(&state, limit: Self.limitBytes)
      guard !state.buffer.isEmpty || state.descriptor < 0 else { return nil }
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  /// No more bytes are wanted after those that wait: every process of the sandbox is gone.
  func finish() {
    let waiter = state.withLock { state in
      Self.fill(&state, limit: Self.limitBytes + 64 * 1024)
      if state.descriptor >= 0 { close(state.descriptor) }
      state.descriptor = -1
      defer { state.waiter = nil }
      return state.waiter
    }
    waiter?.resume()
  }

  private static func fill(_ state: inout State, limit: Int) {
    while state.descriptor >= 0 && state.buffer.count < limit {
      let descriptor = state.descriptor
      let count = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) { chunk in
        let count = read(descriptor, chunk.baseAddress, Swift.min(chunk.count, limit - state.buffer.count))
        if count > 0 { state.buffer.append(contentsOf: chunk.prefix(count)) }
        return count
      }
      if count > 0 || (count < 0 && errno == EINTR) { continue }
      if count < 0 && errno == EAGAIN { return }
      close(descriptor)
      state.descriptor = -1
    }
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let output: SandboxOutput
    public func next() async -> [UInt8]? { await output.next() }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(output: self) }
}
