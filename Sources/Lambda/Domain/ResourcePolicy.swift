import Base

/// The resource policy of a function, version or alias: the statements that AddPermission made.
struct ResourcePolicy: Sendable, Equatable {
  struct Statement: Sendable, Equatable {
    var sid: String
    /// The whole statement as JSON text, as AddPermission answered it.
    var text: String
  }
  var statements: [Statement] = []
  var revisionID: String

  /// The policy document.
  var text: String {
    "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[\(statements.map(\.text).joined(separator: ","))]}"
  }

  /// - Throws: `AWSError` for a statement id that is taken and a policy that becomes too long.
  mutating func add(_ statement: Statement, revisionID: String) throws {
    guard !statements.contains(where: { $0.sid == statement.sid }) else { throw LambdaError.statementExists(statement.sid) }
    statements.append(statement)
    guard text.utf8.count <= LambdaLimits.policyBytes else { throw LambdaError.policyTooLong() }
    self.revisionID = revisionID
  }

  mutating func remove(sid: String, revisionID: String) throws {
    guard let place = statements.firstIndex(where: { $0.sid == sid }) else { throw LambdaError.noStatement(sid) }
    statements.remove(at: place)
    self.revisionID = revisionID
  }
}

extension ResourcePolicy.Statement {
  /// - Parameter resource: the ARN of the function with the qualifier that the permission is for.
  init(_ input: AddPermissionInput, resource: String) throws {
    try Self.check(input)
    var members: [(String, JSON)] = [
      ("Sid", .string(input.statementId)), ("Effect", "Allow"), ("Principal", try Self.principal(input.principal)),
      ("Action", .string(input.action)), ("Resource", .string(resource)),
    ]
    let conditions = Self.conditions(input)
    if !conditions.isEmpty { members.append(("Condition", .object(JSONObject(conditions)))) }
    (sid, text) = (input.statementId, JSON.object(JSONObject(members)).text)
  }

  private static func check(_ input: AddPermissionInput) throws {
    let isWord: (UInt8) -> Bool = { ($0 >= 48 && $0 <= 57) || ($0 | 32 >= 97 && $0 | 32 <= 122) || $0 == 45 || $0 == 95 }
    guard (1...100).contains(input.statementId.utf8.count), input.statementId.utf8.allSatisfy(isWord) else {
      throw LambdaError.constraint(input.statementId, at: "statementId", "satisfy regular expression pattern: ([a-zA-Z0-9-_]+)")
    }
    let verb = input.action.hasPrefix("lambda:") ? input.action.dropFirst(7) : input.action == "*" ? "*" : ""
    guard verb == "*" || !verb.isEmpty && verb.utf8.allSatisfy({ $0 | 32 >= 97 && $0 | 32 <= 122 }) else {
      throw LambdaError.constraint(
        input.action, at: "action", "satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])")
    }
    if let account = input.sourceAccount, AccountID(account) == nil {
      throw LambdaError.constraint(account, at: "sourceAccount", #"satisfy regular expression pattern: \d{12}"#)
    }
    if let source = input.sourceArn, ARN(source) == nil {
      throw LambdaError.constraint(
        source, at: "sourceArn",
        #"satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+"#
          + #":([a-z]{2}(-gov)?-[a-z]+-\d{1})?:(\d{12})?:(.*)"#)
    }
    if let type = input.functionUrlAuthType, type != "NONE", type != "AWS_IAM" {
      throw LambdaError.constraint(type, at: "functionUrlAuthType", "satisfy enum value set: [NONE, AWS_IAM]")
    }
    if input.functionUrlAuthType != nil, input.action != "lambda:InvokeFunctionUrl" {
      throw LambdaError.invalidParameter("FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
    }
    if input.invokedViaFunctionUrl != nil, input.action != "lambda:InvokeFunction" {
      throw LambdaError.invalidParameter("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
    }
  }

  /// A service, an account number, an ARN of IAM or STS, or everybody.
  private static func principal(_ text: String) throws -> JSON {
    if text == "*" { return "*" }
    if let account = AccountID(text) { return ["AWS": .string("arn:aws:iam::\(account):root")] }
    if let arn = ARN(text) {
      guard arn.service == "iam" || arn.service == "sts", AccountID(arn.account) != nil else { throw LambdaError.badPrincipal() }
      return ["AWS": .string(text)]
    }
    let isService = [".amazonaws.com", ".amazonaws.com.cn", ".amazon.com"].contains { text.hasSuffix($0) && text != $0 }
    guard isService, !text.contains(where: \.isWhitespace) else { throw LambdaError.badPrincipal() }
    return ["Service": .string(text)]
  }

  private static func conditions(_ input: AddPermissionInput) -> [(String, JSON)] {
    var equals: [(String, JSON)] = []
    if let account = input.sourceAccount { equals.append(("AWS:SourceAccount", .string(account))) }
    if let token = input.eventSourceToken { equals.append(("lambda:EventSourceToken", .string(token))) }
    if let type = input.functionUrlAuthType { equals.append(("lambda:FunctionUrlAuthType", .string(type))) }
    if let organisation = input.principalOrgID { equals.append(("aws:PrincipalOrgID", .string(organisation))) }
    var conditions: [(String, JSON)] = []
    if !equals.isEmpty { conditions.append(("StringEquals", .object(JSONObject(equals)))) }
    if let source = input.sourceArn { conditions.append(("ArnLike", ["AWS:SourceArn": .string(source)])) }
    if let viaURL = input.invokedViaFunctionUrl {
      conditions.append(("Bool", ["lambda:InvokedViaFunctionUrl": .string(viaURL ? "true" : "false")]))
    }
    return conditions
  }
}
