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

  var contextKeyOperations: [Operation] {
    [
      operation("GetContextKeysForCustomPolicy", at: { (_: GetContextKeysForCustomPolicyInput, _) in "*" }, customContextKeys),
      operation(
        "GetContextKeysForPrincipalPolicy", at: { (input: GetContextKeysForPrincipalPolicyInput, _) in input.policySourceArn },
        principalContextKeys),
    ]
  }

  private func simulateCustomPolicy(_ input: SimulateCustomPolicyInput, _ call: Call) async throws -> SimulatePolicyResponse {
    try Self.checkHandling(input.resourceHandlingOption)
    let principal = try Simulation.principal(input.callerArn) ?? .root(call.account)
    let simulation = try Simulation(
      principal: principal.simulated, call: call, identity: named(input.policyInputList, "PolicyInputList"),
      boundary: named(input.permissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList"),
      resourcePolicy: input.resourcePolicy, owner: input.resourceOwner, context: input.contextEntries)
    return try simulation.response(input.actionNames, input.resourceArns, input.marker, input.maxItems)
  }

  private func simulatePrincipalPolicy(_ input: SimulatePrincipalPolicyInput, _ call: Call) async throws -> SimulatePolicyResponse
  {
    try Self.checkHandling(input.resourceHandlingOption)
    let source = try await read(call.account) { try SimulationSource($0, input.policySourceArn) }
    var boundary = try named(input.permissionsBoundaryPolicyInputList, "PermissionsBoundaryPolicyInputList")
    if boundary.isEmpty { boundary = try source.boundary.map { [try SimulatedPolicy($0.name, $0.document, as: .identity)] } ?? [] }
    let identity = try source.identity.map { try SimulatedPolicy($0.name, $0.document, as: .identity) }
    let simulation = try Simulation(
      principal: try Simulation.principal(input.callerArn) ?? source.principal, call: call,
      identity: identity + named(input.policyInputList, "PolicyInputList"), boundary: boundary,
      resourcePolicy: input.resourcePolicy, owner: input.resourceOwner, context: input.contextEntries)
    return try simulation.response(input.actionNames, input.resourceArns, input.marker, input.maxItems)
  }

  private static func checkHandling(_ option: String?) throws {
    if option != nil { throw IAMError.invalidInput("ResourceHandlingOption is not supported.") }
  }

  private func named(_ documents: [String]?, _ list: String) throws -> [SimulatedPolicy] {
    try (documents ?? []).enumerated().map { try SimulatedPolicy("\(list).\($0 + 1)", $1, as: .identity) }
  }

  private func customContextKeys(_ input: GetContextKeysForCustomPolicyInput, _ call: Call) async throws
    -> GetContextKeysForPolicyResponse
  {
    var output = GetContextKeysForPolicyResponse()
    output.contextKeyNames = ContextKeys.names(in: try named(input.policyInputList, "PolicyInputList").map(\.text))
    return output
  }

  private func principalContextKeys(_ input: GetContextKeysForPrincipalPolicyInput, _ call: Call) async throws
    -> GetContextKeysForPolicyResponse
  {
    let source = try await read(call.account) { try SimulationSource($0, input.policySourceArn) }
    let further = try named(input.policyInputList, "PolicyInputList").map(\.text)
    var output = GetContextKeysForPolicyResponse()
    output.contextKeyNames = ContextKeys.names(in: source.identity.map(\.document) + further)
    return output
  }
}

/// The policies of the user, group or role that is simulated.
struct SimulationSource: Sendable {
  var identity: [(name: String, document: String)] = []
  var boundary: (name: String, document: String)?
  let principal: Principal

  init(_ rows: IAMRows, _ arn: String) throws {
    guard let parsed = ARN(arn), parsed.service == "iam", let kind = Entity.Kind(rawValue: String(parsed.resource.prefix { $0 != "/" })),
      let name = parsed.resource.split(separator: "/").last
    else { throw IAMError.invalidInput("Invalid Entity Arn: \(arn) does not clearly define entity type and name.") }
    let entity = try rows.get(kind, String(name))
    guard entity.arn == arn else { throw IAMError.noSuch(kind, String(name)) }
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
      for policy in try rows.attachments(holder).compactMap({ try rows.findPolicy($0) }) {
        identity.append((policy.name, try rows.document(ofPolicy: policy.arn) ?? ""))
      }
    }
    identity.removeAll { $0.document.isEmpty }
    boundary = try entity.boundary.map { ($0, try rows.document(ofPolicy: $0) ?? #"{"Statement":[]}"#) }
  }
}
