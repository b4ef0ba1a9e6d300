import Base

/// The resource policy of an event bus: its form, and the statements that PutPermission makes.
enum BusPolicy {
  /// Checks a whole policy that was given. What its statements mean is IAM's business.
  /// Throws `ValidationException` and `PolicyLengthExceededException`.
  static func check(_ text: String) throws(AWSError) {
    guard let json = try? JSON.parse(text), json.object != nil, let statement = json["Statement"] else {
      throw EventBridgeError.invalid("Policy", "This policy contains invalid Json")
    }
    let statements = statement.array ?? [statement]
    guard !statements.isEmpty else { throw EventBridgeError.invalid("Policy", "The policy has no statement.") }
    for statement in statements {
      guard let effect = statement["Effect"]?.string, effect == "Allow" || effect == "Deny",
        statement["Principal"] != nil || statement["NotPrincipal"] != nil, statement["Action"] != nil || statement["NotAction"] != nil
      else { throw EventBridgeError.invalid("Policy", "A statement needs Effect, Principal and Action.") }
    }
    try checkLength(text)
  }

  static func checkLength(_ text: String) throws(AWSError) {
    guard text.count <= EventBridgeLimits.policyCharacters else { throw EventBridgeError.policyTooLong }
  }

  struct Condition: Sendable {
    var type: String
    var key: String
    var value: String
  }

  /// The policy with a statement that lets an account (or everybody: `*`) do the action. One of the same id is replaced.
  static func adding(
    statement id: String, action: String, principal: String, condition: Condition?, to policy: String?, of bus: BusName
  ) throws(AWSError) -> String {
    var members: [(String, JSON)] = [
      ("Sid", .string(id)), ("Effect", "Allow"),
      ("Principal", principal == "*" ? "*" : ["AWS": .string("arn:aws:iam::\(principal):root")]), ("Action", .string(action)),
      ("Resource", .string(bus.arn.text)),
    ]
    if let condition {
      let test = JSON.object(JSONObject([(condition.key, .string(condition.value))]))
      members.append(("Condition", .object(JSONObject([(condition.type, test)]))))
    }
    let others = statements(of: policy).filter { $0["Sid"]?.string != id }
    let text = document(others + [.object(JSONObject(members))])
    try checkLength(text)
    return text
  }

  /// The policy without the statement; nil when that was the last. Throws `ResourceNotFoundException` when there is none.
  static func removing(statement id: String, from policy: String?) throws(AWSError) -> String? {
    let all = statements(of: policy)
    let rest = all.filter { $0["Sid"]?.string != id }
    guard rest.count < all.count else { throw EventBridgeError.noStatement }
    return rest.isEmpty ? nil : document(rest)
  }

  private static func statements(of policy: String?) -> [JSON] {
    guard let policy, let statement = try? JSON.parse(policy)["Statement"] else { return [] }
    return statement.array ?? [statement]
  }
  private static func document(_ statements: [JSON]) -> String {
    JSON.object(JSONObject([("Version", "2012-10-17"), ("Statement", .array(statements))])).text
  }
}
