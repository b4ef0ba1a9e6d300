import Base
import Fabric

extension IAMService {
  public func authorise(_ access: Access, for call: Call) async throws {
    if case .root(let account) = call.principal, account == access.owner, access.resourcePolicy == nil,
      !Self.resourceMustAllow(access.action)
    {
      return
    }
    let decision = try await decide(access, call)
    if decision == .allowed { return }
    denials.add(Denial(access, call, decision))
    throw IAMError.denied(decision.message(for: access, principal: call.principal))
  }

  /// Touches the store only when the principal's policies are not in memory.
  func decide(_ access: Access, _ call: Call) async throws -> Decision {
    let policies = try await policies(of: call.principal, call)
    return try await evaluator(access, call.principal, policies).decide(request(access, call, policies))
  }

  private func request(_ access: Access, _ call: Call, _ policies: PolicySet) -> PolicyRequest {
    var tags = policies.tags
    if case .role(let session) = call.principal {
      for (key, value) in session.sessionTags { tags[key.lowercased()] = value }
    }
    return PolicyRequest(access, call, principalTags: tags)
  }

  private func evaluator(_ access: Access, _ principal: Principal, _ policies: PolicySet) async throws -> PolicyEvaluator {
    var evaluator = PolicyEvaluator(policies: policies)
    if case .role(let session) = principal, !session.sessionPolicies.isEmpty {
      evaluator.sessionPolicies = try await sessionPolicies(session)
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
    let policies = PolicySet(
      identity: texts.identity.compactMap { cache.document($0, as: .identity) },
      boundary: texts.boundary.map { cache.document($0, as: .identity) ?? PolicyDocument(statements: []) },
      tags: Dictionary(texts.tags.map { ($0.key.lowercased(), $0.value) }, uniquingKeysWith: { first, _ in first }))
    cache.keep(policies, id, loadedAt: generation)
    return policies
  }

  /// A session carries documents, and ARNs of managed policies.
  private func sessionPolicies(_ session: RoleSession) async throws -> [PolicyDocument] {
    var documents: [PolicyDocument] = []
    for text in session.sessionPolicies {
      var document = text
      if text.hasPrefix("arn:") { document = try await read(session.account) { try $0.document(ofPolicy: text) } ?? "" }
      documents.append(cache.document(document, as: .identity) ?? PolicyDocument(statements: []))
    }
    return documents
  }
}

/// The documents that apply to a user or role.
struct PolicyTexts: Sendable {
  var identity: [String] = []
  /// Empty text: a boundary is set and its policy is gone.
  var boundary: String?
  var tags: [Tag] = []

  /// Of an entity that is gone: nothing, so that its sessions can do nothing.
  init(_ rows: IAMRows, _ id: String) throws {
    guard let entity = try rows.entity(id: id) else { return }
    var holders = [entity]
    if entity.kind == .user { holders += try rows.groups(of: entity) }
    for holder in holders {
      identity += try rows.inlinePolicies(holder).map(\.document)
      identity += try rows.attachments(holder).compactMap { try rows.document(ofPolicy: $0) }
    }
    boundary = try entity.boundary.map { try rows.document(ofPolicy: $0) ?? "" }
    tags = entity.tags
  }
}
