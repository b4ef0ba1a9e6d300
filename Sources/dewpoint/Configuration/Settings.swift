import Base
import Gateway
import HTTPServer
import Logging
import Sandbox

/// All settings, in the order in which they are shown.
enum Settings {
  static let all: [Setting] = listening + security + storage + tracing + access + functions + process + limits

  private static let listening = [
    Setting("port", .integer(0...65_535), "4566", help: "The port to listen on; 0 takes a free one.") { $1.port = $0.number },
    Setting("host", .text, "127.0.0.1", help: "The address to listen on. Beyond loopback a root key is required.") {
      $1.host = $0.text
    },
  ]

  private static let security = [
    Setting(
      "tls", .toggle, "false",
      help: "Take TLS on the same port, with a certificate of a local authority (see `dewpoint trust`). Beyond loopback this is so anyway."
    ) { $1.tls.isLocal = $0.isOn },
    Setting("tls-cert", .text, help: "Take TLS with this certificate chain (PEM file).") { $1.tls.certificate = homed($0.text) },
    Setting("tls-key", .text, help: "The key of tls-cert (PEM file).") { $1.tls.key = homed($0.text) },
    Setting(
      "tls-roots", .text,
      help: "Authorities (PEM file) that Dewpoint trusts besides those of this host when it calls endpoints of users by HTTPS."
    ) { $1.tls.roots = homed($0.text) },
    Setting(
      "allow-plaintext", .toggle, "false",
      help: "Take plain HTTP from other hosts too. Without it they must use TLS; clients on this host may always be plain."
    ) { $1.tls.allowsPlaintext = $0.isOn },
  ]

  private static let storage = [
    Setting("data", .text, "~/.dewpoint", help: "The directory where the state is kept.") { $1.dataDirectory = homed($0.text) },
    Setting("ephemeral", .toggle, "false", help: "Keep the state in memory; it is gone when the server ends.") {
      $1.isEphemeral = $0.isOn
    },
  ]

  private static let tracing = [
    Setting("trace-retention", .duration, "7d", help: "How long the steps of events are kept for `dewpoint trace`, on the adjustable clock.") {
      $1.tracing.retention = $0.duration
    },
    Setting("trace-size", .integer(1...100_000), "64", help: "MB that they may take; the oldest go first.") {
      $1.tracing.size = $0.number << 20
    },
  ]

  private static let access = [
    Setting(
      "root-key", .text, isSecret: true,
      help: "The root key as ID:SECRET or ID:SECRET:ACCOUNT. Only known keys are accepted then. Without one every key is the root of "
        + "an account, and the server listens on loopback only."
    ) { $1.rootKeyText = $0.text },
    Setting(
      "account", .text, AccountID.local.text,
      help: "The account of keys that IAM has not issued and that are no account's digits themselves."
    ) { value, settings in
      guard let account = AccountID(value.text) else { throw ConfigurationError("account must have twelve digits, not '\(value.text)'.") }
      settings.account = account
    },
    Setting(
      "web-identity", .structure(WebIdentitySetting.form),
      help: "Issuers whose tokens AssumeRoleWithWebIdentity believes, with their public keys; nothing is fetched from them."
    ) { $1.webIdentityProviders = try WebIdentitySetting.read($0.text) },
    Setting(
      "allow-hosts", .list(separator: ","), "", flag: "allow-host", help: "Further host names that clients may call this server by."
    ) { $1.allowedHosts = $0.texts },
    Setting(
      "allow-origins", .list(separator: ","), "", flag: "allow-origin", help: "Browser origins that may call, or '*' for all."
    ) { $1.allowedOrigins = $0.texts },
    Setting(
      "allow-state-control", .toggle, "false",
      help: "Let reset, snapshots and `dewpoint exec` be called, without a key from this machine, although a root key is configured."
    ) { $1.allowsStateControl = $0.isOn },
    Setting(
      "allow-hot-reload", .toggle, "false",
      help: "Let a directory of this host be the code of a function (S3Bucket hot-reload) although a root key is configured."
    ) { $1.allowsHotReload = $0.isOn },
    Setting(
      "allow-link-local", .toggle, "false",
      help: "Let subscriptions, API destinations and connections call link-local addresses (169.254.0.0/16, fe80::/10), where clouds keep "
        + "the credentials of a host."
    ) { $1.allowsLinkLocal = $0.isOn },
    Setting(
      "reload-from-s3", .toggle, "false",
      help: "Give a function that was deployed from S3, without a version, the code that lies there now: its next invocation runs it."
    ) { $1.reloadsFromS3 = $0.isOn },
  ]

