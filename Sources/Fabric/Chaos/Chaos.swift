import Base
import Synchronization

/// Faults that the operator asks for, put where events and calls pass. Without rules it costs one relaxed load.
///
/// Rules are in memory: they end with the process, and with the state that they were made for. Each hit is a hop in the trace of the
/// event. A fault comes before the effect that it prevents, and whoever meets it follows its own rules of retries; what is given up
/// reaches its dead-letter queue or destination unharmed (`sparing`).
public final class Chaos: Sendable {
  /// Strikes nothing: for tests of other things.
  public static let off = Chaos(ambient: Ambient(clock: AdjustableClock(), random: SystemRandom()), hops: EmptyHops())

  public enum Time: Sendable {
    /// Of calls: their clients wait.
    case real
    /// Of deliveries: they follow the clock that the user moves.
    case adjusted
  }

  @TaskLocal private static var isSpared = false

  private let ambient: Ambient
  private let hops: any HopPort
  private let machine = Mutex(ChaosMachine())
  private let hasRules = Atomic(false)

  public init(ambient: Ambient, hops: any HopPort) { (self.ambient, self.hops) = (ambient, hops) }

  /// Whether there are rules.
  public var isOn: Bool { hasRules.load(ordering: .relaxed) }

  // MARK: Rules

  public var rules: [ChaosRule] { machine.withLock { $0.rules } }

  /// - Parameter settings: checked by the catalog. Throws `AWSError` when there are too many rules.
  public func add(_ settings: ChaosRule.Settings) throws -> ChaosRule {
    try change { machine throws(AWSError) in try machine.add(settings) }
  }
  public func remove(_ id: Int) -> ChaosRule? { change { $0.remove(id) } }
  @discardableResult
  public func removeAll() -> Int { change { $0.removeAll() } }
  /// Those that are for this account alone.
  public func removeAll(of account: AccountID) { _ = change { $0.removeAll { $0.settings.account == account } } }

  private func change<T: Sendable, Failure: Error>(_ body: (inout ChaosMachine) throws(Failure) -> T) throws(Failure) -> T {
    try machine.withLock { machine throws(Failure) in
      let result = try body(&machine)
      hasRules.store(!machine.rules.isEmpty, ordering: .relaxed)
      return result
    }
  }

  // MARK: Faults

  /// What happens in here meets no faults: dead letters and the records of what was given up.
  public static func sparing<T: Sendable>(_ body: () async throws -> T) async rethrows -> T {
    try await $isSpared.withValue(true) { try await body() }
  }

  /// Holds the point up, and says whether it is to fail or be throttled. Throws `CancellationError` when cancelled meanwhile.
  public func obstacle(_ point: @autoclosure () -> ChaosPoint, in time: Time) async throws -> ChaosFault? {
    guard isOn, !Self.isSpared else { return nil }
    let point = point()
    let found = machine.withLock { $0.obstacle(at: point) }
    for hit in found.hits { note(hit, point) }
    if found.delay > .zero {
      switch time {
      case .real: try await ambient.clock.sleepReal(for: found.delay)
      case .adjusted: try await ambient.clock.sleep(until: ambient.now + found.delay)
      }
    }
    return found.refusal
  }

  /// The same, and throws the service's own error; for a delivery that of the target's service.
  public func meet(_ point: @autoclosure () -> ChaosPoint, in time: Time) async throws {
    guard isOn, !Self.isSpared else { return }
    let point = point()
    guard let refusal = try await obstacle(point, in: time) else { return }
    let isDelivery = point.operation == ChaosPoint.deliver
    let service = isDelivery ? ARN(point.target)?.service ?? "" : point.service
    throw refusal == .throttle ? ChaosErrors.throttling(service, point.operation) : ChaosErrors.failure(service)
  }

  /// Whether what was delivered is to be delivered once more: then the trace for it.
  public func duplicate(_ point: @autoclosure () -> ChaosPoint) -> TraceContext? {
    guard isOn, !Self.isSpared else { return nil }
    let point = point()
    guard let hit = machine.withLock({ $0.duplicate(at: point) }) else { return nil }
    return note(hit, point)
  }

  /// Another order for things that are given together; nil: as they are.
  /// - Parameter traces: of the things. Each tells of it.
  public func order(_ point: @autoclosure () -> ChaosPoint, of traces: @autoclosure () -> [TraceContext?]) -> [Int]? {
    guard isOn, !Self.isSpared else { return nil }
    var (point, traces) = (point(), traces())
    guard let (hit, order) = machine.withLock({ $0.order(of: traces.count, at: point) }) else { return nil }
    if traces.allSatisfy({ $0 == nil }) { traces = [point.trace] }
    for case let trace? in traces {
      point.trace = trace
      note(hit, point)
    }
    return order
  }

  /// An attempt to deliver: slower, failing, or made twice. What becomes of the second time is nobody's concern, for the first has
  /// succeeded.
  /// - Parameters:
  ///   - isOrdered: AWS would not do it twice.
  ///   - body: is given the trace of the second time.
  public func carry(
    _ point: @autoclosure () -> ChaosPoint, isOrdered: Bool = false, _ body: (TraceContext?) async throws -> Void
  ) async throws {
    guard isOn else { return try await body(nil) }
    let point = point()
    try await meet(point, in: .adjusted)
    try await body(nil)
    if !isOrdered, let trace = duplicate(point) { try? await body(trace) }
  }

  @discardableResult
  private func note(_ hit: ChaosMachine.Hit, _ point: ChaosPoint) -> TraceContext {
    let id = hops.newID()
    let isRefusal = hit.fault == .fail || hit.fault == .throttle
    hops.record(
      Hop(
        id: id, parent: point.trace.parent, trace: point.trace.root, at: ambient.now, account: point.account, region: point.region,
        service: point.service, action: point.operation == ChaosPoint.deliver ? "chaos" : point.operation, source: point.source,
        target: point.target, outcome: isRefusal ? .failed : .accepted, reason: hit.reason))
    return point.trace.under(id)
  }
}
