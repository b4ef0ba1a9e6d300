// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Synchronization

/// One sandbox from its launch to the removal of its last trace. The supervisor's thread drives it; kill, freeze and the
/// questions come from any thread.
final class SandboxLife: Sendable {
  enum Phase {
    /// Not started. Then starting, or ended if it is killed or cannot start.
    case waiting
    /// The helpers prepare it; the pid is the outermost process, our child. Then running or dying.
    case starting(pid_t)
    /// The program runs. Then dying.
    case running(pid_t)
    /// Process 1 inside is gone; our child (`nil` once reaped) and other processes may take some more moments. Then ended.
    case dying(pid_t?, SandboxExit, attempts: Int)
    case ended(SandboxExit)
  }

  private struct State {
    var phase = Phase.waiting
    var isKilled = false
    var control: Int32 = -1
    var listeners: [Int32] = []
    var failure: SandboxError?
    var reported: (reason: SandboxExit.Reason, peakBytes: Int)?
    var launched: CheckedContinuation<[UInt16: SandboxListener], any Error>?
    var exitWaiters: [CheckedContinuation<SandboxExit, Never>] = []
  }

  /// What it takes to start: made by the host.
  struct Launch: Sendable {
    var id: String
    var ports: [UInt16]
    var plan: [UInt8]
    var sandboxInit: String
    var command: [String]
    var layout: ControlGroupLayout
    var memoryBytes: Int
    var cpuShare: Double?
    var maximumProcesses: Int
    var mode: SandboxMode
    var logger: Logger
  }

  let output: SandboxOutput
  private let outputEnd: Mutex<Int32>
  private let launch: Launch
  private let group: Mutex<ControlGroup?> = Mutex(nil)
  private let state: Mutex<State> = Mutex(State())
  /// After so many milliseconds of processes that do not die from SIGKILL we give the group up; the next start removes it.
  private static let maximumAttempts = 2000

  init(_ launch: Launch) throws(SandboxError) {
    self.launch = launch
    let ends = try Descriptors.pipe()
    Descriptors.setNonBlocking(ends.read)
    output = SandboxOutput(descriptor: ends.read, onRoom: { Supervisor.shared.wake() })
    outputEnd = Mutex(ends.write)
  }

  deinit { outputEnd.withLock { if $0 >= 0 { close($0) } } }

  /// Who may open `/dev/stdout` again: the unprivileged user inside.
  func giveOutput(to identity: (uid: UInt32, gid: UInt32)) { _ = outputEnd.withLock { fchown($0, identity.uid, identity.gid) } }

