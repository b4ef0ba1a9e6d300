import Base
import Fabric

/// Adds up what is measured of rules by the minute, until CloudWatch asks (user guide, "Monitoring Amazon EventBridge"): in the
/// namespace `AWS/Events`, by rule on the default bus, by bus and rule on others.
final class RuleMetrics: MetricSource {
  static let namespace = "AWS/Events"

  /// A rule, or without one the account's own.
  private struct Subject: Hashable {
    var rule: RuleName?
    var account: AccountID
    var region: Region
  }
  private let tally = MetricTally<Subject, String>()

  /// From now on the port asks for what is measured.
  func report(to port: any MetricPort) { tally.report(self, to: port) }

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
    tally.add(values, to: Subject(rule: rule, account: account, region: region), at: now)
  }

  func drain() -> [MetricSample] {
    tally.drain { subject, metric in
      var dimensions: [MetricDimension] = []
      if let rule = subject.rule {
        dimensions.append(MetricDimension("RuleName", rule.name))
        if !rule.bus.isDefault { dimensions.append(MetricDimension("EventBusName", rule.bus.name)) }
      }
      let unit = metric.hasSuffix("Latency") ? "Milliseconds" : metric.hasSuffix("RequestSize") ? "Bytes" : "Count"
      return (MetricSeries(subject.account, subject.region, Self.namespace, metric, dimensions), unit)
    }
  }
}
