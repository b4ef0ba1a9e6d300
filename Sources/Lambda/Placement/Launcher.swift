import Base
import Fabric
import Logging
import Sandbox
import Synchronization

/// Makes the runtime process of an environment: keys of the role, unpacked code, sandbox, sockets.
final class Launcher: Sendable {
  /// The longest a role session of a service may be; environments are replaced well before.
  private static let sessionLength = Duration.hours(12)
  /// AWS: "At 1,769 MB, a function has the equivalent of one vCPU."
  private static let megabytesPerCPU = 1769.0

  private let sandboxes: RuntimeSandboxes
  private let packages: PackageStore
  private let roles: any RolePort
  private let runtimes: HostRuntimes
  private let clients: RuntimeClients
  private let logger: Logger
  private let spares: SpareRuntimes
  private let temporary = Mutex<[EnvironmentID: TemporaryDirectory]>([:])
  private let layerTrees = Mutex<[EnvironmentID: String]>([:])

  init(
    sandboxes: RuntimeSandboxes, packages: PackageStore, roles: any RolePort, runtimes: HostRuntimes, clients: RuntimeClients,
    spares: SpareRuntimes, logger: Logger
  ) {
    (self.sandboxes, self.packages, self.roles) = (sandboxes, packages, roles)
    (self.runtimes, self.clients, self.spares, self.logger) = (runtimes, clients, spares, logger)
  }

  /// What a process begins with. It can be had before there is room to boot.
  struct Prepared: Sendable {
    var plan: LaunchPlan
    var keys: RunningProcess.Keys
    /// A booted runtime that can become the process.
    var spare: SpareRuntimes.Spare?
  }

  func prepare(_ environment: Environment) async throws -> Prepared {
    let function = environment.function
    let credentials = try await Self.credentials(for: function, from: roles)
    let keys = RunningProcess.Keys(token: environment.ambient.uuid(), credentials: credentials)
    var plan = try await plan(for: environment, keys)
    // Where nobody has a way out all are alike, and a spare will do for each.
    if !sandboxes.host.hasWayOut { plan.network = .outbound }
    // A reset environment keeps its /tmp. Extensions are started before the runtime.
    let takesSpare = plan.extensions.isEmpty && temporary.withLock { $0[environment.id] == nil }
    return Prepared(plan: plan, keys: keys, spare: takesSpare ? spares.take(for: plan) : nil)
  }

  private func plan(for environment: Environment, _ keys: RunningProcess.Keys) async throws -> LaunchPlan {
    let function = environment.function
    if let image = function.image {
      let root: String
      do { root = try await packages.directory(for: image, digest: function.codeHash) } catch {
        throw LaunchFailure.packageUnavailable("\(error)")
      }
      return try LaunchPlan.make(
        for: function, image: image, root: root, credentials: keys.credentials, logStream: environment.logStream,
        initialization: environment.initialization)
    }
    let code: String, layers: String?
    do {
      code = if let directory = function.hotReloadDirectory { try HotReloadCode.place(of: directory) } else {
        try await packages.directory(for: function.codeHash)
      }
      layers = try await layerTree(of: environment)
    } catch { throw LaunchFailure.packageUnavailable("\(error)") }
    return try LaunchPlan.make(
      for: function, code: code, layers: layers, runtimes: runtimes, clients: clients, credentials: keys.credentials,
      logStream: environment.logStream, initialization: environment.initialization, keysToken: keys.token)
  }

  /// It is not launched after all.
  func discard(_ prepared: Prepared?) async { await prepared?.spare?.end(sandboxes) }

  func launch(_ environment: Environment, _ first: Prepared?) async throws -> RunningProcess {
    let function = environment.function
    let prepared: Prepared
    if let first { prepared = first } else { prepared = try await prepare(environment) }
    let (plan, keys) = (prepared.plan, prepared.keys)
    let sandbox: SandboxProcess
    do {
      if let spare = prepared.spare, let process = try await bind(spare, to: environment, plan, keys) { return process }
      sandbox = try await sandboxes.launch(
        plan, memoryBytes: function.memoryMegabytes << 20, temporary: try temporaryDirectory(of: environment))
    } catch let error as SandboxError where error.step == "execve" {
      throw LaunchFailure.entrypoint(Self.words(for: error, plan))
    } catch let error as SandboxError where error.step == "chdir" {
      throw LaunchFailure.workingDirectory("chdir \(error.path): \(error.reason.lowercased())")
    } catch { throw LaunchFailure.sandbox("\(error)") }
    let process = process(sandbox, function, keys, plan.programs)
    // Before it can be heard: a quick runtime asks and answers within the time that the last socket takes to open.
    environment.adopt(process)
    do {
      let api = RuntimeAPIHandler(environment: environment)
      process.opened(try await sandboxes.listen(sandbox, label: "\(environment.id)", api: api))
    } catch {
      sandbox.kill()
      throw LaunchFailure.sandbox("\(error)")
    }
    return process
  }

