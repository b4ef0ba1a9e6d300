import Base
import Fabric
import Logging
import Store

/// Answers requests to function URLs (AWS: "Invoking Lambda function URLs", "Control access to Lambda function URLs").
struct FunctionURLEndpoint: Sendable {
  let control: ControlPlane
  let invoker: Invoker
  let authoriser: any Authoriser
  let metrics: FunctionMetrics
  let ambient: Ambient
  /// Of streamed answers; 0 for as fast as they go.
  let bytesPerSecond: Int
  let logger: Logger

  var endpoint: WebEndpoint {
    WebEndpoint(
      label: FunctionURL.label, path: FunctionURL.path, service: "lambda", operation: "InvokeFunctionUrl",
      maximumBody: RuntimeAPILimits.maximumResponse,
      tooLarge: .failure(413, "RequestTooLargeException", Self.tooLargeText),
      answer: { await answer($0) })
  }
  private static let tooLargeText =
    "Request must be smaller than \(RuntimeAPILimits.maximumResponse) bytes for the InvokeFunction operation"

  private func answer(_ request: WebRequest) async -> WebAnswer {
    let trace = request.headers["x-amzn-trace-id"].flatMap { TraceContext(header: $0) } ?? TraceContext(ambient)
    let began = ambient.clock.monotonic()
    var answer: WebAnswer
    do {
      let url = try await control.store.read { try URLRows($0).url(id: request.id, region: request.region) }
      guard let url else { throw Refusal.unknown }
      let origin = request.headers["origin"]
      if let cors = url.cors, let origin, let preflight = Self.preflight(cors, origin, request) {
        answer = preflight
      } else {
        do { answer = try await invoke(url, request, trace) } catch { answer = failure(error, url, request) }
        url.cors?.mark(&answer.headers, origin: origin)
      }
      measure(url, answer.status, ambient.clock.monotonic() - began)
    } catch {
      answer = failure(error, nil, request)
    }
    answer.headers["x-amzn-requestid"] = request.requestID
    answer.headers["x-amzn-trace-id"] = trace.header
    return answer
  }

  /// Streamed answers until their head (AWS: "Monitoring Lambda function URLs").
  private func measure(_ url: FunctionURL, _ status: Int, _ latency: Duration) {
    metrics.add(
      [
        (.urlRequestCount, 1), (.url4xxCount, status / 100 == 4 ? 1 : 0), (.url5xxCount, status / 100 == 5 ? 1 : 0),
        (.urlRequestLatency, Double(latency.inMicroseconds) / 1000),
      ], of: MetricTarget(url.function, qualifier: url.qualifier), at: ambient.now)
  }

  /// Nil when the request is none. It asks for no signature, and the function does not see it.
  private static func preflight(_ cors: URLCors, _ origin: String, _ request: WebRequest) -> WebAnswer? {
    guard request.method == "OPTIONS", let method = request.headers["access-control-request-method"] else { return nil }
    let asked = request.headers["access-control-request-headers"]
    return WebAnswer(status: 200, headers: cors.preflight(origin: origin, method: method, headers: asked), body: .bytes([]))
  }

