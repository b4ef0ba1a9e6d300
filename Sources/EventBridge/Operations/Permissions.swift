import Base
import Fabric
import Store

/// The policies of event buses.
extension EventBridgeService {
  var permissionOperations: [Operation] {
    [
      Operation("PutPermission", access: { [self] (input: PutPermissionInput, call) in
        [try await access("PutPermission", own(input.eventBusName, call))]
      }, run: putPermission),
      Operation("RemovePermission", access: { [self] (input: RemovePermissionInput, call) in
        [try await access("RemovePermission", own(input.eventBusName, call))]
      }, run: removePermission),
    ]
  }

  private func putPermission(_ input: PutPermissionInput, _ call: Call) async throws {
    let name = own(input.eventBusName, call)
    if let policy = input.policy {
      guard input.action == nil, input.principal == nil, input.statementId == nil, input.condition == nil else {
        throw EventBridgeError.invalid("Parameter Policy can not be set together with Action, Principal, StatementId or Condition.")
      }
      try BusPolicy.check(policy)
      let tied = try await tied(policy)
      return try await setPolicy(name) { _ in tied }
    }
    guard let action = input.action, let principal = input.principal, let id = input.statementId else {
      throw EventBridgeError.invalid("Parameter(s) Action, Principal and StatementId must be specified.")
    }
    guard action == "events:PutEvents" else {
      throw EventBridgeError.invalid("Action", "Provided value in parameter 'action' is not supported.")
    }
    let condition = try input.condition.map(Self.condition)
    try await setPolicy(name) { policy throws(AWSError) in
      try BusPolicy.adding(statement: id, action: action, principal: principal, condition: condition, to: policy, of: name)
    }
  }

  /// "Currently, the only key that you can use is aws:PrincipalOrgID" (API reference, Condition).
  private static func condition(_ input: EventsCondition) throws(AWSError) -> BusPolicy.Condition {
    guard input.type == "StringEquals" else { throw EventBridgeError.invalid("Condition.Type", "Only StringEquals is supported.") }
    guard input.key == "aws:PrincipalOrgID" else {
      throw EventBridgeError.invalid("Condition.Key", "Only aws:PrincipalOrgID is supported.")
    }
    return BusPolicy.Condition(type: input.type, key: input.key, value: input.value)
  }

  /// With users and roles by their unique ids.
  private func tied(_ policy: String) async throws -> String {
    do { return try await neighbours.principals.tied(policy) } catch let error as AWSError
      where error.code == "MalformedPolicyDocumentException"
    {
      throw EventBridgeError.invalid("Policy", "Invalid principal in policy")
    }
  }

  private func removePermission(_ input: RemovePermissionInput, _ call: Call) async throws {
    let name = own(input.eventBusName, call)
    if input.removeAllPermissions == true { return try await setPolicy(name) { _ in nil } }
    guard let id = input.statementId else {
      throw EventBridgeError.invalid("Parameter StatementId is required unless RemoveAllPermissions is set.")
    }
    try await setPolicy(name) { policy throws(AWSError) in try BusPolicy.removing(statement: id, from: policy) }
  }

  private func setPolicy(_ name: BusName, _ edit: @escaping @Sendable (String?) throws(AWSError) -> String?) async throws {
    let now = ambient.now
    try await change(name) { tx, revision in
      var bus = try tx.existingBus(name)
      bus.policy = try edit(bus.policy)
      bus.touch(now)
      try tx.save(bus, revision: revision)
    }
  }
}
