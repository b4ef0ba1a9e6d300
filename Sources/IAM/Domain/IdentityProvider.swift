import Base

/// An OpenID Connect provider that an account trusts.
struct IdentityProvider: Sendable, Equatable {
  let account: AccountID
  /// Without the scheme: `token.actions.githubusercontent.com`, with a path if it has one.
  let url: String
  /// The audiences of its tokens.
  var clientIDs: [String]
  /// Kept and shown; what verifies tokens are the issuer's keys in the server's configuration.
  var thumbprints: [String]
  let created: Instant
  var tags: [Tag] = []

  var arn: String { "arn:aws:iam::\(account):oidc-provider/\(url)" }
}

/// A report of last accesses that somebody asked for.
struct AccessJob: Sendable, Equatable {
  var arn: String
  var byAction: Bool
  var created: Instant
}
