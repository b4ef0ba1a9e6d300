import Base
import Fabric
import HTTPServer
import Wire

/// Answers HTTP requests: recognise, authenticate, decode, dispatch (authorise, run), encode.
public final class Gateway: HTTPHandler {
  private let dispatcher: Dispatcher
  private let recogniser: Recogniser
  private let authentication: Authentication
  private let originGuard: OriginGuard
  private let pages: InternalPages
  private let ambient: Ambient
  private let metrics: RequestMetrics

  /// - Parameter dispatcher: with all its APIs installed already.
  public init(
    dispatcher: Dispatcher, keys: any KeyDirectory, ambient: Ambient, originGuard: OriginGuard, pages: InternalPages,
    metrics: RequestMetrics
  ) {
    self.dispatcher = dispatcher
    recogniser = Recogniser(dispatcher.apis.map(\.model))
    authentication = Authentication(keys: keys, clock: ambient.clock)
    (self.originGuard, self.pages, self.ambient, self.metrics) = (originGuard, pages, ambient, metrics)
  }

  public func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .collect(upTo: BodyLimits(head).maximum) }

  public func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    let request = HTTPRequest(head: head)
    // The signature decides the form of the answer here, nothing else: it is not verified.
    let recognised = recogniser.recognise(wireRequest(request), scope: (try? claim(of: request))?.service)
    return Self.response(refusal(BodyLimits(head).error, recognised, path: Self.path(head.target), requestID: ambient.uuid()))
  }

  private func refusal(_ error: AWSError, _ recognised: Recognised, path: String, requestID: String) -> WireResponse {
    WireCodec.encode(
      error, operation: recognised.operation, service: recognised.model, proto: recognised.wireProtocol, requestID: requestID,
      resource: path)
  }

  public func handle(_ request: HTTPRequest) async -> HTTPResponse {
    let requestID = ambient.uuid()
    do throws(AWSError) {
      try originGuard.check(request.headers)
    } catch {
      return Self.response(WireCodec.encode(error, operation: nil, service: nil, proto: .restJson, requestID: requestID))
    }
    if let answer = CrossOrigin.preflight(request) { return answer }
    let wire = wireRequest(request)
    if let page = await pages.answer(request, path: wire.path, query: wire.query) { return CrossOrigin.mark(page, for: request) }
    return CrossOrigin.mark(Self.response(await answer(wire, request, requestID)), for: request)
  }

  private func claim(of request: HTTPRequest) throws(SignatureFailure) -> SignatureClaim? {
    try SignatureClaim.parse(method: request.method, target: request.target, headers: request.headers)
  }

  private func answer(_ wire: WireRequest, _ request: HTTPRequest, _ requestID: String) async -> WireResponse {
    let claim = Result { () throws(SignatureFailure) in try self.claim(of: request) }
    let recognised = recogniser.recognise(wire, scope: (try? claim.get())?.service)
    let api = recognised.model.flatMap { dispatcher.api($0.name) }
    let began = ambient.clock.monotonic()
    let response: WireResponse
    do {
      let (call, verification) = try await call(for: recognised, api, claim, wire, request, requestID)
      response = try await run(recognised, api, wire, verification, call)
    } catch {
      let outward = dispatcher.outward(error, service: recognised.service ?? "", requestID: requestID)
      response = refusal(DenialForm.shape(outward, recognised), recognised, path: wire.path, requestID: requestID)
    }
    // Names from outside must not fill the table.
    let service = recognised.model?.name ?? recognised.service.flatMap { KnownServices.names.contains($0) ? $0 : nil } ?? "other"
    metrics.count(
      service: service, operation: recognised.operation?.name ?? "Unknown", status: response.status, origin: .client,
      duration: ambient.clock.monotonic() - began)
    return response
  }

  /// Who calls, from where, in which account and Region; and what the chunks of the body are checked with.
  private func call(
    for recognised: Recognised, _ api: ServiceAPI?, _ claim: Result<SignatureClaim?, SignatureFailure>, _ wire: WireRequest,
    _ request: HTTPRequest, _ requestID: String
  ) async throws -> (Call, Verification?) {
    // There is nobody to ask who this is when nothing says for whom it is.
    if recognised.service == nil, case .refused(let error) = recognised.outcome, case .success = claim { throw error }
    let isGlobal = api?.isGlobal == true
    let identity: Authentication.Identity
    do {
      let claim = try claim.get()
      if claim == nil, recognised.operation?.isUnsigned == true {
        identity = .init(principal: .anonymous, region: .usEast1)
      } else {
        identity = try await authentication.identify(
          claim, wire, target: request.target, model: recognised.model, isGlobal: isGlobal,
          isFromFunction: request.listener != InternalPages.frontListener)
      }
    } catch let failure as SignatureFailure {
      throw awsError(
        for: failure, protocol: recognised.wireProtocol, service: recognised.model?.signingName ?? recognised.service ?? "")
    }
    var facts = identity.conditionValues
    if let referer = wire.headers["referer"] { facts["aws:referer"] = [referer] }
    if request.isSecure { facts["aws:securetransport"] = ["true"] }
    let trace = wire.headers["x-amzn-trace-id"].flatMap { TraceContext(header: $0) } ?? TraceContext(ambient)
    var call = Call(
      service: recognised.service ?? "", operation: recognised.operation?.name ?? "", principal: identity.principal,
      account: identity.principal.account ?? .local, region: isGlobal ? .global : identity.region, requestID: requestID,
      trace: trace, now: ambient.now, endpoint: "\(request.isSecure ? "https" : "http")://\(wire.headers["host"] ?? "localhost:4566")",
      sourceIP: request.remoteAddress, userAgent: wire.headers["user-agent"], accessKeyID: identity.accessKeyID,
      conditionValues: facts, isQueryProtocol: recognised.wireProtocol == .awsQuery)
    call.isFromFunction = request.listener != InternalPages.frontListener
    return (call, identity.verification)
  }

  private func run(
    _ recognised: Recognised, _ api: ServiceAPI?, _ wire: WireRequest, _ verification: Verification?, _ call: Call
  ) async throws -> WireResponse {
    switch recognised.outcome {
    case .refused(let error): throw error
    case .operation(let operation, let labels):
      guard let api else { throw GatewayErrors.serviceNotImplemented(call.service) }
      // Before its input is judged: there is no use in mending the input of what is not there.
      guard api.operations[operation.name] != nil else {
        throw GatewayErrors.operationNotImplemented(api.model.name, operation.name)
      }
      let wire = try RequestBody.opened(wire, recognised.wireProtocol, service: api.model.signingName, verification)
      let input = try WireCodec.decode(operation, of: api.model, recognised.wireProtocol, wire, labels: labels)
      let output = try await dispatcher.perform(operation.name, of: api, input, call)
      return WireCodec.encode(
        output, operation: operation, service: api.model, proto: recognised.wireProtocol, requestID: call.requestID)
    }
  }

  private static func path(_ target: String) -> String {
    target.utf8.firstIndex(of: UInt8(ascii: "?")).map { String(target[..<$0]) } ?? target
  }

  private func wireRequest(_ request: HTTPRequest) -> WireRequest {
    let target = request.target
    let mark = target.utf8.firstIndex(of: UInt8(ascii: "?"))
    return WireRequest(
      method: request.method, path: Self.path(target),
      query: mark.map { String(target[target.utf8.index(after: $0)...]) } ?? "", headers: request.headers, body: request.body)
  }

  private static func response(_ wire: WireResponse) -> HTTPResponse {
    HTTPResponse(status: wire.status, headers: wire.headers, body: .bytes(wire.body))
  }
}
