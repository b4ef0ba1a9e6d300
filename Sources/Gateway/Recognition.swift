import Base
import Wire

/// Which operation of which service a request means, and in which protocol it speaks.
struct Recognised: Sendable {
  /// A name from the table of known services; implemented or not.
  var service: String
  /// Nil when the model of the service knows no operation for the request.
  var operation: OperationModel?
  /// The operation as the client named it, for errors.
  var operationName: String
  var wireProtocol: WireProtocol
  var labels: [String: String] = [:]
}

/// Recognises requests by the models of the services that we serve, and by a table of the AWS services that we do not,
/// so that those can refuse in the right form. The order of tests is fixed: the first hit wins.
struct Recogniser: Sendable {
  private let byTarget: [String: ServiceModel]
  private let bySigningName: [String: [ServiceModel]]
  private let byEndpoint: [String: ServiceModel]
  private let byVersion: [String: ServiceModel]
  private let routers: [String: RESTRouter]

  init(_ models: [ServiceModel]) {
    byTarget = Dictionary(models.compactMap { m in m.targetPrefix.map { ($0, m) } }, uniquingKeysWith: { a, _ in a })
    bySigningName = Dictionary(grouping: models, by: \.signingName)
    byEndpoint = Dictionary(models.map { ($0.endpointPrefix, $0) }, uniquingKeysWith: { a, _ in a })
    let query = models.filter { $0.protocols.contains(.awsQuery) || $0.isQueryCompatible }
    byVersion = Dictionary(query.map { ($0.apiVersion, $0) }, uniquingKeysWith: { a, _ in a })
    let rest = models.filter { $0.protocols.contains(.restJson) || $0.protocols.contains(.restXml) }
    routers = Dictionary(rest.map { ($0.name, RESTRouter($0)) }, uniquingKeysWith: { a, _ in a })
  }

  /// - Parameters:
  ///   - scope: the service part of the credential scope, when the request is signed.
  ///   - form: whether the body is a form; its Action and Version are looked for there.
  func recognise(_ request: WireRequest, scope: String?) -> Recognised? {
    if let target = request.headers["x-amz-target"] { return byTargetHeader(target) }
    if let found = byScopedREST(request, scope: scope) { return found }
    if let found = byAction(request, scope: scope) { return found }
    if let scope, let known = KnownServices.bySigningName[scope], bySigningName[scope] == nil {
      return Recognised(service: known.name, operation: nil, operationName: "\(request.method) \(request.path)", wireProtocol: known.wireProtocol)
    }
    if scope == nil, let found = byHost(request) ?? byPath(request) { return found }
    return nil
  }

  private func byTargetHeader(_ target: String) -> Recognised? {
    guard let dot = target.lastIndex(of: ".") else { return nil }
    let (prefix, name) = (String(target[..<dot]), String(target[target.index(after: dot)...]))
    if let model = byTarget[prefix] {
      let json = model.protocols.first { $0 == .awsJson10 || $0 == .awsJson11 } ?? .awsJson10
      return Recognised(service: model.name, operation: model.operations[name], operationName: name, wireProtocol: json)
    }
    guard let known = KnownServices.byTarget[prefix] else { return nil }
    return Recognised(service: known.name, operation: nil, operationName: name, wireProtocol: known.wireProtocol)
  }

  private func byScopedREST(_ request: WireRequest, scope: String?) -> Recognised? {
    guard let scope, let models = bySigningName[scope] else { return nil }
    for model in models {
      guard let router = routers[model.name] else { continue }
      let proto: WireProtocol = model.protocols.contains(.restXml) ? .restXml : .restJson
      guard let (operation, labels) = router.match(method: request.method, path: request.path, query: request.query) else {
        return Recognised(
          service: model.name, operation: nil, operationName: "\(request.method) \(request.path)", wireProtocol: proto)
      }
      return Recognised(
        service: model.name, operation: operation, operationName: operation.name, wireProtocol: proto, labels: labels)
    }
    return nil
  }

