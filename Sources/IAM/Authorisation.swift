import Base
import Fabric

extension IAMService {
  public func authorise(_ access: Access, for call: Call) async throws {
    if isLimitedSession(call), access.action.hasPrefix("iam:") {
      throw AWSError("InvalidClientTokenId", "The security token included in the request is invalid", status: 403)
    }
    if case .root(let account) = call.principal, account == access.owner, access.resourcePolicy == nil,
      !Self.resourceMustAllow(access.action)
    {
      return
    }
    let decision = try await decide(access, call)
    record.note(call.principal, access, isAllowed: decision == .allowed, at: call.now)
    if decision == .allowed { return }
    try await refuse(access, call, decision)
  }

  /// What GetSessionToken and GetFederationToken issue may not call IAM, which only MFA or a role could change.
  private func isLimitedSession(_ call: Call) -> Bool {
    guard call.service == "iam" else { return false }
    switch call.principal {
    case .federated: return true
    case .user, .root: return call.conditionValues["aws:tokenissuetime"] != nil
    case .role, .service, .anonymous: return false
    }
  }

  /// Notes the denial with the statement behind it, and throws it.
  func refuse(_ access: Access, _ call: Call, _ decision: Decision, provider: String? = nil) async throws -> Never {
    var statement: DenyingStatement?
    if case .explicitDeny = decision {
      let policies = try await policies(of: call.principal, call)
      statement = try await evaluator(access, call.principal, policies).denying(request(access, call, policies, provider))
    }
    denials.add(Denial(access, call, decision, statement, provider: provider))
    throw IAMError.denied(decision.message(for: access, principal: call.principal))
  }

  /// Touches the store only when the principal's policies are not in memory.
  func decide(_ access: Access, _ call: Call, provider: String? = nil) async throws -> Decision {
    let policies = try await policies(of: call.principal, call)
    return try await evaluator(access, call.principal, policies).decide(request(access, call, policies, provider))
  }

  private func request(_ access: Access, _ call: Call, _ policies: PolicySet, _ provider: String?) -> PolicyRequest {
    var tags = policies.tags
    switch call.principal {
    case .role(let session): for (key, value) in session.sessionTags { tags[key.lowercased()] = value }
    case .federated(let session): for (key, value) in session.sessionTags { tags[key.lowercased()] = value }
    case .root, .user, .service, .anonymous: break
    }
    return PolicyRequest(access, call, principalTags: tags, provider: provider)
  }

  private func evaluator(_ access: Access, _ principal: Principal, _ policies: PolicySet) async throws -> PolicyEvaluator {
    var evaluator = PolicyEvaluator(policies: policies)
    switch principal {
    case .role(let session) where !session.sessionPolicies.isEmpty:
      evaluator.sessionPolicies = try await sessionPolicies(session.sessionPolicies, session.account)
    case .federated(let session):
      evaluator.sessionPolicies = try await sessionPolicies(session.sessionPolicies, session.account)
      evaluator.needsSessionPolicy = true
    case .role, .root, .user, .service, .anonymous: break
    }
    if Self.resourceMustAllow(access.action) {
      evaluator.resourceMustAllow = true
      if access.action.hasPrefix("sts:") { evaluator.resourceType = .trust }
    }
    if let text = access.resourcePolicy {
      // A document that a service let in although it is malformed allows nothing.
      evaluator.resourcePolicy = cache.document(text, as: .resource)
    }
    return evaluator
  }

  /// Role trust policies and KMS key policies are never passed by.
  private static func resourceMustAllow(_ action: String) -> Bool {
    action.hasPrefix("sts:AssumeRole") || action == "sts:TagSession" || action == "sts:SetSourceIdentity"
      || action.hasPrefix("kms:")
  }

  private func policies(of principal: Principal, _ call: Call) async throws -> PolicySet {
    switch principal {
    case .root, .service, .anonymous: return PolicySet()
    case .federated(let session):
      guard let maker = session.makerID else { return PolicySet(isRoot: true) }
      return try await policies(session.account, maker, nil)
    case .user(let account, _, _, let id):
      let use = call.accessKeyID.map { ($0, LastUse(call)) }
      return try await policies(account, id, use)
    case .role(let session):
      let use = (session.roleID, LastUse(call))
      return try await policies(session.account, session.roleID, use)
    }
  }

  private func policies(_ account: AccountID, _ id: String, _ use: (id: String, LastUse)?) async throws -> PolicySet {
    if let known = cache.policies(id, use: use) { return known }
    let generation = cache.generation
    let texts = try await read(account) { try PolicyTexts($0, id) }
    let compiled = texts.identity.compactMap { policy in cache.document(policy.document, as: .identity).map { (policy.name, $0) } }
    let policies = PolicySet(
      identity: compiled.map(\.1), names: compiled.map(\.0), boundaryName: texts.boundaryName,
      boundary: texts.boundary.map { cache.document($0, as: .identity) ?? PolicyDocument(statements: []) },
      tags: Dictionary(texts.tags.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }))
    cache.keep(policies, id, loadedAt: generation)
    return policies
  }

  /// A session carries documents, and ARNs of managed policies.
  private func sessionPolicies(_ texts: [String], _ account: AccountID) async throws -> [PolicyDocument] {
    var documents: [PolicyDocument] = []
    for text in texts {
      var document = text
      if text.hasPrefix("arn:") { document = try await read(account) { try $0.document(ofPolicy: text) } ?? "" }
      documents.append(cache.document(document, as: .identity) ?? PolicyDocument(statements: []))
    }
    return documents
  }
}

/// The documents that apply to a user or role.
struct PolicyTexts: Sendable {
  /// `user_ann_own` for an inline policy, the ARN of a managed one.
  var identity: [(name: String, document: String)] = []
  /// Empty text: a boundary is set and its policy is gone.
  var boundary: String?
  var boundaryName: String?
  var tags: [Tag] = []

  /// Of an entity that is gone: nothing, so that its sessions can do nothing.
  init(_ rows: IAMRows, _ id: String) throws {
    guard let entity = try rows.entity(id: id) else { return }
    var holders = [entity]
    if entity.kind == .user { holders += try rows.groups(of: entity) }
    for holder in holders {
      identity += try rows.inlinePolicies(holder).map { ("\(holder.kind.rawValue)_\(holder.name)_\($0.name)", $0.document) }
      identity += try rows.attachments(holder).compactMap { arn in try rows.document(ofPolicy: arn).map { (arn, $0) } }
    }
    boundaryName = entity.boundary
    boundary = try entity.boundary.map { try rows.document(ofPolicy: $0) ?? "" }
    tags = entity.tags
  }
}
