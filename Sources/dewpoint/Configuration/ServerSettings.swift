import Base
import HTTPServer
import IAM
import Logging
import Sandbox
import Tracing

/// What the operator chose, ready for use. `Settings.swift` says what each means.
struct ServerSettings: Sendable {
  var host = "127.0.0.1"
  var port = 4566
  /// Nil keeps the state in memory.
  var dataDirectory: String?
  var isEphemeral = false
  var rootKeyText: String?
  private(set) var rootKey: RootKey?
  /// Of keys that IAM has not issued.
  var account = AccountID.local
  var webIdentityProviders: [WebIdentityProvider] = []
  var allowedHosts: [String] = []
  var allowedOrigins: [String] = []
  var allowsStateControl = false
  var allowsHotReload = false
  /// Endpoints of users may be at addresses that only the own link knows.
  var allowsLinkLocal = false
  var reloadsFromS3 = false
  var virtualEnvironments: [String] = []
  /// Where container images lie.
  var imageDirectory: String?
  var isIsolated = true
  /// What functions reach beside Dewpoint.
  var functionNetwork = SandboxNetwork.none
  /// Booted environments that wait for a function, of each interpreter.
  var spareRuntimes = 2
  var streamedBytesPerSecond = 2 << 20
  /// Invocations that an account may run at the same time in a Region.
  var lambdaConcurrency = 1000
  /// Shards of streams are held to AWS's rates.
  var limitsShards = true
  /// Tables refuse what is over their provisioned throughput.
  var enforcesThroughput = false
  /// How long running invocations may take to end when the server stops.
  var stopLimit = Duration.seconds(20)
  var tracing = TracingService.Configuration()
  var tls = TLSSettings()
  var logLevel = Logger.Level.info
  var http = HTTPServerConfiguration()
  var searchPath = environment("PATH") ?? "/usr/local/bin:/usr/bin:/bin"
  /// A snapshot that takes the place of the state at the start.
  var loadedFile: String?

  static var defaultData: String { "\(environment("HOME") ?? ".")/.dewpoint" }
  static func isLoopback(_ host: String) -> Bool { ["127.0.0.1", "localhost", "::1"].contains(host) }

  /// Checks what several settings say together. Throws `ConfigurationError`.
  mutating func settle(dataOrigin: Configuration.Origin, ephemeralOrigin: Configuration.Origin) throws {
    rootKey = try rootKeyText.map { try RootKey(text: $0, standardAccount: account) }
    if isEphemeral {
      guard dataOrigin == .standard || dataOrigin.rank != ephemeralOrigin.rank else {
        throw ConfigurationError("ephemeral keeps no data: leave data out.")
      }
      // The stronger of the two says what is meant.
      if dataOrigin.rank > ephemeralOrigin.rank { isEphemeral = false } else { dataDirectory = nil }
    }
    try tls.settle(isLoopback: Self.isLoopback(host))
    // What keeps no data uses the authority of the default directory, so that it need not be trusted anew each time.
    tls.directory = dataDirectory ?? Self.defaultData
    guard Self.isLoopback(host) || rootKey != nil else {
      throw ConfigurationError(
        "To listen on \(host) configure a root key (--root-key or DEWPOINT_ROOT_KEY): every key is root without one.")
    }
  }

  var identity: IdentityConfiguration {
    IdentityConfiguration(
      localMode: rootKey == nil, rootKey: rootKey.map { (id: $0.accessKeyID, secret: $0.secret, account: $0.account) },
      webIdentityProviders: webIdentityProviders, standardAccount: account)
  }

  /// Why no function may have a directory of this host as its code: whoever may create functions could read the host's files.
  var refusalOfHotReload: String? {
    guard rootKey != nil, !allowsHotReload else { return nil }
    return "A root key is configured, so a directory of the host is not taken as code. Allow it with allow-hot-reload."
  }

  /// Why the state may not be emptied, saved or replaced by a page. Whoever reaches such a page shows no key, so where keys count it is
  /// closed unless the operator opens it.
  var refusalOfStateControl: String? {
    guard rootKey != nil, !allowsStateControl else { return nil }
    return "A root key is configured, so nobody resets, saves or replaces the state, or attaches a process, without a key. Allow it with allow-state-control."
  }
}

/// How connections are secured.
struct TLSSettings: Sendable {
  /// With a certificate of the local authority, which lives below `directory`.
  var isLocal = false
  var directory = ""
  /// Files that the operator brings instead.
  var certificate: String?
  var key: String?
  /// Plain HTTP also for clients on other hosts.
  var allowsPlaintext = false
  /// File with certificates that endpoints of users may be signed by.
  var roots: String?

  fileprivate mutating func settle(isLoopback: Bool) throws {
    guard (certificate == nil) == (key == nil) else { throw ConfigurationError("tls-cert and tls-key go together.") }
    guard !(isLocal && certificate != nil) else {
      throw ConfigurationError("tls makes a certificate of its own: leave tls-cert and tls-key out, or tls.")
    }
    if certificate == nil, !isLoopback, !allowsPlaintext { isLocal = true }
  }
}

/// The key that every other access derives from when the server listens beyond loopback.
struct RootKey: Sendable {
  var accessKeyID: String
  var secret: String
  var account: AccountID

  /// - Parameter standardAccount: of a key that names none.
  init(text: String, standardAccount: AccountID) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 || parts.count == 3, parts[0].utf8.count >= 4, parts[1].utf8.count >= 8 else {
      throw ConfigurationError("The root key has the form ID:SECRET or ID:SECRET:ACCOUNT, the secret at least 8 characters.")
    }
    (accessKeyID, secret) = (parts[0], parts[1])
    guard let account = parts.count == 3 ? AccountID(parts[2]) : standardAccount else {
      throw ConfigurationError("The account of the root key must have twelve digits.")
    }
    self.account = account
  }
}
