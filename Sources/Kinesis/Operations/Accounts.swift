import Base
import Fabric
import Store
import Wire

/// What is of an account as a whole.
extension KinesisService {
  var accountOperations: [Operation] {
    [
      Operation("DescribeLimits", access: { (_: DescribeLimitsInput, call) in
        [Access("kinesis:DescribeLimits", owner: call.account)]
      }, run: describeLimits),
      Operation("DescribeAccountSettings", access: { (_: DescribeAccountSettingsInput, call) in
        [Access("kinesis:DescribeAccountSettings", owner: call.account)]
      }, run: describeSettings),
      Operation("UpdateAccountSettings", access: { (_: UpdateAccountSettingsInput, call) in
        [Access("kinesis:UpdateAccountSettings", owner: call.account)]
      }, run: updateSettings),
    ]
  }

  private func describeLimits(_ input: DescribeLimitsInput, _ call: Call) async throws -> DescribeLimitsOutput {
    let all = try await store.read { try $0.streams(call.account, call.region) }
    var output = DescribeLimitsOutput()
    output.shardLimit = KinesisLimits.shards(call.region)
    output.openShardCount = all.filter { $0.mode == .provisioned }.reduce(0) { $0 + $1.openShards }
    output.onDemandStreamCount = all.count { $0.mode == .onDemand }
    output.onDemandStreamCountLimit = KinesisLimits.onDemandStreams
    return output
  }

  private func describeSettings(_ input: DescribeAccountSettingsInput, _ call: Call) async throws -> DescribeAccountSettingsOutput {
    let key = Keys.settings(call.account, call.region)
    let commitment = try await store.read { try $0.get(key).map { try Commitment($0) } ?? Commitment() }
    var output = DescribeAccountSettingsOutput()
    output.minimumThroughputBillingCommitment = MinimumThroughputBillingCommitmentOutput(commitment, ambient.now)
    return output
  }

  /// The commitment lasts for at least a day.
  private func updateSettings(_ input: UpdateAccountSettingsInput, _ call: Call) async throws -> UpdateAccountSettingsOutput {
    let (key, now) = (Keys.settings(call.account, call.region), ambient.now)
    let wantsIt = input.minimumThroughputBillingCommitment.status == "ENABLED"
    let commitment = try await store.transact { rows in
      var commitment = try rows.get(key).map { try Commitment($0) } ?? Commitment()
      if wantsIt {
        if !commitment.isOn(now) { commitment.started = now }
        commitment.ended = nil
      } else if commitment.isOn(now), let started = commitment.started, commitment.ended == nil {
        commitment.ended = max(now, started + .hours(KinesisLimits.commitmentHours))
      }
      try rows.set(key, commitment.row)
      return commitment
    }
    var output = UpdateAccountSettingsOutput()
    output.minimumThroughputBillingCommitment = MinimumThroughputBillingCommitmentOutput(commitment, now)
    return output
  }

  /// Removes every stream of the account in every Region with its records and consumers; subscriptions end.
  public func removeAll(of account: AccountID) async throws {
    while true {
      let names = try await store.read { rows in
        try rows.entries(Keys.streams(of: account), limit: KinesisLimits.rowsPerSweep).map { try Keys.streamName($0.key) }
      }
      for name in names {
        defer { cache.drop(name) }
        try await store.transact { [cache] rows in
          if let stream = try cache.load(name, rows)?.stream { try rows.remove(stream) }
        }
      }
      guard names.isEmpty else { continue }
      try await store.transact { try $0.deleteAll(Keys.settings(of: account)) }
      return subscriptions.end { $0.stream.account == account }
    }
  }

  public func measurements() async -> [Measurement] {
    // A store that is closing has nothing to tell; a scrape is no place to fail.
    let found = try? await store.read { rows in
      try rows.entries(Keys.streams(after: nil), limit: KinesisLimits.measuredStreams).map { key, value in
        try Stream(value, name: try Keys.streamName(key))
      }
    }
    guard let found else { return [] }
    var out = [
      Measurement("dewpoint_kinesis_subscriptions", .gauge, Double(subscriptions.count), help: "Open SubscribeToShard streams.")
    ]
    for stream in found {
      let labels = [("account", stream.name.account.text), ("region", stream.name.region.text), ("stream", stream.name.name)]
      out.append(
        Measurement(
          "dewpoint_kinesis_open_shards", .gauge, Double(stream.openShards), labels: labels,
          help: "Open shards of the first \(KinesisLimits.measuredStreams) streams."))
    }
    return out
  }
}

extension Commitment {
  func isOn(_ now: Instant) -> Bool { started != nil && (ended.map { $0 > now } ?? true) }
}

extension MinimumThroughputBillingCommitmentOutput {
  fileprivate init(_ commitment: Commitment, _ now: Instant) {
    self.init()
    let isOn = commitment.isOn(now)
    status = !isOn ? "DISABLED" : commitment.ended == nil ? "ENABLED" : "ENABLED_UNTIL_EARLIEST_ALLOWED_END"
    startedAt = commitment.started
    if let ended = commitment.ended, !isOn { endedAt = ended }
    if isOn { earliestAllowedEndAt = commitment.started.map { $0 + .hours(KinesisLimits.commitmentHours) } }
  }
}
