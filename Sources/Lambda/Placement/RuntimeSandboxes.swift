import HTTPServer
import Sandbox

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Starts runtime processes and opens what they talk to: alike for an environment's process and for a spare.
struct RuntimeSandboxes: Sendable {
  let host: SandboxHost
  let server: HTTPServer
  /// What functions reach as the server.
  let endpoint: any HTTPHandler

  /// - Parameter isSpare: it gets no code yet, but places where code can be mounted.
  func launch(
    _ plan: LaunchPlan, isSpare: Bool = false, memoryBytes: Int, temporary: TemporaryDirectory
  ) async throws -> SandboxProcess {
    try await host.launch(
      SandboxSpec(
        executable: plan.extensions.isEmpty ? plan.executable : "", arguments: plan.arguments, environment: plan.environment,
        workingDirectory: isSpare || !plan.extensions.isEmpty ? "/" : plan.workingDirectory, root: plan.root,
        readOnlyBinds: plan.binds + plan.functionBinds,
        lateMountPoints: isSpare ? LaunchPlan.functionMountPoints : [], temporaryDirectory: temporary,
        listeners: [LaunchPlan.runtimeAPIPort, LaunchPlan.endpointPort], network: plan.network, memoryBytes: memoryBytes,
        maximumProcesses: LaunchPlan.maximumProcesses, maximumOpenFiles: LaunchPlan.maximumOpenFiles,
        hostname: LaunchPlan.hostname))
  }

  /// Answers on the sockets that listen inside. When one cannot be had none is left open.
  /// - Parameter api: what the runtime's own socket leads to.
  func listen(_ sandbox: SandboxProcess, label: String, api: any HTTPHandler) async throws -> [HTTPListener] {
    var descriptors = sandbox.listeners.mapValues(\.descriptor)
    var listeners: [HTTPListener] = []
    do {
      for (port, listener) in sandbox.listeners {
        descriptors[port] = nil
        let handler = port == LaunchPlan.runtimeAPIPort ? api : endpoint
        listeners.append(try await server.adopt(fd: listener.descriptor, label: label, handler: handler))
      }
      return listeners
    } catch {
      for descriptor in descriptors.values { close(descriptor) }
      await shut(listeners)
      throw error
    }
  }

  /// Connections that the runtime left behind are cut.
  func shut(_ listeners: [HTTPListener]) async {
    for listener in listeners { await server.close(listener, abort: true) }
  }
}
