import Base
import Fabric

@testable import IAM

let alpha = AccountID("111111111111") ?? .local
let beta = AccountID("222222222222") ?? .local
let queue = "arn:aws:sqs:us-east-1:111111111111:orders"

extension Principal {
  static let alice = Principal.user(account: alpha, name: "alice", path: "/", id: "AIDAALICE00000000000X")
  static func worker(_ account: AccountID = alpha, session: String = "s1", policies: [String] = []) -> Principal {
    .role(
      RoleSession(
        account: account, roleName: "worker", rolePath: "/team/", roleID: "AROAWORKER0000000000X", sessionName: session,
        sessionPolicies: policies))
  }
  static func sns(from arn: String = "arn:aws:sns:us-east-1:111111111111:news", account: AccountID = alpha) -> Principal {
    .service(ServicePrincipal("sns.amazonaws.com", sourceARN: arn, sourceAccount: account))
  }
}

extension Call {
  static func fixture(
    _ principal: Principal, at now: Instant = Instant(seconds: 1_700_000_000), sourceIP: String? = "127.0.0.1",
    values: [String: [String]] = [:], operation: String = "Test", accessKeyID: String? = nil, isQuery: Bool = true
  ) -> Call {
    Call(
      service: "iam", operation: operation, principal: principal, account: principal.account ?? alpha, region: .usEast1,
      requestID: "r", trace: TraceContext(root: "1-00000000-000000000000000000000000"), now: now, sourceIP: sourceIP,
      userAgent: "tests/1", accessKeyID: accessKeyID, conditionValues: values, isQueryProtocol: isQuery)
  }
}

extension PolicyRequest {
  static func fixture(
    _ action: String = "sqs:SendMessage", on resource: String = queue, by principal: Principal = .alice, owner: AccountID = alpha,
    values: [String: [String]] = [:], tags: [String: String] = [:], sourceIP: String? = "127.0.0.1"
  ) -> PolicyRequest {
    PolicyRequest(
      Access(action, on: resource, owner: owner, conditionValues: values), .fixture(principal, sourceIP: sourceIP),
      principalTags: tags)
  }
}

/// A document of one statement.
func policy(_ statement: String, version: String = "2012-10-17") -> String {
  #"{"Version":"\#(version)","Statement":[\#(statement)]}"#
}
func allow(_ action: String, on resource: String = "*", if condition: String = "{}") -> String {
  #"{"Effect":"Allow","Action":"\#(action)","Resource":"\#(resource)","Condition":\#(condition)}"#
}
func deny(_ action: String, on resource: String = "*", if condition: String = "{}") -> String {
  #"{"Effect":"Deny","Action":"\#(action)","Resource":"\#(resource)","Condition":\#(condition)}"#
}
func identity(_ statements: String...) throws -> PolicyDocument {
  try PolicyDocument(policy(statements.joined(separator: ",")), as: .identity)
}
func onResource(_ principal: String, effect: String = "Allow", if condition: String = "{}") throws -> PolicyDocument {
  try PolicyDocument(
    policy(#"{"Effect":"\#(effect)","Principal":\#(principal),"Action":"sqs:*","Resource":"*","Condition":\#(condition)}"#),
    as: .resource)
}
