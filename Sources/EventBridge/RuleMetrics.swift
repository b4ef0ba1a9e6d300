import Base
import Fabric
import Synchronization

/// Adds up what is measured of rules by the minute, until CloudWatch asks (user guide, "Monitoring Amazon EventBridge"): in the
/// namespace `AWS/Events`, by rule on the default bus, by bus and rule on others.
final class RuleMetrics: MetricSource {
  static let namespace = "AWS/Events"

  private struct Slot: Hashable {
    var rule: RuleName?
    var account: AccountID
    var region: Region
    var metric: String
    var minute: Instant
  }
  private struct State {
    var values: [Slot: MetricStatistics] = [:]
    var isAnnounced = false
  }
  private let state = Mutex(State())
  private let announced = Mutex<Nudge?>(nil)

  /// From now on the port asks for what is measured.
  func report(to port: any MetricPort) {
    let nudge = port.gather(from: self)
    announced.withLock { $0 = nudge }
  }

  /// An event matched a rule.
  /// - Parameter targets: that will be invoked for it.
  func matched(_ rule: RuleName, targets: Int, at now: Instant) {
    add(rule, now, [("MatchedEvents", 1), ("TriggeredRules", 1), ("InvocationsCreated", Double(targets))])
  }
  /// One attempt was made. Only those that AWS counts as invocations: successes and last failures are counted where they end.
  func attempted(_ rule: RuleName, failed: Bool, isRetry: Bool, at now: Instant) {
    var values: [(String, Double)] = [("InvocationAttempts", 1)]
    if isRetry { values.append(("RetryInvocationAttempts", 1)) }
    if !failed { values += [("Invocations", 1), ("SuccessfulInvocationAttempts", 1)] }
    add(rule, now, values)
  }
  /// - Parameter after: since the event was accepted.
  func delivered(_ rule: RuleName, after: Duration, at now: Instant) {
    let milliseconds = Double(after.inMilliseconds)
    add(rule, now, [("IngestionToInvocationSuccessLatency", milliseconds)])
  }
  /// It is given up.
  func failed(_ rule: RuleName, at now: Instant) { add(rule, now, [("Invocations", 1), ("FailedInvocations", 1)]) }
  func deadLettered(_ rule: RuleName, failed: Bool, at now: Instant) {
    add(rule, now, [(failed ? "InvocationsFailedToBeSentToDLQ" : "InvocationsSentToDLQ", 1)])
  }
  /// A PutEvents call: metrics of the account.
  func put(_ count: Int, failed: Int, bytes: Int, _ account: AccountID, _ region: Region, at now: Instant) {
    var values: [(String, Double)] = [
      ("PutEventsApproximateCallCount", 1), ("PutEventsRequestSize", Double(bytes)), ("PutEventsEntriesCount", Double(count)),
    ]
    values.append((failed == 0 ? "PutEventsApproximateSuccessCount" : "PutEventsApproximateFailedCount", 1))
    if failed > 0 { values.append(("PutEventsFailedEntriesCount", Double(failed))) }
    add(nil, account, region, now, values)
  }

  private func add(_ rule: RuleName, _ now: Instant, _ values: [(String, Double)]) {
    add(rule, rule.bus.account, rule.bus.region, now, values)
  }
  private func add(_ rule: RuleName?, _ account: AccountID, _ region: Region, _ now: Instant, _ values: [(String, Double)]) {
    let minute = now.minute
    let isFirst = state.withLock { state -> Bool in
      for (name, value) in values {
        let slot = Slot(rule: rule, account: account, region: region, metric: name, minute: minute)
        state.values[slot, default: MetricStatistics()].add(value)
      }
      defer { state.isAnnounced = true }
      return !state.isAnnounced
    }
    if isFirst { announced.withLock { $0 }?.nudge() }
  }

  func drain() -> [MetricSample] {
    let taken = state.withLock { state in
      defer { state = State() }
      return state.values
    }
    return taken.map { slot, statistics in
      var dimensions: [MetricDimension] = []
      if let rule = slot.rule {
        dimensions.append(MetricDimension("RuleName", rule.name))
        if !rule.bus.isDefault { dimensions.append(MetricDimension("EventBusName", rule.bus.name)) }
      }
      let unit = slot.metric.hasSuffix("Latency") ? "Milliseconds" : slot.metric.hasSuffix("RequestSize") ? "Bytes" : "Count"
      return MetricSample(
        MetricSeries(slot.account, slot.region, Self.namespace, slot.metric, dimensions), unit: unit, time: slot.minute, statistics)
    }
  }
}
