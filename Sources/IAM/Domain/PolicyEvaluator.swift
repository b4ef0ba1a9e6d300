import Base
import Fabric

/// The kinds of policies that take part in a decision.
enum PolicyType: String, Sendable, Equatable {
  case identity = "identity-based policy"
  case resource = "resource-based policy"
  case boundary = "permissions boundary"
  case session = "session policy"
  case trust = "role trust policy"
}

/// The outcome and, where it is no, which kind of policy said so.
enum Decision: Sendable, Equatable {
  case allowed
  case explicitDeny(PolicyType)
  case implicitDeny(PolicyType)

  /// AWS's words for a denial.
  func message(for access: Access, principal: Principal) -> String {
    let who =
      switch principal {
      case .service(let service): service.name
      case .root, .user, .role, .anonymous: principal.arn
      }
    let what = "User: \(who) is not authorized to perform: \(access.action) on resource: \(access.resource)"
    switch self {
    case .allowed: return ""
    case .explicitDeny(let type): return "\(what) with an explicit deny in \(type.withArticle)"
    case .implicitDeny(let type): return "\(what) because no \(type.rawValue) allows the \(access.action) action"
    }
  }
}

extension PolicyType {
  fileprivate var withArticle: String {
    switch self {
    case .identity: "an identity-based policy"
    case .resource, .boundary, .session: "a \(rawValue)"
    case .trust: "the role trust policy"
    }
  }
}

/// The compiled policies of a user or role.
struct PolicySet: Sendable {
  var identity: [PolicyDocument] = []
  /// Nil: no boundary is set. A boundary whose policy is gone allows nothing: an empty document.
  var boundary: PolicyDocument?
  /// By lower-case key.
  var tags: [String: String] = [:]
}

/// Decides by the order of AWS's evaluation logic: explicit denies, then who has to allow.
struct PolicyEvaluator: Sendable {
  var policies = PolicySet()
  /// Empty: the session has none.
  var sessionPolicies: [PolicyDocument] = []
  var resourcePolicy: PolicyDocument?
  /// The resource's policy must allow by itself, even within the account: role trust policies and KMS keys.
  var resourceMustAllow = false
  var resourceType = PolicyType.resource

  func decide(_ request: PolicyRequest) -> Decision {
    let identity = Self.verdict(policies.identity, request)
    if identity == .deny { return .explicitDeny(.identity) }
    let boundary = policies.boundary.map { Self.verdict([$0], request) } ?? .allow
    if boundary == .deny { return .explicitDeny(.boundary) }
    let session = sessionPolicies.isEmpty ? .allow : Self.verdict(sessionPolicies, request)
    if session == .deny { return .explicitDeny(.session) }
    let granted: Grant?
    switch resourcePolicy.map({ resourceVerdict($0, request) }) {
    case .deny: return .explicitDeny(resourceType)
    case .grant(let grant): granted = grant
    case .silent, nil: granted = nil
    }
    switch request.principal {
    case .service, .anonymous: return granted == .direct ? .allowed : .implicitDeny(resourceType)
    case .root, .user, .role: break
    }
    if request.principal.account != request.access.owner || resourceMustAllow {
      return together(request, identity, boundary, session, granted)
    }
    if case .root = request.principal { return .allowed }
    if granted == .direct { return .allowed }
    if granted != .role, identity != .allow { return .implicitDeny(.identity) }
    return narrowed(boundary, session)
  }

  /// The resource's policy and the caller's own policies both have their say.
  private func together(
    _ request: PolicyRequest, _ identity: Verdict, _ boundary: Verdict, _ session: Verdict, _ granted: Grant?
  ) -> Decision {
    let isForeign = request.principal.account != request.access.owner
    if case .root = request.principal { return granted == nil ? .implicitDeny(resourceType) : .allowed }
    // Within the account a trust policy that names the caller is enough; one that names the account hands the
    // decision to the caller's policies, as it does for every foreign caller.
    let needsIdentity = isForeign || granted == .account || granted == nil
    if needsIdentity, identity != .allow { return .implicitDeny(.identity) }
    guard let granted else { return .implicitDeny(resourceType) }
    return !isForeign && granted == .direct ? .allowed : narrowed(boundary, session)
  }

  private func narrowed(_ boundary: Verdict, _ session: Verdict) -> Decision {
    if boundary != .allow { return .implicitDeny(.boundary) }
    if session != .allow { return .implicitDeny(.session) }
    return .allowed
  }

  private enum Verdict { case silent, allow, deny }

  private static func verdict(_ documents: [PolicyDocument], _ request: PolicyRequest) -> Verdict {
    var verdict = Verdict.silent
    for document in documents {
      for statement in document.statements {
        // An allow after an allow changes nothing, so only denies are looked for from then on.
        if verdict == .allow, statement.effect == .allow { continue }
        guard statement.applies(request) else { continue }
        if statement.effect == .deny { return .deny }
        verdict = .allow
      }
    }
    return verdict
  }

  private enum ResourceVerdict: Equatable {
    case silent
    case grant(Grant)
    case deny
  }

  private func resourceVerdict(_ document: PolicyDocument, _ request: PolicyRequest) -> ResourceVerdict {
    let names = PrincipalNames(request.principal)
    var best: Grant?
    for statement in document.statements {
      guard let grant = statement.principals?.grant(names), statement.applies(request) else { continue }
      if statement.effect == .deny { return .deny }
      if best.map({ grant > $0 }) ?? true { best = grant }
    }
    return best.map(ResourceVerdict.grant) ?? .silent
  }
}
