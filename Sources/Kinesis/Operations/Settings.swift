import Base
import Fabric
import Store
import Wire

extension IncreaseStreamRetentionPeriodInput: StreamInput {}
extension DecreaseStreamRetentionPeriodInput: StreamInput {}
extension EnableEnhancedMonitoringInput: StreamInput {}
extension DisableEnhancedMonitoringInput: StreamInput {}
extension StartStreamEncryptionInput: StreamInput {}
extension StopStreamEncryptionInput: StreamInput {}
extension UpdateStreamWarmThroughputInput: StreamInput {}
extension UpdateStreamModeInput {
  fileprivate func stream(_ service: KinesisService, _ call: Call) throws -> StreamName {
    try service.name(nil, streamARN, streamId, call)
  }
}
extension UpdateMaxRecordSizeInput {
  fileprivate func stream(_ service: KinesisService, _ call: Call) throws -> StreamName {
    try service.name(nil, streamARN, streamId, call)
  }
}

/// What can be set of a stream.
extension KinesisService {
  var settingOperations: [Operation] {
    [
      Operation("IncreaseStreamRetentionPeriod", access: access("IncreaseStreamRetentionPeriod"), run: increaseRetention),
      Operation("DecreaseStreamRetentionPeriod", access: access("DecreaseStreamRetentionPeriod"), run: decreaseRetention),
      Operation("EnableEnhancedMonitoring", access: access("EnableEnhancedMonitoring"), run: enableMonitoring),
      Operation("DisableEnhancedMonitoring", access: access("DisableEnhancedMonitoring"), run: disableMonitoring),
      Operation("StartStreamEncryption", access: access("StartStreamEncryption"), run: startEncryption),
      Operation("StopStreamEncryption", access: access("StopStreamEncryption"), run: stopEncryption),
      Operation("UpdateStreamMode", access: { [self] (input: UpdateStreamModeInput, call) in
        [try await access("UpdateStreamMode", input.stream(self, call), by: call.account)]
      }, run: updateMode),
      Operation("UpdateStreamWarmThroughput", access: access("UpdateStreamWarmThroughput"), run: updateWarmThroughput),
      Operation("UpdateMaxRecordSize", access: { [self] (input: UpdateMaxRecordSizeInput, call) in
        [try await access("UpdateMaxRecordSize", input.stream(self, call), by: call.account)]
      }, run: updateMaxRecordSize),
    ]
  }

  // MARK: Retention

  private func increaseRetention(_ input: IncreaseStreamRetentionPeriodInput, _ call: Call) async throws {
    try await setRetention(try name(input, call), input.retentionPeriodHours, isIncrease: true)
  }
  private func decreaseRetention(_ input: DecreaseStreamRetentionPeriodInput, _ call: Call) async throws {
    try await setRetention(try name(input, call), input.retentionPeriodHours, isIncrease: false)
  }

  private func setRetention(_ name: StreamName, _ hours: Int, isIncrease: Bool) async throws {
    let range = KinesisLimits.retentionHours
    try await change(name) { stream, _, _ in
      guard hours >= range.lowerBound else {
        throw KinesisError.invalid(
          "Minimum allowed retention period is \(range.lowerBound) hours. Requested retention period (\(hours) hours) is too short.")
      }
      guard hours <= range.upperBound else {
        throw KinesisError.invalid(
          "Maximum allowed retention period is \(range.upperBound) hours. Requested retention period (\(hours) hours) is too long.")
      }
      let old = stream.retentionHours
      guard isIncrease ? hours >= old : hours <= old else {
        throw KinesisError.invalid(
          "Requested retention period (\(hours) hours) for stream \(name.name) can not be \(isIncrease ? "shorter" : "longer") than "
            + "existing retention period (\(old) hours). Use \(isIncrease ? "Decrease" : "Increase")RetentionPeriod API.")
      }
      try stream.checkActive()
      stream.retentionHours = hours
      stream.status = .updating
    }
  }

  // MARK: Monitoring

  private static let shardLevelMetrics = [
    "IncomingBytes", "IncomingRecords", "IteratorAgeMilliseconds", "OutgoingBytes", "OutgoingRecords",
    "ReadProvisionedThroughputExceeded", "WriteProvisionedThroughputExceeded",
  ]

