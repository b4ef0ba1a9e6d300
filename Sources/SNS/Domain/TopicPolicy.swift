import Base

/// The resource policy of a topic: its form, the one of a new topic, and the statements that AddPermission makes.
enum TopicPolicy {
  /// What AddPermission can give to other accounts.
  static let actions: Set<String> = [
    "AddPermission", "DeleteTopic", "GetDataProtectionPolicy", "GetTopicAttributes", "ListSubscriptionsByTopic", "ListTagsForResource",
    "Publish", "PutDataProtectionPolicy", "Receive", "RemovePermission", "SetTopicAttributes", "Subscribe",
  ]
  private static let ofOwner = [
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
  ]

  /// The policy that AWS gives a new topic.
  static func standard(for topic: TopicName) -> String {
    let statement: JSON = [
      "Sid": "__default_statement_ID", "Effect": "Allow", "Principal": ["AWS": "*"],
      "Action": .array(ofOwner.map { .string("SNS:" + $0) }), "Resource": .string(topic.arn.text),
      "Condition": ["StringEquals": ["AWS:SourceOwner": .string(topic.account.text)]],
    ]
    let document: JSON = ["Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]]
    return document.text
  }

  /// Throws for a text that is no policy. What the statements mean is IAM's business.
  static func check(_ text: String, of topic: TopicName) throws(AWSError) {
    guard text.utf8.count <= SNSLimits.policyBytes else { throw SNSError.invalid("Policy Error: PrincipalNotFound") }
    let failed = SNSError.invalid("Policy", "Policy document is not valid JSON or has no statement")
    guard let json = try? JSON.parse(text), json.object != nil, let statement = json["Statement"] else { throw failed }
    let statements = statement.array ?? [statement]
    guard !statements.isEmpty else { throw failed }
    for statement in statements {
      guard let effect = statement["Effect"]?.string, effect == "Allow" || effect == "Deny",
        statement["Principal"] ?? statement["NotPrincipal"] != nil, let action = statement["Action"] ?? statement["NotAction"]
      else { throw failed }
      for name in action.array ?? [action] {
        guard let text = name.string?.lowercased() else { throw failed }
        guard text == "*" || text.hasPrefix("sns:") else { throw SNSError.invalid("Policy statement action out of service scope!") }
      }
    }
  }

  /// The policy with a statement that lets the accounts do the actions. Throws when the label is taken.
  static func adding(
    label: String, accounts: [String], actions: [String], to policy: String, of topic: TopicName
  ) throws(AWSError) -> String {
    var (document, statements) = parts(of: policy)
    guard !statements.contains(where: { $0["Sid"]?.string == label }) else { throw SNSError.invalid("Statement already exists") }
    let principals = accounts.map { JSON.string("arn:aws:iam::\($0):root") }
    let names = actions.map { JSON.string("SNS:" + $0) }
    statements.append([
      "Sid": .string(label), "Effect": "Allow", "Principal": ["AWS": principals.count == 1 ? principals[0] : .array(principals)],
      "Action": names.count == 1 ? names[0] : .array(names), "Resource": .string(topic.arn.text),
    ])
    document["Statement"] = .array(statements)
    return JSON.object(document).text
  }

  /// The policy without the statement of the label; as it is when there is none.
  static func removing(label: String, from policy: String) -> String {
    var (document, statements) = parts(of: policy)
    statements.removeAll { $0["Sid"]?.string == label }
    document["Statement"] = .array(statements)
    return JSON.object(document).text
  }

  private static func parts(of policy: String) -> (JSONObject, [JSON]) {
    let document = (try? JSON.parse(policy))?.object ?? JSONObject([("Version", "2008-10-17")])
    let statement = document["Statement"]
    return (document, statement?.array ?? statement.map { [$0] } ?? [])
  }
}
