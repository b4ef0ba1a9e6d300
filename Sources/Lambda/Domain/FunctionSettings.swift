import Base

/// The settings of a function that creation and change share, checked. A member that is nil was not given.
///
/// Every member of the API that we do not serve is refused here: none is accepted and then ignored.
struct FunctionSettings {
  var role: ARN?
  var runtime: String?
  var handler: String?
  var description: String?
  var timeout: Duration?
  var memoryMegabytes: Int?
  var environment: [String: String]?
  var ephemeralStorageMegabytes: Int?
  var logging: Logging?
  var tracing: FunctionVersion.Tracing?
  /// The inner nil removes the target.
  var deadLetterTarget: ARN??
  var layers: LayerList?
  var hasSnapStart: Bool?
  /// What the function says instead of its image; empty to say nothing any more.
  var image: ContainerSettings?
  var vpc: VPCSettings?
  var durable: Durable?

  /// Each member is nil when it was not given.
  struct Durable: Equatable { var executionTimeout: Int?, retentionDays: Int? }
  struct Logging: Equatable {
    var format: FunctionVersion.LogFormat?
    var applicationLevel: String?
    var systemLevel: String?
    var group: String?
  }

  init(_ input: CreateFunctionInput) throws {
    try Self.refuse(input)
    try setCode(role: input.role, runtime: input.runtime, handler: input.handler)
    try setText(input.description)
    try setSize(timeout: input.timeout, memory: input.memorySize, storage: input.ephemeralStorage)
    try setSurroundings(input.environment, input.loggingConfig, input.tracingConfig, input.deadLetterConfig)
    layers = try input.layers.map { try LayerList($0) }
    hasSnapStart = input.snapStart?.applyOn.map { $0 == "PublishedVersions" }
    image = try input.imageConfig.map { try ContainerSettings($0) }
    vpc = try input.vpcConfig.map { try VPCSettings($0) }
    durable = try input.durableConfig.map { try Self.durable($0) }
  }

  init(_ input: UpdateFunctionConfigurationInput) throws {
    try Self.refuse(input)
    try setCode(role: input.role, runtime: input.runtime, handler: input.handler)
    try setText(input.description)
    try setSize(timeout: input.timeout, memory: input.memorySize, storage: input.ephemeralStorage)
    try setSurroundings(input.environment, input.loggingConfig, input.tracingConfig, input.deadLetterConfig)
    layers = try input.layers.map { try LayerList($0) }
    hasSnapStart = input.snapStart?.applyOn.map { $0 == "PublishedVersions" }
    image = try input.imageConfig.map { try ContainerSettings($0) }
    vpc = try input.vpcConfig.map { try VPCSettings($0) }
    durable = try input.durableConfig.map { try Self.durable($0) }
  }

