import Base
import Fabric
import HTTPServer
import Logging
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

  public func admit(_ head: HTTPRequestHead) -> HTTPAdmission { .collect(upTo: BodyLimits.limit(head)) }

  public func tooLarge(_ head: HTTPRequestHead, maximum: Int) -> HTTPResponse {
    let requestID = ambient.uuid()
    return Self.response(
      WireCodec.encode(BodyLimits.error(head, maximum: maximum), operation: nil, service: nil, proto: .restJson, requestID: requestID))
  }

  public func handle(_ request: HTTPRequest) async -> HTTPResponse {
    let requestID = ambient.uuid()
    do throws(AWSError) {
      try originGuard.check(request.headers)
    } catch {
      return Self.response(WireCodec.encode(error, operation: nil, service: nil, proto: .restJson, requestID: requestID))
    }
    let (path, query) = Self.split(request.target)
    if let page = await pages.answer(method: request.method, path: path, query: query, body: request.body) { return page }

    let wire = WireRequest(method: request.method, path: path, query: query, headers: request.headers, body: request.body)
    return Self.response(await answer(wire, request, requestID))
  }

  private func answer(_ wire: WireRequest, _ request: HTTPRequest, _ requestID: String) async -> WireResponse {
    let claim: SignatureClaim?
    var claimFailure: SignatureFailure?
    do throws(SignatureFailure) {
      claim = try SignatureClaim.parse(method: wire.method, target: request.target, headers: wire.headers)
    } catch {
      claim = nil
      claimFailure = error
    }
    guard let recognised = recogniser.recognise(wire, scope: claim?.service) else {
      let error = claimFailure.map { awsError(for: $0, protocol: .restJson, service: claim?.service ?? "") } ?? GatewayErrors.unrecognised
      return WireCodec.encode(error, operation: nil, service: nil, proto: .restJson, requestID: requestID)
    }
    let api = dispatcher.api(recognised.service)
    let proto = recognised.wireProtocol
    do {
      if let claimFailure { throw awsError(for: claimFailure, protocol: proto, service: recognised.service) }
      let call = try await call(for: recognised, api, claim, wire, request, requestID)
      let output = try await run(recognised, api, wire, call)
      metrics.count(service: recognised.service, operation: recognised.operationName, status: output.status)
      return output
    } catch {
      let outward = DenialForm.shape(error as? AWSError ?? .internalFailure(error), recognised, api?.model)
      let response = WireCodec.encode(
        outward, operation: recognised.operation, service: api?.model, proto: proto, requestID: requestID)
      metrics.count(service: recognised.service, operation: recognised.operation?.name ?? "Unknown", status: response.status)
      return response
    }
  }

  /// Who calls, from where, in which account and Region.
  private func call(
    for recognised: Recognised, _ api: ServiceAPI?, _ claim: SignatureClaim?, _ wire: WireRequest, _ request: HTTPRequest,
    _ requestID: String
  ) async throws -> Call {
    let identity: Authentication.Identity
    if claim == nil, recognised.operation?.isUnsigned == true {
      identity = .init(principal: .anonymous)
    } else {
      do throws(SignatureFailure) {
        identity = try await authentication.identify(claim, wire, target: request.target)
      } catch {
        throw awsError(for: error, protocol: recognised.wireProtocol, service: recognised.service)
      }
    }
    let region = claim.flatMap { Region($0.region) } ?? .usEast1
    let trace = wire.headers["x-amzn-trace-id"].flatMap { TraceContext(header: $0) } ?? TraceContext(ambient)
    return Call(
      service: recognised.service, operation: recognised.operationName, principal: identity.principal,
      account: identity.principal.account ?? .local, region: api?.isGlobal == true ? .global : region, requestID: requestID,
      trace: trace, now: ambient.now, endpoint: "http://\(wire.headers["host"] ?? "localhost:4566")",
      sourceIP: request.remoteAddress, userAgent: wire.headers["user-agent"], accessKeyID: identity.accessKeyID,
      conditionValues: identity.conditionValues, isQueryProtocol: recognised.wireProtocol == .awsQuery)
  }

  private func run(_ recognised: Recognised, _ api: ServiceAPI?, _ wire: WireRequest, _ call: Call) async throws -> WireResponse {
    guard let api else { throw GatewayErrors.serviceNotImplemented(recognised.service) }
    guard let operation = recognised.operation else {
      throw recognised.wireProtocol == .awsQuery
        ? GatewayErrors.invalidAction(recognised.operationName, version: api.model.apiVersion)
        : GatewayErrors.unknownOperation(recognised.operationName)
    }
    guard api.operations[operation.name] != nil else {
      throw GatewayErrors.operationNotImplemented(api.model.name, operation.name)
    }
    let input = try WireCodec.decode(operation, of: api.model, recognised.wireProtocol, wire, labels: recognised.labels)
    let output = try await dispatcher.perform(operation.name, of: api, input, call)
    return WireCodec.encode(output, operation: operation, service: api.model, proto: recognised.wireProtocol, requestID: call.requestID)
  }

  private static func split(_ target: String) -> (path: String, query: String) {
    guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return (target, "") }
    return (String(target[..<mark]), String(target[target.utf8.index(after: mark)...]))
  }

  private static func response(_ wire: WireResponse) -> HTTPResponse {
    HTTPResponse(status: wire.status, headers: wire.headers, body: .bytes(wire.body))
  }
}
