import Base
import Fabric
import Sandbox

/// How the runtime process of a function is started inside its sandbox. Paths are guest paths unless they say host.
struct LaunchPlan: Sendable, Equatable {
  static let runtimeAPIPort: UInt16 = 9001
  static let endpointPort: UInt16 = 4566
  /// Of every environment.
  static let maximumProcesses = 1024
  static let maximumOpenFiles = 1024
  static let hostname = "169.254.100.1"
  /// Every file in it is a program that is started before the runtime (AWS: "Lambda extensions").
  static let extensionDirectory = "/opt/extensions"
  /// What is the runtime's own business (AWS: "Extensions API", environment variables).
  private static let runtimeVariables: Set<String> = [
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT",
    "_HANDLER", "_LAMBDA_TELEMETRY_LOG_FD", "PWD", "SHLVL",
  ]
  /// Where a function's own directories appear.
  static let functionMountPoints = ["/var/task", "/opt"]
  static let runtimeAPI = "127.0.0.1:\(runtimeAPIPort)"

  var executable: String
  var arguments: [String]
  var environment: [String: String]
  /// Of the runtime.
  var binds: [SandboxSpec.Bind]
  /// Of the function: its code.
  var functionBinds: [SandboxSpec.Bind] = []
  /// A host directory that is the whole file tree; nil where the host's own programs and libraries are.
  var root: String?
  var workingDirectory = "/var/task"
  /// The file names of external extensions.
  var extensions: [String] = []
  /// As on AWS, a function in a VPC reaches only what is there: nothing, here.
  var network = SandboxNetwork.outbound
  /// The function brings the program. A spare for it has none and waits to be told.
  var runsOwnProgram = false

  /// - Parameters:
  ///   - code: the host directory with the unpacked package.
  ///   - layers: the host directory with the merged layers; nil when there are none.
  ///   - clients: the runtime clients that are ours.
  ///   - keysToken: opens the Runtime API's own source of keys, for environments whose variables must not hold them (SnapStart).
  static func make(
    for function: FunctionVersion, code: String, layers: String? = nil, runtimes: HostRuntimes, clients: RuntimeClients,
    credentials: SessionCredentials, logStream: String, initialization: Initialization = .onDemand, keysToken: String = ""
  ) throws(LaunchFailure) -> LaunchPlan {
    var plan = try interpreter(for: function.runtime, runtimes: runtimes, clients: clients)
    if function.vpc?.isAttached == true { plan.network = .none }
    plan.functionBinds = [.init(host: code, guest: "/var/task")]
    if function.runtime.hasPrefix("java") { plan.arguments.insert(heap(memoryMegabytes: function.memoryMegabytes), at: 0) }
    if function.runtime.hasPrefix("ruby"), let ruby = runtimes.ruby {
      plan.environment["GEM_PATH"] = gemPath(for: function.runtime, on: ruby)
    }
    if let layers {
      plan.functionBinds.append(.init(host: layers, guest: "/opt"))
      plan.look(inLayers: layers, code: code, function)
      plan.extensions = ExtensionFiles.names(inLayers: layers)
    }
    // What the user sets wins over the unreserved defaults; the reserved names are refused when a function is made.
    plan.environment.merge(defaults) { mine, _ in mine }
    plan.environment.merge(function.environment) { _, users in users }
    plan.environment.merge(reserved(function, credentials, logStream, initialization)) { _, ours in ours }
    if initialization == .snapStart { plan.hideFromSnapshot(keysToken) }
    return plan
  }

