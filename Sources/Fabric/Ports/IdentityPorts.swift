import Base

/// Decides whether a call is allowed. Asked on every call, from outside and from inside.
public protocol Authoriser: Sendable {
  /// Returns when allowed; throws `AWSError` with code `AccessDeniedException` and AWS's text when not.
  func authorise(_ access: Access, for call: Call) async throws
}

extension Authoriser {
  /// For typed ports, which have no `Call`: makes one from the caller.
  public func authorise(_ access: Access, as caller: Caller, now: Instant) async throws {
    let parts = access.action.split(separator: ":", maxSplits: 1)
    try await authorise(
      access,
      for: Call(
        service: String(parts.first ?? ""), operation: String(parts.last ?? ""), principal: caller.principal,
        account: caller.account, region: caller.region, requestID: "", trace: caller.trace, now: now,
        endpoint: caller.endpoint))
  }
}

/// What a key id stands for.
public struct KeyIdentity: Sendable {
  /// Nil in the local mode for a key that IAM has not issued: whatever its secret, it is the root of its account.
  public var secret: String?
  public var principal: Principal
  /// Facts of the session that policies may test, by lower-case key.
  public var conditionValues: [String: [String]]
  public init(secret: String?, principal: Principal, conditionValues: [String: [String]] = [:]) {
    (self.secret, self.principal, self.conditionValues) = (secret, principal, conditionValues)
  }
}

/// Why a key cannot be used.
public enum KeyFailure: Error, Sendable {
  /// No such key, inactive, or the token does not belong to it.
  case unknown
  case expired
}

/// Knows access keys. Implemented by IAM.
public protocol KeyDirectory: Sendable {
  /// Throws `KeyFailure`.
  func identity(accessKeyID: String, sessionToken: String?, now: Instant) async throws -> KeyIdentity
}

/// Temporary credentials of a role session.
public struct SessionCredentials: Sendable {
  public var accessKeyID: String
  public var secretAccessKey: String
  public var sessionToken: String
  public var expiration: Instant
  public var session: RoleSession
  public init(accessKeyID: String, secretAccessKey: String, sessionToken: String, expiration: Instant, session: RoleSession) {
    (self.accessKeyID, self.secretAccessKey, self.sessionToken) = (accessKeyID, secretAccessKey, sessionToken)
    (self.expiration, self.session) = (expiration, session)
  }
}

/// Roles, as services use them. Implemented by IAM.
public protocol RolePort: Sendable {
  /// Assumes a role for a service if the role's trust policy lets it (`lambda.amazonaws.com`).
  /// Throws `AWSError`: `NoSuchEntity` when there is no such role, `AccessDenied` when the trust policy refuses.
  func assume(role: ARN, sessionName: String, by service: ServicePrincipal, duration: Duration) async throws -> SessionCredentials
  /// The session as a principal for calls from inside, without issuing keys; the same checks and errors.
  func session(role: ARN, sessionName: String, by service: ServicePrincipal) async throws -> RoleSession
  /// Whether the role exists and trusts the service. For checks at creation.
  func trusts(role: ARN, service: String) async throws -> RoleTrust
}

public enum RoleTrust: Sendable, Equatable { case noSuchRole, notTrusted, trusted }

/// Ties the policies of resources to the users and roles that they name. Implemented by IAM.
///
/// AWS keeps a named user or role by its unique id: one that is deleted and made anew under its name is somebody else.
/// A service that keeps a resource policy keeps the `tied` text and shows the `shown` one.
public protocol PrincipalPort: Sendable {
  /// The document with the ARNs of users, roles and role sessions in its principals replaced by unique ids.
  /// Throws `AWSError` `MalformedPolicyDocumentException` when one of them does not exist, or the text is no policy.
  func tied(_ document: String) async throws -> String
  /// The document with the unique ids of users and roles that still exist replaced by their present ARNs.
  func shown(_ document: String) async throws -> String
}
