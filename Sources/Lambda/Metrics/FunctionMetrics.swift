import Base
import Fabric
import Synchronization

/// Adds up what is measured of functions, by the minute, until CloudWatch asks for it.
///
/// An invocation pays for one look-up and two short holds of one lock, and for memory only when it is the first of its target
/// since CloudWatch asked.
final class FunctionMetrics: MetricSource {
  static let namespace = "AWS/Lambda"

  /// An invocation that is under way, with what ran at its beginning.
  struct Run: Sendable {
    fileprivate var meter: Meter
    fileprivate var seat: ConcurrencyLedger.Seat
    fileprivate var load: ConcurrencyLedger.Load
    fileprivate var began: Instant
    fileprivate var ofFunction: Int
    fileprivate var ofAccount: Int
    fileprivate var unreserved: Int
  }

  fileprivate struct Scope: Hashable { var account: AccountID; var region: Region }
  private struct MappingSlot: Hashable {
    var scope: Scope
    var uuid: String
    var metric: MappingMetric
    var minute: Int64
  }
  private struct State {
    /// One for each target that runs or was measured since the last drain; so with the next two.
    var meters: [MetricTarget: Meter] = [:]
    var functions: [FunctionID: FunctionGauge] = [:]
    var accounts: [Scope: AccountGauge] = [:]
    var mappings: [MappingSlot: MetricStatistics] = [:]
    var isAnnounced = false

    mutating func meter(_ target: MetricTarget) -> Meter {
      if let meter = meters[target] { return meter }
      let function = functions[target.function] ?? FunctionGauge()
      let scope = Scope(account: target.function.account, region: target.function.region)
      let account = accounts[scope] ?? AccountGauge()
      let meter = Meter(target, function, account)
      (meters[target], functions[target.function], accounts[scope]) = (meter, function, account)
      return meter
    }
  }
  private let state = Mutex(State())
  private let announced = Mutex<Nudge?>(nil)

  init() {}

  /// From now on the port asks for what is measured.
  func report(to port: any MetricPort) {
    let nudge = port.gather(from: self)
    announced.withLock { $0 = nudge }
  }

  /// An invocation was admitted.
  /// - Parameter load: as it is with this one.
  func began(_ resolved: ResolvedFunction, on seat: ConcurrencyLedger.Seat, _ load: ConcurrencyLedger.Load, at now: Instant) -> Run {
    let target = MetricTarget(resolved)
    return state.withLock { state in
      let meter = state.meter(target)
      meter.running += 1
      meter.function.running += 1
      meter.account.running += 1
      if seat == .unreserved { meter.account.unreserved += 1 }
      return Run(
        meter: meter, seat: seat, load: load, began: now, ofFunction: meter.function.running,
        ofAccount: meter.account.running, unreserved: meter.account.unreserved)
    }
  }

  /// It has ended. One that could not be run is no invocation.
  func ended(_ run: Run, _ result: InvocationResult) {
    switch result.outcome {
    case .success: ended(run, isError: false, duration: result.duration)
    case .functionError: ended(run, isError: true, duration: result.duration)
    case .systemError: ended(run, isError: false, duration: nil)
    }
  }

  private func ended(_ run: Run, isError: Bool, duration: Duration?) {
    let minute = run.began.minute.milliseconds
    let isFirst = state.withLock { state -> Bool in
      let meter = run.meter
      meter.running -= 1
      meter.function.running -= 1
      meter.account.running -= 1
      if run.seat == .unreserved { meter.account.unreserved -= 1 }
      guard let duration else { return false }
      meter.change(minute) { statistics in
        statistics[FunctionMetric.invocations.rawValue].add(1)
        statistics[FunctionMetric.errors.rawValue].add(isError ? 1 : 0)
        statistics[FunctionMetric.throttles.rawValue].add(0)
        statistics[FunctionMetric.duration.rawValue].add(Double(duration.inMicroseconds) / 1000)
        statistics[FunctionMetric.concurrentExecutions.rawValue].add(Double(run.ofFunction))
        // Of a version that has provisioned environments, whether one of them ran this or not.
        guard let provided = run.load.provided else { return }
        let isServed = run.seat.isProvisioned
        statistics[FunctionMetric.provisionedConcurrentExecutions.rawValue].add(Double(provided.working))
        statistics[FunctionMetric.provisionedConcurrencyUtilization.rawValue].add(Double(provided.working) / Double(provided.count))
        statistics[FunctionMetric.provisionedConcurrencyInvocations.rawValue].add(isServed ? 1 : 0)
        statistics[FunctionMetric.provisionedConcurrencySpilloverInvocations.rawValue].add(isServed ? 0 : 1)
      }
      let unreserved = run.seat == .unreserved ? run.unreserved : nil
      meter.account.note(minute, running: run.ofAccount, unreserved: unreserved, claimed: run.load.claimed)
      return Self.announces(&state)
    }
    if isFirst { announce() }
  }

  /// Anything else that is measured of a function.
  func add(_ metric: FunctionMetric, _ value: Double = 1, of target: MetricTarget, at now: Instant) {
    add([(metric, value)], of: target, at: now)
  }
  func add(_ values: [(metric: FunctionMetric, value: Double)], of target: MetricTarget, at now: Instant) {
    let isFirst = state.withLock { state -> Bool in
      state.meter(target).change(now.minute.milliseconds) { statistics in
        for (metric, value) in values { statistics[metric.rawValue].add(value) }
      }
      return Self.announces(&state)
    }
    if isFirst { announce() }
  }

