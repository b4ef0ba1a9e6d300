import Base

/// Who makes a call.
public enum Principal: Sendable, Hashable {
  /// The account itself: allowed everything that no policy denies.
  case root(AccountID)
  case user(account: AccountID, name: String, path: String, id: String)
  case role(RoleSession)
  /// A session that a user or the root made for somebody whom only it knows (GetFederationToken).
  case federated(FederatedSession)
  /// An AWS service acting for itself, such as `events.amazonaws.com` delivering to a queue.
  case service(ServicePrincipal)
  /// Nobody: an unsigned request to an operation that allows it.
  case anonymous

  /// The account that the principal belongs to; for a service the account that it acts for.
  public var account: AccountID? {
    switch self {
    case .root(let account), .user(let account, _, _, _): account
    case .role(let session): session.account
    case .federated(let session): session.account
    case .service(let service): service.sourceAccount
    case .anonymous: nil
    }
  }

  /// The ARN as `GetCallerIdentity` and denials show it.
  public var arn: String {
    switch self {
    case .root(let account): "arn:aws:iam::\(account):root"
    case .user(let account, let name, let path, _): "arn:aws:iam::\(account):user\(path)\(name)"
    case .role(let session): "arn:aws:sts::\(session.account):assumed-role/\(session.roleName)/\(session.sessionName)"
    case .federated(let session): "arn:aws:sts::\(session.account):federated-user/\(session.name)"
    case .service(let service): service.name
    case .anonymous: "anonymous"
    }
  }

  /// The unique id as `GetCallerIdentity` and SQS's `SenderId` show it.
  public var userID: String {
    switch self {
    case .root(let account): account.text
    case .user(_, _, _, let id): id
    case .role(let session): "\(session.roleID):\(session.sessionName)"
    case .federated(let session): "\(session.account):\(session.name)"
    case .service(let service): service.name
    case .anonymous: "anonymous"
    }
  }
}

/// A session of an assumed role.
public struct RoleSession: Sendable, Hashable {
  public var account: AccountID
  public var roleName: String
  /// With slashes at both ends; `/` by default.
  public var rolePath: String
  public var roleID: String
  public var sessionName: String
  /// Policy documents passed to AssumeRole; they can only narrow what the role may do.
  public var sessionPolicies: [String]
  public var sessionTags: [String: String]

  public init(
    account: AccountID, roleName: String, rolePath: String = "/", roleID: String, sessionName: String,
    sessionPolicies: [String] = [], sessionTags: [String: String] = [:]
  ) {
    (self.account, self.roleName, self.rolePath, self.roleID) = (account, roleName, rolePath, roleID)
    (self.sessionName, self.sessionPolicies, self.sessionTags) = (sessionName, sessionPolicies, sessionTags)
  }

  public var roleARN: String { "arn:aws:iam::\(account):role\(rolePath)\(roleName)" }
}

/// A session of GetFederationToken: what its maker may do and its session policies allow.
public struct FederatedSession: Sendable, Hashable {
  public var account: AccountID
  public var name: String
  /// The unique id of the user who made the session; nil when the root did.
  public var makerID: String?
  /// Documents and ARNs of managed policies. Without any the session may do only what a resource's policy grants it.
  public var sessionPolicies: [String]
  public var sessionTags: [String: String]

  public init(
    account: AccountID, name: String, makerID: String?, sessionPolicies: [String] = [], sessionTags: [String: String] = [:]
  ) {
    (self.account, self.name, self.makerID) = (account, name, makerID)
    (self.sessionPolicies, self.sessionTags) = (sessionPolicies, sessionTags)
  }
}

/// A service principal with the resource for which it acts, the confused-deputy keys of resource policies.
public struct ServicePrincipal: Sendable, Hashable {
  /// For example `sns.amazonaws.com`.
  public var name: String
  public var sourceARN: String?
  public var sourceAccount: AccountID?
  public init(_ name: String, sourceARN: String? = nil, sourceAccount: AccountID? = nil) {
    (self.name, self.sourceARN, self.sourceAccount) = (name, sourceARN, sourceAccount)
  }
}
