import Base
import HTTPServer
import Synchronization

/// The Runtime API of a runtime that is booted before it is known for which function.
///
/// Such a runtime asks `GET /spare/function` and waits. The answer is the environment of its function; from then on the
/// socket is that of the function's environment.
final class SpareRuntimeAPI: HTTPHandler {
  /// - waiting: the runtime has asked or has yet to. It may become bound or ended.
  /// - bound, ended: for good. The variables are those that have not been told yet.
  private enum State {
    case waiting(CheckedContinuation<[UInt8]?, Never>?)
    case bound(RuntimeAPIHandler, variables: [UInt8])
    case ended
  }
  private let state = Mutex(State.waiting(nil))
  /// Called once, when the runtime asks: it has booted.
  private let onReady: @Sendable () -> Void

  init(onReady: @escaping @Sendable () -> Void) { self.onReady = onReady }

  /// Tells the runtime what it is.
  /// - Parameter variables: nil for a program that gets them when it is started.
  func bind(to environment: Environment, variables: [String: String]?) {
    let body = variables.map { variables in
      JSON.object(JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, JSON.string($0.value)) })).bytes
    } ?? []
    let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, Never>? in
      guard case .waiting(let waiter) = state else { return nil }
      state = .bound(RuntimeAPIHandler(environment: environment), variables: waiter == nil ? body : [])
      return waiter
    }
    waiter?.resume(returning: body)
  }

  /// Its process is gone.
  func end() {
    let waiter = state.withLock { state -> CheckedContinuation<[UInt8]?, Never>? in
      guard case .waiting(let waiter) = state else { return nil }
      state = .ended
      return waiter
    }
    waiter?.resume(returning: nil)
  }

  /// The runtime has not asked yet, and its process may still do so.
  var isBooting: Bool {
    state.withLock { state in
      if case .waiting(nil) = state { true } else { false }
    }
  }

  /// The runtime has booted: it waits to be told, or has been.
  var hasAsked: Bool {
    state.withLock { state in
      switch state {
      case .waiting(let waiter): waiter != nil
      case .bound: true
      case .ended: false
      }
    }
  }

  private var bound: RuntimeAPIHandler? {
    state.withLock { state in
      if case .bound(let handler, _) = state { handler } else { nil }
    }
  }

  func admit(_ head: HTTPRequestHead) -> HTTPAdmission { bound?.admit(head) ?? .collect(upTo: 0) }

  func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    bound?.tooLarge(head, maximum: maximum) ?? HTTPResponse(status: 413, headers: [:], body: [])
  }

  func handle(_ request: HTTPRequest) async -> HTTPResponse {
    if let bound, request.target != Self.target { return await bound.handle(request) }
    guard request.method == "GET", request.target == Self.target, let variables = await variables() else {
      return HTTPResponse(status: 404, headers: [:], body: [])
    }
    return HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: variables)
  }
  private static let target = "/spare/function"

  /// Nil when there is nothing to be told (any more): it is told once, function code gets nothing.
  private func variables() async -> [UInt8]? {
    await withCheckedContinuation { continuation in
      let now = state.withLock { state -> [UInt8]?? in
        switch state {
        case .waiting(nil):
          state = .waiting(continuation)
          return .none
        case .bound(let handler, let variables) where !variables.isEmpty:
          state = .bound(handler, variables: [])
          return variables
        case .waiting, .bound, .ended: return .some(nil)
        }
      }
      if let now { continuation.resume(returning: now) } else { onReady() }
    }
  }
}
