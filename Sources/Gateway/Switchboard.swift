import Base
import Fabric
import HTTPServer
import Synchronization

/// The stable front of a server whose state may be exchanged: it has the server's own pages, and connects every other request with
/// the gateway of the day. While the state is being exchanged requests wait.
public final class Switchboard: HTTPHandler {
  private enum State {
    /// → held
    case connected(Gateway)
    /// Nobody is connected; `last` may still judge heads. → connected
    case held(last: Gateway?)
  }
  private struct Guarded {
    var state = State.held(last: nil)
    /// Empty while connected. Beside the state, so that adding one does not copy all.
    var waiting: [UInt64: CheckedContinuation<Gateway?, Never>] = [:]
    var nextID: UInt64 = 0
    var cancelled: Set<UInt64> = []
  }
  /// Beyond so many waiting requests the next one is told to come again.
  private static let maximumWaiting = 20_000

  private let pages: InternalPages
  private let originGuard: OriginGuard
  private let guarded = Mutex(Guarded())

  /// - Parameter pages: those that do not belong to one state: they are answered during an exchange, too.
  public init(originGuard: OriginGuard, pages: InternalPages) { (self.originGuard, self.pages) = (originGuard, pages) }

  /// From here on requests wait.
  public func hold() {
    guarded.withLock { guarded in
      if case .connected(let gateway) = guarded.state { guarded.state = .held(last: gateway) }
    }
  }

  /// Requests go to this gateway, those that waited first.
  public func connect(_ gateway: Gateway) {
    let waiting = guarded.withLock { guarded -> [CheckedContinuation<Gateway?, Never>] in
      defer { (guarded.state, guarded.waiting) = (.connected(gateway), [:]) }
      return guarded.waiting.sorted { $0.key < $1.key }.map(\.value)
    }
    for continuation in waiting { continuation.resume(returning: gateway) }
  }

  public func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    guard isOwnPage(head), pages.page(String(head.target.prefix { $0 != "?" })) != nil else {
      // An exchange does not change what endpoints there are.
      return last?.admit(head) ?? .collect(upTo: BodyLimits(head).maximum)
    }
    // A large body is not waited for when the answer is no anyway.
    if let refusal = originGuard.refusal(head.headers) { return .refuse(refusal) }
    return pages.admission(head.target)
  }

  public func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    last?.tooLarge(head, maximum: maximum) ?? HTTPResponse(status: 413)
  }

  /// The gateway of the day, or the last one.
  private var last: Gateway? {
    guarded.withLock { guarded in
      switch guarded.state {
      case .connected(let gateway): gateway
      case .held(let last): last
      }
    }
  }

  public func handle(_ request: HTTPRequest) async -> HTTPResponse {
    if isOwnPage(request.head), let answer = await ownAnswer(request) { return answer }
    guard let gateway = await gateway() else { return Self.busy }
    return await gateway.handle(request)
  }

  /// The names of endpoints are theirs alone: no page of the server has the origin of a function.
  private func isOwnPage(_ head: HTTPRequestHead) -> Bool {
    InternalPages.isPage(head.target) && EndpointHost(head.headers["host"]) == nil
  }

  /// Nil when the server has no such page itself.
  private func ownAnswer(_ request: HTTPRequest) async -> HTTPResponse? {
    let parts = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts.first.map(String.init) ?? ""
    guard pages.page(path) != nil else { return nil }
    if let refusal = originGuard.refusal(request.headers) { return refusal }
    if let answer = CrossOrigin.preflight(request) { return answer }
    let answer = await pages.answer(request, path: path, query: parts.count > 1 ? String(parts[1]) : "")
    return answer.map { CrossOrigin.mark($0, for: request) }
  }

  /// The gateway of the day, after a wait while there is none. Nil when too many wait, or the client has gone.
  private func gateway() async -> Gateway? {
    let found = guarded.withLock { guarded -> (gateway: Gateway?, mustWait: UInt64?) in
      switch guarded.state {
      case .connected(let gateway): return (gateway, nil)
      case .held:
        guard guarded.waiting.count < Self.maximumWaiting else { return (nil, nil) }
        guarded.nextID += 1
        return (nil, guarded.nextID)
      }
    }
    guard let id = found.mustWait else { return found.gateway }
    defer { guarded.withLock { _ = $0.cancelled.remove(id) } }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let early = guarded.withLock { guarded -> Gateway?? in
          if guarded.cancelled.remove(id) != nil { return .some(nil) }
          switch guarded.state {
          case .connected(let gateway): return .some(gateway)
          case .held:
            guarded.waiting[id] = continuation
            return nil
          }
        }
        if let early { continuation.resume(returning: early) }
      }
    } onCancel: {
      let waiter = guarded.withLock { guarded -> CheckedContinuation<Gateway?, Never>? in
        guard case .held = guarded.state else { return nil }
        guard let waiter = guarded.waiting.removeValue(forKey: id) else {
          guarded.cancelled.insert(id)
          return nil
        }
        return waiter
      }
      waiter?.resume(returning: nil)
    }
  }

  private static let busy = HTTPResponse(
    status: 503, headers: ["content-type": "application/json", "retry-after": "1"],
    body: Array(#"{"__type":"ServiceUnavailable","message":"The state of the server is being exchanged. Try again later."}"#.utf8))
}

extension OriginGuard {
  /// The answer to a request that is not let in.
  func refusal(_ headers: HeaderFields) -> HTTPResponse? {
    do throws(AWSError) {
      try check(headers)
      return nil
    } catch {
      return InternalPages.response(.message(error.status ?? 403, error.message))
    }
  }
}