  private func byAction(_ request: WireRequest, scope: String?) -> Recognised? {
    let isForm = request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") ?? false
    var action: String?
    var version: String?
    for text in [request.query.utf8[...], isForm ? Substring(request.body.prefix(65_536).utf8Text).utf8[...] : "".utf8[...]] {
      for pair in text.split(separator: UInt8(ascii: "&")) {
        if pair.starts(with: "Action=".utf8) { action = action ?? percentDecoded(pair.dropFirst(7), plusIsSpace: true).utf8Text }
        if pair.starts(with: "Version=".utf8) { version = version ?? percentDecoded(pair.dropFirst(8), plusIsSpace: true).utf8Text }
      }
    }
    guard let action else { return nil }
    let scoped = scope.flatMap { bySigningName[$0]?.first { $0.protocols.contains(.awsQuery) || $0.isQueryCompatible } }
    if let model = scoped ?? version.flatMap({ byVersion[$0] }) {
      return Recognised(service: model.name, operation: model.operations[action], operationName: action, wireProtocol: .awsQuery)
    }
    guard let known = scope.flatMap({ KnownServices.bySigningName[$0] }) else { return nil }
    return Recognised(service: known.name, operation: nil, operationName: action, wireProtocol: .awsQuery)
  }

  /// Unsigned requests only: the first host label names the service (`sqs.us-east-1.localhost`).
  private func byHost(_ request: WireRequest) -> Recognised? {
    guard let label = request.headers["host"]?.split(separator: ".").first, let model = byEndpoint[String(label)] else { return nil }
    return Recognised(
      service: model.name, operation: nil, operationName: "\(request.method) \(request.path)",
      wireProtocol: model.protocols.first ?? .awsJson10)
  }

  /// Unsigned requests only: paths that one REST service alone has.
  private func byPath(_ request: WireRequest) -> Recognised? {
    for (name, router) in routers {
      if let (operation, labels) = router.match(method: request.method, path: request.path, query: request.query) {
        return Recognised(service: name, operation: operation, operationName: operation.name, wireProtocol: .restJson, labels: labels)
      }
    }
    return nil
  }
}

/// AWS services that clients may ask for and that we do not serve yet, with the form in which they refuse.
enum KnownServices {
  struct Service: Sendable { let name: String; let wireProtocol: WireProtocol }

  static let bySigningName: [String: Service] = [
    "apigateway": .init(name: "apigateway", wireProtocol: .restJson),
    "cloudformation": .init(name: "cloudformation", wireProtocol: .awsQuery),
    "dynamodb": .init(name: "dynamodb", wireProtocol: .awsJson10),
    "events": .init(name: "events", wireProtocol: .awsJson11),
    "execute-api": .init(name: "execute-api", wireProtocol: .restJson),
    "firehose": .init(name: "firehose", wireProtocol: .awsJson11),
    "kinesis": .init(name: "kinesis", wireProtocol: .awsJson11),
    "kms": .init(name: "kms", wireProtocol: .awsJson11),
    "monitoring": .init(name: "cloudwatch", wireProtocol: .awsQuery),
    "pipes": .init(name: "pipes", wireProtocol: .restJson),
    "s3": .init(name: "s3", wireProtocol: .restXml),
    "scheduler": .init(name: "scheduler", wireProtocol: .restJson),
    "secretsmanager": .init(name: "secretsmanager", wireProtocol: .awsJson11),
    "sns": .init(name: "sns", wireProtocol: .awsQuery),
    "ssm": .init(name: "ssm", wireProtocol: .awsJson11),
    "states": .init(name: "states", wireProtocol: .awsJson10),
    "xray": .init(name: "xray", wireProtocol: .restJson),
  ]

  static let byTarget: [String: Service] = [
    "AWSEvents": .init(name: "events", wireProtocol: .awsJson11),
    "DynamoDB_20120810": .init(name: "dynamodb", wireProtocol: .awsJson10),
    "DynamoDBStreams_20120810": .init(name: "dynamodbstreams", wireProtocol: .awsJson10),
    "Kinesis_20131202": .init(name: "kinesis", wireProtocol: .awsJson11),
    "Firehose_20150804": .init(name: "firehose", wireProtocol: .awsJson11),
    "AWSStepFunctions": .init(name: "states", wireProtocol: .awsJson10),
    "GraniteServiceVersion20100801": .init(name: "cloudwatch", wireProtocol: .awsJson10),
    "AmazonSSM": .init(name: "ssm", wireProtocol: .awsJson11),
    "secretsmanager": .init(name: "secretsmanager", wireProtocol: .awsJson11),
    "TrentService": .init(name: "kms", wireProtocol: .awsJson11),
  ]
}
