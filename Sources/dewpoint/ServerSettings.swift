import ArgumentParser
import Base

/// What the operator chose.
struct ServerSettings: Sendable {
  var host = "127.0.0.1"
  var port = 4566
  /// Nil keeps the state in memory.
  var dataDirectory: String?
  var rootKey: RootKey?
  var tls = TLSSettings()
  var allowedHosts: [String] = []
  var allowedOrigins: [String] = []
  var virtualEnvironments: [String] = []
  var isIsolated = true
  /// How long running invocations may take to end when the server stops.
  var stopLimit = Duration.seconds(20)
}

/// How connections are secured.
struct TLSSettings: Sendable {
  enum Identity: Sendable {
    /// No TLS.
    case none
    /// Of the local authority, which lives below this data directory.
    case local(directory: String)
    case files(certificate: String, key: String)
  }
  var identity = Identity.none
  /// Plain HTTP also for clients on other hosts.
  var allowsPlaintext = false
}

/// The key that every other access derives from when the server listens beyond loopback.
struct RootKey: Sendable {
  var accessKeyID: String
  var secret: String
  var account: AccountID

  init(text: String) throws {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2 || parts.count == 3, parts[0].utf8.count >= 4, parts[1].utf8.count >= 8 else {
      throw ValidationError("The root key has the form ID:SECRET or ID:SECRET:ACCOUNT, the secret at least 8 characters.")
    }
    (accessKeyID, secret) = (parts[0], parts[1])
    guard let account = parts.count == 3 ? AccountID(parts[2]) : .local else {
      throw ValidationError("The account of the root key must have twelve digits.")
    }
    self.account = account
  }
}