  private static let functions = [
    Setting(
      "python", .list(separator: ":"), "",
      help: "Python virtual environments with awslambdaric. When empty: VIRTUAL_ENV, .venv and ~/.dewpoint/python3.*."
    ) { $1.virtualEnvironments = PythonEnvironments.candidates(given: $0.texts) },
    Setting(
      "image-directory", .text,
      help: "Where container images are looked up that are named as in ECR: NAME/TAG or NAME as an OCI layout, NAME:TAG.tar as an archive."
    ) { $1.imageDirectory = homed($0.text) },
    Setting(
      "isolation", .toggle, "true",
      help: "Run functions in sandboxes. Off: as plain processes, for hosts that cannot isolate them."
    ) { $1.isIsolated = $0.isOn },
    Setting(
      "function-network", .choice(SandboxNetwork.allCases.map(\.rawValue)), SandboxNetwork.none.rawValue,
      help: "What functions reach beside Dewpoint: none, or outbound for what this host reaches by TCP and UDP, as on AWS, but nothing of "
        + "the host itself. As root this turns on IPv4 forwarding; else it needs slirp4netns. A function with a VpcConfig reaches nothing."
    ) { $1.functionNetwork = SandboxNetwork(rawValue: $0.text) ?? .none },
    Setting(
      "spare-runtimes", .integer(0...64), "2",
      help: "Environments that are booted before a function needs them, of each interpreter that functions use. Each takes some 15 MB."
    ) { $1.spareRuntimes = $0.number },
    Setting(
      "lambda-concurrency", .integer(1...100_000), "1000",
      help: "Invocations that an account may run at the same time in a Region, as AWS's quota has it. Ten times as many synchronous requests a second."
    ) { $1.lambdaConcurrency = $0.number },
    Setting(
      "stream-rate", .integer(0...(1 << 30)), "\(2 << 20)",
      help: "Bytes a second of a streamed answer after its first 6 MB, as on AWS. 0: as fast as it goes."
    ) { $1.streamedBytesPerSecond = $0.number },
    Setting(
      "shard-limits", .toggle, "true",
      help: "Hold shards of Kinesis streams to AWS's rates: 1,000 records and 1 MiB a second in, 5 reads and 2 MiB a second out."
    ) { $1.limitsShards = $0.isOn },
    Setting(
      "enforce-throughput", .toggle, "false",
      help: "Refuse what is over the provisioned throughput of a table, as AWS does: five minutes of unused capacity may be spent at once."
    ) { $1.enforcesThroughput = $0.isOn },
    Setting("stop-limit", .duration, "20s", help: "How long running invocations may take to end when the server stops.") {
      $1.stopLimit = $0.duration
    },
  ]

  private static let process = [
    Setting("log-level", .choice(Logger.Level.allCases.map(\.rawValue)), "info", help: "What the log on standard error shows.") {
      $1.logLevel = Logger.Level(rawValue: $0.text) ?? .info
    }
  ]

  private static let limits: [Setting] = {
    let standard = HTTPServerConfiguration()
    func number(_ name: String, _ path: WritableKeyPath<HTTPServerConfiguration, Int> & Sendable, _ help: String) -> Setting {
      Setting("http-" + name, .integer(1...(1 << 30)), "\(standard[keyPath: path])", help: help) { $1.http[keyPath: path] = $0.number }
    }
    func time(_ name: String, _ path: WritableKeyPath<HTTPServerConfiguration, Duration> & Sendable, _ help: String) -> Setting {
      let text = "\(standard[keyPath: path].inMilliseconds / 1000)s"
      return Setting("http-" + name, .duration, text, help: help) { $1.http[keyPath: path] = $0.duration }
    }
    return [
      Setting("http-threads", .integer(1...1024), help: "Threads that read, write and run requests. Default: one for each core.") {
        $1.http.eventLoops = $0.number
      },
      number("maximum-connections", \.maximumConnections, "Connections at the same time; more are answered with 503."),
      number("maximum-connections-per-address", \.maximumConnectionsPerAddress, "Of one other host; loopback is not counted."),
      number("maximum-held-bytes", \.maximumHeldBytes, "Memory that bodies and answers of all connections may take; more requests get 503."),
      number("maximum-streams", \.maximumConcurrentStreams, "HTTP/2 streams open at a time on a connection."),
      number("maximum-target-bytes", \.maximumTargetBytes, "The request target; longer ones are answered with 414."),
      number("maximum-head-bytes", \.maximumHeadBytes, "Request line and header fields together; more are answered with 431."),
      number("maximum-header-fields", \.maximumHeaderFields, "Header fields of a request; more are answered with 431."),
      number("minimum-body-rate", \.minimumBodyRate, "Bytes a second below which a body is too slow."),
      time("idle-timeout", \.idleTimeout, "A kept connection without a request is closed after this."),
      time("head-timeout", \.headTimeout, "How long the head of a request may take; then 408."),
      time("body-timeout", \.bodyTimeout, "How long a body may take, besides what its length allows; then 408."),
      time("write-timeout", \.writeTimeout, "A client that takes nothing of its answer for this long is cut off."),
    ]
  }()

  private static func homed(_ path: String) -> String {
    path == "~" || path.hasPrefix("~/") ? "\(environment("HOME") ?? ".")\(path.dropFirst())" : path
  }
}