  /// Returns once the program runs, with the sockets that listen inside. Cancelling kills it.
  func run() async throws -> [UInt16: SandboxListener] {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        state.withLock { $0.launched = continuation }
        Supervisor.shared.add(self)
      }
    } onCancel: {
      kill()
    }
  }

  func exit() async -> SandboxExit {
    await withCheckedContinuation { continuation in
      let ended: SandboxExit? = state.withLock { state in
        if case .ended(let exit) = state.phase { return exit }
        state.exitWaiters.append(continuation)
        return nil
      }
      if let ended { continuation.resume(returning: ended) }
    }
  }

  func kill() {
    let group = group.withLock { $0 }
    state.withLock { state in
      state.isKilled = true
      switch state.phase {
      case .waiting, .dying, .ended: return
      case .starting(let pid):
        Glibc.kill(pid, SIGKILL)
        group?.killMembers(except: nil)
      case .running(let pid):
        // Without a group, process 1 inside sees the end of the socket. Killing our child would not reach it: bubblewrap has
        // no right to signal another uid, so the parent-death signal is not sent.
        shutdown(state.control, Int32(SHUT_WR))
        group?.killMembers(except: pid)
      }
    }
  }

  func signal(_ number: Int32) {
    state.withLock { state in
      guard case .running = state.phase else { return }
      _ = Descriptors.sendPacket(state.control, Array("S\(number)".utf8))
    }
  }

  func setFrozen(_ frozen: Bool) {
    let group = group.withLock { $0 }
    state.withLock { state in
      guard case .running = state.phase else { return }
      group?.setFrozen(frozen)
    }
  }

  func setCPUShare(_ share: Double?) throws(SandboxError) {
    try group.withLock { $0 }?.setCPUShare(share)
  }

  func peakMemoryBytes() -> Int? {
    if case .ended(let exit) = state.withLock({ $0.phase }) { return exit.peakMemoryBytes }
    return group.withLock { $0 }?.peakMemoryBytes()
  }

  var isOutOfMemory: Bool {
    if case .ended(let exit) = state.withLock({ $0.phase }) { return exit.outOfMemory }
    return group.withLock { $0 }?.wasOutOfMemory ?? false
  }

  // What follows is called by the supervisor only.

  func controlToPoll() -> Int32? { state.withLock { $0.control >= 0 ? $0.control : nil } }

  var isDying: Bool {
    state.withLock { state in
      if case .dying = state.phase { true } else { false }
    }
  }

  func start() {
    if state.withLock({ $0.isKilled }) { return fail(SandboxError(step: "launch", path: "", detail: "it was killed first")) }
    do throws(SandboxError) {
      let made = try ControlGroup(launch.layout, name: launch.id)
      group.withLock { $0 = made }
      try made.setLimits(
        memoryBytes: launch.memoryBytes, cpuShare: launch.cpuShare, maximumProcesses: launch.maximumProcesses)
      let control = try Descriptors.packetPair()
      defer { close(control.theirs) }
      state.withLock { $0.control = control.ours }
      let output = outputEnd.withLock { end in
        defer { end = -1 }
        return end
      }
      defer { close(output) }
      guard Descriptors.sendPacket(control.ours, launch.plan) else { throw .last("send plan", "") }
      let files = made.memberFiles
      let command = [launch.sandboxInit, "enter", "\(files.count)"] + files + launch.command
      // Under the lock, so that a kill finds either no child or its pid.
      try state.withLock { state throws(SandboxError) in
        state.phase = .starting(try spawnProcess(command, control: control.theirs, output: output))
      }
      if state.withLock({ $0.isKilled }) { kill() }
    } catch {
      fail(error)
    }
  }

  func controlReadable() {
    let control = state.withLock { $0.control }
    while control >= 0, let packet = Descriptors.receivePacket(control) {
      if packet.bytes.isEmpty { return childEnded() }
      receive(ControlMessage(packet.bytes), packet.descriptors)
    }
  }

  private func receive(_ message: ControlMessage?, _ descriptors: [Int32]) {
    switch message {
    case .listeners: state.withLock { $0.listeners += descriptors }
    case .running: running()
    case .failed(let error): state.withLock { $0.failure = error }
    case .ended(let status, let kibibytes):
      state.withLock { $0.reported = (.init(waitStatus: status), kibibytes * 1024) }
    case nil: for descriptor in descriptors { close(descriptor) }
    }
  }

  private func running() {
    let handed = state.withLock { state -> (CheckedContinuation<[UInt16: SandboxListener], any Error>, [UInt16: SandboxListener])? in
      guard case .starting(let pid) = state.phase, let launched = state.launched else { return nil }
      state.phase = .running(pid)
      state.launched = nil
      let pairs = zip(launch.ports, state.listeners).map { asked, descriptor in
        (asked, SandboxListener(descriptor: descriptor, port: Descriptors.port(of: descriptor) ?? asked))
      }
      state.listeners = []
      return (launched, Dictionary(uniqueKeysWithValues: pairs))
    }
    if let (launched, listeners) = handed { launched.resume(returning: listeners) }
  }

  /// Process 1 inside has closed its end of the socket: it is gone, or on its last instructions.
  private func childEnded() {
    let group = group.withLock { $0 }
    state.withLock { state in
      switch state.phase {
      case .starting(let pid), .running(let pid):
        // Process 1 may have died alone, and plain processes have no namespace that ends them.
        group?.killMembers(except: pid)
        close(state.control)
        state.control = -1
        // Read now, before the first of the groups is removed.
        let exit = SandboxExit(
          reason: state.reported?.reason ?? .signalled(SIGKILL), outOfMemory: group?.wasOutOfMemory ?? false,
          peakMemoryBytes: group?.peakMemoryBytes() ?? state.reported?.peakBytes)
        state.phase = .dying(pid, exit, attempts: 0)
      case .waiting, .dying, .ended: return
      }
    }
  }

  private func fail(_ error: SandboxError) {
    state.withLock { state in
      state.failure = error
      if state.control >= 0 { close(state.control) }
      state.control = -1
      state.phase = .dying(nil, .init(reason: .exited(125), outOfMemory: false, peakMemoryBytes: nil), attempts: 0)
    }
    outputEnd.withLock { end in
      if end >= 0 { close(end) }
      end = -1
    }
  }

  /// True when there is nothing left to do for it.
  func tick() -> Bool {
    let group = group.withLock { $0 }
    let ended: SandboxExit? = state.withLock { state in
      guard case .dying(let pid, let exit, let attempts) = state.phase else { return nil }
      var child = pid
      if let pid {
        // bubblewrap ends right after process 1. If it hangs it is killed.
        if attempts == Self.maximumAttempts / 4 { Glibc.kill(pid, SIGKILL) }
        var status: Int32 = 0
        if waitpid(pid, &status, WNOHANG) != 0 { child = nil }
      }
      let isEmpty = group?.remove() ?? true
      if child == nil && isEmpty { return exit }
      if attempts >= Self.maximumAttempts {
        launch.logger.warning("processes of a sandbox do not end; its control group stays", metadata: ["sandbox": "\(launch.id)"])
        return exit
      }
      if !isEmpty { group?.killMembers(except: child) }
      state.phase = .dying(child, exit, attempts: attempts + 1)
      return nil
    }
    if let ended { finish(ended) }
    return ended != nil
  }

  private func finish(_ exit: SandboxExit) {
    let launching = state.withLock { $0.launched != nil }
    // Before the end of the output wakes its reader, what bubblewrap said is the reason of a failed launch.
    let said = launching ? String(decoding: output.takeAvailable().prefix(4096), as: UTF8.self) : ""
    output.finish()
    let (launched, failure, waiters) = state.withLock { state in
      for descriptor in state.listeners { close(descriptor) }
      state.listeners = []
      state.phase = .ended(exit)
      defer {
        state.launched = nil
        state.exitWaiters = []
      }
      return (state.launched, state.failure, state.exitWaiters)
    }
    let isKilled = state.withLock { $0.isKilled }
    let detail = isKilled ? "it was killed first" : said.split(separator: "\n").joined(separator: "; ")
    launched?.resume(throwing: failure ?? SandboxError(step: "launch", path: launch.command.first ?? "", detail: detail))
    for waiter in waiters { waiter.resume(returning: exit) }
  }
}
