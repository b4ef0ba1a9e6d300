import ArgumentParser
import Base
import HTTPServer
import Logging

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Starts the server and runs it until SIGTERM or SIGINT.
struct Up: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Start the server.",
    discussion: "Point clients at it with AWS_ENDPOINT_URL=http://localhost:4566. Any access key is the root of an account: "
      + "a 12-digit key of that account, any other (such as `test`) of 000000000000. Keys that IAM issues are verified.")

  @Option(help: "The port to listen on; 0 takes a free one.")
  var port = 4566

  @Option(help: "The address to listen on. Beyond loopback a root key is required.")
  var host = "127.0.0.1"

  @Option(help: ArgumentHelp("Where the state is kept.", discussion: "Default: ~/.dewpoint", valueName: "dir"))
  var data: String?

  @Flag(help: "Keep the state in memory; it is gone when the server ends.")
  var ephemeral = false

  @Flag(help: "Take TLS on the same port, with a certificate of a local authority (see `dewpoint trust`). Beyond loopback this is the default.")
  var tls = false

  @Option(help: ArgumentHelp("Take TLS with this certificate chain (PEM).", valueName: "file"))
  var tlsCert: String?

  @Option(help: ArgumentHelp("The key of --tls-cert (PEM).", valueName: "file"))
  var tlsKey: String?

  @Flag(help: "Take plain HTTP from other hosts too. Without it they must use TLS; clients on this host may always be plain.")
  var allowPlaintext = false

  @Option(help: ArgumentHelp("The root key as ID:SECRET or ID:SECRET:ACCOUNT. Only known keys are accepted then.", valueName: "key"))
  var rootKey: String?

  @Option(help: ArgumentHelp("A further host name that clients may call this server by.", valueName: "name"))
  var allowHost: [String] = []

  @Option(help: ArgumentHelp("A browser origin that may call, or '*'.", valueName: "origin"))
  var allowOrigin: [String] = []

  @Option(help: ArgumentHelp("A Python virtual environment with awslambdaric; may be given several times.", valueName: "dir"))
  var python: [String] = []

  @Flag(help: "Run functions as plain processes, without isolation. For hosts that cannot isolate them.")
  var noIsolation = false

  @Option(help: "trace, debug, info, notice, warning or error.")
  var logLevel = "info"

  mutating func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port must be between 0 and 65535.") }
    guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("--log-level '\(logLevel)' is not known.") }
    guard !(ephemeral && data != nil) else { throw ValidationError("--ephemeral keeps no data: leave --data out.") }
    guard (tlsCert == nil) == (tlsKey == nil) else { throw ValidationError("--tls-cert and --tls-key go together.") }
    guard !(tls && tlsCert != nil) else { throw ValidationError("--tls makes a certificate: leave --tls-cert and --tls-key out, or --tls.") }
    if !Self.isLoopback(host), rootKey ?? environment("DEWPOINT_ROOT_KEY") == nil {
      throw ValidationError("To listen on \(host) configure a root key (--root-key or DEWPOINT_ROOT_KEY): every key is root without one.")
    }
  }
  static func isLoopback(_ host: String) -> Bool { ["127.0.0.1", "localhost", "::1"].contains(host) }

  mutating func run() async throws {
    signal(SIGPIPE, SIG_IGN)
    let level = Logger.Level(rawValue: logLevel) ?? .info
    LoggingSystem.bootstrap { label in
      var handler = StreamLogHandler.standardError(label: label)
      handler.logLevel = level
      return handler
    }
    let logger = Logger(label: "dewpoint")
    do {
      try await Server(settings(), logger: logger).runUntilSignalled()
    } catch HTTPServerError.cannotListen(let why) {
      logger.critical("cannot listen on \(why)")
      throw ExitCode(1)
    } catch {
      logger.critical("cannot start: \(error)")
      throw ExitCode(1)
    }
  }

  private func settings() throws -> ServerSettings {
    var settings = ServerSettings()
    settings.host = host
    settings.port = port
    settings.dataDirectory = ephemeral ? nil : data ?? Self.defaultData
    settings.tls = .init(identity: tlsIdentity, allowsPlaintext: allowPlaintext)
    settings.rootKey = try (rootKey ?? environment("DEWPOINT_ROOT_KEY")).map(RootKey.init(text:))
    settings.allowedHosts = allowHost
    settings.allowedOrigins = allowOrigin
    settings.virtualEnvironments = PythonEnvironments.candidates(given: python)
    settings.isIsolated = !noIsolation
    return settings
  }

  static var defaultData: String { "\(environment("HOME") ?? ".")/.dewpoint" }

  private var tlsIdentity: TLSSettings.Identity {
    if let tlsCert, let tlsKey { return .files(certificate: tlsCert, key: tlsKey) }
    // What keeps no data uses the authority of the default directory, so that it need not be trusted anew each time.
    guard tls || !Self.isLoopback(host) && !allowPlaintext else { return .none }
    return .local(directory: data ?? Self.defaultData)
  }
}

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

/// Where to look for virtual environments with the Lambda runtime client.
enum PythonEnvironments {
  static func candidates(given: [String]) -> [String] {
    if !given.isEmpty { return given }
    if let list = environment("DEWPOINT_PYTHON") { return list.split(separator: ":").map(String.init) }
    let home = environment("HOME") ?? ""
    var found = [environment("VIRTUAL_ENV"), ".venv"].compactMap(\.self)
    for minor in (9...15).reversed() { found.append("\(home)/.dewpoint/python3.\(minor)") }
    return found
  }
}
