// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One running sandbox. Dropping the last reference does not end it: `kill` does, or its program's own end.
public final class SandboxProcess: Sendable {
  /// By the port that was asked for. The descriptors belong to the caller, who closes them.
  public let listeners: [UInt16: SandboxListener]
  /// Unique on this host; also the name of its control group.
  public let id: String
  private let life: SandboxLife
  /// Of a plain process, whose later programs need their paths translated, too.
  private let plainSpec: SandboxSpec?

  init(id: String, life: SandboxLife, listeners: [UInt16: SandboxListener], plainSpec: SandboxSpec?) {
    (self.id, self.life, self.listeners, self.plainSpec) = (id, life, listeners, plainSpec)
  }

  /// Starts a program beside those that run, at most `ProgramSpec.limit` in the life of a sandbox that holds programs. Returns when
  /// its `execve` has succeeded.
  /// - Throws: `SandboxError` with the step `execve` and the system's error when it cannot be run; the sandbox goes on.
  public func start(_ program: ProgramSpec) async throws -> SandboxProgram {
    try await life.programs.start(plainSpec.map(program.onHostPaths) ?? program, in: life)
  }

  /// A socket that is connected with a port of the sandbox's own 127.0.0.1; the caller closes it. Waits while the sandbox is frozen.
  /// - Throws: `SandboxError`, for example when nobody listens there.
  public func connect(toPort port: UInt16) async throws -> Int32 { try await life.programs.connect(port, in: life) }

  /// Stdout and stderr, merged.
  public var output: SandboxOutput { life.output }

  /// Returns when the program has ended, nothing that it started is left, and all output is readable or read.
  /// It does not answer to cancellation: kill the sandbox instead.
  public func exit() async -> SandboxExit { await life.exit() }

  /// Ends everything inside at once, frozen or not. May be called at any time and often.
  public func kill() { life.kill() }

  /// Sends a signal to the program of the spec, for example SIGTERM. Nothing happens if it has ended; a frozen one gets it when thawed.
  public func signal(_ number: Int32) { life.signal(number) }

  /// Stops every process inside between two instructions; without a freezer on the host it does nothing (see `probe`).
  public func freeze() { life.setFrozen(true) }
  public func thaw() { life.setFrozen(false) }

  /// Starts the program of a sandbox that waits for one; returns when it runs (its `execve` has succeeded).
  /// - Throws: `SandboxError`; the sandbox has ended then.
  public func start(
    _ executable: String, arguments: [String] = [], environment: [String: String], workingDirectory: String
  ) async throws {
    try await life.start(
      Plan.packet(workingDirectory: workingDirectory, command: [executable] + arguments, environment: environment))
  }

  /// Lets directories of the host appear read-only at mount points that the spec named.
  /// - Throws: `SandboxError`; the sandbox is of no use then.
  public func attach(_ binds: [SandboxSpec.Bind]) async throws {
    guard let namespace = life.takeNamespace() else {
      throw SandboxError(step: "attach", path: binds.first?.guest ?? "", detail: "it has no mount points, or they are taken")
    }
    defer { close(namespace) }
    try await LateMount.attach(binds, in: namespace)
  }

  /// Changes the limit of memory; what is used already stays.
  public func setMemoryLimit(bytes: Int) throws(SandboxError) { try life.setMemoryLimit(bytes: bytes) }

  /// Changes the limit of processors, for example after a start that may use more; `nil` is no limit.
  public func setCPUShare(_ share: Double?) throws(SandboxError) { try life.setCPUShare(share) }

  /// The most memory it has had at once, files in `/tmp` included; `nil` where the host cannot tell.
  public func peakMemoryBytes() -> Int? { life.peakMemoryBytes() }

  /// The memory limit has killed a process in it.
  public var isOutOfMemory: Bool { life.isOutOfMemory }
}
