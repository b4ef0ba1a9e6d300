import Base
import Fabric
import HTTPClient
import Store
import Synchronization

/// Events go to API destinations: HTTP endpoints of anybody, with the credentials of a connection.
struct HTTPDelivery: Sendable {
  let store: any Store
  let ambient: Ambient
  let connections: ConnectionAccess
  let http: any HTTPSender
  private let limits = RateLimits()

  init(store: any Store, ambient: Ambient, connections: ConnectionAccess, http: any HTTPSender) {
    (self.store, self.ambient, self.connections, self.http) = (store, ambient, connections, http)
  }

  /// One attempt. Throws `AWSError` with an `ErrorCode`.
  func send(_ payload: [UInt8], _ event: Event, to target: Target) async throws {
    guard let destination = try await store.read({ try $0.destination(target.arn) }) else {
      throw EventBridgeError.noDestination(target.arn, to: "invoke")
    }
    try await limits.wait(destination.arn.text, rate: destination.rate, ambient)
    var call = HTTPCall(destination, target.http, payload, event)
    let access = try await connections.access(destination.connection)
    access.apply(to: &call)
    var answer = try await exchange(call)
    if answer.status == 401 || answer.status == 407, access.token != nil {
      // The token may have ended early.
      connections.forget(destination.connection)
      var again = HTTPCall(destination, target.http, payload, event)
      try await connections.access(destination.connection).apply(to: &again)
      answer = try await exchange(again)
    }
    try Self.check(answer)
  }

  private func exchange(_ call: HTTPCall) async throws -> IncomingAnswer {
    do {
      return try await http.send(call.request)
    } catch let failure as OutgoingFailure {
      switch failure {
      case .badURL: throw AWSError(ErrorCode.invalidParameter.rawValue, failure.description, status: 400)
      case .timedOut: throw AWSError(ErrorCode.timeout.rawValue, "The endpoint did not answer within 5 seconds.", fault: .server)
      case .cannotConnect, .broken: throw AWSError(ErrorCode.connectionFailure.rawValue, failure.description, fault: .server)
      }
    }
  }

  /// "EventBridge retries 401, 407, 409, 429 and 5xx" (user guide, "API destinations as targets"): others are given up.
  static func check(_ answer: IncomingAnswer) throws(AWSError) {
    guard !(200..<300).contains(answer.status) else { return }
    let text = "HTTP \(answer.status)" + (answer.body.isEmpty ? "" : ": " + answer.body.prefix(300).utf8Text)
    switch answer.status {
    case 429: throw AWSError(ErrorCode.throttling.rawValue, text, status: 429)
    case 401, 407, 409, 500...: throw AWSError(ErrorCode.errorFromTarget.rawValue, text, status: 502, fault: .server)
    default: throw AWSError(ErrorCode.invalidParameter.rawValue, text, status: 400)
    }
  }
}

/// A request to an API destination, put together from the destination, the target and the event.
struct HTTPCall: Sendable, Equatable {
  /// Names that a target may not set (API reference, HttpParameters); `content-type` and `user-agent` are preset.
  static let reserved: Set<String> = [
    "a-im", "accept-charset", "accept-datetime", "accept-encoding", "cache-control", "connection", "content-encoding",
    "content-length", "date", "expect", "forwarded", "from", "host", "http2-settings", "if-match", "keep-alive", "max-forwards",
    "origin", "pragma", "proxy-authorization", "range", "referer", "te", "trailer", "transfer-encoding", "upgrade", "via", "warning",
  ]

  var method: String
  var endpoint: String
  var headers: HeaderFields
  var query: [(String, String)]
  var body: [UInt8]

  static func == (a: Self, b: Self) -> Bool { a.request == b.request }

  init(_ destination: Destination, _ parameters: Target.HTTP?, _ payload: [UInt8], _ event: Event) {
    method = destination.method
    var path = (parameters?.path ?? [])[...]
    // Each `*` takes the next path parameter.
    endpoint = ""
    for character in destination.endpoint {
      if character == "*", let next = path.popFirst() {
        endpoint += percentEncoded(Self.value(next, event))
      } else {
        endpoint.append(character)
      }
    }
    headers = ["content-type": "application/json; charset=utf-8", "user-agent": "Amazon/EventBridge/ApiDestinations"]
    query = []
    body = method == "GET" || method == "HEAD" || method == "OPTIONS" ? [] : payload
    for (name, value) in (parameters?.headers ?? [:]).sorted(by: { $0.key < $1.key }) {
      headers[name.lowercased()] = Self.value(value, event)
    }
    for (name, value) in (parameters?.query ?? [:]).sorted(by: { $0.key < $1.key }) { query.append((name, Self.value(value, event))) }
  }

  /// A value may be a path into the event.
  private static func value(_ text: String, _ event: Event) -> String {
    guard text.hasPrefix("$"), let path = EventPath(text) else { return text }
    let value = path.value(in: event.json) ?? ""
    return value.string ?? value.text
  }

  /// What a connection adds to each call; its values take precedence over a target's.
  mutating func add(_ parameters: Connection.Parameters?) {
    guard let parameters else { return }
    for header in parameters.headers { headers[header.key.lowercased()] = header.value }
    for item in parameters.query { query.append((item.key, item.value)) }
    guard !parameters.body.isEmpty, var object = (try? JSON.parse(body))?.object else { return }
    for item in parameters.body { object[item.key] = .string(item.value) }
    body = JSON.object(object).bytes
  }

  var request: OutgoingRequest {
    var url = endpoint
    if !query.isEmpty {
      let text = query.map { percentEncoded($0) + "=" + percentEncoded($1) }.joined(separator: "&")
      url += (url.contains("?") ? "&" : "?") + text
    }
    return OutgoingRequest(
      method, url, headers: headers, body: body, limit: EventBridgeLimits.httpTimeout, maximumAnswer: 4096)
  }
}

/// So many calls a second for each API destination; who comes too soon waits, on the adjustable clock.
final class RateLimits: Sendable {
  private let next = Mutex<[String: Instant]>([:])

  func wait(_ name: String, rate: Int, _ ambient: Ambient) async throws {
    let now = ambient.now
    let turn = next.withLock { next -> Instant in
      if next.count > 10_000 { next = next.filter { $0.value > now } }
      // A second's worth may come at once.
      let earliest = max(next[name] ?? .epoch, now - .seconds(1))
      next[name] = earliest + .milliseconds(max(1, Int64(1000 / max(rate, 1))))
      return earliest
    }
    if turn > now { try await ambient.clock.sleep(until: turn) }
  }
}
