import Base
import Fabric
import HTTPServer
import Sandbox
import Synchronization

/// A runtime process with what was opened for it: its sandbox, its Runtime API and its way to Dewpoint.
final class RunningProcess: Sendable {
  let credentialsExpireAt: Instant
  private let sandbox: SandboxProcess
  private let server: HTTPServer
  private let listeners: [HTTPListener]

  init(sandbox: SandboxProcess, server: HTTPServer, listeners: [HTTPListener], credentialsExpireAt: Instant) {
    (self.sandbox, self.server, self.listeners) = (sandbox, server, listeners)
    self.credentialsExpireAt = credentialsExpireAt
  }

  func kill() { sandbox.kill() }
  func peakMemoryBytes() -> Int? { sandbox.peakMemoryBytes() }

  /// What the process has written by now.
  func takeOutput() -> [UInt8] { sandbox.output.takeAvailable() }

  /// Pieces of output as they come, until the process has ended. For the one task that copies them into the log.
  func copyOutput(to sink: @Sendable ([UInt8]) -> Void) async {
    for await bytes in sandbox.output { sink(bytes) }
  }

  func end() async -> ProcessEnd {
    let exit = await sandbox.exit()
    if exit.outOfMemory { return .outOfMemory }
    switch exit.reason {
    case .exited(let status): return .exited(status)
    case .signalled(let signal): return .signalled(signal)
    }
  }

  /// Closes the sockets; connections that the runtime left behind are cut.
  func release() async {
    for listener in listeners { await server.close(listener, abort: true) }
  }
}
