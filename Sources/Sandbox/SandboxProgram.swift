// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// A program to be started in a sandbox that runs. Paths are guest paths.
public struct ProgramSpec: Sendable, Equatable {
  /// Programs in the life of one sandbox.
  public static let limit = 15
  /// An absolute path.
  public var executable: String
  public var arguments: [String]
  /// The whole environment.
  public var environment: [String: String]
  public var workingDirectory: String

  public init(executable: String, arguments: [String] = [], environment: [String: String] = [:], workingDirectory: String = "/") {
    (self.executable, self.arguments) = (executable, arguments)
    (self.environment, self.workingDirectory) = (environment, workingDirectory)
  }
}

/// A program that was started in a sandbox beside others. It ends with the sandbox at the latest.
public final class SandboxProgram: Sendable {
  /// Its own stdout and stderr, merged.
  public let output: SandboxOutput
  private let number: Int
  private let life: SandboxLife

  init(number: Int, output: SandboxOutput, life: SandboxLife) {
    (self.number, self.output, self.life) = (number, output, life)
  }

  /// Returns when it has ended; what it wrote is readable or read then. Does not answer to cancellation.
  public func exit() async -> SandboxExit.Reason { await life.programs.exit(of: number) }

  /// SIGKILL also ends what it has started. Nothing happens if it has ended; a frozen one gets it when thawed.
  public func signal(_ signal: Int32) { _ = life.send(Array("S\(number) \(signal)".utf8)) }
}

/// The programs of one sandbox beside the one that it was launched with, and the connections that are asked for.
final class ProgramTable: Sendable {
  private struct Entry {
    var output: SandboxOutput
    /// Set until it runs.
    var begun: CheckedContinuation<Int32, Never>?
    var end: SandboxExit.Reason?
    var exitWaiters: [CheckedContinuation<SandboxExit.Reason, Never>] = []
  }
  private struct State {
    var entries: [Int: Entry] = [:]
    var connections: [Int: CheckedContinuation<Int32, any Error>] = [:]
    var nextConnection = 1
    var isClosed = false
  }
  private let state = Mutex(State())
  private static let gone = SandboxError(step: "start", path: "", detail: "the sandbox is gone")

  /// Of the programs whose end has not been seen; a pipe may have more to read for a moment.
  var outputs: [SandboxOutput] { state.withLock { $0.entries.values.map(\.output) } }

  func start(_ program: ProgramSpec, in life: SandboxLife) async throws -> SandboxProgram {
    let ends = try Descriptors.pipe()
    defer { close(ends.write) }
    Descriptors.setNonBlocking(ends.read)
    let output = SandboxOutput(descriptor: ends.read, onRoom: { Supervisor.shared.wake() })
    life.give(output)
    let number = state.withLock { state -> Int? in
      let number = state.entries.count + 1
      guard !state.isClosed, number <= ProgramSpec.limit else { return nil }
      state.entries[number] = Entry(output: output)
      return number
    }
    guard let number else { throw Self.gone }
    let packet = try Plan.packet(number: number, program: program)
    let error: Int32 = await withCheckedContinuation { continuation in
      let isClosed = state.withLock { state in
        state.entries[number]?.begun = continuation
        return state.isClosed
      }
      if isClosed || !life.send(packet, descriptor: ends.write) { begun(number, errno: ESRCH) }
    }
    Supervisor.shared.wake()  // its output is to be polled from now on
    guard error == 0 else { throw SandboxError(step: "execve", path: program.executable, errno: error) }
    return SandboxProgram(number: number, output: output, life: life)
  }

  func connect(_ port: UInt16, in life: SandboxLife) async throws -> Int32 {
    try await withCheckedThrowingContinuation { continuation in
      let number = state.withLock { state -> Int? in
        guard !state.isClosed else { return nil }
        defer { state.nextConnection += 1 }
        state.connections[state.nextConnection] = continuation
        return state.nextConnection
      }
      guard let number else { return continuation.resume(throwing: Self.gone) }
      if !life.send(Array("C\(number) \(port)".utf8)) { connected(number, nil, errno: ESRCH) }
    }
  }

  func exit(of number: Int) async -> SandboxExit.Reason {
    await withCheckedContinuation { continuation in
      let end = state.withLock { state -> SandboxExit.Reason? in
        guard let entry = state.entries[number] else { return .signalled(SIGKILL) }
        if entry.end == nil { state.entries[number]?.exitWaiters.append(continuation) }
        return entry.end
      }
      if let end { continuation.resume(returning: end) }
    }
  }

  // What follows is called by the supervisor only.

  func receive(_ message: ControlMessage, _ descriptors: [Int32]) {
    switch message {
    case .programBegun(let number, let error): begun(number, errno: error)
    case .programEnded(let number, let status): ended(number, .init(waitStatus: status))
    case .connected(let number, let error): connected(number, descriptors.first, errno: error)
    case .listeners, .network, .running, .ended, .failed: break
    }
  }

  private func begun(_ number: Int, errno: Int32) {
    let continuation = state.withLock { state in
      defer { state.entries[number]?.begun = nil }
      if errno != 0 { state.entries[number]?.end = .exited(126) }
      return state.entries[number]?.begun
    }
    continuation?.resume(returning: errno)
  }

  private func ended(_ number: Int, _ end: SandboxExit.Reason) {
    let (output, waiters) = state.withLock { state in
      defer { state.entries[number]?.exitWaiters = [] }
      if state.entries[number]?.end == nil { state.entries[number]?.end = end }
      return (state.entries[number]?.output, state.entries[number]?.exitWaiters ?? [])
    }
    output?.readable()
    for waiter in waiters { waiter.resume(returning: end) }
  }

  private func connected(_ number: Int, _ descriptor: Int32?, errno: Int32) {
    let continuation = state.withLock { $0.connections.removeValue(forKey: number) }
    if let descriptor, let continuation, errno == 0 {
      continuation.resume(returning: descriptor)
    } else {
      if let descriptor { close(descriptor) }
      continuation?.resume(throwing: SandboxError(step: "connect", path: "", errno: errno))
    }
  }

  /// The sandbox is gone.
  func finish() {
    let (numbers, connections) = state.withLock { state in
      state.isClosed = true
      return (Array(state.entries.keys), Array(state.connections.keys))
    }
    for number in numbers {
      state.withLock { $0.entries[number]?.output }?.finish()
      begun(number, errno: ESRCH)
      ended(number, .signalled(SIGKILL))
    }
    for number in connections { connected(number, nil, errno: ESRCH) }
  }
}
