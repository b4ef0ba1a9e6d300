import Base
import Fabric
import TestCloud
import Testing

@testable import Lambda

private let id = FunctionID(account: .one, region: .usEast1, name: "orders")
private let now = Instant(seconds: 1_700_000_000)

private func resolved(alias: String? = nil, version: String = "$LATEST", reserved: Int? = nil) -> ResolvedFunction {
  let role = ARN(TestPlane.role) ?? ARN("iam", .usEast1, .one, "role/orders")
  let version = FunctionVersion(
    id: id, version: version, description: "", runtime: "python3.13", handler: "app.handler", role: role, environment: [:],
    timeout: .seconds(3), memoryMegabytes: 128, ephemeralStorageMegabytes: 512, architecture: "x86_64", codeHash: "", codeSize: 0,
    logFormat: .text, logGroup: "", tracing: .passThrough, state: .active, updateStatus: .successful, lastModified: now,
    revisionID: "r")
  return ResolvedFunction(version: version, alias: alias, reservedConcurrency: reserved)
}

private func result(_ outcome: InvocationOutcome, _ duration: Duration = .milliseconds(20)) -> InvocationResult {
  InvocationResult(outcome: outcome, executedVersion: "1", logTail: [], duration: duration)
}

extension [MetricSample] {
  /// The values of a metric with these dimensions, as `sum/count max`.
  fileprivate func shown(_ name: String, _ dimensions: String = "") -> String? {
    let found = first { sample in
      sample.series.name == name && sample.series.dimensions.map { "\($0.name)=\($0.value)" }.joined(separator: " ") == dimensions
    }
    return found.map { "\($0.statistics.sum)/\($0.statistics.count) \($0.statistics.maximum) \($0.unit)" }
  }
}

@Suite struct FunctionMetricsTests {
  private let metrics = FunctionMetrics()

  private func began(
    _ resolved: ResolvedFunction = resolved(), on seat: ConcurrencyLedger.Seat = .unreserved,
    _ load: ConcurrencyLedger.Load = .init(claimed: 1),
    at time: Instant = now
  ) -> FunctionMetrics.Run {
    metrics.began(resolved, on: seat, load, at: time)
  }

  @Test func `an invocation counts for the account, the function, the resource and the executed version`() {
    let run = began(resolved(alias: "live", version: "3"))
    metrics.ended(run, result(.success([])))
    let samples = metrics.drain()
    for dimensions in [
      "", "FunctionName=orders", "FunctionName=orders Resource=orders:live",
      "ExecutedVersion=3 FunctionName=orders Resource=orders:live",
    ] {
      #expect(samples.shown("Invocations", dimensions) == "1.0/1.0 1.0 Count", "\(dimensions)")
      #expect(samples.shown("Errors", dimensions) == "0.0/1.0 0.0 Count")
      #expect(samples.shown("Throttles", dimensions) == "0.0/1.0 0.0 Count")
      #expect(samples.shown("Duration", dimensions) == "20.0/1.0 20.0 Milliseconds")
    }
    #expect(samples.allSatisfy { $0.time == now.minute && $0.series.namespace == "AWS/Lambda" && $0.series.account == .one })
    #expect(metrics.drain().isEmpty)
  }

  @Test(arguments: [(nil, "$LATEST", "orders"), (nil, "3", "orders:3"), ("live", "$LATEST", "orders:live")] as [(String?, String, String)])
  func `the resource is the function as it was named`(alias: String?, version: String, resource: String) {
    metrics.ended(began(resolved(alias: alias, version: version)), result(.success([])))
    #expect(metrics.drain().shown("Invocations", "FunctionName=orders Resource=\(resource)") == "1.0/1.0 1.0 Count")
  }

  @Test func `a failed function is an error, and one that could not be run is no invocation`() {
    metrics.ended(began(), result(.functionError(.responseTooLarge)))
    metrics.ended(began(), result(.success([])))
    metrics.ended(began(), InvocationResult(outcome: .systemError("no"), executedVersion: "", logTail: []))
    let samples = metrics.drain()
    #expect(samples.shown("Errors", "FunctionName=orders") == "1.0/2.0 1.0 Count")
    #expect(samples.shown("Invocations") == "2.0/2.0 1.0 Count")
  }