  /// AWS: "SnapStart functions" read their keys when they need them, and their log has no name yet when they are initialised.
  private mutating func hideFromSnapshot(_ token: String) {
    for name in [
      "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    ] { environment[name] = nil }
    environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://localhost:\(Self.runtimeAPIPort)\(RuntimeAPIHandler.credentials)"
    environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = token
  }

  /// How the programs of a sandbox with extensions are started; nil without any.
  var programs: RunningProcess.Programs? {
    guard !extensions.isEmpty else { return nil }
    return RunningProcess.Programs(
      extensions: extensions,
      extensionProgram: ProgramSpec(
        executable: "", environment: environment.filter { !Self.runtimeVariables.contains($0.key) }, workingDirectory: "/"),
      runtime: ProgramSpec(
        executable: executable, arguments: arguments, environment: environment, workingDirectory: workingDirectory))
  }

  /// How a runtime is booted before it is known for which function; nil when this host does not have it, and for Java, whose heap is
  /// of one size from the start.
  static func spare(for runtime: String, runtimes: HostRuntimes, clients: RuntimeClients) -> LaunchPlan? {
    guard !runtime.hasPrefix("java"), var plan = try? interpreter(for: runtime, runtimes: runtimes, clients: clients) else { return nil }
    if plan.runsOwnProgram {
      plan.executable = ""
      return plan
    }
    plan.environment.merge(defaults) { mine, _ in mine }
    plan.environment["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI
    return plan
  }

  /// What a process reads when it starts, and never again.
  private static let startVariables = [
    "LD_", "PYTHON", "NODE_", "RUBY", "MALLOC_", "GLIBC_", "UV_", "OPENSSL_", "SSL_", "LC_", "LANG", "TZ",
  ]

  /// Plans of one shelf share their spares: identifiers that one interpreter serves, and functions with programs of their own.
  var shelf: String { runsOwnProgram ? "" : executable }

  /// Whether a runtime that was booted with the other plan can become what this one asks for.
  func fits(_ spare: LaunchPlan) -> Bool {
    guard root == nil, shelf == spare.shelf, binds == spare.binds, network == spare.network else { return false }
    if runsOwnProgram { return true }
    guard arguments == spare.arguments else { return false }
    return Set(environment.keys).union(spare.environment.keys).allSatisfy { name in
      !Self.startVariables.contains { name.hasPrefix($0) } || environment[name] == spare.environment[name]
    }
  }

  private static func interpreter(
    for runtime: String, runtimes: HostRuntimes, clients: RuntimeClients
  ) throws(LaunchFailure) -> LaunchPlan {
    if runtime.hasPrefix("python") {
      guard let python = runtimes.python(for: runtime) else { throw .noInterpreter(runtime) }
      return LaunchPlan(
        executable: python.executable, arguments: ["-S", "-c", pythonStart],
        environment: ["PYTHONPATH": "/var/runtime"],
        binds: bindPrefix(python.prefix) + [.init(host: python.sitePackages, guest: "/var/runtime")])
    }
    if runtime.hasPrefix("nodejs") {
      guard let node = runtimes.node else { throw .noInterpreter(runtime) }
      let prefix = String(node.executable.dropLast("/bin/node".count))
      return LaunchPlan(
        executable: node.executable, arguments: ["/var/runtime/runtime.mjs"],
        environment: ["NODE_PATH": "/opt/nodejs/node_modules:/var/task/node_modules:/var/task"],
        binds: bindPrefix(prefix) + [.init(host: clients.directory(of: .nodejs), guest: "/var/runtime")])
    }
    if runtime.hasPrefix("ruby") {
      guard let ruby = runtimes.ruby else { throw .noInterpreter(runtime) }
      return .ruby(ruby, client: clients.directory(of: .ruby))
    }
    if runtime.hasPrefix("java") {
      guard let java = runtimes.java(for: runtime) else { throw .noInterpreter(runtime) }
      return .java(java, client: clients.directory(of: .java))
    }
    guard runtime.hasPrefix("provided") else { throw .noInterpreter(runtime) }
    return LaunchPlan(executable: "/var/task/bootstrap", arguments: [], environment: [:], binds: [], runsOwnProgram: true)
  }

  /// A layer may bring the runtime, too.
  private mutating func look(inLayers layers: String, code: String, _ function: FunctionVersion) {
    if function.runtime.hasPrefix("provided"), !HostRuntimes.exists("\(code)/bootstrap"),
      HostRuntimes.exists("\(layers)/bootstrap")
    {
      executable = "/opt/bootstrap"
    }
  }

  /// Runs the runtime client as `python -m awslambdaric` would, but without `site`: that would add the packages of the host to
  /// the function's and run their .pth files, for up to half of the start. A user's PYTHONPATH must not hide the client.
  ///
  /// Without a handler it is a spare: it imports what the client needs (but not its `bootstrap`, which reads the environment when
  /// it is imported), then waits to be told which function it is.
  private static let pythonStart = """
    import site, sys
    site.setquit()
    site.sethelper()
    if "/var/runtime" not in sys.path: sys.path.append("/var/runtime")
    def become_function():
        import http.client, importlib, json, time, traceback
        from awslambdaric import lambda_config, lambda_context, lambda_runtime_client, lambda_runtime_log_utils
        api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        api.request("GET", "/spare/function")
        environment = json.loads(api.getresponse().read())
        api.close()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir("/var/task")
        importlib.invalidate_caches()
    import os
    if "_HANDLER" not in os.environ: become_function()
    sys.path[:1] = ["/var/task", "/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
    sys.argv[1:] = [os.environ["_HANDLER"]]
    del become_function, os
    from awslambdaric.__main__ import main
    main(sys.argv)
    """

  /// An installation below /usr is in every sandbox already.
  static func bindPrefix(_ prefix: String) -> [SandboxSpec.Bind] {
    prefix == "/usr" || prefix.hasPrefix("/usr/") ? [] : [.init(host: prefix, guest: prefix)]
  }

  private static var defaults: [String: String] {
    [
      "LANG": "en_US.UTF-8", "HOME": "/tmp", "PWD": "/var/task", "SHLVL": "0",
      "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    ].merging(commonDefaults) { mine, _ in mine }
  }

  /// Of images, too, which bring the rest.
  static var commonDefaults: [String: String] {
    [
      "TZ": ":UTC", "PATH": searchPath,
      "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
      // The SDKs would look for the metadata service of EC2, which is not there, when a key had expired.
      "AWS_EC2_METADATA_DISABLED": "true",
      "AWS_ENDPOINT_URL": "http://127.0.0.1:\(endpointPort)",
    ]
  }

  static let searchPath = "/usr/local/bin:/usr/bin/:/bin:/opt/bin"

  /// What a process that a developer attached is told: nothing of the file tree that it does not have.
  static func attached(
    to function: FunctionVersion, _ credentials: SessionCredentials, logStream: String, runtimeAPI: String, endpoint: String
  ) -> [String: String] {
    var values = defaults.filter { $0.key.hasPrefix("AWS_") }
    values["AWS_ENDPOINT_URL"] = endpoint
    values.merge(function.environment) { _, users in users }
    values.merge(reserved(function, credentials, logStream, .onDemand)) { _, ours in ours }
    values["AWS_LAMBDA_RUNTIME_API"] = runtimeAPI
    for name in ["_LAMBDA_TELEMETRY_LOG_FD", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR"] { values[name] = nil }
    return values
  }

  static func reserved(
    _ function: FunctionVersion, _ credentials: SessionCredentials, _ logStream: String, _ initialization: Initialization
  ) -> [String: String] {
    var values = [
      "_HANDLER": function.handler, "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
      "AWS_REGION": function.id.region.text, "AWS_DEFAULT_REGION": function.id.region.text,
      "AWS_LAMBDA_FUNCTION_NAME": function.id.name, "AWS_LAMBDA_FUNCTION_VERSION": function.version,
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(function.memoryMegabytes),
      "AWS_LAMBDA_LOG_GROUP_NAME": function.logGroup, "AWS_LAMBDA_LOG_STREAM_NAME": logStream,
      "AWS_LAMBDA_INITIALIZATION_TYPE": initialization.rawValue, "AWS_LAMBDA_RUNTIME_API": runtimeAPI,
      "AWS_ACCESS_KEY_ID": credentials.accessKeyID, "AWS_SECRET_ACCESS_KEY": credentials.secretAccessKey,
      "AWS_SESSION_TOKEN": credentials.sessionToken,
      // Messages come framed through standard output, so that one of many lines stays one.
      "_LAMBDA_TELEMETRY_LOG_FD": "1",
    ]
    if function.image != nil {
      // What is to be called is a matter of the image and its command.
      values["_HANDLER"] = nil
    } else if !function.runtime.hasPrefix("provided") {
      values["AWS_EXECUTION_ENV"] = "AWS_Lambda_\(function.runtime)"
    }
    if function.logFormat == .json { values["AWS_LAMBDA_LOG_FORMAT"] = "JSON" }
    if let level = function.applicationLogLevel { values["AWS_LAMBDA_LOG_LEVEL"] = level }
    return values
  }
}

/// Why an environment could not be made ready.
enum LaunchFailure: Error, Sendable, Equatable, CustomStringConvertible {
  case noInterpreter(String)
  case roleUnavailable(String)
  case packageUnavailable(String)
  /// The function's own program cannot be run: a failure of the function, not of ours. In AWS's words.
  case entrypoint(String)
  /// There is no such working directory in its image, or it may not be entered.
  case workingDirectory(String)
  case sandbox(String)

  var description: String {
    switch self {
    case .noInterpreter(let runtime): "no interpreter for \(runtime) on this host"
    case .roleUnavailable(let reason): "the execution role cannot be assumed: \(reason)"
    case .packageUnavailable(let reason): "the code cannot be unpacked: \(reason)"
    case .entrypoint(let reason), .workingDirectory(let reason): reason
    case .sandbox(let reason): "the sandbox failed: \(reason)"
    }
  }
}
