import Base
import Fabric

extension Target {
  /// Checks what was given for a target. What Dewpoint cannot do is refused here, never ignored.
  /// - Parameters:
  ///   - rule: whose target it becomes.
  ///   - hasService: whether this server has an API.
  /// - Throws: `ValidationException`.
  init(_ given: EventsTarget, of rule: RuleName, hasService: (String) -> Bool) throws(AWSError) {
    self.init(id: given.id, arn: given.arn)
    guard let arn = ARN(given.arn) else {
      throw EventBridgeError.invalid(given.arn, "Provided Arn is not in correct format.")
    }
    guard let kind = TargetKind(arn) else {
      throw EventBridgeError.invalid(given.arn, "Dewpoint has no targets of this kind.")
    }
    guard hasService(kind.service) else {
      throw EventBridgeError.invalid(given.arn, "Dewpoint does not implement the service \(kind.service).")
    }
    guard kind == .bus || arn.region == rule.bus.region.text else {
      throw EventBridgeError.invalid(given.arn, "Only an event bus may be in another Region.")
    }
    guard kind != .bus || arn.region == rule.bus.region.text else {
      throw EventBridgeError.unsupported("Arn", "events do not go to another Region.")
    }
    role = given.roleArn
    guard kind != .logGroup || role != nil else {
      throw EventBridgeError.invalid(given.arn, "Log groups have no resource policies here: the target needs a RoleArn.")
    }
    guard role != nil || !kind.needsRole && arn.account == rule.bus.account.text else {
      throw EventBridgeError.invalid("RoleArn is required for target \(given.arn).")
    }
    try refuse(given)
    input = try Self.input(given)
    try takeParameters(given, kind, arn)
    (maximumAttempts, maximumAgeSeconds) = (given.retryPolicy?.maximumRetryAttempts, given.retryPolicy?.maximumEventAgeInSeconds)
    deadLetter = try EventBridgeService.deadLetter(given.deadLetterConfig, rule.bus.region)
  }

  /// Parameters of targets that there are none of here.
  private func refuse(_ given: EventsTarget) throws(AWSError) {
    let members: [(String, Bool)] = [
      ("RunCommandParameters", given.runCommandParameters != nil), ("EcsParameters", given.ecsParameters != nil),
      ("BatchParameters", given.batchParameters != nil), ("RedshiftDataParameters", given.redshiftDataParameters != nil),
      ("SageMakerPipelineParameters", given.sageMakerPipelineParameters != nil), ("AppSyncParameters", given.appSyncParameters != nil),
    ]
    for (name, isGiven) in members where isGiven {
      throw EventBridgeError.invalid("Parameter(s) \(name) are not valid for target: \(id).")
    }
  }

  private static func input(_ given: EventsTarget) throws(AWSError) -> Input {
    let count = [given.input != nil, given.inputPath != nil, given.inputTransformer != nil].filter(\.self).count
    guard count <= 1 else {
      throw EventBridgeError.invalid("Only one of Input, InputPath, or InputTransformer must be provided for target \(given.id).")
    }
    if let text = given.input {
      do { try JSON.check(Array(text.utf8)) } catch {
        throw EventBridgeError.invalid("JSON syntax error in input for target \(given.id) : \(error).")
      }
      return .constant(text)
    }
    if let path = given.inputPath {
      guard EventPath(path) != nil else { throw EventBridgeError.invalid("Invalid InputPath for target \(given.id).") }
      return .path(path)
    }
    if let transformer = given.inputTransformer {
      let paths = transformer.inputPathsMap ?? [:]
      _ = try InputTemplate(transformer.inputTemplate, paths: paths, target: given.id)
      return .transformer(paths: paths, template: transformer.inputTemplate)
    }
    return .event
  }

  private mutating func takeParameters(_ given: EventsTarget, _ kind: TargetKind, _ arn: ARN) throws(AWSError) {
    func only(_ name: String, _ isGiven: Bool, for kinds: TargetKind) throws(AWSError) {
      guard !isGiven || kind == kinds else { throw EventBridgeError.invalid("Parameter(s) \(name) are not valid for target: \(id).") }
    }
    try only("SqsParameters", given.sqsParameters != nil, for: .queue)
    try only("KinesisParameters", given.kinesisParameters != nil, for: .stream)
    try only("HttpParameters", given.httpParameters != nil, for: .destination)
    messageGroup = given.sqsParameters?.messageGroupId
    if kind == .queue, arn.resource.hasSuffix(".fifo"), messageGroup?.isEmpty ?? true {
      throw EventBridgeError.invalid("Parameter(s) SqsParameters must be specified for target: \(id).")
    }
    if let path = given.kinesisParameters?.partitionKeyPath {
      guard EventPath(path) != nil else { throw EventBridgeError.invalid("Invalid PartitionKeyPath for target \(id).") }
      partitionKeyPath = path
    }
    if let parameters = given.httpParameters {
      let reserved = (parameters.headerParameters ?? [:]).keys.sorted().first { HTTPCall.reserved.contains($0.lowercased()) }
      if let reserved { throw EventBridgeError.invalid("HttpParameters", "The header \(reserved) can not be set.") }
      http = HTTP(
        path: parameters.pathParameterValues ?? [], headers: parameters.headerParameters ?? [:],
        query: parameters.queryStringParameters ?? [:])
    }
  }
}

extension EventsTarget {
  /// As ListTargetsByRule shows it.
  init(_ target: Target) {
    self.init()
    (id, arn, roleArn) = (target.id, target.arn, target.role)
    switch target.input {
    case .event: break
    case .constant(let text): input = text
    case .path(let path): inputPath = path
    case .transformer(let paths, let template):
      var transformer = InputTransformer()
      (transformer.inputPathsMap, transformer.inputTemplate) = (paths.isEmpty ? nil : paths, template)
      inputTransformer = transformer
    }
    if let group = target.messageGroup {
      var parameters = SqsParameters()
      parameters.messageGroupId = group
      sqsParameters = parameters
    }
    if let path = target.partitionKeyPath {
      var parameters = KinesisParameters()
      parameters.partitionKeyPath = path
      kinesisParameters = parameters
    }
    if let http = target.http {
      var parameters = HttpParameters()
      parameters.pathParameterValues = http.path.isEmpty ? nil : http.path
      parameters.headerParameters = http.headers.isEmpty ? nil : http.headers
      parameters.queryStringParameters = http.query.isEmpty ? nil : http.query
      httpParameters = parameters
    }
    deadLetterConfig = DeadLetterConfig(target.deadLetter)
    if target.maximumAttempts != nil || target.maximumAgeSeconds != nil {
      var policy = RetryPolicy()
      (policy.maximumRetryAttempts, policy.maximumEventAgeInSeconds) = (target.maximumAttempts, target.maximumAgeSeconds)
      retryPolicy = policy
    }
  }
}
