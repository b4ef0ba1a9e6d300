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
      case .root, .user, .role, .federated, .anonymous: principal.arn
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
  /// What each of the identity policies is called, for who asks which of them refused.
  var names: [String] = []
  var boundaryName: String?
  /// Nil: no boundary is set. A boundary whose policy is gone allows nothing: an empty document.
  var boundary: PolicyDocument?
  /// By lower-case key.
  var tags: [String: String] = [:]
  /// There are no identity policies because everything is allowed: a session that the root made.
  var isRoot = false
}

/// The statement that refused a call.
struct DenyingStatement: Sendable, Equatable {
  var type: PolicyType
  /// Of an inline or managed policy, or a boundary.
  var policy: String?
  /// From 0.
  var index: Int
  var sid: String?
}

/// Decides by the order of AWS's evaluation logic: explicit denies, then who has to allow.
struct PolicyEvaluator: Sendable {
  var policies = PolicySet()
  /// Empty: the session has none.
  var sessionPolicies: [PolicyDocument] = []
  /// A session without session policies may do nothing by itself: one of GetFederationToken.
  var needsSessionPolicy = false
  var resourcePolicy: PolicyDocument?
  /// The resource's policy must allow by itself, even within the account: role trust policies and KMS keys.
  var resourceMustAllow = false
  var resourceType = PolicyType.resource

  func decide(_ request: PolicyRequest) -> Decision {
    let identity = policies.isRoot ? .allow : Self.verdict(policies.identity, request)
    if identity == .deny { return .explicitDeny(.identity) }
    let boundary = policies.boundary.map { Self.verdict([$0], request) } ?? .allow
    if boundary == .deny { return .explicitDeny(.boundary) }
    let session = sessionPolicies.isEmpty && !needsSessionPolicy ? .allow : Self.verdict(sessionPolicies, request)
    if session == .deny { return .explicitDeny(.session) }
    let granted: Grant?
    switch resourcePolicy.map({ resourceVerdict($0, request) }) {
    case .deny: return .explicitDeny(resourceType)
    case .grant(let grant): granted = grant
    case .silent, nil: granted = nil
    }
    switch request.principal {
    case .service, .anonymous: return granted == .direct ? .allowed : .implicitDeny(resourceType)
    case .root, .user, .role, .federated: break
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
    let names = PrincipalNames(request, isTrust: resourceType == .trust)
    var best: Grant?
    for statement in document.statements {
      guard let grant = statement.principals?.grant(names), statement.applies(request) else { continue }
      if statement.effect == .deny { return .deny }
      if best.map({ grant > $0 }) ?? true { best = grant }
    }
    return best.map(ResourceVerdict.grant) ?? .silent
  }

  /// The statement behind an explicit deny. Only asked after one, so a walk over everything is no matter.
  func denying(_ request: PolicyRequest) -> DenyingStatement? {
    for (i, document) in policies.identity.enumerated() {
      let name = i < policies.names.count ? policies.names[i] : nil
      if let found = Self.denying(document, .identity, name, request) { return found }
    }
    if let boundary = policies.boundary, let found = Self.denying(boundary, .boundary, policies.boundaryName, request) {
      return found
    }
    for document in sessionPolicies {
      if let found = Self.denying(document, .session, nil, request) { return found }
    }
    let names = PrincipalNames(request, isTrust: resourceType == .trust)
    return resourcePolicy.flatMap { Self.denying($0, resourceType, nil, request, names) }
  }

  private static func denying(
    _ document: PolicyDocument, _ type: PolicyType, _ policy: String?, _ request: PolicyRequest, _ names: PrincipalNames? = nil
  ) -> DenyingStatement? {
    for (index, statement) in document.statements.enumerated() where statement.effect == .deny && statement.applies(request) {
      if let names, statement.principals?.grant(names) == nil { continue }
      return DenyingStatement(type: type, policy: policy, index: index, sid: statement.sid)
    }
    return nil
  }
}
