import Base
import Fabric
import HTTPServer
import Logging
import Sandbox
import Synchronization

/// Makes the runtime process of an environment: keys of the role, unpacked code, sandbox, sockets.
final class Launcher: Sendable {
  /// The longest a role session of a service may be; environments are replaced well before.
  private static let sessionLength = Duration.hours(12)
  /// AWS: "At 1,769 MB, a function has the equivalent of one vCPU."
  private static let megabytesPerCPU = 1769.0

  private let sandboxes: SandboxHost
  private let server: HTTPServer
  private let endpoint: any HTTPHandler
  private let packages: PackageStore
  private let roles: any RolePort
  private let runtimes: HostRuntimes
  private let nodeClient: String
  private let temporary = Mutex<[EnvironmentID: TemporaryDirectory]>([:])

  init(
    sandboxes: SandboxHost, server: HTTPServer, endpoint: any HTTPHandler, packages: PackageStore, roles: any RolePort,
    runtimes: HostRuntimes, nodeClient: String
  ) {
    (self.sandboxes, self.server, self.endpoint, self.packages, self.roles) = (sandboxes, server, endpoint, packages, roles)
    (self.runtimes, self.nodeClient) = (runtimes, nodeClient)
  }

  func launch(_ environment: Environment) async throws -> RunningProcess {
    let function = environment.function
    let credentials = try await credentials(for: function)
    let code: String, layers: String?
    do {
      code = try await packages.directory(for: function.codeHash)
      layers = function.layers.isEmpty ? nil : try await packages.directory(merging: function.layers.map(\.codeHash))
    } catch { throw LaunchFailure.packageUnavailable("\(error)") }
    let plan = try LaunchPlan.make(
      for: function, code: code, layers: layers, runtimes: runtimes, nodeClient: nodeClient, credentials: credentials,
      logStream: environment.logStream)
    let sandbox: SandboxProcess
    do {
      sandbox = try await sandboxes.launch(spec(plan, function, try temporaryDirectory(of: environment)))
    } catch let error as SandboxError where error.step == "execve" {
      throw LaunchFailure.entrypoint(Self.words(for: error, places: [code] + (layers.map { [$0] } ?? [])))
    } catch { throw LaunchFailure.sandbox("\(error)") }
    let process = RunningProcess(
      sandbox: sandbox, server: server, cpuShare: Double(function.memoryMegabytes) / Self.megabytesPerCPU,
      credentialsExpireAt: credentials.expiration)
    // Before it can be heard: a quick runtime asks and answers within the time that the last socket takes to open.
    environment.adopt(process)
    do {
      try await listen(sandbox, process, environment)
    } catch {
      sandbox.kill()
      await process.release()
      throw LaunchFailure.sandbox("\(error)")
    }
    return process
  }

  private static func words(for error: SandboxError, places: [String]) -> String {
    guard places.contains(where: { HostRuntimes.exists("\($0)/bootstrap") }) else {
      return "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    }
    return "fork/exec \(error.path): \(error.reason.lowercased())"
  }

  private func credentials(for function: FunctionVersion) async throws -> SessionCredentials {
    do {
      return try await roles.assume(
        role: function.role, sessionName: function.id.name,
        by: ServicePrincipal("lambda.amazonaws.com", sourceARN: function.id.arn.text, sourceAccount: function.id.account),
        duration: Self.sessionLength)
    } catch let error as AWSError {
      throw LaunchFailure.roleUnavailable(error.message)
    }
  }

  private func spec(_ plan: LaunchPlan, _ function: FunctionVersion, _ temporary: TemporaryDirectory) -> SandboxSpec {
    SandboxSpec(
      executable: plan.executable, arguments: plan.arguments, environment: plan.environment, workingDirectory: "/var/task",
      readOnlyBinds: plan.binds, temporaryDirectory: temporary,
      listeners: [LaunchPlan.runtimeAPIPort, LaunchPlan.endpointPort], memoryBytes: function.memoryMegabytes << 20,
      maximumProcesses: 1024, maximumOpenFiles: 1024,
      hostname: "169.254.100.1")
  }

  private func listen(_ sandbox: SandboxProcess, _ process: RunningProcess, _ environment: Environment) async throws {
    for (port, listener) in sandbox.listeners {
      let handler: any HTTPHandler = port == LaunchPlan.runtimeAPIPort ? RuntimeAPIHandler(environment: environment) : endpoint
      process.opened(try await server.adopt(fd: listener.descriptor, label: "\(environment.id)", handler: handler))
    }
  }

  /// /tmp outlives the process: it is kept while the environment is.
  private func temporaryDirectory(of environment: Environment) throws -> TemporaryDirectory {
    if let kept = temporary.withLock({ $0[environment.id] }) { return kept }
    let made = try sandboxes.makeTemporaryDirectory(limitBytes: environment.function.ephemeralStorageMegabytes << 20)
    temporary.withLock { $0[environment.id] = made }
    return made
  }

  /// The environment is no more.
  func release(_ id: EnvironmentID) {
    temporary.withLock { $0.removeValue(forKey: id) }?.release()
  }
}
