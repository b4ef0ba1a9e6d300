import Base
import Fabric
import Patterns
import Wire

/// What a pipe must be to be kept. All throw ValidationException.
extension PipesService {
  /// By the service of an ARN: what its parameters are called.
  private static let targetParameters = [
    "sqs": "SqsQueueParameters", "lambda": "LambdaFunctionParameters", "states": "StepFunctionStateMachineParameters",
    "kinesis": "KinesisStreamParameters", "events": "EventBridgeEventBusParameters", "logs": "CloudWatchLogsParameters",
    "sns": "", "firehose": "",
  ]

  func check(_ pipe: Pipe) async throws {
    try checkSource(pipe)
    try checkEnrichment(pipe)
    try checkTarget(pipe)
    try checkLog(pipe)
    try await checkRole(pipe)
  }

  private func checkSource(_ pipe: Pipe) throws {
    guard let kind = pipe.kind, kind == .queue || streams[kind.rawValue] != nil else {
      throw PipesError.unsupported("The source \(pipe.source)")
    }
    try checkKinds(pipe.sourceParameters, besides: "FilterCriteria", allowed: kind.parameters, of: "source \(pipe.source)")
    do { _ = try RecordFilter(pipe.filters, contentKey: kind.contentKey) } catch {
      throw PipesError.validation("Event pattern is not valid. Reason: \(error.reason)")
    }
    if kind == .queue { try checkQueue(pipe) } else { try checkStream(pipe, kind) }
  }

  private func checkQueue(_ pipe: Pipe) throws {
    guard pipe.batchSize <= 10 || pipe.window > .zero else {
      throw PipesError.validation("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    }
    guard !pipe.isFIFO || (pipe.batchSize <= 10 && pipe.window == .zero) else {
      throw PipesError.validation("A FIFO queue allows batches of at most 10 messages and no batching window.")
    }
  }

  private func checkStream(_ pipe: Pipe, _ kind: Pipe.Kind) throws {
    guard let given = pipe.kindParameters else { throw PipesError.validation("\(kind.parameters) must be specified.") }
    if let age = given["MaximumRecordAgeInSeconds"]?.int, age != -1, age < 60 {
      throw PipesError.validation("MaximumRecordAgeInSeconds must be -1 or at least 60.")
    }
    guard (given["StartingPosition"]?.string == "AT_TIMESTAMP") == (given["StartingPositionTimestamp"] != nil) else {
      throw PipesError.validation("StartingPositionTimestamp goes with the StartingPosition AT_TIMESTAMP, and only with it.")
    }
    if let dead = given["DeadLetterConfig"]?["Arn"]?.string, !["sqs", "sns"].contains(ARN(dead)?.service ?? "") {
      throw PipesError.unsupported("The dead-letter target \(dead)")
    }
  }

  private func checkEnrichment(_ pipe: Pipe) throws {
    guard let text = pipe.enrichment else { return }
    guard let enrichment = ARN(text), enrichment.service == "lambda", enrichment.resource.hasPrefix("function:"), door.model("lambda") != nil
    else { throw PipesError.unsupported("The enrichment \(text)") }
    if pipe.enrichmentParameters?["HttpParameters"] != nil {
      throw PipesError.validation("HttpParameters is not supported for the enrichment \(text).")
    }
  }

  private func checkTarget(_ pipe: Pipe) throws {
    guard let target = ARN(pipe.target), let kind = Self.targetParameters[target.service], door.model(target.service) != nil else {
      throw PipesError.unsupported("The target \(pipe.target)")
    }
    try checkKinds(pipe.targetParameters, besides: "InputTemplate", allowed: kind, of: "target \(pipe.target)")
    func given(_ name: String) -> Bool { pipe.targetParameters?[kind]?[name]?.string?.isEmpty == false }
    let missing: String? =
      switch target.service {
      case "sqs" where target.resource.hasSuffix(".fifo") && !given("MessageGroupId"): "MessageGroupId"
      case "kinesis" where !given("PartitionKey"): "PartitionKey"
      case "logs" where !given("LogStreamName"): "LogStreamName"
      default: nil
      }
    if let missing { throw PipesError.validation("\(missing) must be specified for the target \(pipe.target).") }
    if pipe.targetParameters?[kind]?["EndpointId"] != nil { throw PipesError.unsupported("EndpointId") }
  }

  private func checkKinds(_ parameters: JSON?, besides other: String, allowed kind: String, of whom: String) throws {
    for name in parameters?.object?.names ?? [] where name != other && name != kind {
      throw PipesError.validation("\(name) is not supported for the \(whom).")
    }
  }

  private func checkLog(_ pipe: Pipe) throws {
    guard let log = pipe.logConfiguration else { return }
    for name in ["S3LogDestination", "FirehoseLogDestination"] where log[name] != nil { throw PipesError.unsupported(name) }
    guard log["Level"]?.string == "OFF" || log["CloudwatchLogsLogDestination"] != nil else {
      throw PipesError.validation("A log destination must be specified.")
    }
  }

  private func checkRole(_ pipe: Pipe) async throws {
    guard let role = ARN(pipe.role) else { throw PipesError.badRole }
    let service = ServicePrincipal(Self.principal, sourceARN: pipe.name.arn, sourceAccount: pipe.name.account)
    do { _ = try await roles.session(role: role, sessionName: "check", by: service) } catch let error as AWSError {
      guard error.fault == .client else { throw error }
      throw PipesError.badRole
    }
  }
}
