import Base
import Wire

/// Which operation of which service a request means, and in which protocol it speaks.
struct Recognised: Sendable {
  enum Outcome: Sendable {
    case operation(OperationModel, labels: [String: String])
    /// The service has no such operation, or we do not serve the service.
    case refused(AWSError)
  }
  /// Nil when nothing in the request names a service.
  var service: String?
  /// Nil when the service is not one of ours.
  var model: ServiceModel?
  var wireProtocol: WireProtocol
  var outcome: Outcome

  var operation: OperationModel? { if case .operation(let operation, _) = outcome { operation } else { nil } }
}

/// Recognises requests by the models of the services that we serve, and by a table of the AWS services that we do not, so
/// that those can refuse in the right form. The order of tests is fixed and the first hit wins: protocol field of CBOR,
/// target, scope of the signature, Action, host, path.
struct Recogniser: Sendable {
  private let byTarget: [String: ServiceModel]
  private let bySigningName: [String: [ServiceModel]]
  private let byEndpoint: [String: ServiceModel]
  private let byVersion: [String: ServiceModel]
  /// Those of the Query services that are called without a signature, by links in messages that do not name a version.
  private let unsigned: [String: ServiceModel]
  /// In the order of their names, so that equal requests are always recognised alike.
  private let routers: [(model: ServiceModel, router: RESTRouter)]

  init(_ models: [ServiceModel]) {
    let models = models.sorted { $0.name < $1.name }
    byTarget = Dictionary(models.compactMap { m in m.targetPrefix.map { ($0, m) } }, uniquingKeysWith: { a, _ in a })
    bySigningName = Dictionary(grouping: models, by: \.signingName)
    byEndpoint = Dictionary(models.map { ($0.endpointPrefix, $0) }, uniquingKeysWith: { a, _ in a })
    byVersion = Dictionary(models.filter(\.speaksQuery).map { ($0.apiVersion, $0) }, uniquingKeysWith: { a, _ in a })
    unsigned = Dictionary(
      models.filter(\.speaksQuery).flatMap { model in model.operations.values.filter(\.isUnsigned).map { ($0.name, model) } },
      uniquingKeysWith: { a, _ in a })
    routers = models.filter { $0.restProtocol != nil }.map { ($0, RESTRouter($0)) }
  }

  /// - Parameter scope: the service part of the credential scope, when the request is signed.
  func recognise(_ request: WireRequest, scope: String?) -> Recognised {
    if request.headers["smithy-protocol"] == "rpc-v2-cbor" { return bySmithyPath(request) }
    if let target = request.headers["x-amz-target"] {
      var found = byTargetHeader(target, scope)
      let isCBOR = request.headers["content-type"]?.lowercased().hasPrefix("application/x-amz-cbor-1.1") == true
      if isCBOR, found.model?.protocols.contains(.awsCbor11) ?? (found.service == "kinesis") { found.wireProtocol = .awsCbor11 }
      return found
    }
    if let scope { return byScope(scope, request) }
    if isForS3(request) { return byScope("s3", request) }
    if let found = byUnsignedAction(request) ?? byHost(request) ?? byPath(request) { return found }
    // What nobody else claims is an anonymous request for S3.
    if bySigningName["s3"] != nil { return byScope("s3", request) }
    return Recognised(wireProtocol: QueryAction(request) == nil ? .restJson : .awsQuery, outcome: .refused(GatewayErrors.unrecognised))
  }

  /// Unsigned, but by its host or as a URL presigned with version 2. (A Query call of version 2 names its version.)
  private func isForS3(_ request: WireRequest) -> Bool {
    if S3Host(request.headers["host"]).isExplicit { return true }
    let query = request.query
    return query.contains("AWSAccessKeyId=") && query.contains("Signature=") && !query.contains("SignatureVersion=")
  }

