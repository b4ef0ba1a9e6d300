import Base
import HTTPServer

/// The Runtime API of one environment, on the socket that only its own sandbox can reach (AWS: "Lambda runtime API").
struct RuntimeAPIHandler: HTTPHandler {
  let environment: Environment

  private static let prefix = "/2018-06-01/runtime/"

  func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    if ExtensionsAPIHandler.serves(head.target) { return .collect(upTo: ExtensionsAPIHandler.maximumBody) }
    // How long it may become hangs on who takes it, which is judged while it comes.
    if isStream(head), invocation(head.target)?.verb == "response" { return .streamAtOnce(upTo: .max) }
    return .collect(upTo: RuntimeAPILimits.maximumResponse + 1)
  }

  /// The mode of the answer; runtimes that do not stream leave the field out.
  private func isStream(_ head: HTTPRequestHead) -> Bool {
    head.headers["lambda-runtime-function-response-mode"]?.lowercased() == "streaming"
  }

  /// Too large for the caller of the function: the invocation fails with the size error rather than hanging.
  func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    if let (id, verb) = invocation(head.target), verb == "response" { _ = environment.fail(id, .responseTooLarge) }
    return error(413, "RequestEntityTooLarge", "Exceeded maximum allowed payload size (\(RuntimeAPILimits.maximumResponse) bytes).")
  }

  func handle(_ request: HTTPRequest) async -> HTTPResponse {
    if ExtensionsAPIHandler.serves(request.target) {
      return await ExtensionsAPIHandler(environment: environment).handle(request) ?? notFound
    }
    switch (request.method, request.target) {
    case ("GET", Self.prefix + "invocation/next"): return answer(await environment.next())
    case ("GET", Self.prefix + "restore/next") where isSnapStart: return answer(await environment.restoreNext())
    case ("POST", Self.prefix + "restore/error") where isSnapStart:
      return environment.failRestore(functionError(request)) ? accepted : invalidState
    case ("GET", Self.credentials) where isSnapStart: return credentials(request)
    case ("POST", Self.prefix + "init/error"):
      return environment.failInit(functionError(request)) ? accepted : invalidState
    case ("POST", _):
      guard let (id, verb) = invocation(request.target) else { return notFound }
      if let attempt = request.headers["lambda-runtime-invocation-id"], !environment.runs(id, attempt: attempt) {
        return error(400, "InvalidInvocationId", "Invalid invocation ID")
      }
      if let stream = request.bodyStream { return await pass(stream, of: id, request) }
      if verb == "response", let mode = request.headers["lambda-runtime-function-response-mode"], mode.lowercased() != "buffered" {
        _ = environment.fail(id, .make("Runtime.InvalidResponseModeHeader", "The response mode '\(mode)' is not known."))
        return error(400, "InvalidResponseModeHeader", "The response mode '\(mode)' is not known.")
      }
      let isTaken = verb == "response" ? environment.respond(id, request.body) : environment.fail(id, functionError(request))
      return isTaken ? accepted : error(400, "InvalidRequestID", "Invalid request ID")
    default: return notFound
    }
  }

  private var isSnapStart: Bool { environment.initialization == .snapStart }

  private func answer(_ answer: Environment.NextAnswer) -> HTTPResponse {
    switch answer {
    case .rejected: return invalidState
    case .restored: return HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: [])
    case .nothing: return error(500, "ContainerError", "The environment ends.")
    case .invocation(let invocation, let deadline):
      var headers: HeaderFields = [:]
      headers.add(lowercased: "content-type", "application/json")
      headers.add(lowercased: "lambda-runtime-aws-request-id", invocation.requestID)
      headers.add(lowercased: "lambda-runtime-invocation-id", invocation.attemptID)
      headers.add(lowercased: "lambda-runtime-deadline-ms", String(deadline.milliseconds))
      headers.add(lowercased: "lambda-runtime-invoked-function-arn", invocation.invokedARN)
      headers.add(lowercased: "lambda-runtime-trace-id", invocation.trace.header)
      if let context = invocation.clientContext {
        headers.add(lowercased: "lambda-runtime-client-context", decodeBase64(context)?.utf8Text ?? context)
      }
      return HTTPResponse(status: 200, headers: headers, body: invocation.payload)
    }
  }

  /// The body is the error object for the caller; the header names the type for the log.
  private func functionError(_ request: HTTPRequest) -> FunctionError {
    functionError(type: request.headers["lambda-runtime-function-error-type"], request.body)
  }

  func functionError(type: String?, _ body: [UInt8]) -> FunctionError {
    let isWellFormed = (try? JSON.parse(body))?.object != nil
    return FunctionError(
      type: type.map(normalised), body: isWellFormed ? body : FunctionError.make("Runtime.Unknown", "").body)
  }

  /// Types of another form than `Runtime.X` or `Function.X` are not told apart (AWS: Runtime API, initialization error).
  private func normalised(_ type: String) -> String {
    type.hasPrefix("Runtime.") || type.hasPrefix("Function.") || type.hasPrefix("Extension.") ? type : "Function.\(type)"
  }

  /// Where the SDKs of a SnapStart function get their keys: those of the environment would be in its snapshot.
  static let credentials = "/2021-04-23/credentials"
  private func credentials(_ request: HTTPRequest) -> HTTPResponse {
    guard let keys = environment.keys(token: request.headers["authorization"] ?? "") else {
      return error(404, "NotFound", "There are no such credentials.")
    }
    return json(
      200,
      [
        "AccessKeyId": .string(keys.accessKeyID), "SecretAccessKey": .string(keys.secretAccessKey),
        "Token": .string(keys.sessionToken), "Expiration": .string(keys.expiration.iso8601Milliseconds),
      ])
  }

  /// `…/invocation/ID/response` and `…/invocation/ID/error`
  private func invocation(_ target: String) -> (id: String, verb: String)? {
    let parts = target.split(separator: "/", omittingEmptySubsequences: true)
    guard parts.count == 5, parts[0] == "2018-06-01", parts[1] == "runtime", parts[2] == "invocation",
      parts[4] == "response" || parts[4] == "error"
    else { return nil }
    return (String(parts[3]), String(parts[4]))
  }

  var accepted: HTTPResponse { json(202, ["status": "OK"]) }
  private var notFound: HTTPResponse { error(404, "NotFound", "There is no such call in the Runtime API.") }
  private var invalidState: HTTPResponse {
    error(403, "InvalidStateTransition", "The request does not fit the state of the environment.")
  }
  func error(_ status: Int, _ type: String, _ message: String) -> HTTPResponse {
    json(status, ["errorType": .string(type), "errorMessage": .string(message)])
  }
  private func json(_ status: Int, _ value: JSON) -> HTTPResponse {
    HTTPResponse(status: status, headers: ["content-type": "application/json"], body: value.bytes)
  }
}