  /// Events of a mapping.
  func add(_ metric: MappingMetric, _ count: Int, of mapping: EventSourceMapping, at now: Instant) {
    guard count > 0, mapping.countsEvents || metric == .provisionedPollers else { return }
    let slot = MappingSlot(
      scope: Scope(account: mapping.account, region: mapping.region), uuid: mapping.uuid, metric: metric,
      minute: now.minute.milliseconds)
    let isFirst = state.withLock { state -> Bool in
      state.mappings[slot, default: MetricStatistics()].add(Double(count))
      return Self.announces(&state)
    }
    if isFirst { announce() }
  }

  private static func announces(_ state: inout State) -> Bool {
    defer { state.isAnnounced = true }
    return !state.isAnnounced
  }

  private func announce() { announced.withLock { $0 }?.nudge() }

  func drain() -> [MetricSample] {
    let taken = state.withLock { state in
      let meters = state.meters.values.map { ($0.target, $0.take()) }
      let accounts = state.accounts.map { ($0.key, $0.value.take()) }
      // Who runs nothing is forgotten: the numbers of what runs are in the meters themselves.
      state.meters = state.meters.filter { $0.value.running > 0 }
      state.functions = state.functions.filter { $0.value.running > 0 }
      state.accounts = state.accounts.filter { $0.value.running > 0 }
      defer { (state.mappings, state.isAnnounced) = ([:], false) }
      return (meters: meters, accounts: accounts, mappings: state.mappings)
    }
    return taken.meters.flatMap { Self.samples($0, $1) } + taken.accounts.flatMap { Self.samples($0, $1) }
      + taken.mappings.map { slot, statistics in
        Self.sample(
          slot.scope, slot.metric.rawValue, [MetricDimension("EventSourceMappingUUID", slot.uuid)], "Count", slot.minute, statistics)
      }
  }

  private static func samples(_ target: MetricTarget, _ minutes: [Meter.Minute]) -> [MetricSample] {
    let scope = Scope(account: target.function.account, region: target.function.region)
    let sets = target.dimensionSets
    return minutes.flatMap { minute, statistics in
      FunctionMetric.allCases.filter { !statistics[$0.rawValue].isEmpty }.flatMap { metric in
        (metric.isOfAccountToo ? [[]] + sets : sets).map {
          sample(scope, metric.name, $0, metric.unit, minute, statistics[metric.rawValue])
        }
      }
    }
  }

  private static func samples(_ scope: Scope, _ minutes: [AccountGauge.Minute]) -> [MetricSample] {
    minutes.flatMap { minute, running, unreserved, claimed in
      [
        ("ConcurrentExecutions", running), ("UnreservedConcurrentExecutions", unreserved), ("ClaimedAccountConcurrency", claimed),
      ].filter { !$0.1.isEmpty }.map {
        sample(scope, $0, [], "Count", minute, $1)
      }
    }
  }

  private static func sample(
    _ scope: Scope, _ name: String, _ dimensions: [MetricDimension], _ unit: String, _ minute: Int64, _ statistics: MetricStatistics
  ) -> MetricSample {
    MetricSample(
      MetricSeries(scope.account, scope.region, namespace, name, dimensions), unit: unit, time: Instant(milliseconds: minute), statistics)
  }
}

/// How many invocations of a function run, whatever it was named by.
/// Guarded by the lock of its FunctionMetrics, hence unchecked.
private final class FunctionGauge: @unchecked Sendable {
  var running = 0
}

/// How many invocations of an account run in a Region, and what was seen of that.
/// Guarded by the lock of its FunctionMetrics, hence unchecked.
private final class AccountGauge: @unchecked Sendable {
  typealias Minute = (minute: Int64, running: MetricStatistics, unreserved: MetricStatistics, claimed: MetricStatistics)
  var running = 0
  /// Of functions without a reservation.
  var unreserved = 0
  private var minutes: [Minute] = []

  func note(_ minute: Int64, running: Int, unreserved: Int?, claimed: Int) {
    // There is more than one only when invocations last over the end of a minute.
    let place = minutes.lastIndex { $0.minute == minute } ?? minutes.count
    if place == minutes.count { minutes.append((minute, MetricStatistics(), MetricStatistics(), MetricStatistics())) }
    minutes[place].running.add(Double(running))
    if let unreserved { minutes[place].unreserved.add(Double(unreserved)) }
    minutes[place].claimed.add(Double(claimed))
  }

  func take() -> [Minute] {
    defer { minutes = [] }
    return minutes
  }
}

/// What was measured of a target, by the minute in which it began.
/// Guarded by the lock of its FunctionMetrics, hence unchecked.
private final class Meter: @unchecked Sendable {
  /// One of the statistics for each metric, by its raw value.
  typealias Minute = (minute: Int64, statistics: [MetricStatistics])
  let target: MetricTarget
  let function: FunctionGauge
  let account: AccountGauge
  var running = 0
  private var minutes: [Minute] = []

  init(_ target: MetricTarget, _ function: FunctionGauge, _ account: AccountGauge) {
    (self.target, self.function, self.account) = (target, function, account)
  }

  func change(_ minute: Int64, _ body: (inout [MetricStatistics]) -> Void) {
    let place = minutes.lastIndex { $0.minute == minute } ?? minutes.count
    if place == minutes.count {
      minutes.append((minute, [MetricStatistics](repeating: MetricStatistics(), count: FunctionMetric.allCases.count)))
    }
    body(&minutes[place].statistics)
  }

  func take() -> [Minute] {
    defer { minutes = [] }
    return minutes
  }
}
