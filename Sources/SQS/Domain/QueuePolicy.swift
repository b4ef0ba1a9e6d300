import Base

/// The resource policy of a queue: checks of its form, and the statements that AddPermission makes.
enum QueuePolicy {
  /// Throws InvalidAttributeValue for a text that is no policy, and OverLimit for one that is too large. What the statements
  /// mean is IAM's business.
  static func check(_ text: String) throws(AWSError) {
    guard text.utf8.count <= SQSLimits.policyBytes else {
      throw SQSError.overLimit("Submitted policy is over max allowed size.")
    }
    let invalid = SQSError.attributeValue("Policy")
    guard let json = try? JSON.parse(text), json.object != nil, let statement = json["Statement"] else { throw invalid }
    let statements = statement.array ?? [statement]
    guard !statements.isEmpty else { throw invalid }
    try limit(statements.count, "statements", "the submitted policy", SQSLimits.policyStatements)
    var (principals, conditions) = (0, 0)
    for statement in statements {
      guard let effect = statement["Effect"]?.string, effect == "Allow" || effect == "Deny",
        let principal = statement["Principal"] ?? statement["NotPrincipal"],
        let action = statement["Action"] ?? statement["NotAction"]
      else { throw invalid }
      try limit(action.array?.count ?? 1, "actions", "a statement from the submitted policy", SQSLimits.permissionActions)
      principals += principal.object?.names.reduce(0) { $0 + (principal[$1]?.array?.count ?? 1) } ?? 1
      let operators = statement["Condition"]
      conditions += operators?.object?.names.reduce(0) { $0 + (operators?[$1]?.object?.names.count ?? 1) } ?? 0
    }
    try limit(principals, "principals", "the submitted policy", SQSLimits.policyPrincipals)
    try limit(conditions, "conditions", "the submitted policy", SQSLimits.policyConditions)
  }

  private static func limit(_ count: Int, _ what: String, _ place: String, _ maximum: Int) throws(AWSError) {
    guard count <= maximum else {
      throw SQSError.overLimit("\(count) \(what) were found in \(place), max allowed is \(maximum)")
    }
  }

  /// The policy with a statement that lets the accounts do the actions. Throws when the label is taken.
  static func adding(
    label: String, accounts: [String], actions: [String], to policy: String?, of queue: QueueName
  ) throws(AWSError) -> String {
    var statements = statements(of: policy)
    guard !statements.contains(where: { $0["Sid"]?.string == label }) else {
      throw SQSError.invalid("Label", label, "Already exists.")
    }
    guard statements.count < SQSLimits.policyStatements else {
      throw SQSError.overLimit("\(statements.count + 1) statements were found, maximum allowed is \(SQSLimits.policyStatements).")
    }
    let principals = accounts.map { JSON.string("arn:aws:iam::\($0):root") }
    let names = actions.map { JSON.string("SQS:" + $0) }
    statements.append([
      "Sid": .string(label), "Effect": "Allow",
      "Principal": ["AWS": principals.count == 1 ? principals[0] : .array(principals)],
      "Action": names.count == 1 ? names[0] : .array(names), "Resource": .string(queue.arn.text),
    ])
    var document =
      policy.flatMap { try? JSON.parse($0).object }
      ?? JSONObject([
        ("Version", "2008-10-17"), ("Id", .string("\(queue.arn)/SQSDefaultPolicy")),
      ])
    document["Statement"] = .array(statements)
    return JSON.object(document).text
  }

  /// The policy without the statement of the label; empty when it was the last. Throws when there is none.
  static func removing(label: String, from policy: String?) throws(AWSError) -> String {
    var statements = statements(of: policy)
    guard let at = statements.firstIndex(where: { $0["Sid"]?.string == label }) else {
      throw SQSError.invalid("Label", label, "can't find label.")
    }
    statements.remove(at: at)
    guard !statements.isEmpty, var document = policy.flatMap({ try? JSON.parse($0).object }) else { return "" }
    document["Statement"] = .array(statements)
    return JSON.object(document).text
  }

  private static func statements(of policy: String?) -> [JSON] {
    guard let policy, let statement = try? JSON.parse(policy)["Statement"] else { return [] }
    return statement.array ?? [statement]
  }
}