  private mutating func setCode(role: String?, runtime: String?, handler: String?) throws {
    if let role {
      guard let arn = ARN(role), arn.service == "iam", AccountID(arn.account) != nil, arn.resource.hasPrefix("role/") else {
        throw LambdaError.constraint(
          role, at: "role", #"satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#)
      }
      self.role = arn
    }
    if let runtime {
      guard !RuntimeNames.retired.contains(runtime) else { throw LambdaError.retiredRuntime(runtime) }
      guard RuntimeNames.supported.contains(runtime) else { throw LambdaError.unknownRuntime(runtime) }
      self.runtime = runtime
    }
    if let handler {
      guard handler.utf8.count <= LambdaLimits.handlerLength else {
        throw LambdaError.constraint(handler, at: "handler", "have length less than or equal to \(LambdaLimits.handlerLength)")
      }
      guard !handler.isEmpty, !handler.contains(where: \.isWhitespace) else {
        throw LambdaError.constraint(handler, at: "handler", #"satisfy regular expression pattern: [^\s]+"#)
      }
      self.handler = handler
    }
  }

  private mutating func setText(_ description: String?) throws {
    guard let description else { return }
    guard description.count <= LambdaLimits.descriptionLength else {
      throw LambdaError.constraint(
        description, at: "description", "have length less than or equal to \(LambdaLimits.descriptionLength)")
    }
    self.description = description
  }

  private mutating func setSize(timeout: Int?, memory: Int?, storage: EphemeralStorage?) throws {
    if let timeout {
      try LambdaLimits.timeoutSeconds.check(timeout, at: "timeout")
      self.timeout = .seconds(timeout)
    }
    if let memory {
      try LambdaLimits.memoryMegabytes.check(memory, at: "memorySize")
      memoryMegabytes = memory
    }
    if let storage {
      try LambdaLimits.ephemeralStorageMegabytes.check(storage.size, at: "ephemeralStorage.size")
      ephemeralStorageMegabytes = storage.size
    }
  }

  private mutating func setSurroundings(
    _ environment: LambdaEnvironment?, _ logging: LoggingConfig?, _ tracing: TracingConfig?, _ deadLetter: DeadLetterConfig?
  ) throws {
    if let environment { self.environment = try EnvironmentVariables.checked(environment.variables ?? [:]) }
    if let logging { self.logging = try Logging(logging) }
    if let mode = tracing?.mode {
      guard let tracing = FunctionVersion.Tracing(rawValue: mode) else {
        throw LambdaError.constraint(mode, at: "tracingConfig.mode", "satisfy enum value set: [Active, PassThrough]")
      }
      self.tracing = tracing
    }
    if let deadLetter { deadLetterTarget = .some(try Self.deadLetterTarget(deadLetter)) }
  }

  private static func durable(_ config: DurableConfig) throws -> Durable {
    try config.executionTimeout.map { try DurableLimits.executionTimeoutSeconds.check($0, at: "durableConfig.executionTimeout") }
    try config.retentionPeriodInDays.map { try DurableLimits.retentionDays.check($0, at: "durableConfig.retentionPeriodInDays") }
    return Durable(executionTimeout: config.executionTimeout, retentionDays: config.retentionPeriodInDays)
  }

  private static func deadLetterTarget(_ config: DeadLetterConfig) throws -> ARN? {
    guard let text = config.targetArn, !text.isEmpty else { return nil }
    guard let arn = ARN(text) else {
      throw LambdaError.constraint(
        text, at: "deadLetterConfig.targetArn",
        #"satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()"#)
    }
    guard arn.service == "sqs" || arn.service == "sns" else {
      throw LambdaError.unsupported("A DeadLetterConfig.TargetArn that is neither an SQS queue nor an SNS topic")
    }
    return arn
  }
}

extension FunctionSettings.Logging {
  init(_ config: LoggingConfig) throws {
    if let text = config.logFormat {
      guard let format = FunctionVersion.LogFormat(rawValue: text) else {
        throw LambdaError.constraint(text, at: "loggingConfig.logFormat", "satisfy enum value set: [JSON, Text]")
      }
      self.format = format
    }
    if let level = config.applicationLogLevel, !["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].contains(level) {
      throw LambdaError.constraint(
        level, at: "loggingConfig.applicationLogLevel", "satisfy enum value set: [TRACE, DEBUG, INFO, WARN, ERROR, FATAL]")
    }
    if let level = config.systemLogLevel, !["DEBUG", "INFO", "WARN"].contains(level) {
      throw LambdaError.constraint(level, at: "loggingConfig.systemLogLevel", "satisfy enum value set: [DEBUG, INFO, WARN]")
    }
    if let group = config.logGroup, !group.isEmpty, !Self.isGroupName(group) {
      throw LambdaError.constraint(
        group, at: "loggingConfig.logGroup", #"satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+"#)
    }
    (applicationLevel, systemLevel, group) = (config.applicationLogLevel, config.systemLogLevel, config.logGroup)
  }

  private static func isGroupName(_ text: String) -> Bool {
    text.utf8.count <= 512
      && text.utf8.allSatisfy { ($0 >= 45 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122) || $0 == 95 || $0 == 35 }
  }
}

/// The rules for a function's environment variables.
enum EnvironmentVariables {
  /// Those that the platform sets and nobody may change.
  static let reserved: Set<String> = [
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
  ]

  static func checked(_ variables: [String: String]) throws -> [String: String] {
    for name in variables.keys.sorted() where !isName(name) {
      throw LambdaError.constraint(
        name, at: "environment.variables", "satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+")
    }
    for (name, value) in variables where value.utf8.contains(0) {
      // The kernel ends a value at the first NUL.
      throw LambdaError.invalidParameter("The value of the environment variable \(name) contains a NUL character.")
    }
    let clash = variables.keys.filter(reserved.contains).sorted()
    guard clash.isEmpty else { throw LambdaError.reservedEnvironmentKeys(clash) }
    let json = JSON.object(JSONObject(variables.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
    guard json.bytes.count <= LambdaLimits.environmentBytes else { throw LambdaError.environmentTooLarge(json.text) }
    return variables
  }

  /// `[a-zA-Z]([a-zA-Z0-9_])+`, and the reserved names that begin with an underscore so that they get their own text.
  private static func isName(_ name: String) -> Bool {
    let isLetter: (UInt8) -> Bool = { $0 | 32 >= 97 && $0 | 32 <= 122 }
    guard let first = name.utf8.first, name.utf8.count >= 2 else { return false }
    if reserved.contains(name) { return true }
    return isLetter(first) && name.utf8.allSatisfy { isLetter($0) || ($0 >= 48 && $0 <= 57) || $0 == 95 }
  }
}