  @Test func `a throttled invocation is a throttle and nothing else`() {
    metrics.add(.throttles, of: MetricTarget(resolved()), at: now)
    let samples = metrics.drain()
    #expect(samples.shown("Throttles") == "1.0/1.0 1.0 Count" && samples.shown("Invocations") == nil)
  }

  @Test func `an invocation belongs to the minute in which it began`() {
    let first = began()
    let second = began(at: now + .minutes(3))
    metrics.ended(second, result(.success([])))
    metrics.ended(first, result(.success([])))
    let times = metrics.drain().filter { $0.series.name == "Invocations" && $0.series.dimensions.isEmpty }.map(\.time)
    #expect(Set(times) == [now.minute, (now + .minutes(3)).minute])
  }

  @Test func `concurrency is what runs at the same time, with and without a reservation`() {
    let runs = [began(), began(resolved(reserved: 5), on: .reserved), began()]
    for run in runs { metrics.ended(run, result(.success([]))) }
    metrics.ended(began(), result(.success([])))
    let samples = metrics.drain()
    #expect(samples.shown("ConcurrentExecutions", "FunctionName=orders") == "7.0/4.0 3.0 Count")
    #expect(samples.shown("ConcurrentExecutions") == "7.0/4.0 3.0 Count")
    #expect(samples.shown("UnreservedConcurrentExecutions") == "4.0/3.0 2.0 Count")
    #expect(samples.shown("UnreservedConcurrentExecutions", "FunctionName=orders") == nil)
  }

  @Test func `an invocation beside provisioned environments is a spill-over`() {
    for seat in [ConcurrencyLedger.Seat.provisioned(version: "1"), .unreserved, .unreserved] {
      metrics.ended(began(resolved(version: "1"), on: seat, .init(provided: (2, 1), claimed: 7)), result(.success([])))
    }
    let samples = metrics.drain()
    #expect(samples.shown("ProvisionedConcurrencyInvocations", "FunctionName=orders Resource=orders:1") == "1.0/3.0 1.0 Count")
    #expect(samples.shown("ProvisionedConcurrencySpilloverInvocations", "FunctionName=orders") == "2.0/3.0 1.0 Count")
    #expect(samples.shown("ProvisionedConcurrentExecutions", "FunctionName=orders Resource=orders:1") == "3.0/3.0 1.0 Count")
    #expect(samples.shown("ProvisionedConcurrencyUtilization", "FunctionName=orders Resource=orders:1") == "1.5/3.0 0.5 None")
    #expect(samples.shown("ProvisionedConcurrencyUtilization") == nil)
    #expect(samples.shown("ClaimedAccountConcurrency") == "21.0/3.0 7.0 Count")
  }

  @Test(arguments: [
    ("arn:aws:lambda:us-east-1:000000000001:function:orders", "FunctionName=orders Resource=orders"),
    ("arn:aws:lambda:us-east-1:000000000001:function:orders:$LATEST", "FunctionName=orders Resource=orders"),
    ("arn:aws:lambda:us-east-1:000000000001:function:orders:3", "FunctionName=orders Resource=orders:3"),
    ("arn:aws:lambda:us-east-1:000000000001:function:orders:live", "ExecutedVersion=3 FunctionName=orders Resource=orders:live"),
  ])
  func `what extensions took belongs to the function as it was invoked`(arn: String, dimensions: String) {
    let version = resolved(version: arn.hasSuffix("3") || arn.hasSuffix("live") ? "3" : "$LATEST").version
    metrics.add(.postRuntimeExtensionsDuration, 12.5, of: MetricTarget(version, invokedAs: arn), at: now)
    #expect(metrics.drain().shown("PostRuntimeExtensionsDuration", dimensions) == "12.5/1.0 12.5 Milliseconds")
  }

  @Test func `the port is nudged by the first of each gathering`() async {
    final class Port: MetricPort {
      let nudge = Nudge()
      func gather(from source: any MetricSource) -> Nudge { nudge }
    }
    let port = Port()
    metrics.report(to: port)
    metrics.add(.throttles, of: MetricTarget(resolved()), at: now)
    await port.nudge.wait()
    _ = metrics.drain()
    metrics.add(.throttles, of: MetricTarget(resolved()), at: now)
    await port.nudge.wait()
  }
}
