import Base
@testable import CloudWatch
@testable import Fabric
@testable import IAM
import Patterns

private let account = AccountID("123456789012") ?? .local

/// Policy documents: the document, the action, the resource, the principal's name and the value of condition keys.
func fuzzPolicy(_ bytes: [UInt8]) {
  let parts = bytes.parts(5).map(\.utf8Text)
  let request = policyRequest(action: parts[1], resource: parts[2], name: parts[3], value: parts[4])
  for kind in [PolicyDocument.Kind.identity, .trust, .resource] {
    guard let document = try? PolicyDocument(parts[0], as: kind) else { continue }
    let decision = decide(document, kind, request)
    // Written anew the document means the same.
    guard let json = try? JSON.parse(parts[0]), let again = try? PolicyDocument(json.text, as: kind) else {
      fatalError("broken: a document that was accepted can be written and read again")
    }
    promise(decide(again, kind, request) == decision, "the same document decides the same")
  }
}

private func decide(_ document: PolicyDocument, _ kind: PolicyDocument.Kind, _ request: PolicyRequest) -> Decision {
  var evaluator = PolicyEvaluator()
  if kind == .identity {
    evaluator.policies.identity = [document]
    evaluator.policies.boundary = document
  } else {
    evaluator.resourcePolicy = document
    evaluator.resourceMustAllow = kind == .trust
  }
  return evaluator.decide(request)
}

private func policyRequest(action: String, resource: String, name: String, value: String) -> PolicyRequest {
  let values = value.split(separator: "\n").map(String.init)
  let principal: Principal =
    name.hasPrefix("role/")
    ? .role(RoleSession(account: account, roleName: String(name.dropFirst(5)), roleID: "AROAEXAMPLEEXAMPLE", sessionName: "s"))
    : name.hasSuffix(".amazonaws.com")
      ? .service(ServicePrincipal(name, sourceARN: "arn:aws:s3:::bucket", sourceAccount: account))
      : .user(account: account, name: name, path: "/", id: "AIDAEXAMPLEEXAMPLE")
  let call = Call(
    service: "sqs", operation: "SendMessage", principal: principal, account: account, region: .usEast1, requestID: "r",
    trace: TraceContext(root: "1-00000000-000000000000000000000000"), now: Instant(seconds: 1_790_000_000), sourceIP: values.first,
    userAgent: values.last, conditionValues: ["aws:x": values, "sqs:y": values])
  return PolicyRequest(
    Access(action, on: resource, owner: account, conditionValues: ["s3:prefix": values]), call, principalTags: ["team": value])
}

/// Filter patterns of CloudWatch Logs: the pattern, and the message that it is held against.
func fuzzFilter(_ bytes: [UInt8]) {
  let parts = bytes.parts(2)
  guard let text = String(validating: parts[0], as: UTF8.self), let pattern = try? FilterPattern(text) else { return }
  promise(pattern.weight >= 1, "a pattern has a cost")
  // As a search does it: what a byte costs more, that many bytes fewer are looked at.
  _ = pattern.matches(Array(parts[1].prefix(65_536 / pattern.weight)))
}

/// Event patterns: the pattern, at most as long as AWS takes them, and the event that it is held against.
func fuzzEventPattern(_ bytes: [UInt8]) {
  let parts = bytes.parts(2)
  guard parts[0].count <= 4096, let json = try? JSON.parse(parts[0]) else { return }
  let event = try? JSON.parse(parts[1])
  for dialect in [EventPattern.Dialect.bus, .filter] {
    guard let pattern = try? EventPattern(json, dialect: dialect) else { continue }
    guard let again = try? EventPattern(json.text, dialect: dialect) else {
      fatalError("broken: a pattern that was accepted can be written and read again")
    }
    promise(again == pattern, "a pattern that is written reads the same")
    if let event { promise(again.matches(event) == pattern.matches(event), "the same pattern matches the same") }
  }
}
