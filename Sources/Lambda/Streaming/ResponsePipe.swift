import Base
import Synchronization

/// The way of an answer from the runtime to its caller: one writer, one reader, and a bounded number of bytes between them.
///
/// A reader that goes away does not end the function (AWS: "streamed responses are not interrupted when the client connection is
/// broken"): what is written from then on is thrown away. Readers hold a `ResponseReader`, which sees to that.
final class ResponsePipe: Sendable {
  enum Opening: Sendable {
    /// The first bytes are here, or the end of a stream that has none.
    case streaming(contentType: String)
    /// The invocation ended without a stream, or its stream failed before its first byte.
    case finished(InvocationResult)
  }
  enum Written: Sendable, Equatable {
    case taken
    /// The invocation is over: its time is up, or its environment has ended.
    case over
    /// The answer is longer than streamed answers may be.
    case tooLarge
  }

  /// Bytes that wait for the reader before the writer has to.
  static let capacity = 64 << 10

  private struct State {
    var contentType: String?
    var bytes: [UInt8] = []
    var result: InvocationResult?
    var isAbandoned = false
    var allowance: StreamAllowance
    var reader: CheckedContinuation<Void, Never>?
    var writer: CheckedContinuation<Void, Never>?

    /// Whether the reader has something to do.
    var isReadable: Bool { !bytes.isEmpty || result != nil || isAbandoned }
    var mustWait: Bool { bytes.count >= capacity && result == nil && !isAbandoned }
  }
  private let state: Mutex<State>
  private let clock: any AmbientClock

  init(bytesPerSecond: Int, clock: any AmbientClock) {
    self.clock = clock
    state = Mutex(State(allowance: StreamAllowance(bytesPerSecond: bytesPerSecond, now: clock.monotonic())))
  }

  // MARK: The reader

  /// Throws `CancellationError` when the reader's task is cancelled; the pipe is abandoned then.
  func opening() async throws -> Opening {
    try await readable()
    return try state.withLock { state in
      if state.isAbandoned { throw CancellationError() }
      if let type = state.contentType, !state.bytes.isEmpty || state.result?.isSuccess == true { return .streaming(contentType: type) }
      guard let result = state.result else { throw CancellationError() }
      return .finished(result)
    }
  }

  /// What has come since; nil once the invocation is over. Throws `CancellationError` as `opening` does.
  func next() async throws -> [UInt8]? {
    try await readable()
    let (bytes, writer) = try state.withLock { state -> ([UInt8], CheckedContinuation<Void, Never>?) in
      if state.isAbandoned { throw CancellationError() }
      var bytes: [UInt8] = []
      swap(&bytes, &state.bytes)
      return (bytes, state.writer.take())
    }
    writer?.resume()
    return bytes.isEmpty ? nil : bytes
  }

  /// The runtime has begun a streamed answer, even if nothing of it has come.
  var hasBegun: Bool { state.withLock { $0.contentType != nil } }

  /// How the invocation ended; nil while it runs.
  var result: InvocationResult? { state.withLock { $0.result } }

  /// Nobody will read on.
  func abandon() {
    let waiting = state.withLock { state in
      state.isAbandoned = true
      state.bytes = []
      return [state.reader.take(), state.writer.take()]
    }
    for continuation in waiting { continuation?.resume() }
  }

  private func readable() async throws {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isReady = state.withLock { state in
          if state.isReadable { return true }
          state.reader = continuation
          return false
        }
        if isReady { continuation.resume() }
      }
    } onCancel: {
      abandon()
    }
  }

  // MARK: The writer

  /// The runtime begins a streamed answer.
  func begin(contentType: String) { state.withLock { $0.contentType = contentType } }

  /// Returns once there is room for more, and not faster than streamed answers may pass.
  func write(_ bytes: [UInt8]) async -> Written {
    let now = clock.monotonic()
    let (delay, reader) = state.withLock { state -> (Duration?, CheckedContinuation<Void, Never>?) in
      guard let delay = state.allowance.take(bytes.count, now: now) else { return (nil, nil) }
      guard state.result == nil, !state.isAbandoned, !bytes.isEmpty else { return (.zero, nil) }
      if state.bytes.isEmpty { state.bytes = bytes } else { state.bytes += bytes }
      return (delay, state.reader.take())
    }
    reader?.resume()
    guard let delay else { return .tooLarge }
    // When the sleep is cut short the runtime's connection is gone, which its reader sees next.
    if delay > .zero { try? await clock.sleepReal(for: delay) }
    await room()
    return state.withLock { $0.result == nil } ? .taken : .over
  }

  private func room() async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let hasRoom = state.withLock { state in
          if !state.mustWait || Task.isCancelled { return true }
          state.writer = continuation
          return false
        }
        if hasRoom { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.writer.take() }?.resume()
    }
  }

  /// The invocation is over. What was written before can still be read.
  func finish(_ result: InvocationResult) {
    let waiting = state.withLock { state in
      state.result = result
      return [state.reader.take(), state.writer.take()]
    }
    for continuation in waiting { continuation?.resume() }
  }
}

/// The reader's end of a pipe: `opening` once, then `next` until it gives nil, then `result`. Nobody reads any more once it is let
/// go of, be it that the client has gone or that its request was for the head alone.
final class ResponseReader: Sendable {
  private let pipe: ResponsePipe
  init(_ pipe: ResponsePipe) { self.pipe = pipe }
  deinit { pipe.abandon() }

  func opening() async throws -> ResponsePipe.Opening { try await pipe.opening() }
  func next() async throws -> [UInt8]? { try await pipe.next() }
  var hasBegun: Bool { pipe.hasBegun }
  var result: InvocationResult? { pipe.result }
}

extension InvocationResult {
  fileprivate var isSuccess: Bool { if case .success = outcome { true } else { false } }
}
