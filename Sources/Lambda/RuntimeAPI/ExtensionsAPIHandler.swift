import Base
import HTTPServer

/// The Extensions API and the two APIs for telemetry, on the socket of the Runtime API (AWS: "Extensions API reference", "Telemetry
/// API reference", "Lambda Logs API").
struct ExtensionsAPIHandler: Sendable {
  /// Bytes of a request; the largest is a subscription.
  static let maximumBody = 64 << 10
  private static let extensionPrefix = "/2020-01-01/extension/"
  private static let telemetry = "/2022-07-01/telemetry"
  private static let logs = "/2020-08-15/logs"

  let environment: Environment

  static func serves(_ target: String) -> Bool {
    target.hasPrefix(extensionPrefix) || path(target) == telemetry || path(target) == logs
  }

  private static func path(_ target: String) -> String { target.hasSuffix("/") ? String(target.dropLast()) : target }

  /// Nil when there is no such call.
  func handle(_ request: HTTPRequest) async -> HTTPResponse? {
    switch (request.method, Self.path(request.target)) {
    case ("POST", Self.extensionPrefix + "register"): return register(request)
    case ("GET", Self.extensionPrefix + "event/next"): return await identified(request) { await next($0) }
    case ("POST", Self.extensionPrefix + "init/error"): return await identified(request) { report(request, $0, isInit: true) }
    case ("POST", Self.extensionPrefix + "exit/error"): return await identified(request) { report(request, $0, isInit: false) }
    case ("PUT", Self.telemetry): return await identified(request) { subscribe(request, $0, .telemetry) }
    case ("PUT", Self.logs): return await identified(request) { subscribe(request, $0, .logs) }
    default: return nil
    }
  }

  private func register(_ request: HTTPRequest) -> HTTPResponse {
    let name = request.headers["lambda-extension-name"] ?? ""
    guard !name.isEmpty else { return forbidden("Extension.InvalidExtensionName", "Empty extension name") }
    guard let body = try? JSON.parse(request.body), body.object != nil else {
      return forbidden("InvalidRequestFormat", "The body is not a JSON object")
    }
    if let keys = body["configurationKeys"]?.array, !keys.isEmpty {
      return forbidden("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")
    }
    var events: [String] = []
    if let list = body["events"], !list.isNull {
      guard let entries = list.array, entries.allSatisfy({ $0.string != nil }) else {
        return forbidden("InvalidRequestFormat", "events must be a list of strings")
      }
      events = entries.compactMap(\.string)
    }
    switch environment.register(name, events: events) {
    case .failure(let refusal): return forbidden(refusal.type, refusal.message)
    case .success(let id):
      let function = environment.function
      var answer: [(String, JSON)] = [
        ("functionName", .string(function.id.name)), ("functionVersion", .string(function.version)),
        ("handler", .string(function.handler)),
      ]
      let features = (request.headers["lambda-extension-accept-feature"] ?? "").split(separator: ",")
      if features.contains(where: { $0.trimmed == "accountId" }) { answer.append(("accountId", .string(function.id.account.text))) }
      return HTTPResponse(
        status: 200, headers: ["content-type": "application/json", "lambda-extension-identifier": id],
        body: JSON.object(JSONObject(answer)).bytes)
    }
  }

  /// Every other call names the extension by the identifier that registration gave it.
  private func identified(_ request: HTTPRequest, _ body: (String) async -> HTTPResponse) async -> HTTPResponse {
    guard let id = request.headers["lambda-extension-identifier"], !id.isEmpty else {
      return forbidden("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
    }
    let isWellFormed = id.utf8.count == 36 && id.utf8.allSatisfy { hexValue($0) != nil || $0 == UInt8(ascii: "-") }
    guard isWellFormed else { return forbidden("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier") }
    return await body(id.lowercased())
  }

  private func next(_ id: String) async -> HTTPResponse {
    switch await environment.nextEvent(of: id) {
    case .event(let body):
      return HTTPResponse(
        status: 200, headers: ["content-type": "application/json", "lambda-extension-event-identifier": environment.ambient.uuid()],
        body: body)
    case .refused(let refusal): return forbidden(refusal.type, refusal.message)
    case .nothing: return Self.error(500, "InternalServerError", "Internal Server Error")
    }
  }

  private func report(_ request: HTTPRequest, _ id: String, isInit: Bool) -> HTTPResponse {
    guard let type = request.headers["lambda-extension-function-error-type"], !type.isEmpty else {
      return forbidden("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found")
    }
    if let refusal = environment.reportExtension(id, isInit: isInit, type: type) { return forbidden(refusal.type, refusal.message) }
    return Self.json(202, ["status": "OK"])
  }

  private func subscribe(_ request: HTTPRequest, _ id: String, _ api: TelemetryAPI) -> HTTPResponse {
    guard let name = environment.extensionName(of: id) else {
      return forbidden("Extension.UnknownExtensionIdentifier", "Unknown extension \(id)")
    }
    let subscription: TelemetrySubscription
    do { subscription = try TelemetrySubscription(request.body, api: api, name: name) } catch {
      return Self.error(400, api == .telemetry ? "ValidationError" : "Logs.ValidationError", error.message)
    }
    switch environment.subscribe(subscription) {
    case nil: return HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: Array("\"OK\"".utf8))
    case .closed:
      return api == .telemetry
        ? forbidden("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already")
        : forbidden("Logs.SubscriptionClosed", "Logs API subscription is closed already")
    case .otherAPI:
      return Self.error(
        400, api == .telemetry ? "ValidationError" : "Logs.ValidationError",
        "An extension has subscribed through the \(api == .telemetry ? "Logs" : "Telemetry") API already")
    }
  }

  private func forbidden(_ type: String, _ message: String) -> HTTPResponse { Self.error(403, type, message) }

  static func error(_ status: Int, _ type: String, _ message: String) -> HTTPResponse {
    json(status, ["errorType": .string(type), "errorMessage": .string(message)])
  }
  static func json(_ status: Int, _ value: JSON) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "application/json"], body: value.bytes)
  }
}
