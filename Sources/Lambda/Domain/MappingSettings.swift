import Base
import Patterns

/// What CreateEventSourceMapping and UpdateEventSourceMapping may set for a queue, checked. A member that is nil was not given.
///
/// Members for other kinds of sources, and those that nothing here acts on, are refused.
struct MappingSettings {
  var isEnabled: Bool?
  var batchSize: Int?
  var batchingWindow: Duration?
  var reportsBatchItemFailures: Bool?
  /// The inner nil removes the limit.
  var maximumConcurrency: Int??
  /// Texts of event patterns; an empty list takes the filters away.
  var filters: [String]?

  init(_ input: CreateEventSourceMappingInput) throws {
    if input.startingPosition != nil { throw Self.notForQueues("StartingPosition") }
    if input.startingPositionTimestamp != nil { throw Self.notForQueues("StartingPositionTimestamp") }
    if !(input.topics ?? []).isEmpty { throw Self.notForQueues("Topics") }
    if !(input.queues ?? []).isEmpty { throw Self.notForQueues("Queues") }
    if input.selfManagedEventSource != nil { throw Self.notForQueues("SelfManagedEventSource") }
    try refuseStreamMembers(
      destination: input.destinationConfig, factor: input.parallelizationFactor, age: input.maximumRecordAgeInSeconds,
      bisect: input.bisectBatchOnFunctionError, attempts: input.maximumRetryAttempts, tumbling: input.tumblingWindowInSeconds)
    try refuseBrokerMembers(
      access: input.sourceAccessConfigurations, kafka: input.amazonManagedKafkaEventSourceConfig != nil,
      ownKafka: input.selfManagedKafkaEventSourceConfig != nil, documents: input.documentDBEventSourceConfig != nil)
    filters = try input.filterCriteria.map { try Self.checked($0.filters ?? []) }
    try refuseUnsupported(
      key: input.kmsKeyArn, metrics: input.metricsConfig, logging: input.loggingConfig,
      pollers: input.provisionedPollerConfig)
    try set(
      input.enabled, input.batchSize, input.maximumBatchingWindowInSeconds, input.functionResponseTypes, input.scalingConfig)
  }

  init(_ input: UpdateEventSourceMappingInput) throws {
    try refuseStreamMembers(
      destination: input.destinationConfig, factor: input.parallelizationFactor, age: input.maximumRecordAgeInSeconds,
      bisect: input.bisectBatchOnFunctionError, attempts: input.maximumRetryAttempts, tumbling: input.tumblingWindowInSeconds)
    try refuseBrokerMembers(
      access: input.sourceAccessConfigurations, kafka: input.amazonManagedKafkaEventSourceConfig != nil,
      ownKafka: input.selfManagedKafkaEventSourceConfig != nil, documents: input.documentDBEventSourceConfig != nil)
    filters = try input.filterCriteria.map { try Self.checked($0.filters ?? []) }
    try refuseUnsupported(
      key: input.kmsKeyArn, metrics: input.metricsConfig, logging: input.loggingConfig,
      pollers: input.provisionedPollerConfig)
    try set(
      input.enabled, input.batchSize, input.maximumBatchingWindowInSeconds, input.functionResponseTypes, input.scalingConfig)
  }

  private mutating func set(
    _ enabled: Bool?, _ batchSize: Int?, _ window: Int?, _ responseTypes: [String]?, _ scaling: ScalingConfig?
  ) throws {
    isEnabled = enabled
    if let batchSize {
      try LambdaLimits.sqsBatchSize.check(batchSize, at: "batchSize")
      self.batchSize = batchSize
    }
    if let window {
      try LambdaLimits.batchingWindowSeconds.check(window, at: "maximumBatchingWindowInSeconds")
      batchingWindow = .seconds(window)
    }
    if let responseTypes {
      for type in responseTypes where type != "ReportBatchItemFailures" {
        throw LambdaError.constraint(
          "[\(responseTypes.joined(separator: ", "))]", at: "functionResponseTypes",
          "satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]")
      }
      reportsBatchItemFailures = !responseTypes.isEmpty
    }
    if let scaling {
      if let maximum = scaling.maximumConcurrency {
        try LambdaLimits.mappingConcurrency.check(maximum, at: "scalingConfig.maximumConcurrency")
      }
      maximumConcurrency = .some(scaling.maximumConcurrency)
    }
  }

