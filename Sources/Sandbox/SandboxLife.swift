// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Synchronization

/// One sandbox from its launch to the removal of its last trace. The supervisor's thread drives it; kill, freeze and the
/// questions come from any thread.
final class SandboxLife: Sendable {
  enum Phase {
    /// No process yet. Then prepared, or dying if it is killed or cannot be prepared.
    case waiting
    /// A process waits in the control group for what to become: a spare. Then starting or dying.
    case prepared(pid_t)
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
    var request: Request?
    var control: Int32 = -1
    var listeners: [Int32] = []
    /// The mount namespace, until `attach` takes it.
    var namespace: Int32 = -1
    /// Beside it, where the way out is a process. Gone once reaped.
    var network: UserNetwork.Helper?
    var failure: SandboxError?
    var reported: (reason: SandboxExit.Reason, peakBytes: Int)?
    var launched: CheckedContinuation<[UInt16: SandboxListener], any Error>?
    /// It runs, but nothing in it: the program is told later, once.
    var awaitsProgram = false
    var started: CheckedContinuation<Void, any Error>?
    var exitWaiters: [CheckedContinuation<SandboxExit, Never>] = []
  }

  /// What is the same for every sandbox of a host.
  struct Setting: Sendable {
    var sandboxInit: String
    var layout: ControlGroupLayout
    var mode: SandboxMode
    /// The way out that processes are started with, whether they come to use it or not.
    var router: Router?
    /// The way out where there is no router.
    var userNetwork: UserNetwork?
    var logger: Logger
  }

  /// What one sandbox is to become.
  struct Request: Sendable {
    var ports: [UInt16]
    var command: [String]
    var plan: Plan
    var memoryBytes: Int
    var cpuShare: Double?
    var maximumProcesses: Int
  }

  let output: SandboxOutput
  let programs = ProgramTable()
  let id: String
  private let outputEnd: Mutex<Int32>
  private let setting: Setting
  private let group: Mutex<ControlGroup?> = Mutex(nil)
  private let state: Mutex<State> = Mutex(State())
  private static let killedFirst = "it was killed first"
  /// After so many milliseconds of processes that do not die from SIGKILL we give the group up; the next start removes it.
  private static let maximumAttempts = 2000

  init(id: String, _ setting: Setting) throws(SandboxError) {
    self.id = id
    self.setting = setting
    let ends = try Descriptors.pipe()
    Descriptors.setNonBlocking(ends.read)
    output = SandboxOutput(descriptor: ends.read, onRoom: { Supervisor.shared.wake() })
    outputEnd = Mutex(ends.write)
  }

  deinit { outputEnd.withLock { if $0 >= 0 { close($0) } } }