  private func invoke(_ url: FunctionURL, _ request: WebRequest, _ trace: TraceContext) async throws -> WebAnswer {
    let resolved: ResolvedFunction
    do { resolved = try await control.resolve(url.name) } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      throw Refusal.unknown
    }
    let caller = try await authorise(url, resolved, request, trace)
    let domain = request.region == nil ? "\(url.id).\(FunctionURL.label).\(url.function.region).on.aws" : Self.host(request)
    let event = URLEvent(caller: caller, trace: trace, now: ambient.now).payload(
      of: request, domain: domain, owner: url.function.account)
    guard event.count <= RuntimeAPILimits.maximumResponse else { throw LambdaError.requestTooLarge(Self.tooLargeText) }
    let source = caller?.principal.arn ?? "https://\(domain)"
    switch url.invokeMode {
    case .buffered:
      let (_, result) = try await invoker.invoke(
        resolved, payload: event, requestID: request.requestID, invokedARN: url.arn, trace: trace, countsRate: true,
        by: source)
      return try whole(result)
    case .stream:
      let pipe = ResponsePipe(bytesPerSecond: bytesPerSecond, clock: ambient.clock)
      try await invoker.stream(
        resolved, payload: event, requestID: request.requestID, invokedARN: url.arn, trace: trace, by: source, into: pipe)
      return try await streamed(ResponseReader(pipe))
    }
  }

  private static func host(_ request: WebRequest) -> String {
    let host = request.headers["host"] ?? ""
    return host.lastIndex(of: ":").map { String(host[..<$0]) } ?? host
  }

  /// Both actions must be allowed: the URL may be called, and the function may be invoked by way of it (since October 2025).
  private func authorise(
    _ url: FunctionURL, _ resolved: ResolvedFunction, _ request: WebRequest, _ trace: TraceContext
  ) async throws -> WebCaller? {
    let caller = url.authentication == .iam ? try await request.identify() : nil
    if url.authentication == .iam {
      guard let caller else { throw Refusal.forbidden }
      // A signature for another Region is one for another URL.
      guard caller.region == url.function.region else { throw Refusal.forbidden }
    }
    let call = Call(
      service: "lambda", operation: "InvokeFunctionUrl", principal: caller?.principal ?? .anonymous,
      account: url.function.account, region: url.function.region, requestID: request.requestID, trace: trace, now: ambient.now,
      sourceIP: request.address, userAgent: request.headers["user-agent"], accessKeyID: caller?.accessKeyID,
      conditionValues: request.conditionValues.merging(caller?.conditionValues ?? [:]) { _, ofCaller in ofCaller })
    let conditions = [
      ("lambda:InvokeFunctionUrl", ["lambda:functionurlauthtype": [url.authentication.rawValue], "lambda:functionarn": [url.arn]]),
      ("lambda:InvokeFunction", ["lambda:invokedviafunctionurl": ["true"]]),
    ]
    do {
      for (action, values) in conditions {
        let access = Access(
          action, on: url.arn, owner: url.function.account, resourcePolicy: resolved.policy, conditionValues: values)
        try await authoriser.authorise(access.having(resolved.tags), for: call)
      }
    } catch let error as AWSError where error.isDenial {
      throw Refusal.forbidden
    }
    return caller
  }

  // MARK: Answers

  private func whole(_ result: InvocationResult) throws -> WebAnswer {
    switch result.outcome {
    case .success(let body):
      do {
        let response = try URLResponse.infer(body)
        return WebAnswer(status: response.status, headers: response.headers, body: .bytes(response.body))
      } catch { throw Refusal.badResponse(error.reason) }
    case .functionError: throw Refusal.functionFailed
    case .systemError(let reason): throw LambdaError.service(reason)
    }
  }

  /// The head goes out with the first bytes that the function sends.
  private func streamed(_ reader: ResponseReader) async throws -> WebAnswer {
    switch try await reader.opening() {
    case .finished(let result):
      // A function that does not stream: its result is the body, whatever it says of a status.
      guard case .success(let body) = result.outcome else { return try whole(result) }
      return WebAnswer(status: 200, headers: ["content-type": "application/json"], body: .bytes(body))
    case .streaming(let type) where type.lowercased().hasPrefix(ResponsePrelude.contentType):
      return try await integrated(reader)
    case .streaming(let type):
      return WebAnswer(status: 200, headers: ["content-type": type], body: Self.body(reader, first: []))
    }
  }

  /// A malformed prelude ends the answer, not the function, whose output is thrown away from then on.
  private func integrated(_ reader: ResponseReader) async throws -> WebAnswer {
    var prelude = ResponsePrelude()
    do {
      while let piece = try await reader.next() {
        guard let response = try prelude.feed(piece) else { continue }
        return WebAnswer(status: response.status, headers: response.headers, body: Self.body(reader, first: response.body))
      }
    } catch let malformed as URLResponse.Malformed {
      throw Refusal.badResponse(malformed.reason)
    }
    guard case .success? = reader.result?.outcome else { throw Refusal.functionFailed }
    // AWS's client for Node writes the prelude before the first byte; of a stream without any there is none.
    guard prelude.isEmpty else { throw Refusal.badResponse("the prelude has no end") }
    return WebAnswer(status: 200, headers: ["content-type": "application/octet-stream"], body: .bytes([]))
  }

  /// A stream that fails in its middle ends without its end.
  private static func body(_ reader: ResponseReader, first: [UInt8]) -> WebAnswer.Body {
    .stream { write in
      if !first.isEmpty { try await write(first) }
      while let piece = try await reader.next() { try await write(piece) }
      guard case .success? = reader.result?.outcome else { throw LambdaFailure(description: "the function failed in its answer") }
    }
  }

  /// Why there is no response of the function's.
  private enum Refusal: Error {
    case unknown, forbidden, functionFailed
    case badResponse(String)
  }

  private func failure(_ error: any Error, _ url: FunctionURL?, _ request: WebRequest) -> WebAnswer {
    switch error {
    case Refusal.unknown:
      return .json(403, "AccessDeniedException", ["Message": nil])
    case Refusal.forbidden:
      return .failure(
        403, "AccessDeniedException",
        "Forbidden. For troubleshooting Function URL authorization issues, see: "
          + "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html")
    case Refusal.functionFailed: return .badGateway
    case Refusal.badResponse(let reason):
      logger.info(
        "a function's response is none",
        metadata: ["function": "\(url?.arn ?? "")", "request": "\(request.requestID)", "reason": "\(reason)"])
      return .badGateway
    case let error as AWSError:
      if let cause = error.cause { logger.warning("a function URL failed", metadata: ["request": "\(request.requestID)", "cause": "\(cause)"]) }
      // The members of the model's shape, whose message is written small in this one.
      let name = error.code == "TooManyRequestsException" ? "message" : "Message"
      var answer = WebAnswer.json(
        error.status ?? (error.fault == .client ? 400 : 500), error.code,
        .object(JSONObject(error.members.map { ($0.name, $0.value) } + [(name, .string(error.message))])))
      for header in error.headers { answer.headers[header.name.lowercased()] = header.value }
      return answer
    case is CancellationError: return .failure(499, "ClientGone", "")
    default:
      logger.error("a function URL failed", metadata: ["request": "\(request.requestID)", "cause": "\(error)"])
      return .failure(500, "ServiceException", "Internal Server Error")
    }
  }
}

extension WebAnswer {
  fileprivate static func json(_ status: Int, _ type: String, _ value: JSON) -> WebAnswer {
    WebAnswer(
      status: status, headers: ["content-type": "application/json", "x-amzn-errortype": type], body: .bytes(value.bytes))
  }
  fileprivate static func failure(_ status: Int, _ type: String, _ message: String) -> WebAnswer {
    json(status, type, ["Message": .string(message)])
  }
  /// Not JSON, as on AWS, although it says so.
  fileprivate static var badGateway: WebAnswer {
    WebAnswer(status: 502, headers: ["content-type": "application/json"], body: .bytes(Array("Internal Server Error".utf8)))
  }
}
