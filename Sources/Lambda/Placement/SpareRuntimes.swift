import Base
import Fabric
import HTTPServer
import Logging
import Sandbox
import Synchronization

/// Runtimes that are booted before anybody needs them: a cold start then costs the import of the function's code.
///
/// There are spares of the runtimes that functions use, a few of each. One is used for one environment only.
final class SpareRuntimes: Sendable {
  /// A booted runtime in its sandbox.
  struct Spare: Sendable {
    var plan: LaunchPlan
    var sandbox: SandboxProcess
    var temporary: TemporaryDirectory
    var api: SpareRuntimeAPI
    var listeners: [HTTPListener] = []

    /// Its sandbox becomes that of the environment, whose process runs as soon as it can be told what it is.
    func become(_ environment: Environment, _ plan: LaunchPlan) async throws {
      guard plan.runsOwnProgram else { return api.bind(to: environment, variables: plan.environment) }
      api.bind(to: environment, variables: nil)
      try await sandbox.start(
        plan.executable, arguments: plan.arguments, environment: plan.environment, workingDirectory: "/var/task")
    }

    /// Nothing is left of it.
    func end(_ sandboxes: RuntimeSandboxes) async {
      sandbox.kill()
      await sandboxes.shut(listeners)
      temporary.release()
    }
  }

  private enum Slot {
    /// With its sandbox once there is one. Then ready, or gone.
    case booting(SandboxProcess?)
    case ready(Spare)

    var sandbox: SandboxProcess? {
      switch self {
      case .booting(let sandbox): sandbox
      case .ready(let spare): spare.sandbox
      }
    }
  }
  private struct Shelf {
    var plan: LaunchPlan
    var slots: [UInt64: Slot] = [:]
    /// Set by a failure to boot: nothing more is tried until somebody asks for this runtime again.
    var hasFailed = false
  }
  private struct Order: Sendable {
    var program: String
    var id: UInt64
    var plan: LaunchPlan
  }
  private struct State {
    /// By the name that the plan gives to its shelf.
    var shelves: [String: Shelf] = [:]
    var nextID: UInt64 = 0
    var isStopped = false
  }

  /// AWS's smallest function: what a spare may use until it is known what it becomes.
  private static let memoryBytes = 128 << 20
  private static let temporaryBytes = 512 << 20
  /// How long a boot may keep others from booting, and how long it may take at all. Real time.
  private static let gateLimit = Duration.seconds(2)
  private static let bootLimit = Duration.seconds(30)

  private let state = Mutex(State())
  private let limit: Int
  private let sandboxes: RuntimeSandboxes
  private let gate: StartGate
  private let clock: any AmbientClock
  private let logger: Logger
  private let orders: AsyncStream<Order>
  private let orderSink: AsyncStream<Order>.Continuation

