import Base
import Fabric
import Sandbox

/// How the runtime process of a function is started inside its sandbox. Paths are guest paths unless they say host.
struct LaunchPlan: Sendable, Equatable {
  static let runtimeAPIPort: UInt16 = 9001
  static let endpointPort: UInt16 = 4566

  var executable: String
  var arguments: [String]
  var environment: [String: String]
  var binds: [SandboxSpec.Bind]

  /// - Parameters:
  ///   - code: the host directory with the unpacked package.
  ///   - layers: the host directory with the merged layers; nil when there are none.
  ///   - nodeClient: the host directory with the Node runtime client.
  static func make(
    for function: FunctionVersion, code: String, layers: String? = nil, runtimes: HostRuntimes, nodeClient: String,
    credentials: SessionCredentials, logStream: String
  ) throws(LaunchFailure) -> LaunchPlan {
    var plan = try interpreter(for: function, runtimes: runtimes, nodeClient: nodeClient)
    plan.binds.append(.init(host: code, guest: "/var/task"))
    if let layers {
      plan.binds.append(.init(host: layers, guest: "/opt"))
      plan.look(inLayers: layers, code: code, function)
    }
    // What the user sets wins over the unreserved defaults; the reserved names are refused when a function is made.
    plan.environment.merge(defaults(function, logStream)) { mine, _ in mine }
    plan.environment.merge(function.environment) { _, users in users }
    plan.environment.merge(reserved(function, credentials, logStream)) { _, ours in ours }
    return plan
  }

  private static func interpreter(
    for function: FunctionVersion, runtimes: HostRuntimes, nodeClient: String
  ) throws(LaunchFailure) -> LaunchPlan {
    if function.runtime.hasPrefix("python") {
      guard let python = runtimes.python(for: function.runtime) else { throw .noInterpreter(function.runtime) }
      return LaunchPlan(
        executable: python.executable, arguments: ["-S", "-c", pythonStart, function.handler],
        environment: ["PYTHONPATH": "/var/runtime"],
        binds: bindPrefix(python.prefix) + [.init(host: python.sitePackages, guest: "/var/runtime")])
    }
    if function.runtime.hasPrefix("nodejs") {
      guard let node = runtimes.node else { throw .noInterpreter(function.runtime) }
      let prefix = String(node.executable.dropLast("/bin/node".count))
      return LaunchPlan(
        executable: node.executable, arguments: ["/var/runtime/runtime.mjs"],
        environment: ["NODE_PATH": "/opt/nodejs/node_modules:/var/task/node_modules:/var/task"],
        binds: bindPrefix(prefix) + [.init(host: nodeClient, guest: "/var/runtime")])
    }
    guard function.runtime.hasPrefix("provided") else { throw .noInterpreter(function.runtime) }
    return LaunchPlan(executable: "/var/task/bootstrap", arguments: [], environment: [:], binds: [])
  }

  /// Layers bring modules and runtimes to the places where AWS's runtimes look for them.
  private mutating func look(inLayers layers: String, code: String, _ function: FunctionVersion) {
    if function.runtime.hasPrefix("python") {
      arguments = arguments.map { $0 == Self.pythonStart ? Self.pythonStartWithLayers : $0 }
    } else if function.runtime.hasPrefix("provided"), !HostRuntimes.exists("\(code)/bootstrap"),
      HostRuntimes.exists("\(layers)/bootstrap")
    {
      executable = "/opt/bootstrap"
    }
  }

  private static let pythonStartWithLayers = pythonStart.replacing(
    "from awslambdaric", with: """
      sys.path[1:1] = ["/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
      from awslambdaric
      """)

  /// Runs the runtime client as `python -m awslambdaric` would, but without `site`: that would add the packages of the host to
  /// the function's and run their .pth files, for up to half of the start. A user's PYTHONPATH must not hide the client.
  private static let pythonStart = """
    import site, sys
    site.setquit()
    site.sethelper()
    sys.path[0] = "/var/task"
    if "/var/runtime" not in sys.path: sys.path.append("/var/runtime")
    from awslambdaric.__main__ import main
    main(sys.argv)
    """

  /// An installation below /usr is in every sandbox already.
  private static func bindPrefix(_ prefix: String) -> [SandboxSpec.Bind] {
    prefix == "/usr" || prefix.hasPrefix("/usr/") ? [] : [.init(host: prefix, guest: prefix)]
  }

  private static func defaults(_ function: FunctionVersion, _ logStream: String) -> [String: String] {
    [
      "LANG": "en_US.UTF-8", "TZ": ":UTC", "HOME": "/tmp",
      "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
      "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
      "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
      // The SDKs would look for the metadata service of EC2, which is not there, when a key had expired.
      "AWS_EC2_METADATA_DISABLED": "true",
      "AWS_ENDPOINT_URL": "http://127.0.0.1:\(endpointPort)",
    ]
  }

  private static func reserved(
    _ function: FunctionVersion, _ credentials: SessionCredentials, _ logStream: String
  ) -> [String: String] {
    var values = [
      "_HANDLER": function.handler, "LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime",
      "AWS_REGION": function.id.region.text, "AWS_DEFAULT_REGION": function.id.region.text,
      "AWS_LAMBDA_FUNCTION_NAME": function.id.name, "AWS_LAMBDA_FUNCTION_VERSION": function.version,
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": String(function.memoryMegabytes),
      "AWS_LAMBDA_LOG_GROUP_NAME": function.logGroup, "AWS_LAMBDA_LOG_STREAM_NAME": logStream,
      "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:\(runtimeAPIPort)",
      "AWS_ACCESS_KEY_ID": credentials.accessKeyID, "AWS_SECRET_ACCESS_KEY": credentials.secretAccessKey,
      "AWS_SESSION_TOKEN": credentials.sessionToken,
      // Messages come framed through standard output, so that one of many lines stays one.
      "_LAMBDA_TELEMETRY_LOG_FD": "1",
    ]
    if !function.runtime.hasPrefix("provided") { values["AWS_EXECUTION_ENV"] = "AWS_Lambda_\(function.runtime)" }
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
  case sandbox(String)

  var description: String {
    switch self {
    case .noInterpreter(let runtime): "no interpreter for \(runtime) on this host"
    case .roleUnavailable(let reason): "the execution role cannot be assumed: \(reason)"
    case .packageUnavailable(let reason): "the code cannot be unpacked: \(reason)"
    case .entrypoint(let reason): reason
    case .sandbox(let reason): "the sandbox failed: \(reason)"
    }
  }
}