  private func enableMonitoring(_ input: EnableEnhancedMonitoringInput, _ call: Call) async throws -> EnhancedMonitoringOutput {
    let wanted = Set(input.shardLevelMetrics.contains("ALL") ? Self.shardLevelMetrics : input.shardLevelMetrics)
    return try await setMonitoring(try name(input, call)) { $0.union(wanted) }
  }
  private func disableMonitoring(_ input: DisableEnhancedMonitoringInput, _ call: Call) async throws -> EnhancedMonitoringOutput {
    let unwanted = Set(input.shardLevelMetrics.contains("ALL") ? Self.shardLevelMetrics : input.shardLevelMetrics)
    return try await setMonitoring(try name(input, call)) { $0.subtracting(unwanted) }
  }

  private func setMonitoring(
    _ name: StreamName, _ body: @escaping @Sendable (Set<String>) -> Set<String>
  ) async throws -> EnhancedMonitoringOutput {
    let (current, desired) = try await change(name) { stream, _, _ in
      try stream.checkActive()
      let current = stream.shardMetrics
      stream.shardMetrics = body(Set(current)).sorted()
      return (current, stream.shardMetrics)
    }
    var output = EnhancedMonitoringOutput()
    (output.streamName, output.streamARN) = (name.name, name.arn.text)
    (output.currentShardLevelMetrics, output.desiredShardLevelMetrics) = (current, desired)
    return output
  }

  // MARK: Encryption, mode, sizes

  private func startEncryption(_ input: StartStreamEncryptionInput, _ call: Call) async throws {
    let key = input.keyId
    guard input.encryptionType == "KMS" else { throw KinesisError.validation("EncryptionType must be KMS.") }
    try await change(try name(input, call)) { stream, _, _ in
      try stream.checkActive()
      stream.keyID = key
      stream.status = .updating
    }
  }

  private func stopEncryption(_ input: StopStreamEncryptionInput, _ call: Call) async throws {
    guard input.encryptionType == "KMS" else { throw KinesisError.validation("EncryptionType must be KMS.") }
    try await change(try name(input, call)) { stream, _, _ in
      try stream.checkActive()
      stream.keyID = nil
      stream.status = .updating
    }
  }

  private func updateMode(_ input: UpdateStreamModeInput, _ call: Call) async throws {
    let name = try input.stream(self, call)
    guard let mode = Stream.Mode(rawValue: input.streamModeDetails.streamMode) else {
      throw KinesisError.validation("StreamMode must be PROVISIONED or ON_DEMAND.")
    }
    let (warm, now) = (input.warmThroughputMiBps, ambient.now)
    guard warm == nil || mode == .onDemand else {
      throw KinesisError.validation("WarmThroughputMiBps can only be set for streams in ON_DEMAND mode.")
    }
    try await change(name) { stream, _, rows in
      try stream.checkActive()
      guard stream.mode != mode else {
        throw KinesisError.invalid("Stream \(name.name) under account \(name.account) is already in \(mode.rawValue) mode.")
      }
      stream.modeChanges = Stream.recent(stream.modeChanges, now)
      guard stream.modeChanges.count < KinesisLimits.modeChangesPerDay else {
        throw KinesisError.limit(
          "Stream \(name.name) under account \(name.account) cannot be switched between modes more than "
            + "\(KinesisLimits.modeChangesPerDay) times in 24 hours.")
      }
      try Self.checkRoom(for: mode == .provisioned ? stream.openShards : 1, mode, rows, call)
      stream.modeChanges.append(now)
      (stream.mode, stream.status) = (mode, .updating)
      stream.warmMiBps = mode == .onDemand ? warm : nil
    }
  }

  private func updateWarmThroughput(_ input: UpdateStreamWarmThroughputInput, _ call: Call) async throws
    -> UpdateStreamWarmThroughputOutput
  {
    let name = try name(input, call)
    let mebibytes = input.warmThroughputMiBps
    try await change(name) { stream, _, _ in
      try stream.checkActive()
      guard stream.mode == .onDemand else {
        throw KinesisError.validation("WarmThroughputMiBps can only be set for streams in ON_DEMAND mode.")
      }
      stream.warmMiBps = mebibytes
    }
    var output = UpdateStreamWarmThroughputOutput()
    (output.streamName, output.streamARN) = (name.name, name.arn.text)
    output.warmThroughput = WarmThroughputObject(mebibytes)
    return output
  }

  private func updateMaxRecordSize(_ input: UpdateMaxRecordSizeInput, _ call: Call) async throws {
    let kibibytes = input.maxRecordSizeInKiB
    try await change(try input.stream(self, call)) { stream, _, _ in
      try stream.checkActive()
      stream.maximumRecordKiB = kibibytes
    }
  }
}