  /// - Parameter limit: spares of each runtime; 0 where the host cannot mount into a running sandbox.
  init(limit: Int, sandboxes: RuntimeSandboxes, gate: StartGate, clock: any AmbientClock, logger: Logger) {
    self.limit = sandboxes.host.canAttach ? limit : 0
    (self.sandboxes, self.gate, self.clock, self.logger) = (sandboxes, gate, clock, logger)
    (orders, orderSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // at most `limit` orders for each program
  }

  /// Sees to it that there are spares for a runtime.
  func want(_ plan: LaunchPlan?) {
    guard let plan, limit > 0 else { return }
    state.withLock { state in
      guard !state.isStopped else { return }
      state.shelves[plan.shelf, default: Shelf(plan: plan)].hasFailed = false
      order(plan.shelf, &state)
    }
  }

  /// A spare that can become what the plan asks for. Who takes it lets it become that, or kills it.
  func take(for plan: LaunchPlan) -> Spare? {
    state.withLock { state in
      guard let shelf = state.shelves[plan.shelf], plan.fits(shelf.plan) else { return nil }
      for (id, slot) in shelf.slots.sorted(by: { $0.key < $1.key }) {
        guard case .ready(let spare) = slot else { continue }
        state.shelves[plan.shelf]?.slots[id] = nil
        return spare
      }
      return nil
    }
  }

  /// Fills up what was taken.
  func refill() {
    state.withLock { state in
      guard !state.isStopped else { return }
      for program in state.shelves.keys { order(program, &state) }
    }
  }

  private func order(_ program: String, _ state: inout State) {
    guard var shelf = state.shelves[program], !shelf.hasFailed else { return }
    while shelf.slots.count < limit {
      state.nextID += 1
      shelf.slots[state.nextID] = .booting(nil)
      orderSink.yield(Order(program: program, id: state.nextID, plan: shelf.plan))
    }
    state.shelves[program] = shelf
  }

  /// How many are ready.
  var count: Int {
    state.withLock { $0.shelves.values.reduce(0) { $0 + $1.slots.values.count { if case .ready = $0 { true } else { false } } } }
  }

  /// Boots what is wanted, until `stop`.
  func run() async {
    await withDiscardingTaskGroup { group in
      for await order in orders where !state.withLock({ $0.isStopped }) {
        // The gate is the one that environments with an invocation to run go through, too.
        await gate.enter(.later)
        group.addTask { await self.live(order) }
      }
    }
  }

  /// From the boot of one spare to the end of its process, whoever has it by then.
  private func live(_ order: Order) async {
    let booted = Nudge()
    let spare: Spare
    do {
      spare = try await boot(order, booted)
    } catch {
      gate.leave(.later)
      state.withLock { state in
        state.shelves[order.program]?.slots[order.id] = nil
        state.shelves[order.program]?.hasFailed = true
      }
      return logger.warning("a spare runtime could not be booted", metadata: ["program": "\(order.program)", "error": "\(error)"])
    }
    let (sandbox, api) = (spare.sandbox, spare.api)
    async let end: Void = {
      _ = await sandbox.exit()
      api.end()
      booted.nudge()
    }()
    // One that waits for its program has booted when it runs.
    let boots = !order.plan.runsOwnProgram
    if boots { await booted.wait(atMost: Self.gateLimit, clock: clock) }
    gate.leave(.later)
    if boots, api.isBooting { await booted.wait(atMost: Self.bootLimit, clock: clock) }
    let isKept = (!boots || api.hasAsked) && shelve(spare, order)
    if !isKept { sandbox.kill() }
    await end
    await discard(spare, order, wasKept: isKept)
  }

  private func boot(_ order: Order, _ booted: Nudge) async throws -> Spare {
    let temporary = try sandboxes.host.makeTemporaryDirectory(limitBytes: Self.temporaryBytes)
    let sandbox = try await sandboxes.launch(order.plan, isSpare: true, memoryBytes: Self.memoryBytes, temporary: temporary)
    let isStopped = state.withLock { state -> Bool in
      state.shelves[order.program]?.slots[order.id] = .booting(sandbox)
      return state.isStopped
    }
    if isStopped { sandbox.kill() }
    var spare = Spare(plan: order.plan, sandbox: sandbox, temporary: temporary, api: SpareRuntimeAPI { booted.nudge() })
    do {
      spare.listeners = try await sandboxes.listen(sandbox, label: "spare-\(sandbox.id)", api: spare.api)
    } catch {
      await spare.end(sandboxes)
      throw error
    }
    return spare
  }

  /// False when no spares are wanted any more.
  private func shelve(_ spare: Spare, _ order: Order) -> Bool {
    state.withLock { state in
      guard !state.isStopped else { return false }
      state.shelves[order.program]?.slots[order.id] = .ready(spare)
      return true
    }
  }

  /// Its process has ended. Who took it from the shelf cleans up after it, else it is done here.
  private func discard(_ spare: Spare, _ order: Order, wasKept: Bool) async {
    let slot = state.withLock { $0.shelves[order.program]?.slots.removeValue(forKey: order.id) }
    if slot != nil || !wasKept { await spare.end(sandboxes) }
  }

  /// Ends all spares, those that boot too, and boots no more.
  func stop() {
    let sandboxes = state.withLock { state -> [SandboxProcess] in
      state.isStopped = true
      return state.shelves.values.flatMap { $0.slots.values.compactMap(\.sandbox) }
    }
    orderSink.finish()
    for sandbox in sandboxes { sandbox.kill() }
  }
}
