import Base
import Patterns

/// What the requests to create and to update a mapping have in common.
protocol MappingMembers {
  var enabled: Bool? { get }
  var batchSize: Int? { get }
  var filterCriteria: FilterCriteria? { get }
  var maximumBatchingWindowInSeconds: Int? { get }
  var parallelizationFactor: Int? { get }
  var destinationConfig: DestinationConfig? { get }
  var maximumRecordAgeInSeconds: Int? { get }
  var bisectBatchOnFunctionError: Bool? { get }
  var maximumRetryAttempts: Int? { get }
  var tumblingWindowInSeconds: Int? { get }
  var sourceAccessConfigurations: [SourceAccessConfiguration]? { get }
  var functionResponseTypes: [String]? { get }
  var amazonManagedKafkaEventSourceConfig: AmazonManagedKafkaEventSourceConfig? { get }
  var selfManagedKafkaEventSourceConfig: SelfManagedKafkaEventSourceConfig? { get }
  var scalingConfig: ScalingConfig? { get }
  var documentDBEventSourceConfig: DocumentDBEventSourceConfig? { get }
  var kmsKeyArn: String? { get }
  var metricsConfig: EventSourceMappingMetricsConfig? { get }
  var loggingConfig: EventSourceMappingLoggingConfig? { get }
  var provisionedPollerConfig: ProvisionedPollerConfig? { get }
}

extension CreateEventSourceMappingInput: MappingMembers {}
extension UpdateEventSourceMappingInput: MappingMembers {}

/// What CreateEventSourceMapping and UpdateEventSourceMapping may set, checked. A member that is nil was not given.
///
/// Members for other kinds of sources, and those that nothing here acts on, are refused.
struct MappingSettings {
  var isEnabled: Bool?
  var batchSize: Int?
  var batchingWindow: Duration?
  var reportsBatchItemFailures: Bool?
  /// The inner nil removes the limit.
  var maximumConcurrency: Int??
  /// The inner nil ends the provisioned mode.
  var provisionedPollers: ProvisionedPollers??
  /// Texts of event patterns; an empty list takes the filters away.
  var filters: [String]?
  var countsEvents: Bool?
  var stream = StreamMembers()

  init(_ input: CreateEventSourceMappingInput, of source: ARN, _ kind: SourceKind, now: Instant) throws {
    if !(input.topics ?? []).isEmpty { throw LambdaError.memberUnsupported("Topics") }
    if !(input.queues ?? []).isEmpty { throw LambdaError.memberUnsupported("Queues") }
    if input.selfManagedEventSource != nil { throw LambdaError.memberUnsupported("SelfManagedEventSource") }
    switch kind {
    case .queue:
      if input.startingPosition != nil { throw LambdaError.memberUnsupported("StartingPosition") }
      if input.startingPositionTimestamp != nil { throw LambdaError.memberUnsupported("StartingPositionTimestamp") }
    case .kinesis, .dynamoDB:
      stream.start = try StreamMembers.start(input.startingPosition, input.startingPositionTimestamp, of: source, kind, now: now)
    }
    try set(input, kind)
  }

  init(_ input: UpdateEventSourceMappingInput, of kind: SourceKind) throws { try set(input, kind) }

  private mutating func set(_ input: some MappingMembers, _ kind: SourceKind) throws {
    try Self.refuseBrokerMembers(input)
    switch kind {
    case .queue:
      try StreamMembers.refuse(input)
      if let scaling = input.scalingConfig { maximumConcurrency = .some(try Self.concurrency(scaling)) }
      if let pollers = input.provisionedPollerConfig { provisionedPollers = .some(try ProvisionedPollers(pollers)) }
    case .kinesis, .dynamoDB:
      if input.scalingConfig?.maximumConcurrency != nil { throw LambdaError.memberUnsupported("ScalingConfig") }
      if input.provisionedPollerConfig != nil { throw LambdaError.memberUnsupported("ProvisionedPollerConfig") }
      try stream.set(input)
    }
    isEnabled = input.enabled
    if let size = input.batchSize {
      try LambdaLimits.mappingBatchSize.check(size, at: "batchSize")
      batchSize = size
    }
    if let window = input.maximumBatchingWindowInSeconds {
      try LambdaLimits.batchingWindowSeconds.check(window, at: "maximumBatchingWindowInSeconds")
      batchingWindow = .seconds(window)
    }
    reportsBatchItemFailures = try input.functionResponseTypes.map(Self.reports)
    filters = try input.filterCriteria.map { try Self.checked($0.filters ?? []) }
    countsEvents = try input.metricsConfig.map(Self.counts)
    // Filters are kept as they are: without a key management service there is none to keep them encrypted.
    if !(input.kmsKeyArn ?? "").isEmpty { throw LambdaError.unsupported("KMSKeyArn") }
  }