  /// Returns once the program runs, with the sockets that listen inside. Cancelling kills it.
  func run(_ request: Request) async throws -> [UInt16: SandboxListener] {
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isOver = state.withLock { state in
          if case .ended = state.phase { return true }
          state.request = request
          state.launched = continuation
          return false
        }
        if isOver { return continuation.resume(throwing: SandboxError(step: "launch", path: "", detail: Self.killedFirst)) }
        Supervisor.shared.attend(to: self)
      }
    } onCancel: {
      kill()
    }
  }

  /// Tells a sandbox that waits for its program what that is; returns once it runs.
  func start(_ packet: [UInt8]) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let problem: SandboxError? = state.withLock { state in
        guard case .running = state.phase, state.awaitsProgram else {
          return SandboxError(step: "start", path: "", detail: "it does not wait for a program")
        }
        state.awaitsProgram = false
        guard Descriptors.sendPacket(state.control, packet) else { return .last("send program", "") }
        state.started = continuation
        return nil
      }
      if let problem { continuation.resume(throwing: problem) }
    }
  }

  /// Its process waits for what to become, or is about to.
  var isSpare: Bool {
    state.withLock { state in
      switch state.phase {
      case .waiting, .prepared: !state.isKilled && state.request == nil
      case .starting, .running, .dying, .ended: false
      }
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
      case .prepared(let pid), .starting(let pid):
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

  func signal(_ number: Int32) { _ = send(Array("S0 \(number)".utf8)) }

  /// An order for process 1 inside, perhaps with a descriptor. False when it cannot be taken: it does not run (any more), or has
  /// been frozen for so long that too many orders wait.
  func send(_ packet: [UInt8], descriptor: Int32? = nil) -> Bool {
    state.withLock { state in
      guard case .running = state.phase else { return false }
      return Descriptors.sendPacket(state.control, packet, descriptor: descriptor)
    }
  }

  /// Lets the user inside open the pipe again as `/dev/stdout`.
  func give(_ output: SandboxOutput) {
    if let identity = state.withLock({ $0.request?.plan.identity }) { output.give(to: identity) }
  }

  /// What all its programs write.
  var outputs: [SandboxOutput] { [output] + programs.outputs }

  func setFrozen(_ frozen: Bool) {
    let group = group.withLock { $0 }
    state.withLock { state in
      guard case .running = state.phase else { return }
      group?.setFrozen(frozen)
    }
  }

  func setMemoryLimit(bytes: Int) throws(SandboxError) { try group.withLock { $0 }?.setMemoryLimit(bytes: bytes) }

  /// The mount namespace, once; the caller closes it.
  func takeNamespace() -> Int32? {
    state.withLock { state in
      guard case .running = state.phase, state.namespace >= 0 else { return nil }
      defer { state.namespace = -1 }
      return state.namespace
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

  /// Does the next step that can be done now.
  func attend() {
    do throws(SandboxError) {
      if case .waiting = state.withLock({ $0.phase }) { try prepare() }
      try begin()
    } catch {
      state.withLock { $0.failure = error }
      endEarly()
    }
  }

  private func prepare() throws(SandboxError) {
    if state.withLock({ $0.isKilled }) { throw SandboxError(step: "launch", path: "", detail: Self.killedFirst) }
    let made = try ControlGroup(setting.layout, name: id)
    group.withLock { $0 = made }
    let control = try Descriptors.packetPair()
    defer { close(control.theirs) }
    state.withLock { $0.control = control.ours }
    let output = outputEnd.withLock { end in
      defer { end = -1 }
      return end
    }
    defer { close(output) }
    let network = try setting.router?.connect()
    defer { if let network { close(network) } }
    let pid = try spawnProcess(
      [setting.sandboxInit, network == nil ? "enter" : "enter-network"] + made.memberFiles, output: output,
      inherits: [control.theirs] + (network.map { [$0] } ?? []))
    let isKilled = state.withLock { state in
      state.phase = .prepared(pid)
      return state.isKilled
    }
    if isKilled { kill() }
  }

  private func begin() throws(SandboxError) {
    guard let group = group.withLock({ $0 }) else { return }
    try state.withLock { state throws(SandboxError) in
      guard case .prepared(let pid) = state.phase, let request = state.request else { return }
      try group.setLimits(
        memoryBytes: request.memoryBytes, cpuShare: request.cpuShare, maximumProcesses: request.maximumProcesses)
      if let identity = request.plan.identity { output.give(to: identity) }
      for packet in [try Plan.packet(command: request.command), try request.plan.encoded()] {
        // bubblewrap may have ended before it has all, because it cannot do what its command says: then its own words, which
        // come with its end, are the error.
        guard Descriptors.sendPacket(state.control, packet) || errno == EPIPE else { throw .last("send plan", "") }
      }
      state.phase = .starting(pid)
    }
  }

  private func endEarly() {
    kill()
    state.withLock { state in
      guard case .waiting = state.phase else { return }
      if state.control >= 0 { close(state.control) }
      state.control = -1
      state.phase = .dying(nil, .init(reason: .exited(125), outOfMemory: false, peakMemoryBytes: nil), attempts: 0)
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
    case .network: startNetwork(descriptors)
    case .running: running()
    case .failed(let error): state.withLock { $0.failure = error }
    case .ended(let status, let kibibytes):
      state.withLock { $0.reported = (.init(waitStatus: status), kibibytes * 1024) }
    case .programBegun, .programEnded, .connected: if let message { programs.receive(message, descriptors) }
    case nil: for descriptor in descriptors { close(descriptor) }
    }
  }

  /// The sandbox waits until its network is there.
  private func startNetwork(_ descriptors: [Int32]) {
    defer { for descriptor in descriptors { close(descriptor) } }
    do throws(SandboxError) {
      guard let userNetwork = setting.userNetwork, let space = descriptors.first else {
        throw SandboxError(step: "start network", path: "", errno: EPROTO)
      }
      let helper = try userNetwork.start(in: space)
      state.withLock { $0.network = helper }
    } catch {
      state.withLock { $0.failure = error }
      kill()
    }
  }

  func networkToPoll() -> Int32? { state.withLock { $0.network?.ready } }

  /// The network is there, or its process has ended without making it.
  func networkReadable() {
    let isReady = state.withLock { state in
      guard let isReady = state.network?.takeReady() else { return true }
      if isReady { return Descriptors.sendPacket(state.control, [UInt8(ascii: "G")]) }
      state.failure = SandboxError(step: "start network", path: setting.userNetwork?.program ?? "")
      return false
    }
    if !isReady { kill() }
  }

  private func running() {
    let started = state.withLock { state in
      defer { state.started = nil }
      return state.started
    }
    if let started { return started.resume() }
    typealias Listeners = [UInt16: SandboxListener]
    let handed = state.withLock { state -> (CheckedContinuation<Listeners, any Error>, Listeners)? in
      guard case .starting(let pid) = state.phase, let launched = state.launched, let request = state.request else {
        return nil
      }
      state.phase = .running(pid)
      state.awaitsProgram = request.plan.command.isEmpty
      state.launched = nil
      if request.plan.handsOutNamespace, let namespace = state.listeners.popLast() { state.namespace = namespace }
      let pairs = zip(request.ports, state.listeners).map { asked, descriptor in
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
      case .prepared(let pid), .starting(let pid), .running(let pid):
        // Process 1 may have died alone, and plain processes have no namespace that ends them.
        group?.killMembers(except: pid)
        close(state.control)
        state.control = -1
        state.network?.end()
        // Read now, before the first of the groups is removed.
        let exit = SandboxExit(
          reason: state.reported?.reason ?? .signalled(SIGKILL), outOfMemory: group?.wasOutOfMemory ?? false,
          peakMemoryBytes: group?.peakMemoryBytes() ?? state.reported?.peakBytes)
        state.phase = .dying(pid, exit, attempts: 0)
      case .waiting, .dying, .ended: return
      }
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
      if state.network?.isReaped == true { state.network = nil }
      let isEmpty = group?.remove() ?? true
      if child == nil && isEmpty && state.network == nil { return exit }
      if attempts >= Self.maximumAttempts {
        setting.logger.warning(
          "processes of a sandbox do not end; its control group stays", metadata: ["sandbox": "\(id)"])
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
    let launching = state.withLock { $0.launched != nil || $0.started != nil }
    // Before the end of the output wakes its reader, what bubblewrap said is the reason of a failed launch.
    let said = launching ? String(decoding: output.takeAvailable().prefix(4096), as: UTF8.self) : ""
    output.finish()
    programs.finish()
    let (launched, started, failure, waiters) = state.withLock { state in
      for descriptor in state.listeners { close(descriptor) }
      state.listeners = []
      if state.namespace >= 0 { close(state.namespace) }
      state.namespace = -1
      state.phase = .ended(exit)
      defer {
        (state.launched, state.started) = (nil, nil)
        state.exitWaiters = []
      }
      return (state.launched, state.started, state.failure, state.exitWaiters)
    }
    let reason = launching ? failure ?? reasonOfFailure(exit, said: said) : nil
    if let reason {
      launched?.resume(throwing: reason)
      started?.resume(throwing: reason)
    }
    for waiter in waiters { waiter.resume(returning: exit) }
  }

  private func reasonOfFailure(_ exit: SandboxExit, said: String) -> SandboxError {
    let (isKilled, program) = state.withLock { ($0.isKilled, $0.request?.command.first ?? "") }
    let detail =
      if exit.outOfMemory {
        "the memory limit is too low to start it"
      } else if isKilled {
        Self.killedFirst
      } else {
        said.split(separator: "\n").joined(separator: "; ")
      }
    return SandboxError(step: "launch", path: program, detail: detail)
  }
}
