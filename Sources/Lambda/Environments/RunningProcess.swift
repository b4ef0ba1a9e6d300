import Base
import Fabric
import HTTPServer
import Sandbox
import Synchronization

/// A runtime process with what was opened for it: its sandbox, its Runtime API and its way to Dewpoint.
final class RunningProcess: Sendable {
  let credentialsExpireAt: Instant
  private let sandbox: SandboxProcess
  private let sockets: RuntimeSandboxes
  private let listeners = Mutex<[HTTPListener]>([])
  private let cpuShare: Double
  private let isLimited = Atomic(false)

  /// - Parameter cpuShare: of one processor, from the end of the init phase on; before it, AWS does not limit either.
  init(sandbox: SandboxProcess, sockets: RuntimeSandboxes, cpuShare: Double, credentialsExpireAt: Instant) {
    (self.sandbox, self.sockets, self.cpuShare) = (sandbox, sockets, cpuShare)
    self.credentialsExpireAt = credentialsExpireAt
  }

  /// Sockets that are closed with the process.
  func opened(_ new: [HTTPListener]) { listeners.withLock { $0 += new } }

  /// The init phase is over: from now on the process gets the share that its memory size buys.
  func limitCPU() throws {
    guard isLimited.compareExchange(expected: false, desired: true, ordering: .relaxed).exchanged else { return }
    try sandbox.setCPUShare(cpuShare)
  }

  func kill() { sandbox.kill() }
  func setFrozen(_ frozen: Bool) { if frozen { sandbox.freeze() } else { sandbox.thaw() } }
  func peakMemoryBytes() -> Int? { sandbox.peakMemoryBytes() }

  /// What the process has written by now.
  func takeOutput() -> [UInt8] { sandbox.output.takeAvailable() }

  /// Calls `take` whenever there is output to take, until the process has ended. For one task.
  func whileRunning(take: @Sendable () -> Void) async {
    while await sandbox.output.ready() { take() }
  }

  func end() async -> (end: ProcessEnd, peakMemoryBytes: Int?) {
    let exit = await sandbox.exit()
    let end: ProcessEnd =
      switch (exit.outOfMemory, exit.reason) {
      case (true, _): .outOfMemory
      case (false, .exited(let status)): .exited(status)
      case (false, .signalled(let signal)): .signalled(signal)
      }
    return (end, exit.peakMemoryBytes)
  }

  /// Closes the sockets; connections that the runtime left behind are cut.
  func release() async {
    await sockets.shut(listeners.withLock { $0 })
  }
}