  /// `/service/{name}/operation/{name}`
  private func bySmithyPath(_ request: WireRequest) -> Recognised {
    let parts = request.path.split(separator: "/").suffix(4).map(String.init)
    guard request.headers["x-amz-target"] == nil, parts.count == 4, parts[0] == "service", parts[2] == "operation",
      let name = parts[1].split(separator: ".").last.map(String.init)
    else { return Recognised(wireProtocol: .rpcv2Cbor, outcome: .refused(GatewayErrors.unrecognised)) }
    if let model = byTarget[name], model.protocols.contains(.rpcv2Cbor) {
      let outcome = model.operations[parts[3]].map { Recognised.Outcome.operation($0, labels: [:]) }
      return Recognised(
        service: model.name, model: model, wireProtocol: .rpcv2Cbor,
        outcome: outcome ?? .refused(GatewayErrors.unknownOperation(parts[3], isREST: true)))
    }
    let service = byTarget[name]?.name ?? KnownServices.byTarget[name]?.name ?? name
    let refusal = byTarget[name] == nil ? GatewayErrors.serviceNotImplemented(service) : GatewayErrors.protocolNotImplemented(service)
    return Recognised(service: service, model: byTarget[name], wireProtocol: .rpcv2Cbor, outcome: .refused(refusal))
  }

  /// Outranks the scope, which DynamoDB and its streams share.
  private func byTargetHeader(_ target: String, _ scope: String?) -> Recognised {
    let dot = target.lastIndex(of: ".")
    let prefix = dot.map { String(target[..<$0]) } ?? "", name = String(target[(dot.map(target.index(after:)) ?? target.startIndex)...])
    if let model = byTarget[prefix] {
      let outcome = model.operations[name].map { Recognised.Outcome.operation($0, labels: [:]) }
      return Recognised(
        service: model.name, model: model, wireProtocol: model.jsonProtocol ?? .awsJson10,
        outcome: outcome ?? .refused(GatewayErrors.unknownOperation(name, isREST: false)))
    }
    if let known = KnownServices.byTarget[prefix] { return notServed(known.name, known.wireProtocol) }
    // The target says nothing, so the scope says whose it is not.
    let known = scope.flatMap { KnownServices.bySigningName[$0] }
    let model = scope.flatMap { bySigningName[$0]?.first { $0.jsonProtocol != nil } }
    if model == nil, let scope { return notServed(known?.name ?? scope, known?.wireProtocol.json ?? .awsJson11) }
    return Recognised(
      service: model?.name, model: model, wireProtocol: model?.jsonProtocol ?? .awsJson11,
      outcome: .refused(GatewayErrors.unknownOperation(name, isREST: false)))
  }

  private func byScope(_ scope: String, _ request: WireRequest) -> Recognised {
    guard let models = bySigningName[scope] else {
      if let known = KnownServices.bySigningName[scope] { return notServed(known.name, known.wireProtocol) }
      return notServed(scope, QueryAction(request) == nil ? .restJson : .awsQuery)
    }
    for (model, router) in routers where model.signingName == scope {
      if let found = match(model, router, request) { return found }
    }
    if let model = models.first(where: \.speaksQuery) { return query(model, QueryAction(request)) }
    let model = models[0]
    let refusal = GatewayErrors.unknownOperation("\(request.method) \(request.path)", isREST: model.restProtocol != nil)
    return Recognised(
      service: model.name, model: model, wireProtocol: model.restProtocol ?? model.protocols.first ?? .awsJson10,
      outcome: .refused(refusal))
  }

  private func query(_ model: ServiceModel, _ action: QueryAction?) -> Recognised {
    var outcome = Recognised.Outcome.refused(GatewayErrors.missingAction)
    if let action {
      // SQS's examples leave the version out; a wrong one is not taken for ours.
      let isOurs = action.version == nil || action.version == model.apiVersion
      if isOurs, let operation = model.operations[action.name] {
        outcome = .operation(operation, labels: [:])
      } else {
        outcome = .refused(GatewayErrors.invalidAction(action.name, version: action.version ?? "NO_VERSION_SPECIFIED"))
      }
    }
    return Recognised(service: model.name, model: model, wireProtocol: .awsQuery, outcome: outcome)
  }

