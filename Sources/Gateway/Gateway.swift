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
  private let endpoints: Endpoints
  private let metrics: RequestMetrics

  /// - Parameter dispatcher: with all its APIs installed already.
  public init(
    dispatcher: Dispatcher, keys: any KeyDirectory, ambient: Ambient, originGuard: OriginGuard, pages: InternalPages,
    endpoints: [WebEndpoint] = [], metrics: RequestMetrics
  ) {
    self.endpoints = Endpoints(endpoints)
    self.dispatcher = dispatcher
    recogniser = Recogniser(dispatcher.apis.map(\.model))
    authentication = Authentication(keys: keys, clock: ambient.clock)
    (self.originGuard, self.pages, self.ambient, self.metrics) = (originGuard, pages, ambient, metrics)
  }

  public func admit(_ head: HTTPRequestHead) -> HTTPAdmission {
    if let endpoint = endpoints.address(head)?.endpoint { return .collect(upTo: endpoint.maximumBody) }
    if takesBytes(head) { return .stream(over: BodyLimits.collectedObject, upTo: BodyLimits.framedObject) }
    return .collect(upTo: BodyLimits(head).maximum)
  }

  /// Whether the body goes to an operation that reads it as it comes. Only S3 has such: PUT, and forms of browsers.
  private func takesBytes(_ head: HTTPRequestHead) -> Bool {
    let isForm = head.method == "POST" && head.headers["content-type"]?.lowercased().hasPrefix("multipart/form-data") == true
    guard head.method == "PUT" || isForm else { return false }
    let request = HTTPRequest(head: head)
    let recognised = recogniser.recognise(wireRequest(request), scope: (try? claim(of: request))?.service)
    return transfers(recognised)
  }

  private func transfers(_ recognised: Recognised) -> Bool {
    guard let model = recognised.model, let operation = recognised.operation else { return false }
    return dispatcher.api(model.name)?.operations[operation.name]?.transfer != nil
  }

  public func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    if let endpoint = endpoints.address(head)?.endpoint { return endpoint.tooLarge.response }
    let request = HTTPRequest(head: head)
    // The signature decides the form of the answer here, nothing else: it is not verified.
    let recognised = recogniser.recognise(wireRequest(request), scope: (try? claim(of: request))?.service)
    let error = transfers(recognised)
      ? BodyLimits.objectTooLarge(proposed: head.headers["content-length"].flatMap { Int($0) }) : BodyLimits(head).error
    return Self.response(refusal(error, recognised, path: Self.path(head.target), requestID: ambient.uuid()))
  }

  private func refusal(_ error: AWSError, _ recognised: Recognised, path: String, requestID: String) -> WireResponse {
    WireCodec.encode(
      error, operation: recognised.operation, service: recognised.model, proto: recognised.wireProtocol, requestID: requestID,
      resource: path)
  }

  public func handle(_ request: HTTPRequest) async -> HTTPResponse {
    let requestID = ambient.uuid()
    let address = endpoints.address(request.head)
    let wire = wireRequest(request)
    let decision = address == nil ? await resourceDecision(wire, request) : nil
    do throws(AWSError) {
      // Which origins may call an endpoint, or a resource that lets this one in, is its own to say; and so is its no to a preflight.
      let isOwn = switch decision {
        case .allowed: true
        case .refused: request.method == "OPTIONS"
        case nil: address != nil
      }
      if isOwn { try originGuard.checkHost(request.headers) } else { try originGuard.check(request.headers) }
    } catch {
      return Self.response(WireCodec.encode(error, operation: nil, service: nil, proto: .restJson, requestID: requestID))
    }
    if let address { return await answer(address, request, requestID) }
    if let decision { return await answer(decision, wire, request, requestID) }
    if let answer = CrossOrigin.preflight(request) { return answer }
    if let page = await pages.answer(request, path: wire.path, query: wire.query) { return CrossOrigin.mark(page, for: request) }
    return CrossOrigin.mark(await answer(wire, request, requestID), for: request)
  }

  /// What the resource that a page of another origin wants says to it. Nil: no browser asks, or the resource has no say.
  private func resourceDecision(_ wire: WireRequest, _ request: HTTPRequest) async -> CrossOriginDecision? {
    guard let origin = request.headers["origin"], !InternalPages.isPage(request.target) else { return nil }
    let asked = request.method == "OPTIONS" ? request.headers["access-control-request-method"] : nil
    var meant = wire
    meant.method = asked ?? wire.method
    let recognised = recogniser.recognise(meant, scope: (try? claim(of: request))?.service)
    guard case .operation(_, let labels) = recognised.outcome, let bucket = labels["Bucket"],
      let port = recognised.model.flatMap({ dispatcher.api($0.name) })?.crossOrigin
    else { return nil }
    let headers = asked == nil ? [] : CrossOrigin.names(request.headers["access-control-request-headers"] ?? "")
    return await port.decide(
      CrossOriginRequest(origin: origin, method: meant.method, headers: headers, isPreflight: asked != nil), for: bucket)
  }

  private func answer(
    _ decision: CrossOriginDecision, _ wire: WireRequest, _ request: HTTPRequest, _ requestID: String
  ) async -> HTTPResponse {
    let isPreflight = request.method == "OPTIONS"
    switch decision {
    case .allowed(let fields):
      var response = isPreflight ? HTTPResponse(status: 200) : await answer(wire, request, requestID)
      for field in fields { response.headers[field.name] = field.value }
      return response
    case .refused(let error):
      guard isPreflight else { return await answer(wire, request, requestID) }
      return Self.response(WireCodec.encode(error, operation: nil, service: nil, proto: .restXml, requestID: requestID))
    }
  }

  private func answer(_ address: Endpoints.Address, _ request: HTTPRequest, _ requestID: String) async -> HTTPResponse {
    let endpoint = address.endpoint
    let began = ambient.clock.monotonic()
    let wire = wireRequest(request)
    let answer = await endpoint.answer(
      WebRequest(
        id: address.id, region: address.region, method: request.method, path: address.path, query: wire.query,
        headers: request.headers, body: request.body, address: request.remoteAddress, isSecure: request.isSecure, requestID: requestID,
        conditionValues: Self.facts(request)
      ) { try await self.caller(wire, request, service: endpoint.service) })
    metrics.count(
      service: endpoint.service, operation: endpoint.operation, status: answer.status, origin: .client,
      duration: ambient.clock.monotonic() - began)
    var response = answer.response
    // By path it has the origin of the server itself: a browser is to treat it as a stranger's page.
    if EndpointHost(request.headers["host"]) == nil { response.headers["content-security-policy"] = Self.strangersPage }
    return response
  }
  private static let strangersPage = "sandbox allow-scripts allow-forms allow-popups"

  /// Who signed a request to an endpoint.
  private func caller(_ wire: WireRequest, _ request: HTTPRequest, service: String) async throws -> WebCaller? {
    let model = dispatcher.api(service)?.model
    do {
      guard let claim = try claim(of: request) else { return nil }
      let identity = try await authentication.identify(
        claim, wire, target: request.target, model: model, isGlobal: false,
        isFromFunction: request.isForUser, body: .bytes(wire.body))
      return WebCaller(
        principal: identity.principal, accessKeyID: claim.accessKeyID, region: identity.region,
        conditionValues: identity.conditionValues)
    } catch let failure as SignatureFailure {
      throw awsError(for: failure, protocol: .restJson, service: model?.signingName ?? service)
    }
  }

  /// What policies may test of a request, whoever sends it.
  private static func facts(_ request: HTTPRequest) -> [String: [String]] {
    var facts: [String: [String]] = [:]
    if let referer = request.headers["referer"] { facts["aws:referer"] = [referer] }
    if request.isSecure { facts["aws:securetransport"] = ["true"] }
    return facts
  }

  private func claim(of request: HTTPRequest) throws(SignatureFailure) -> SignatureClaim? {
    try SignatureClaim.parse(method: request.method, target: request.target, headers: request.headers)
  }

  private func answer(_ wire: WireRequest, _ request: HTTPRequest, _ requestID: String) async -> HTTPResponse {
    let claim = Result { () throws(SignatureFailure) in try self.claim(of: request) }
    let recognised = recogniser.recognise(wire, scope: (try? claim.get())?.service)
    let api = recognised.model.flatMap { dispatcher.api($0.name) }
    let began = ambient.clock.monotonic()
    let response: HTTPResponse
    do {
      let (call, verification) = try await call(for: recognised, api, claim, wire, request, requestID)
      response = try await run(recognised, api, wire, request, try? claim.get(), verification, call)
    } catch {
      let outward = dispatcher.outward(error, service: recognised.service ?? "", requestID: requestID)
      response = Self.response(refusal(DenialForm.shape(outward, recognised), recognised, path: wire.path, requestID: requestID))
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
    let isFromFunction = request.isForUser
    do {
      if recognised.model?.isS3 == true, let url = try SignatureV2URL.parse(target: request.target) {
        identity = try await authentication.identify(url, wire, target: request.target, isFromFunction: isFromFunction)
      } else if try claim.get() == nil, recognised.operation?.isUnsigned == true || api?.allowsAnonymous == true {
        identity = .init(principal: .anonymous, region: .usEast1)
      } else {
        identity = try await authentication.identify(
          try claim.get(), wire, target: request.target, model: recognised.model, isGlobal: isGlobal, isFromFunction: isFromFunction,
          body: transfers(recognised) ? .unread : .bytes(wire.body))
      }
    } catch let failure as SignatureFailure {
      throw awsError(
        for: failure, protocol: recognised.wireProtocol, service: recognised.model?.signingName ?? recognised.service ?? "")
    }
    let facts = identity.conditionValues.merging(Self.facts(request)) { _, ofRequest in ofRequest }
    let trace = wire.headers["x-amzn-trace-id"].flatMap { TraceContext(header: $0) } ?? TraceContext(ambient)
    var call = Call(
      service: recognised.service ?? "", operation: recognised.operation?.name ?? "", principal: identity.principal,
      account: identity.principal.account ?? .local, region: isGlobal ? .global : identity.region, requestID: requestID,
      trace: trace, now: ambient.now, endpoint: "\(request.isSecure ? "https" : "http")://\(wire.headers["host"] ?? "localhost:4566")",
      sourceIP: request.remoteAddress, userAgent: wire.headers["user-agent"], accessKeyID: identity.accessKeyID,
      conditionValues: facts, isQueryProtocol: recognised.wireProtocol == .awsQuery)
    call.isFromFunction = isFromFunction
    return (call, identity.verification)
  }

  private func run(
    _ recognised: Recognised, _ api: ServiceAPI?, _ wire: WireRequest, _ request: HTTPRequest, _ claim: SignatureClaim?,
    _ verification: Verification?, _ call: Call
  ) async throws -> HTTPResponse {
    switch recognised.outcome {
    case .refused(let error): throw error
    case .operation(let operation, let labels):
      guard let api else { throw GatewayErrors.serviceNotImplemented(call.service) }
      // Before its input is judged: there is no use in mending the input of what is not there.
      guard let implemented = api.operations[operation.name] else {
        throw GatewayErrors.operationNotImplemented(api.model.name, operation.name)
      }
      var wire = wire
      if api.model.isS3 { PresignedFields.merge(into: &wire) }
      if implemented.transfer != nil {
        return try await transfer(operation, of: api, recognised.wireProtocol, labels, wire, request, claim, verification, call)
      }
      wire = try RequestBody.opened(wire, recognised.wireProtocol, service: api.model.signingName, verification)
      if api.model.isS3 { try BodyIntegrity.check(wire, operation.name) }
      let input = try WireCodec.decode(operation, of: api.model, recognised.wireProtocol, wire, labels: labels)
      func encoded(_ output: Record?) -> HTTPResponse {
        Self.response(
          WireCodec.encode(
            output, operation: operation, service: api.model, proto: recognised.wireProtocol, requestID: call.requestID))
      }
      guard implemented.stream != nil else { return encoded(try await dispatcher.perform(operation.name, of: api, input, call)) }
      let output = try await dispatcher.performStream(operation.name, of: api, input, call)
      guard let events = output.events else { return Self.streamed(encoded(output.record), output.messages) }
      let coding = EventCoding(service: api.model, proto: recognised.wireProtocol)
      return Self.streamed(encoded(output.record)) { send in
        try await send(coding.initialResponse(output.record))
        do {
          try await events { name, event in try await send(coding.event(name, event)) }
        } catch let error as AWSError {
          try await send(coding.exception(error))
        }
      }
    }
  }

  private func transfer(
    _ operation: OperationModel, of api: ServiceAPI, _ proto: WireProtocol, _ labels: [String: String], _ wire: WireRequest,
    _ request: HTTPRequest, _ claim: SignatureClaim?, _ verification: Verification?, _ call: Call
  ) async throws -> HTTPResponse {
    let bytes = try IncomingBody.bytes(of: request, claim, verification, service: api.model.signingName)
    var head = wire
    head.body = []
    head.headers["content-encoding"] = wire.headers["content-encoding"].flatMap(ChunkedHead.contentEncoding)
    let input = try WireCodec.decode(operation, of: api.model, proto, head, labels: labels)
    let output = try await dispatcher.performTransfer(operation.name, of: api, input, bytes, call)
    var response = Self.response(
      WireCodec.encode(output.record, operation: operation, service: api.model, proto: proto, requestID: call.requestID))
    if let status = output.status { response.status = status }
    guard let outgoing = output.bytes, outgoing.count > 0 else { return response }
    response.headers["content-length"] = "\(outgoing.count)"
    response.body = .stream { writer in try await outgoing.write { try await writer.write($0) } }
    return response
  }

  /// Each message is a piece of the body of its own, so that it leaves at once.
  private static func streamed(
    _ head: HTTPResponse, _ messages: (@Sendable (_ send: @escaping EventStreamOutput.Send) async throws -> Void)?
  ) -> HTTPResponse {
    guard let messages else { return head }
    var response = head
    response.headers["content-type"] = EventStreamMessage.contentType
    response.body = .stream { writer in try await messages { try await writer.write($0.encoded()) } }
    return response
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

extension ServiceModel {
  /// It has ways of its own to say who asks.
  fileprivate var isS3: Bool { name == "s3" }
}
