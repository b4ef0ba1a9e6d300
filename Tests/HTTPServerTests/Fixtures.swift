import Base
import HTTPServer
import Logging
import Synchronization

/// A handler made of closures.
struct Scripted: HTTPHandler {
  var admission: @Sendable (HTTPRequestHead) -> HTTPAdmission = { _ in .collect(upTo: 1 << 20) }
  var overflow: @Sendable (HTTPRequestHead, Int) -> HTTPResponse = { _, _ in HTTPResponse(status: 413) }
  var answer: @Sendable (HTTPRequest) async -> HTTPResponse = { request in
    HTTPResponse(status: 200, body: request.body.isEmpty ? Array(request.target.utf8) : request.body)
  }
  func handle(_ request: HTTPRequest) async -> HTTPResponse { await answer(request) }
  func admit(_ head: HTTPRequestHead) -> HTTPAdmission { admission(head) }
  func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse { overflow(head, maximum) }
}

func withServer(
  _ handler: Scripted = Scripted(), _ configuration: HTTPServerConfiguration = .init(eventLoops: 1),
  _ body: (HTTPServer, Int) async throws -> Void
) async throws {
  let server = HTTPServer(configuration: configuration, handler: handler, clock: TestClock(), logger: Logger(label: "test"))
  do {
    let listener = try await server.listen(host: "127.0.0.1", port: 0, label: "main")
    try await body(server, listener.port ?? 0)
  } catch {
    await server.shutdownGracefully(within: .zero)
    throw error
  }
  await server.shutdownGracefully(within: .zero)
}

/// Closed until opened; whoever waits ends when it opens or its task is cancelled.
final class Gate: Sendable {
  private enum State {
    case closed([UInt64: CheckedContinuation<Void, Never>], next: UInt64)
    case open
  }
  private let state = Mutex(State.closed([:], next: 0))

  func open() {
    let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
      guard case .closed(let waiters, _) = state else { return [] }
      state = .open
      return Array(waiters.values)
    }
    for waiter in waiters { waiter.resume() }
  }
  /// Returns when the gate opens or the task is cancelled.
  func pass() async {
    let id = state.withLock { state -> UInt64 in
      guard case .closed(let waiters, let next) = state else { return 0 }
      state = .closed(waiters, next: next + 1)
      return next
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mayPass = state.withLock { state in
          guard !Task.isCancelled, case .closed(var waiters, let next) = state else { return true }
          waiters[id] = continuation
          state = .closed(waiters, next: next)
          return false
        }
        if mayPass { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
        guard case .closed(var waiters, let next) = state else { return nil }
        let waiter = waiters.removeValue(forKey: id)
        state = .closed(waiters, next: next)
        return waiter
      }
      waiter?.resume()
    }
  }
}
