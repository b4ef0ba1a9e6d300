import Base

/// What stands behind the ARN of a target (EventBridge Scheduler User Guide, "Managing targets").
enum TargetKind: Sendable, Equatable {
  case queue(ARN)
  case function(String)
  case topic(ARN)
  case bus(ARN)
  case stream(ARN)
  case deliveryStream(ARN)
  case stateMachine(ARN)
  /// Any operation: the service by its endpoint name.
  case universal(service: String, operation: String)

  /// Operations that only read are no targets; neither are these.
  private static let readingPrefixes = [
    "get", "describe", "list", "poll", "receive", "search", "scan", "query", "select", "read", "lookup", "discover", "validate",
    "batchget", "batchdescribe", "batchread", "transactget", "adminget", "adminlist", "testmigration", "retrieve", "testconnection",
    "translatedocument", "isauthorized", "invokemodel",
  ]
  /// SDKs call some services by other names than their endpoints.
  private static let endpointNames = [
    "sfn": "states", "eventbridge": "events", "cloudwatchlogs": "logs", "elasticloadbalancingv2": "elbv2",
  ]

  /// Throws ValidationException.
  init(_ text: String) throws {
    guard let arn = ARN(text) else { throw SchedulerError.badARN }
    switch (arn.service, arn.resource) {
    case ("sqs", _): self = .queue(arn)
    case ("lambda", let resource) where resource.hasPrefix("function:"): self = .function(text)
    case ("sns", _): self = .topic(arn)
    case ("events", let resource) where resource.hasPrefix("event-bus/"): self = .bus(arn)
    case ("kinesis", let resource) where resource.hasPrefix("stream/"): self = .stream(arn)
    case ("firehose", let resource) where resource.hasPrefix("deliverystream/"): self = .deliveryStream(arn)
    case ("states", let resource) where resource.hasPrefix("stateMachine:"): self = .stateMachine(arn)
    case ("scheduler", let resource) where resource.hasPrefix("aws-sdk:"): self = try Self.universal(resource)
    default: throw SchedulerError.unsupported("The target \(text)")
    }
    if case .universal = self { return }
    guard AccountID(arn.account) != nil, !arn.region.isEmpty else { throw SchedulerError.badARN }
  }

  /// Reads `aws-sdk:sqs:sendMessage`.
  private static func universal(_ resource: String) throws -> TargetKind {
    let parts = resource.split(separator: ":", omittingEmptySubsequences: false).dropFirst().map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, let first = parts[1].first else { throw SchedulerError.badARN }
    let action = parts[1].lowercased()
    guard !readingPrefixes.contains(where: action.hasPrefix) else {
      throw SchedulerError.validation("\(parts[1]) is not a supported api for the service \(parts[0]): it only reads.")
    }
    return .universal(service: endpointNames[parts[0]] ?? parts[0], operation: first.uppercased() + parts[1].dropFirst())
  }

  /// The service that is called, and what is called there.
  var operation: (service: String, name: String) {
    switch self {
    case .queue: ("sqs", "SendMessage")
    case .function: ("lambda", "Invoke")
    case .topic: ("sns", "Publish")
    case .bus: ("events", "PutEvents")
    case .stream: ("kinesis", "PutRecord")
    case .deliveryStream: ("firehose", "PutRecord")
    case .stateMachine: ("states", "StartExecution")
    case .universal(let service, let operation): (service, operation)
    }
  }

  /// Its input must be JSON.
  var wantsJSON: Bool {
    switch self {
    case .function, .bus, .stateMachine, .universal: true
    case .queue, .topic, .stream, .deliveryStream: false
    }
  }
}
