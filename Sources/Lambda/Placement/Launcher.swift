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
  private let nodeClient: String
  private let logger: Logger
  private let spares: SpareRuntimes
  private let temporary = Mutex<[EnvironmentID: TemporaryDirectory]>([:])
  private let layerTrees = Mutex<[EnvironmentID: String]>([:])

  init(
    sandboxes: RuntimeSandboxes, packages: PackageStore, roles: any RolePort, runtimes: HostRuntimes, nodeClient: String,
    spares: SpareRuntimes, logger: Logger
  ) {
    (self.sandboxes, self.packages, self.roles) = (sandboxes, packages, roles)
    (self.runtimes, self.nodeClient, self.spares, self.logger) = (runtimes, nodeClient, spares, logger)
  }

  func launch(_ environment: Environment) async throws -> RunningProcess {
    let function = environment.function
    let credentials = try await Self.credentials(for: function, from: roles)
    let code: String, layers: String?
    do {
      code = if let directory = function.hotReloadDirectory { try HotReloadCode.place(of: directory) } else {
        try await packages.directory(for: function.codeHash)
      }
      layers = try await layerTree(of: environment)
    } catch { throw LaunchFailure.packageUnavailable("\(error)") }
    var plan = try LaunchPlan.make(
      for: function, code: code, layers: layers, runtimes: runtimes, nodeClient: nodeClient, credentials: credentials,
      logStream: environment.logStream, initialization: environment.initialization)
    // Where nobody has a way out all are alike, and a spare will do for each.
    if !sandboxes.host.hasWayOut { plan.network = .outbound }
    let sandbox: SandboxProcess
    do {
      if let process = try await bindSpare(to: environment, plan, credentials) { return process }
      sandbox = try await sandboxes.launch(
        plan, memoryBytes: function.memoryMegabytes << 20, temporary: try temporaryDirectory(of: environment))
    } catch let error as SandboxError where error.step == "execve" {
      throw LaunchFailure.entrypoint(Self.words(for: error, places: [code] + (layers.map { [$0] } ?? [])))
    } catch { throw LaunchFailure.sandbox("\(error)") }
    let process = process(sandbox, function, credentials)
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

  /// Lets a booted runtime become the environment's first process. Nil when there is none that can; then one is started.
  /// - Throws: when it is the function's program that cannot be run.
  private func bindSpare(
    to environment: Environment, _ plan: LaunchPlan, _ credentials: SessionCredentials
  ) async throws -> RunningProcess? {
    // A reset environment keeps its /tmp.
    guard temporary.withLock({ $0[environment.id] == nil }), let spare = spares.take(for: plan) else { return nil }
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
    let process = process(spare.sandbox, function, credentials)
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
    spares.want(LaunchPlan.spare(for: runtime, runtimes: runtimes, nodeClient: nodeClient))
  }

  private func process(_ sandbox: SandboxProcess, _ function: FunctionVersion, _ credentials: SessionCredentials) -> RunningProcess {
    RunningProcess(
      sandbox: sandbox, sockets: sandboxes, cpuShare: Double(function.memoryMegabytes) / Self.megabytesPerCPU,
      credentialsExpireAt: credentials.expiration)
  }

  private static func words(for error: SandboxError, places: [String]) -> String {
    guard places.contains(where: { HostRuntimes.exists("\($0)/bootstrap") }) else {
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
