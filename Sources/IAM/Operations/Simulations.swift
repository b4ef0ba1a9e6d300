import Base
import Fabric
import Wire

/// What the evaluator would say, without doing anything.
extension IAMService {
  var simulationOperations: [Operation] {
    [
      operation("SimulateCustomPolicy", at: { (_: SimulateCustomPolicyInput, _) in "*" }, simulateCustomPolicy),
      operation(
        "SimulatePrincipalPolicy", at: { (input: SimulatePrincipalPolicyInput, _) in input.policySourceArn },
        simulatePrincipalPolicy),
    ]
  }

  private func simulateCustomPolicy(_ input: SimulateCustomPolicyInput, _ call: Call) async throws -> SimulatePolicyResponse {
    if input.resourceHandlingOption != nil { throw IAMError.invalidInput("ResourceHandlingOption is not supported.") }
    let principal = try Simulation.principal(input.callerArn) ?? .root(call.account)
    let simulation = try Simulation(
      principal: principal.simulated, call: call, identity: named(input.policyInputList, "PolicyInputList"),
      boundary: named(input.permissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList"),
      resourcePolicy: input.resourcePolicy, owner: input.resourceOwner, context: input.contextEntries)
    return try simulation.response(input.actionNames, input.resourceArns, input.marker, input.maxItems)
  }

  private func simulatePrincipalPolicy(_ input: SimulatePrincipalPolicyInput, _ call: Call) async throws -> SimulatePolicyResponse
  {
    if input.resourceHandlingOption != nil { throw IAMError.invalidInput("ResourceHandlingOption is not supported.") }
    let source = try await read(call.account) { try SimulationSource($0, input.policySourceArn) }
    var boundary = try named(input.permissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList")
    if boundary.isEmpty { boundary = try source.boundary.map { [($0.name, try compiled($0.document))] } ?? [] }
    let identity = try source.identity.map { ($0.name, try compiled($0.document)) }
    let simulation = try Simulation(
      principal: try Simulation.principal(input.callerArn) ?? source.principal, call: call,
      identity: identity + named(input.policyInputList, "PolicyInputList"), boundary: boundary,
      resourcePolicy: input.resourcePolicy, owner: input.resourceOwner, context: input.contextEntries)
    return try simulation.response(input.actionNames, input.resourceArns, input.marker, input.maxItems)
  }

  private func named(_ documents: [String]?, _ list: String) throws -> [(String, PolicyDocument)] {
    try (documents ?? []).enumerated().map { ("\(list).\($0 + 1)", try compiled($1)) }
  }
  private func compiled(_ document: String) throws -> PolicyDocument {
    do { return try PolicyDocument(document, as: .identity) } catch { throw IAMError.malformed(error) }
  }
}

extension Principal {
  /// Root is allowed everything; who simulates wants to know of policies.
  fileprivate var simulated: Principal {
    if case .root(let account) = self {
      .user(account: account, name: "simulated", path: "/", id: "AIDASIMULATED00000000")
    } else {
      self
    }
  }
}

/// The policies of the user, group or role that is simulated.
struct SimulationSource: Sendable {
  var identity: [(name: String, document: String)] = []
  var boundary: (name: String, document: String)?
  let principal: Principal

  init(_ rows: IAMRows, _ arn: String) throws {
    guard let parsed = ARN(arn), let kind = Entity.Kind(rawValue: String(parsed.resource.split(separator: "/")[0])),
      let name = parsed.resource.split(separator: "/").last
    else { throw IAMError.invalidInput("Invalid Entity Arn: \(arn) does not clearly define entity type and name.") }
    let entity = try rows.get(kind, String(name))
    switch kind {
    case .role:
      principal = .role(
        RoleSession(
          account: entity.account, roleName: entity.name, rolePath: entity.path, roleID: entity.id, sessionName: "simulation"))
    case .user: principal = .user(account: entity.account, name: entity.name, path: entity.path, id: entity.id)
    case .group: principal = Principal.root(entity.account).simulated
    }
    var holders = [entity]
    if kind == .user { holders += try rows.groups(of: entity) }
    for holder in holders {
      identity += try rows.inlinePolicies(holder).map { ("\(holder.kind.rawValue)_\(holder.name)_\($0.name)", $0.document) }
      for policy in try rows.attachments(holder) { identity.append((policy, try rows.document(ofPolicy: policy) ?? "")) }
    }
    identity.removeAll { $0.document.isEmpty }
    boundary = try entity.boundary.map { ($0, try rows.document(ofPolicy: $0) ?? #"{"Statement":[]}"#) }
  }
}

/// One simulation: the policies and the pretended facts.
struct Simulation {
  var principal: Principal
  var call: Call
  var identity: [(name: String, document: PolicyDocument)]
  var boundary: [(name: String, document: PolicyDocument)]
  var resource: PolicyDocument?
  var owner: AccountID
  var context: [String: [String]] = [:]

  init(
    principal: Principal, call: Call, identity: [(String, PolicyDocument)], boundary: [(String, PolicyDocument)],
    resourcePolicy: String?, owner: String?, context entries: [ContextEntry]?
  ) throws {
    (self.principal, self.identity, self.boundary) = (principal, identity, boundary)
    self.call = call
    (self.call.principal, self.call.sourceIP, self.call.userAgent, self.call.conditionValues) = (principal, nil, nil, [:])
    self.owner = owner.flatMap { AccountID($0) ?? ARN($0).flatMap { AccountID($0.account) } } ?? principal.account ?? call.account
    if let resourcePolicy {
      do { resource = try PolicyDocument(resourcePolicy, as: .resource) } catch { throw IAMError.malformed(error) }
    }
    for entry in entries ?? [] {
      if let name = entry.contextKeyName { context[name.lowercased()] = entry.contextKeyValues ?? [] }
    }
  }

  static func principal(_ arn: String?) throws -> Principal? {
    guard let arn else { return nil }
    guard let parsed = ARN(arn), let account = AccountID(parsed.account), parsed.resource.hasPrefix("user/"),
      let name = parsed.resource.split(separator: "/").last
    else { throw IAMError.invalidInput("Invalid caller ARN: \(arn)") }
    let path = "/" + parsed.resource.dropFirst(5).dropLast(name.count)
    return .user(account: account, name: String(name), path: path, id: "AIDASIMULATED00000000")
  }

  func response(_ actions: [String], _ resources: [String]?, _ marker: String?, _ limit: Int?) throws -> SimulatePolicyResponse {
    var results: [(order: Int, result: EvaluationResult)] = []
    for action in actions {
      for resource in resources ?? ["*"] { results.append((results.count, result(action, resource))) }
    }
    let page = try Page(results, after: marker, limit: limit) { padded($0.order, 8) }
    var output = SimulatePolicyResponse()
    output.evaluationResults = page.items.map(\.result)
    (output.isTruncated, output.marker) = (page.isTruncated, page.marker)
    return output
  }

  private func result(_ action: String, _ resourceARN: String) -> EvaluationResult {
    let access = Access(action, on: resourceARN, owner: owner, conditionValues: context)
    let request = PolicyRequest(access, call, isSimulated: true)
    let bounds = boundary.isEmpty ? nil : PolicyDocument(statements: boundary.flatMap(\.document.statements))
    let decision = PolicyEvaluator(
      policies: PolicySet(identity: identity.map(\.document), boundary: bounds), resourcePolicy: resource
    ).decide(request)
    var result = EvaluationResult()
    (result.evalActionName, result.evalResourceName) = (action, resourceARN)
    switch decision {
    case .allowed: result.evalDecision = "allowed"
    case .explicitDeny: result.evalDecision = "explicitDeny"
    case .implicitDeny: result.evalDecision = "implicitDeny"
    }
    let matched = identity.filter { $0.document.statements.contains { $0.applies(request) } }
    result.matchedStatements = matched.map { policy in
      var statement = IAMStatement()
      (statement.sourcePolicyId, statement.sourcePolicyType) = (policy.name, "IAM Policy")
      return statement
    }
    let keys = (identity + boundary).flatMap(\.document.statements).flatMap(\.conditions).map(\.key)
    result.missingContextValues = Set(keys.filter { request.values($0) == nil }.map(\.text)).sorted()
    if let bounds {
      var detail = PermissionsBoundaryDecisionDetail()
      detail.allowedByPermissionsBoundary =
        PolicyEvaluator(policies: PolicySet(identity: [bounds])).decide(request) == .allowed
      result.permissionsBoundaryDecisionDetail = detail
    }
    return result
  }
}