  private static func concurrency(_ scaling: ScalingConfig) throws -> Int? {
    if let maximum = scaling.maximumConcurrency {
      try LambdaLimits.mappingConcurrency.check(maximum, at: "scalingConfig.maximumConcurrency")
    }
    return scaling.maximumConcurrency
  }

  private static func reports(_ types: [String]) throws -> Bool {
    for type in types where type != "ReportBatchItemFailures" {
      throw LambdaError.constraint(
        "[\(types.joined(separator: ", "))]", at: "functionResponseTypes",
        "satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]")
    }
    return !types.isEmpty
  }

  private static func counts(_ config: EventSourceMappingMetricsConfig) throws -> Bool {
    for group in config.metrics ?? [] where group != "EventCount" {
      throw LambdaError.invalidParameter("Unsupported metric \(group) for given event source mapping type.")
    }
    return !(config.metrics ?? []).isEmpty
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

  /// What only Kafka, MQ and DocumentDB have.
  private static func refuseBrokerMembers(_ input: some MappingMembers) throws {
    if !(input.sourceAccessConfigurations ?? []).isEmpty { throw LambdaError.memberUnsupported("SourceAccessConfigurations") }
    if input.amazonManagedKafkaEventSourceConfig != nil {
      throw LambdaError.memberUnsupported("AmazonManagedKafkaEventSourceConfig")
    }
    if input.selfManagedKafkaEventSourceConfig != nil { throw LambdaError.memberUnsupported("SelfManagedKafkaEventSourceConfig") }
    if input.documentDBEventSourceConfig != nil { throw LambdaError.memberUnsupported("DocumentDBEventSourceConfig") }
    if input.loggingConfig?.systemLogLevel != nil { throw LambdaError.memberUnsupported("LoggingConfig") }
  }
}

extension ProvisionedPollers {
  /// Nil for an empty configuration, which ends the provisioned mode.
  fileprivate init?(_ config: ProvisionedPollerConfig) throws {
    // Groups share pollers between mappings of Kafka.
    if !(config.pollerGroupName ?? "").isEmpty { throw LambdaError.memberUnsupported("PollerGroupName") }
    guard config.minimumPollers != nil || config.maximumPollers != nil else { return nil }
    minimum = config.minimumPollers ?? LambdaLimits.minimumPollers.lowerBound
    maximum = config.maximumPollers ?? max(LambdaLimits.defaultMaximumPollers, minimum)
    guard LambdaLimits.minimumPollers.contains(minimum) else {
      throw LambdaError.invalidParameter(
        "MinimumPollers must be between \(LambdaLimits.minimumPollers.lowerBound) and \(LambdaLimits.minimumPollers.upperBound).")
    }
    guard LambdaLimits.maximumPollers.contains(maximum) else {
      throw LambdaError.invalidParameter(
        "MaximumPollers must be between \(LambdaLimits.maximumPollers.lowerBound) and \(LambdaLimits.maximumPollers.upperBound).")
    }
    guard minimum <= maximum else {
      throw LambdaError.invalidParameter("MinimumPollers must be less than or equal to MaximumPollers.")
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
    if let pollers = settings.provisionedPollers { provisionedPollers = pollers }
    filters = settings.filters ?? filters
    countsEvents = settings.countsEvents ?? countsEvents
    settings.stream.apply(to: &stream)
    if kind == .queue { try checkQueueRules() }
  }

  private func checkQueueRules() throws {
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
    guard maximumConcurrency == nil || provisionedPollers == nil else {
      throw LambdaError.invalidParameter("ScalingConfig and ProvisionedPollerConfig cannot be used together.")
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
