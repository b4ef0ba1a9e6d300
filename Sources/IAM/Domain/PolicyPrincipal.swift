import Base
import Fabric

/// How a statement names a principal; it decides what else has to allow the call. Weakest first.
enum Grant: Int, Sendable, Comparable {
  /// Only the principal's account: the account's own policies decide.
  case account
  /// The role: boundary and session policy must still allow.
  case role
  /// The very user or session, a service, or everybody: final within the account.
  case direct

  static func < (a: Grant, b: Grant) -> Bool { a.rawValue < b.rawValue }
}

/// `Principal` or `NotPrincipal` of a statement.
struct PrincipalClause: Sendable {
  enum Pattern: Sendable, Equatable {
    case everyone
    case account(String)
    case arn(String)
    /// `AIDA…`, `AROA…`: what AWS shows where a named entity was deleted.
    case uniqueID(String)
    case service(String)
    case federated(String)
    case canonicalUser(String)
  }
  var patterns: [Pattern]
  var isNegated: Bool

  /// Nil when the statement does not speak of the principal.
  func grant(_ principal: PrincipalNames) -> Grant? {
    var best: Grant?
    for pattern in patterns {
      if let grant = Self.grant(pattern, principal), best.map({ grant > $0 }) ?? true { best = grant }
    }
    return isNegated ? (best == nil ? .direct : nil) : best
  }

  private static func grant(_ pattern: Pattern, _ principal: PrincipalNames) -> Grant? {
    switch pattern {
    case .everyone: principal.isForEveryone ? .direct : nil
    case .account(let account) where account == principal.account: principal.isRoot ? .direct : .account
    case .arn(let arn) where arn == principal.arn: .direct
    case .arn(let arn) where arn == principal.roleARN: .role
    case .uniqueID(let id) where id == principal.id: .direct
    case .uniqueID(let id) where id == principal.roleID: .role
    case .service(let name) where name == principal.service: .direct
    case .federated(let name) where name == principal.provider: .direct
    case .account, .arn, .uniqueID, .service, .federated, .canonicalUser: nil
    }
  }
}

/// The names by which statements may know a principal. ARNs are only made when a statement has one to compare.
struct PrincipalNames: Sendable {
  private let principal: Principal
  /// The provider of the web identity that the caller has shown.
  let provider: String?
  private let isTrust: Bool

  init(_ request: PolicyRequest, isTrust: Bool) {
    (principal, provider, self.isTrust) = (request.principal, request.provider, isTrust)
  }

  /// Everybody in a trust policy is every identity; a service must be named there. In the policy of a queue or the like
  /// a service is one of everybody.
  var isForEveryone: Bool {
    if isTrust, case .service = principal { return false }
    return true
  }

  var isRoot: Bool { if case .root = principal { true } else { false } }
  var service: String? { if case .service(let service) = principal { service.name } else { nil } }
  private var session: RoleSession? { if case .role(let session) = principal { session } else { nil } }
  private var isIdentity: Bool {
    switch principal {
    case .root, .user, .role, .federated: true
    case .service, .anonymous: false
    }
  }
  var account: String? { isIdentity ? principal.account?.text : nil }
  var arn: String? { isIdentity ? principal.arn : nil }
  var id: String? { isIdentity ? principal.userID : nil }
  var roleARN: String? { session?.roleARN }
  var roleID: String? { session?.roleID }
}
