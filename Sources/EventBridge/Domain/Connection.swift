import Base

/// How API destinations are called: credentials and parameters.
struct Connection: Sendable, Equatable {
  enum Kind: String, Sendable { case basic = "BASIC", apiKey = "API_KEY", oauth = "OAUTH_CLIENT_CREDENTIALS" }
  enum State: String, Sendable {
    /// OAuth: the first token has not been fetched → authorized, deauthorized
    case authorizing = "AUTHORIZING"
    case authorized = "AUTHORIZED"
    case deauthorized = "DEAUTHORIZED"
  }
  struct Parameter: Sendable, Equatable {
    var key: String
    var value: String
    var isSecret: Bool
  }
  struct Parameters: Sendable, Equatable {
    var headers: [Parameter] = []
    var query: [Parameter] = []
    var body: [Parameter] = []
    var all: [Parameter] { headers + query + body }
  }
  struct OAuth: Sendable, Equatable {
    var endpoint: String
    var method: String
    var clientID: String
    var clientSecret: String
    var parameters: Parameters?
  }
  /// All that opens a door; in the store it is sealed.
  enum Credentials: Sendable, Equatable {
    case basic(user: String, password: String)
    case apiKey(name: String, value: String)
    case oauth(OAuth)

    var kind: Kind {
      switch self {
      case .basic: .basic
      case .apiKey: .apiKey
      case .oauth: .oauth
      }
    }
  }

  var name: ResourceName
  /// Random, at the end of its ARN.
  var id: String
  var secretID: String
  var description: String?
  var kind: Kind
  var state: State
  var reason: String?
  var created: Instant
  var modified: Instant
  var authorized: Instant?
  /// `Secrets`, sealed. Gone when the connection was deauthorised.
  var sealed: [UInt8]

  var arn: ARN { name.arn(id) }
  /// Where AWS would keep the secret.
  var secretARN: ARN { ARN("secretsmanager", name.region, name.account, "secret:events!connection/\(name.name)/\(secretID)") }

  struct Secrets: Sendable, Equatable {
    var credentials: Credentials
    /// Goes with each invocation.
    var parameters: Parameters?
  }
}

/// An HTTP endpoint as a target.
struct Destination: Sendable, Equatable {
  var name: ResourceName
  var id: String
  var description: String?
  /// The ARN of a connection.
  var connection: String
  /// May have `*` for path parameters.
  var endpoint: String
  var method: String
  var rate: Int
  var created: Instant
  var modified: Instant

  var arn: ARN { name.arn(id) }
}
