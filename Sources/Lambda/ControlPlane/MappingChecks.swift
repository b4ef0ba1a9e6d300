import Base
import Fabric

extension ControlPlane {
  /// The queue that an event source ARN names.
  static func queue(_ text: String?, _ call: Call) throws -> ARN {
    guard let text, let arn = ARN(text) else { throw LambdaError.invalidParameter("Unrecognized event source.") }
    guard arn.service == "sqs" else {
      let known = ["kinesis", "dynamodb", "kafka", "mq", "rds"]
      if known.contains(arn.service) { throw LambdaError.unsupported("An event source of the service \(arn.service)") }
      throw LambdaError.invalidParameter("Unrecognized event source.")
    }
    guard arn.region == call.region.text, AccountID(arn.account) != nil, !arn.resource.isEmpty else {
      throw LambdaError.invalidParameter("The event source arn (\(text)) must be in the Region of the function (\(call.region)).")
    }
    return arn
  }

  /// What AWS checks before it accepts a mapping: that the function exists, that its role may read the queue, that the queue
  /// exists, and that messages stay invisible for as long as the function may run.
  func check(_ mapping: EventSourceMapping, _ call: Call) async throws {
    let version = try await mappedVersion(mapping)
    if version.durable != nil, mapping.qualifier == nil { throw LambdaError.unqualifiedDurable() }
    try await checkRole(of: version, mayCall: ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"], on: mapping.source, call)
    let queue: QueueDescription
    do {
      queue = try await queues.describe(mapping.source, as: try await roleCaller(of: version, call))
    } catch let error as AWSError where error.isDenial {
      throw LambdaError.roleLacks("GetQueueAttributes", cause: error)
    } catch let error as AWSError where error.code.contains("QueueDoesNotExist") || error.code.contains("NonExistentQueue") {
      throw LambdaError.queueDoesNotExist(cause: error)
    }
    guard queue.visibilityTimeout >= version.timeout else {
      throw LambdaError.invalidParameter(
        "Queue visibility timeout: \(queue.visibilityTimeout.components.seconds) seconds is less than Function timeout: "
          + "\(version.timeout.components.seconds) seconds")
    }
  }

  private func mappedVersion(_ mapping: EventSourceMapping) async throws -> FunctionVersion {
    do {
      return try await resolve(mapping.function, qualifier: mapping.qualifier).version
    } catch let error as AWSError where error.code == "ResourceNotFoundException" {
      throw LambdaError.invalidParameter("Function does not exist", cause: error)
    }
  }
}

extension EventSourceMappingConfiguration {
  init(_ mapping: EventSourceMapping) {
    self.init()
    (uuid, eventSourceArn, functionArn) = (mapping.uuid, mapping.source.text, mapping.functionARN)
    eventSourceMappingArn = mapping.arn.text
    (batchSize, maximumBatchingWindowInSeconds) = (mapping.batchSize, Int(mapping.batchingWindow.components.seconds))
    functionResponseTypes = mapping.reportsBatchItemFailures ? ["ReportBatchItemFailures"] : []
    if !mapping.filters.isEmpty {
      var criteria = FilterCriteria()
      criteria.filters = mapping.filters.map { pattern in
        var filter = LambdaFilter()
        filter.pattern = pattern
        return filter
      }
      filterCriteria = criteria
    }
    if let maximum = mapping.maximumConcurrency {
      var scaling = ScalingConfig()
      scaling.maximumConcurrency = maximum
      scalingConfig = scaling
    }
    (lastModified, state, stateTransitionReason) = (mapping.lastModified, mapping.state.rawValue, "USER_INITIATED")
  }
}

/// What the pollers use.
extension ControlPlane {
  /// The mappings of all accounts and Regions.
  func mappings() async throws -> [EventSourceMapping] { try await store.read { try MappingRows($0).all() } }

  func mapping(_ uuid: String) async throws -> EventSourceMapping? {
    try await store.read { try MappingRows($0).mapping(uuid: uuid)?.mapping }
  }

  /// Records that the poller has acted on a mapping.
  /// - Parameter from: the state that the poller saw; when a user has changed the mapping since, nothing happens, and the
  ///   nudge of that change is on its way.
  /// - Returns: whether the state was set.
  @discardableResult
  func setMappingState(_ uuid: String, from: EventSourceMapping.State, to state: EventSourceMapping.State) async throws -> Bool {
    try await store.transact { tx in
      guard let old = try MappingRows(tx).mapping(uuid: uuid), old.mapping.state == from else { return false }
      var new = old
      new.mapping.state = state
      try MappingRows.save(new, replacing: old, in: tx)
      return true
    }
  }

  /// Ends the deletion of a mapping whose poller has stopped.
  func removeMapping(_ uuid: String) async throws {
    try await store.transact { tx in
      guard let stored = try MappingRows(tx).mapping(uuid: uuid), stored.mapping.state == .deleting else { return }
      try MappingRows.delete(stored.mapping, in: tx)
    }
  }
}
