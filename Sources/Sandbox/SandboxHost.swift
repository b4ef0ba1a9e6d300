// SPDX-License-Identifier: Apache-2.0
import Glibc
import Logging
import Synchronization

/// Makes sandboxes on this machine.
public struct SandboxHost: Sendable {
  /// Who a process inside sees itself as where the server is not root; as root it has its own uid of the host.
  static let guestUID: UInt32 = 993
  static let guestGID: UInt32 = 990
  /// The name that AWS gives to this user.
  static let guestUser = "sbx_user1051"

  public let mode: SandboxMode
  private let directory: String
  private let logger: Logger
  let layout: ControlGroupLayout
  private let sandboxInit: String
  /// Files that all sandboxes of this host share.
  private let own: String?
  private let bubblewrap: BubblewrapCommand?
  private let identities: IdentityRange?
  private let spares: Spares
  /// `SandboxNetwork.outbound` can be had.
  public let hasWayOut: Bool
  private static let sequence = Atomic<UInt64>(0)

  /// Looks at the host and prepares it.
  /// - Parameter directory: where temporary directories are mounted; by default `/run/dewpoint` (root), else below
  ///   `XDG_RUNTIME_DIR` or `/tmp`.
  /// - Parameter network: what sandboxes may have at most.
  /// - Parameter sandboxInit: the helper program; by default what `DEWPOINT_SANDBOX_INIT` says, or beside our executable.
  /// - Throws: `SandboxError` if this mode cannot be had here. It never falls back to less isolation by itself.
  public init(
    mode: SandboxMode = .isolated, network: SandboxNetwork = .none, directory: String? = nil, sandboxInit: String? = nil,
    logger: Logger
  ) throws(SandboxError) {
    self.mode = mode
    self.logger = logger
    self.directory = directory ?? Self.defaultDirectory
    self.sandboxInit = try Programs.sandboxInit(sandboxInit)
    try Descriptors.makeDirectories(self.directory)
    layout = ControlGroupLayout.detect()
    identities = mode == .isolated ? IdentityRange.usable() : nil
    for problem in layout.problems {
      logger.warning(
        "sandbox limits are incomplete", metadata: ["problem": "\(problem.what)", "remedy": "\(problem.remedy)"])
    }
    let (router, userNetwork) = Self.wayOut(mode == .isolated ? network : .none, sandboxInit: self.sandboxInit, logger)
    hasWayOut = router != nil || userNetwork != nil
    switch mode {
    case .isolated:
      let files = "\(self.directory)/\(Self.nextID())"
      bubblewrap = BubblewrapCommand(
        bubblewrap: try Programs.bubblewrap(), dropsToHostUID: identities != nil,
        hasRouter: router != nil,
        runtimeBinds: try HostRoot.entries(etc: files + "/etc", resolver: Self.resolver(router, userNetwork)), etc: files + "/etc")
      own = files
    case .plainProcess:
      bubblewrap = nil
      own = nil
      logger.warning(
        "FUNCTIONS ARE NOT ISOLATED: they run as plain processes with the server's own rights, files and network")
    }
    spares = Spares(
      .init(
        sandboxInit: self.sandboxInit, layout: layout, mode: mode, router: router, userNetwork: userNetwork, logger: logger),
      makeID: { Self.nextID() })
    spares.refill()
  }

  /// A server whose functions have no way out is of use all the same.
  private static func wayOut(
    _ network: SandboxNetwork, sandboxInit: String, _ logger: Logger
  ) -> (Router?, UserNetwork?) {
    guard network == .outbound else { return (nil, nil) }
    func warn(_ problem: SandboxReport.Problem) {
      logger.warning("functions have no way out", metadata: ["problem": "\(problem.what)", "remedy": "\(problem.remedy)"])
    }
    do throws(SandboxError) {
      guard geteuid() == 0 else { return (nil, try UserNetwork(sandboxInit: sandboxInit)) }
      let router = try Router()
      if let problem = router.blocker() { warn(problem) }
      return (router, nil)
    } catch {
      warn(geteuid() == 0 ? Router.problem(for: error) : UserNetwork.problem(for: error))
      return (nil, nil)
    }
  }

  private static func resolver(_ router: Router?, _ userNetwork: UserNetwork?) -> String? {
    router != nil ? Router.resolverFile : userNetwork != nil ? UserNetwork.resolverFile : nil
  }

