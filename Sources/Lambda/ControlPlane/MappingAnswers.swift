import Base

extension EventSourceMappingConfiguration {
  init(_ stored: StoredMapping) {
    let mapping = stored.mapping
    self.init()
    (uuid, eventSourceArn, functionArn) = (mapping.uuid, mapping.source.text, mapping.functionARN)
    eventSourceMappingArn = mapping.arn.text
    (batchSize, maximumBatchingWindowInSeconds) = (mapping.batchSize, Int(mapping.batchingWindow.components.seconds))
    functionResponseTypes = mapping.reportsBatchItemFailures ? ["ReportBatchItemFailures"] : []
    filterCriteria = FilterCriteria(mapping.filters)
    if mapping.countsEvents {
      var metrics = EventSourceMappingMetricsConfig()
      metrics.metrics = ["EventCount"]
      metricsConfig = metrics
    }
    (lastModified, state) = (mapping.lastModified, mapping.state.rawValue)
    switch mapping.kind {
    case .queue:
      stateTransitionReason = "USER_INITIATED"
      setQueueMembers(mapping)
    case .kinesis, .dynamoDB:
      stateTransitionReason = "User action"
      lastProcessingResult = stored.lastResult ?? "No records processed"
      if let stream = mapping.stream { setStreamMembers(stream) }
    }
  }

  private mutating func setQueueMembers(_ mapping: EventSourceMapping) {
    if let maximum = mapping.maximumConcurrency {
      var scaling = ScalingConfig()
      scaling.maximumConcurrency = maximum
      scalingConfig = scaling
    }
    if let pollers = mapping.provisionedPollers {
      var config = ProvisionedPollerConfig()
      (config.minimumPollers, config.maximumPollers) = (pollers.minimum, pollers.maximum)
      provisionedPollerConfig = config
    }
  }

  private mutating func setStreamMembers(_ stream: StreamSettings) {
    switch stream.start {
    case .trimHorizon: startingPosition = "TRIM_HORIZON"
    case .latest: startingPosition = "LATEST"
    case .timestamp(let time): (startingPosition, startingPositionTimestamp) = ("AT_TIMESTAMP", time)
    }
    parallelizationFactor = stream.parallelizationFactor
    maximumRecordAgeInSeconds = stream.maximumRecordAge.map { Int($0.components.seconds) } ?? -1
    maximumRetryAttempts = stream.maximumRetryAttempts ?? -1
    bisectBatchOnFunctionError = stream.bisectsOnError
    tumblingWindowInSeconds = stream.tumblingWindow.map { Int($0.components.seconds) } ?? 0
    var destination = DestinationConfig()
    var onFailure = OnFailure()
    onFailure.destination = stream.onFailure?.text
    destination.onFailure = onFailure
    destinationConfig = destination
  }
}

extension FilterCriteria {
  fileprivate init?(_ patterns: [String]) {
    guard !patterns.isEmpty else { return nil }
    self.init()
    filters = patterns.map { pattern in
      var filter = LambdaFilter()
      filter.pattern = pattern
      return filter
    }
  }
}