  /// Lets a booted runtime become the environment's first process. Nil when it cannot; then one is started.
  /// - Throws: when it is the function's program that cannot be run.
  private func bind(
    _ spare: SpareRuntimes.Spare, to environment: Environment, _ plan: LaunchPlan, _ keys: RunningProcess.Keys
  ) async throws -> RunningProcess? {
    let function = environment.function
    do {
      try spare.temporary.resize(limitBytes: function.ephemeralStorageMegabytes << 20)
      try spare.sandbox.setMemoryLimit(bytes: function.memoryMegabytes << 20)
      try await spare.sandbox.attach(plan.functionBinds)
    } catch {
      logger.warning("a spare runtime could not be used", metadata: ["function": "\(function.id.arn)", "error": "\(error)"])
      await spare.end(sandboxes)
      return nil
    }
    temporary.withLock { $0[environment.id] = spare.temporary }
    let process = process(spare.sandbox, function, keys, nil)
    process.opened(spare.listeners)
    environment.adopt(process)
    do { try await spare.become(environment, plan) } catch {
      await process.release()
      throw error
    }
    return process
  }

  /// Boots what has been taken, and a spare of a runtime that functions use now.
  func refill() { spares.refill() }
  func wantSpares(of runtime: String) {
    spares.want(LaunchPlan.spare(for: runtime, runtimes: runtimes, clients: clients))
  }

  private func process(
    _ sandbox: SandboxProcess, _ function: FunctionVersion, _ keys: RunningProcess.Keys, _ programs: RunningProcess.Programs?
  ) -> RunningProcess {
    RunningProcess(
      sandbox: sandbox, sockets: sandboxes, cpuShare: Double(function.memoryMegabytes) / Self.megabytesPerCPU, keys: keys,
      programs: programs)
  }

  private static func words(for error: SandboxError, _ plan: LaunchPlan) -> String {
    guard plan.root != nil || plan.functionBinds.contains(where: { HostRuntimes.exists("\($0.host)/bootstrap") }) else {
      return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    }
    return "fork/exec \(error.path): \(error.reason.lowercased())"
  }

  /// Keys of the function's role.
  /// - Throws: `LaunchFailure.roleUnavailable`.
  static func credentials(for function: FunctionVersion, from roles: any RolePort) async throws -> SessionCredentials {
    do {
      return try await roles.assume(
        role: function.role, sessionName: function.id.name,
        by: ServicePrincipal("lambda.amazonaws.com", sourceARN: function.id.arn.text, sourceAccount: function.id.account),
        duration: sessionLength)
    } catch let error as AWSError {
      throw LaunchFailure.roleUnavailable(error.message)
    }
  }

  /// /tmp outlives the process: it is kept while the environment is.
  private func temporaryDirectory(of environment: Environment) throws -> TemporaryDirectory {
    if let kept = temporary.withLock({ $0[environment.id] }) { return kept }
    let made = try sandboxes.host.makeTemporaryDirectory(limitBytes: environment.function.ephemeralStorageMegabytes << 20)
    temporary.withLock { $0[environment.id] = made }
    return made
  }

  /// They are in use while the environment is, through all its processes.
  private func layerTree(of environment: Environment) async throws -> String? {
    let hashes = environment.function.layers.map(\.codeHash)
    guard !hashes.isEmpty else { return nil }
    let path = try await packages.directory(merging: hashes)
    if let held = layerTrees.withLock({ $0.updateValue(path, forKey: environment.id) }) { packages.release(directory: held) }
    return path
  }

  /// The environment is no more.
  func release(_ id: EnvironmentID) {
    temporary.withLock { $0.removeValue(forKey: id) }?.release()
    if let path = layerTrees.withLock({ $0.removeValue(forKey: id) }) { packages.release(directory: path) }
  }
}