  /// Why there cannot be a way out; nil if there can.
  static func outboundProblem(sandboxInit: String?) -> SandboxReport.Problem? {
    guard geteuid() != 0 else { return Router.probe() }
    do throws(SandboxError) {
      _ = try UserNetwork(sandboxInit: Programs.sandboxInit(sandboxInit))
      return nil
    } catch {
      return UserNetwork.problem(for: error)
    }
  }

  /// Whether directories can be mounted into a running sandbox: with user namespaces, the right to do so is not ours.
  public var canAttach: Bool { mode == .isolated && identities != nil }

  private static var defaultDirectory: String {
    if geteuid() == 0 { return "/run/dewpoint" }
    if let runtime = getenv("XDG_RUNTIME_DIR") { return String(cString: runtime) + "/dewpoint" }
    return "/tmp/dewpoint-\(geteuid())"
  }

  /// A new, empty `/tmp` for the sandboxes of one owner, who releases it.
  public func makeTemporaryDirectory(limitBytes: Int) throws(SandboxError) -> TemporaryDirectory {
    guard limitBytes >= 1 << 20 else {
      throw SandboxError(step: "make temporary directory", path: "", detail: "it needs at least 1 MiB")
    }
    let identity = try identities?.take()
    let isRoot = geteuid() == 0
    let kind: TemporaryDirectory.Kind
    switch mode {
    case .isolated: kind = isRoot && identities != nil ? .mounted : .perLaunch
    case .plainProcess: kind = isRoot ? .mounted : .plain
    }
    do throws(SandboxError) {
      return try TemporaryDirectory(
        directory: "\(directory)/\(Self.nextID())", limitBytes: limitBytes, identity: identity, kind: kind,
        onRelease: { [identities] in
          if let identity { identities?.giveBack(identity) }
        })
    } catch {
      if let identity { identities?.giveBack(identity) }
      throw error
    }
  }

  /// Starts a sandbox and returns when its program runs (its `execve` has succeeded), or when it waits for one. Cancelling kills it.
  public func launch(_ spec: SandboxSpec) async throws -> SandboxProcess {
    let cannotMount = spec.lateMountPoints.isEmpty || canAttach ? nil : "this host cannot mount into a running sandbox"
    let cannotChangeRoot = spec.root == nil || mode == .isolated ? nil : "a plain process has the files of the host: container images need isolation"
    if let problem = cannotMount ?? cannotChangeRoot ?? spec.problem() {
      throw SandboxError(step: "check", path: spec.executable, detail: problem)
    }
    let original = spec
    let spec = mode == .plainProcess ? spec.onHostPaths() : spec
    let identity = spec.temporaryDirectory.identity
    let plan = Plan(
      identity: identity, maximumOpenFiles: spec.maximumOpenFiles,
      // As a plain process it shares its uid, and so this count, with the server and everything else of the user.
      maximumProcesses: mode == .plainProcess ? 0 : spec.maximumProcesses + 1,
      anyPort: mode == .plainProcess, handsOutNamespace: !spec.lateMountPoints.isEmpty,
      awaitsNetwork: spec.network == .outbound && spares.givesUserNetwork, listeners: spec.listeners,
      workingDirectory: spec.workingDirectory,
      command: spec.executable.isEmpty ? [] : [spec.executable] + spec.arguments, environment: spec.environment)
    let request = SandboxLife.Request(
      ports: spec.listeners, command: bubblewrap?.arguments(spec) ?? [sandboxInit, "run"], plan: plan,
      memoryBytes: spec.memoryBytes, cpuShare: spec.cpuShare,
      // bubblewrap and sandbox-init are in the group too.
      maximumProcesses: spec.maximumProcesses + 2)
    let life = try spares.take()
    defer { spares.refill() }
    return SandboxProcess(
      id: life.id, life: life, listeners: try await life.run(request), plainSpec: mode == .plainProcess ? original : nil)
  }

  /// Ends the spare process and removes the host's own files. Sandboxes that run are not touched; nothing may be launched after.
  public func finish() {
    spares.endAll()
    if let own { Descriptors.removeTree(own) }
  }

  /// Kills and removes what servers left that are no longer alive: control groups, mounts, directories.
  /// Call it at start, off the cooperative pool's hot path; it may take some milliseconds for each.
  public func cleanUpLeftovers() {
    let removed = Leftovers.remove(layout: layout, directory: directory)
    if removed > 0 { logger.notice("removed what a dead server left behind", metadata: ["count": "\(removed)"]) }
  }

  private static func nextID() -> String { "\(ServerMark.own)-\(sequence.add(1, ordering: .relaxed).newValue)" }
}