  /// A filter without a pattern wants everything, and is as good as none.
  private static func checked(_ filters: [LambdaFilter]) throws -> [String] {
    guard filters.count <= LambdaLimits.filters else {
      throw LambdaError.invalidParameter("Filter criteria can have at most \(LambdaLimits.filters) filters.")
    }
    let patterns = filters.compactMap(\.pattern)
    for pattern in patterns {
      do { _ = try EventPattern(pattern, dialect: .filter) } catch { throw LambdaError.badFilter(cause: error) }
    }
    return patterns
  }

  private static func notForQueues(_ member: String) -> AWSError {
    LambdaError.invalidParameter("Unsupported \(member) parameter for given event source mapping type.")
  }

  private func refuseStreamMembers(
    destination: DestinationConfig?, factor: Int?, age: Int?, bisect: Bool?, attempts: Int?, tumbling: Int?
  ) throws {
    if destination?.onSuccess?.destination != nil || destination?.onFailure?.destination != nil {
      throw Self.notForQueues("DestinationConfig")
    }
    if factor != nil { throw Self.notForQueues("ParallelizationFactor") }
    if age != nil { throw Self.notForQueues("MaximumRecordAgeInSeconds") }
    if bisect == true { throw Self.notForQueues("BisectBatchOnFunctionError") }
    if attempts != nil { throw Self.notForQueues("MaximumRetryAttempts") }
    if tumbling != nil { throw Self.notForQueues("TumblingWindowInSeconds") }
  }

  private func refuseBrokerMembers(access: [SourceAccessConfiguration]?, kafka: Bool, ownKafka: Bool, documents: Bool) throws {
    if !(access ?? []).isEmpty { throw Self.notForQueues("SourceAccessConfigurations") }
    if kafka { throw Self.notForQueues("AmazonManagedKafkaEventSourceConfig") }
    if ownKafka { throw Self.notForQueues("SelfManagedKafkaEventSourceConfig") }
    if documents { throw Self.notForQueues("DocumentDBEventSourceConfig") }
  }

  private func refuseUnsupported(
    key: String?, metrics: EventSourceMappingMetricsConfig?, logging: EventSourceMappingLoggingConfig?,
    pollers: ProvisionedPollerConfig?
  ) throws {
    if !(key ?? "").isEmpty { throw LambdaError.unsupported("KMSKeyArn") }
    if !(metrics?.metrics ?? []).isEmpty { throw LambdaError.unsupported("MetricsConfig") }
    if logging?.systemLogLevel != nil { throw LambdaError.unsupported("LoggingConfig") }
    if pollers?.minimumPollers != nil || pollers?.maximumPollers != nil || pollers?.pollerGroupName != nil {
      throw LambdaError.unsupported("ProvisionedPollerConfig")
    }
  }
}

extension EventSourceMapping {
  mutating func apply(_ settings: MappingSettings) throws {
    isWanted = settings.isEnabled ?? isWanted
    batchSize = settings.batchSize ?? batchSize
    batchingWindow = settings.batchingWindow ?? batchingWindow
    reportsBatchItemFailures = settings.reportsBatchItemFailures ?? reportsBatchItemFailures
    if let maximum = settings.maximumConcurrency { maximumConcurrency = maximum }
    filters = settings.filters ?? filters
    if isFIFO {
      guard batchingWindow == .zero else {
        throw LambdaError.invalidParameter("Batching window is not supported for FIFO queues.")
      }
      guard batchSize <= LambdaLimits.sqsBatchSizeWithoutWindow else {
        throw LambdaError.invalidParameter(
          "Batch size must be between 1 and \(LambdaLimits.sqsBatchSizeWithoutWindow) for FIFO queues.")
      }
    }
    guard batchSize <= LambdaLimits.sqsBatchSizeWithoutWindow || batchingWindow > .zero else {
      throw LambdaError.invalidParameter(
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
    }
  }

  /// Notes what a user asked for by UpdateEventSourceMapping; the poller acts and settles the state.
  mutating func update(_ settings: MappingSettings, at now: Instant) throws {
    let wasWanted = isWanted
    try apply(settings)
    lastModified = now
    state = wasWanted == isWanted ? .updating : isWanted ? .enabling : .disabling
  }
}

extension EventSourceMapping.State {
  /// The poller has not yet acted on the last change.
  var isUnsettled: Bool {
    switch self {
    case .creating, .enabling, .disabling, .updating, .deleting: true
    case .enabled, .disabled: false
    }
  }
}
