import Base
import Synchronization

/// A request body that arrives while it is read. The socket is not read while enough bytes wait here.
///
/// One task may read it, once. Errors are `HTTPServerError` or `CancellationError`.
public final class HTTPBodyStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]

  enum Demand: Sendable { case firstRead, room }
  private enum End {
    case open
    case finished(trailers: HeaderFields)
    case failed(any Error)
  }
  private struct State {
    var chunks: [[UInt8]] = []
    var taken = 0  // chunks before this index have been handed out
    var buffered = 0
    var isFull = false
    var wasRead = false
    var end = End.open
    var waiter: CheckedContinuation<[UInt8]?, any Error>?
  }
  private enum Step {
    case chunk([UInt8]?, Demand?)
    case failed(any Error)
    case wait(Demand?)
  }

  /// From `Content-Length`; nil when the body is chunked.
  public let expectedLength: Int?
  private let capacity: Int
  private let onDemand: @Sendable (Demand) -> Void
  private let state = Mutex(State())

  init(expectedLength: Int?, capacity: Int, onDemand: @escaping @Sendable (Demand) -> Void) {
    (self.expectedLength, self.capacity, self.onDemand) = (expectedLength, capacity, onDemand)
  }

  /// The fields after the body, once it has been read to its end.
  public var trailers: HeaderFields {
    state.withLock { if case .finished(let trailers) = $0.end { trailers } else { [:] } }
  }

  /// All that is left, or `bodyTooLarge`.
  public func collect(upTo maximum: Int) async throws -> [UInt8] {
    var all: [UInt8] = []
    all.reserveCapacity(Swift.min(expectedLength ?? 0, maximum))
    for try await chunk in self {
      guard all.count + chunk.count <= maximum else { throw HTTPServerError.bodyTooLarge(maximum: maximum) }
      all += chunk
    }
    return all
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let stream: HTTPBodyStream
    public mutating func next() async throws -> [UInt8]? { try await stream.next() }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }

  private func next() async throws -> [UInt8]? {
    let isFirst = state.withLock { state in
      defer { state.wasRead = true }
      return !state.wasRead
    }
    if isFirst { onDemand(.firstRead) }
    return try await withTaskCancellationHandler {
      try Task.checkCancellation()
      return try await withCheckedThrowingContinuation { continuation in
        let step = state.withLock { take(&$0, continuation) }
        switch step {
        case .chunk(let chunk, let demand):
          if let demand { onDemand(demand) }
          continuation.resume(returning: chunk)
        case .failed(let error): continuation.resume(throwing: error)
        case .wait(let demand): if let demand { onDemand(demand) }
        }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        // A waiter that comes after this sees the failure.
        if case .open = state.end { state.end = .failed(CancellationError()) }
        return state.waiter.take()
      }
      waiter?.resume(throwing: CancellationError())
    }
  }

  private func take(_ state: inout State, _ continuation: CheckedContinuation<[UInt8]?, any Error>) -> Step {
    guard state.waiter == nil else { return .failed(HTTPServerError.concurrentReads) }
    if state.taken < state.chunks.count {
      let chunk = state.chunks[state.taken]
      state.chunks[state.taken] = []
      state.taken += 1
      state.buffered -= chunk.count
      if state.taken == state.chunks.count {
        state.chunks.removeAll(keepingCapacity: true)
        state.taken = 0
      }
      return .chunk(chunk, room(&state))
    }
    switch state.end {
    case .finished: return .chunk(nil, nil)
    case .failed(let error): return .failed(error)
    case .open:
      state.waiter = continuation
      return .wait(room(&state))
    }
  }
  private func room(_ state: inout State) -> Demand? {
    guard state.isFull, state.buffered <= capacity / 2 else { return nil }
    state.isFull = false
    return .room
  }

  // The connection's side.

  /// False when the connection should stop reading until there is demand for `room`.
  func push(_ bytes: [UInt8]) -> Bool {
    let (waiter, hasRoom) = state.withLock { state -> (CheckedContinuation<[UInt8]?, any Error>?, Bool) in
      guard case .open = state.end else { return (nil, true) }  // nobody will read on: throw it away
      if let waiter = state.waiter.take() { return (waiter, true) }
      state.chunks.append(bytes)
      state.buffered += bytes.count
      state.isFull = state.buffered >= capacity
      return (nil, !state.isFull)
    }
    waiter?.resume(returning: bytes)
    return hasRoom
  }
  func finish(trailers: HeaderFields) {
    let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
      guard case .open = state.end else { return nil }
      state.end = .finished(trailers: trailers)
      return state.waiter.take()
    }
    waiter?.resume(returning: nil)
  }
  /// What has arrived is still handed out, then the error.
  func fail(_ error: any Error) {
    let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
      guard case .open = state.end else { return nil }
      state.end = .failed(error)
      return state.waiter.take()
    }
    waiter?.resume(throwing: error)
  }
}
