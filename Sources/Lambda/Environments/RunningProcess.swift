import Base
import Fabric
import HTTPServer
import Sandbox
import Synchronization

/// The processes of an environment with what was opened for them: their sandbox, the Runtime API and the way to Dewpoint.
///
/// Without external extensions the runtime is the program of the sandbox. With them the sandbox holds them all: the extensions
/// are started first, and the runtime when they have registered.
final class RunningProcess: Sendable {
  /// How the programs of a sandbox with extensions are started.
  struct Programs: Sendable {
    /// File names in /opt/extensions.
    var extensions: [String]
    /// For each of them, but for the executable.
    var extensionProgram: ProgramSpec
    var runtime: ProgramSpec
  }

  /// The keys of the role, and what opens the Runtime API's source of them.
  struct Keys: Sendable {
    var token: String
    var credentials: SessionCredentials
  }

  enum Order: Sendable {
    case extensions([String])
    case runtime
    case subscription(TelemetrySubscription)
  }

  private struct Started {
    var runtime: SandboxProgram?
    var extensions: [(name: String, program: SandboxProgram)] = []
  }

  let keys: Keys
  /// Nil without external extensions.
  let programs: Programs?
  let orders: AsyncStream<Order>
  private let orderSink: AsyncStream<Order>.Continuation
  private let sandbox: SandboxProcess
  private let sockets: RuntimeSandboxes
  private let listeners = Mutex<[HTTPListener]>([])
  private let started = Mutex(Started())
  private let cpuShare: Double
  private let isLimited = Atomic(false)

  /// - Parameter cpuShare: of one processor, from the end of the init phase on; before it, AWS does not limit either.
  init(
    sandbox: SandboxProcess, sockets: RuntimeSandboxes, cpuShare: Double, keys: Keys, programs: Programs? = nil
  ) {
    (self.sandbox, self.sockets, self.cpuShare) = (sandbox, sockets, cpuShare)
    (self.keys, self.programs) = (keys, programs)
    (orders, orderSink) = AsyncStream.makeStream(bufferingPolicy: .unbounded)  // one each for programs and subscriptions
  }

  var credentialsExpireAt: Instant { keys.credentials.expiration }

  /// Sockets that are closed with the process.
  func opened(_ new: [HTTPListener]) { listeners.withLock { $0 += new } }

  /// The init phase is over: from now on the process gets the share that its memory size buys.
  func limitCPU() throws {
    guard isLimited.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
    try sandbox.setCPUShare(cpuShare)
  }

  func order(_ order: Order) { orderSink.yield(order) }
  func finishOrders() { orderSink.finish() }

  func startExtension(_ name: String) async throws -> SandboxProgram {
    guard var spec = programs?.extensionProgram else { throw LaunchFailure.sandbox("it holds no programs") }
    spec.executable = "\(LaunchPlan.extensionDirectory)/\(name)"
    let program = try await sandbox.start(spec)
    started.withLock { $0.extensions.append((name, program)) }
    return program
  }

  func startRuntime() async throws -> SandboxProgram {
    guard let spec = programs?.runtime else { throw LaunchFailure.sandbox("it holds no programs") }
    let program = try await sandbox.start(spec)
    started.withLock { $0.runtime = program }
    return program
  }

  func kill() { sandbox.kill() }
  func terminateRuntime() { signalRuntime(15) }
  func killRuntime() { signalRuntime(9) }
  private func signalRuntime(_ signal: Int32) {
    if programs == nil { return sandbox.signal(signal) }
    started.withLock { $0.runtime }?.signal(signal)
  }

  func setFrozen(_ frozen: Bool) { if frozen { sandbox.freeze() } else { sandbox.thaw() } }
  func peakMemoryBytes() -> Int? { sandbox.peakMemoryBytes() }
  var isOutOfMemory: Bool { sandbox.isOutOfMemory }

  /// What the processes have written by now.
  func takeOutput() -> [(LogSource, [UInt8])] {
    guard programs != nil else { return [(.runtime, sandbox.output.takeAvailable())] }
    let (runtime, extensions) = started.withLock { ($0.runtime, $0.extensions) }
    return extensions.map { (.extension($0.name), $0.program.output.takeAvailable()) }
      + (runtime.map { [(.runtime, $0.output.takeAvailable())] } ?? [])
  }

  /// Calls `take` whenever there is output of the sandbox's own program to take, until it has ended. For one task.
  func whileRunning(take: @Sendable () -> Void) async {
    while await sandbox.output.ready() { take() }
  }

  func end() async -> (end: ProcessEnd, peakMemoryBytes: Int?) {
    let exit = await sandbox.exit()
    return (exit.outOfMemory ? .outOfMemory : ProcessEnd(exit.reason), exit.peakMemoryBytes)
  }

  /// Opens a connection to a port inside and hands it over until the end of `body`.
  func withConnection<T: Sendable>(toPort port: UInt16, _ body: (ByteConnection) async throws -> T) async throws -> T {
    try await sockets.server.withConnectedSocket(try await sandbox.connect(toPort: port), body)
  }

  /// Closes the sockets; connections that the runtime left behind are cut.
  func release() async {
    await sockets.shut(listeners.withLock { $0 })
  }
}

extension ProcessEnd {
  init(_ reason: SandboxExit.Reason) {
    switch reason {
    case .exited(let status): self = .exited(status)
    case .signalled(let signal): self = .signalled(signal)
    }
  }
}