  /// Some operations of STS are unsigned by design; all versions of the Query services differ.
  private func byUnsignedAction(_ request: WireRequest) -> Recognised? {
    guard let action = QueryAction(request) else { return nil }
    guard let version = action.version else {
      return request.method == "GET" ? unsigned[action.name].map { query($0, action) } : nil
    }
    if let model = byVersion[version] { return query(model, action) }
    return KnownServices.byVersion[version].map { notServed($0, .awsQuery) }
  }

  /// The first labels name the service (`sqs.us-east-1.localhost`); some operations put a word before them.
  private func byHost(_ request: WireRequest) -> Recognised? {
    guard var host = request.headers["host"].map(OriginGuard.withoutPort) else { return nil }
    for word in ["sync-", "streaming-", "stream-"] where host.hasPrefix(word) { host.removeFirst(word.count) }
    let labels = host.split(separator: ".")
    for count in [2, 1] where labels.count > count {
      guard let model = byEndpoint[labels.prefix(count).joined(separator: ".")] else { continue }
      return byScope(model.signingName, request)
    }
    return nil
  }

  private func byPath(_ request: WireRequest) -> Recognised? {
    for (model, router) in routers where model.restProtocol == .restJson {
      if let found = match(model, router, request) { return found }
    }
    let parts = request.path.split(separator: "/")
    let isQueue = parts.count == 2 && AccountID(parts[0]) != nil || parts.count == 4 && parts[0] == "queue" && AccountID(parts[2]) != nil
    return isQueue ? byEndpoint["sqs"].map { query($0, QueryAction(request)) } : nil
  }

  private func match(_ model: ServiceModel, _ router: RESTRouter, _ request: WireRequest) -> Recognised? {
    var path = request.path
    if model.restProtocol == .restXml, let bucket = S3Host(request.headers["host"]).bucket {
      path = "/" + percentEncoded(bucket) + path
    }
    guard let (operation, labels) = router.match(method: request.method, path: path, query: request.query, headers: request.headers)
    else { return nil }
    return Recognised(
      service: model.name, model: model, wireProtocol: model.restProtocol ?? .restJson, outcome: .operation(operation, labels: labels))
  }

  private func notServed(_ service: String, _ proto: WireProtocol) -> Recognised {
    Recognised(service: service, wireProtocol: proto, outcome: .refused(GatewayErrors.serviceNotImplemented(service)))
  }
}

/// `Action` and `Version` of a Query request, from the query string or a form body.
struct QueryAction {
  var name: String
  var version: String?

  init?(_ request: WireRequest) {
    var fields = Fields()
    Array(request.query.utf8).withUnsafeBufferPointer { fields.read($0) }
    if fields.action == nil || fields.version == nil,
      request.headers["content-type"]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true
    {
      request.body.withUnsafeBufferPointer { fields.read($0) }
    }
    guard let action = fields.action, !action.isEmpty else { return nil }
    (name, version) = (action, fields.version)
  }

  private struct Fields {
    var action: String?
    var version: String?

    /// Stops once both are found: a body may be some megabytes long.
    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) {
      var start = 0
      while start < bytes.count, action == nil || version == nil {
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "&")) ?? bytes.count
        let field = bytes[start..<end]
        if action == nil, field.starts(with: "Action=".utf8) {
          action = percentDecoded(field.dropFirst(7), plusIsSpace: true).utf8Text
        } else if version == nil, field.starts(with: "Version=".utf8) {
          version = percentDecoded(field.dropFirst(8), plusIsSpace: true).utf8Text
        }
        start = end + 1
      }
    }
  }
}

extension ServiceModel {
  fileprivate var speaksQuery: Bool { protocols.contains(.awsQuery) || isQueryCompatible }
  fileprivate var restProtocol: WireProtocol? { protocols.first { $0 == .restJson || $0 == .restXml } }
  fileprivate var jsonProtocol: WireProtocol? { protocols.first { $0 == .awsJson10 || $0 == .awsJson11 } }
}

extension WireProtocol {
  /// The JSON form that a request with a target wants, whatever its service speaks elsewhere.
  fileprivate var json: WireProtocol { self == .awsJson10 ? .awsJson10 : .awsJson11 }
}
