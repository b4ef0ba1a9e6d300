// SPDX-License-Identifier: Apache-2.0

/// Everything that decides what one sandbox is and runs. Paths are guest paths unless the name says host.
public struct SandboxSpec: Sendable {
  /// A host file or directory that appears read-only inside.
  public struct Bind: Sendable, Equatable {
    public var host: String
    public var guest: String
    public init(host: String, guest: String) {
      self.host = host
      self.guest = guest
    }
  }

  /// An absolute path; it is not looked up in `PATH`. Empty for a sandbox that waits until `SandboxProcess.start` names its program,
  /// or that holds several: then it lives until it is killed.
  public var executable: String
  /// What follows the program's own name.
  public var arguments: [String]
  /// The whole environment of the program: nothing is inherited. It never reaches a command line or the helper programs.
  public var environment: [String: String]
  public var workingDirectory: String
  /// A host directory that is the whole file tree, read-only, instead of the host's own programs and libraries. It has directories
  /// for `/proc`, `/dev` and `/tmp`, and the files `passwd`, `group`, `hosts` and `resolv.conf` in `/etc` unless that is a link.
  public var root: String?
  /// Beside `SandboxHost.runtimeBinds()`, which every sandbox gets.
  public var readOnlyBinds: [Bind]
  /// Empty directories where `SandboxProcess.attach` may mount something later. Only where `SandboxHost.canAttach`.
  public var lateMountPoints: [String]
  /// What the sandbox sees as `/tmp`.
  public var temporaryDirectory: TemporaryDirectory
  /// TCP ports on the sandbox's own 127.0.0.1, at most 8, from 1024 up. They listen before the program starts.
  public var listeners: [UInt16]
  public var network: SandboxNetwork
  public var memoryBytes: Int
  /// In processors, may be more than 1. `nil` is no limit. It can be changed while the sandbox runs.
  public var cpuShare: Double?
  /// Processes and threads together.
  public var maximumProcesses: Int
  public var maximumOpenFiles: Int
  public var hostname: String

  public init(
    executable: String, arguments: [String] = [], environment: [String: String] = [:], workingDirectory: String = "/",
    root: String? = nil, readOnlyBinds: [Bind] = [], lateMountPoints: [String] = [], temporaryDirectory: TemporaryDirectory,
    listeners: [UInt16] = [], network: SandboxNetwork = .none,
    memoryBytes: Int = 128 << 20, cpuShare: Double? = nil, maximumProcesses: Int = 1024, maximumOpenFiles: Int = 1024,
    hostname: String = "sandbox"
  ) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.root = root
    self.readOnlyBinds = readOnlyBinds
    self.lateMountPoints = lateMountPoints
    self.temporaryDirectory = temporaryDirectory
    self.listeners = listeners
    self.network = network
    self.memoryBytes = memoryBytes
    self.cpuShare = cpuShare
    self.maximumProcesses = maximumProcesses
    self.maximumOpenFiles = maximumOpenFiles
    self.hostname = hostname
  }

  /// The first rule that the values break, as the sentence for the error.
  func problem() -> String? {
    if !executable.isEmpty, !executable.hasPrefix("/") { return "the executable must be an absolute path" }
    if !workingDirectory.hasPrefix("/") { return "the working directory must be an absolute path" }
    if let root {
      if !root.hasPrefix("/") || root == "/" { return "the root must be a directory of its own" }
      // Nothing can be made in a tree that is read-only.
      if !lateMountPoints.isEmpty { return "nothing can be mounted later into a root of its own" }
    }
    if listeners.count > 8 || Set(listeners).count != listeners.count { return "at most 8 different ports may be listened on" }
    if listeners.contains(where: { $0 < 1024 }) { return "ports below 1024 need privileges that a sandbox does not have" }
    if readOnlyBinds.count > 64 { return "at most 64 binds" }
    if readOnlyBinds.contains(where: { !$0.host.hasPrefix("/") || !$0.guest.hasPrefix("/") || $0.guest == "/" }) {
      return "binds need absolute paths below the root"
    }
    if lateMountPoints.count > 8 || lateMountPoints.contains(where: { !$0.hasPrefix("/") || $0 == "/" }) {
      return "at most 8 mount points, and absolute paths below the root"
    }
    if memoryBytes < 4 << 20 { return "a sandbox needs at least 4 MiB of memory" }
    if let cpuShare, !(cpuShare >= 0.01 && cpuShare <= 1024) { return "the cpu share must be between 0.01 and 1024" }
    if maximumProcesses < 1 || maximumOpenFiles < 8 { return "the limits of processes and open files are too low" }
    if hostname.isEmpty || hostname.utf8.count > 63 { return "the host name must have 1 to 63 bytes" }
    let texts = [executable, workingDirectory, hostname] + arguments + environment.flatMap { [$0.key, $0.value] }
    if texts.contains(where: { $0.utf8.contains(0) }) { return "no value may contain a NUL" }
    if environment.keys.contains(where: { $0.isEmpty || $0.contains("=") }) { return "a name in the environment is not valid" }
    return nil
  }
}

/// How functions are kept apart.
public enum SandboxMode: String, Sendable {
  /// Own namespaces, file tree, uid, network and limits, by bubblewrap.
  case isolated
  /// A plain child process of the server: no own file tree, network or uid. Only because the operator asked for it.
  case plainProcess
}

/// How a sandbox came to its end.
public struct SandboxExit: Sendable, Equatable {
  public enum Reason: Sendable, Equatable {
    case exited(Int32)
    case signalled(Int32)
  }
  public let reason: Reason
  /// The kernel killed a process in it because the memory limit was reached.
  public let outOfMemory: Bool
  /// `nil` where the host cannot tell.
  public let peakMemoryBytes: Int?
}

/// A socket that listens inside a sandbox. The descriptor is non-blocking and close-on-exec; who receives it closes it.
public struct SandboxListener: Sendable, Equatable {
  public let descriptor: Int32
  /// The port on 127.0.0.1 that the program must use: the one asked for, but any free one in plain mode.
  public let port: UInt16
}
