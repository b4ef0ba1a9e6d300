import Base
import Testing
import Wire

@testable import Lambda

private let arn = "arn:aws:lambda:us-east-1:111111111111:function:orders"

private func permission(_ sid: String = "s", _ change: (inout AddPermissionInput) -> Void = { _ in }) -> AddPermissionInput {
  input {
    ($0.functionName, $0.statementId, $0.action, $0.principal) = ("orders", sid, "lambda:InvokeFunction", "s3.amazonaws.com")
    change(&$0)
  }
}

private let statements: [(@Sendable (inout AddPermissionInput) -> Void, String)] = [
  ({ _ in }, #""Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"\#(arn)"}"#),
  ({ $0.principal = "222222222222" }, #""Principal":{"AWS":"arn:aws:iam::222222222222:root"}"#),
  ({ $0.principal = "arn:aws:iam::222222222222:user/u" }, #""Principal":{"AWS":"arn:aws:iam::222222222222:user/u"}"#),
  ({ $0.principal = "*" }, #""Principal":"*""#),
  (
    {
      ($0.sourceArn, $0.sourceAccount) = ("arn:aws:s3:::bucket", "111111111111")
    }, #""Condition":{"StringEquals":{"AWS:SourceAccount":"111111111111"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}}"#
  ),
  ({ $0.eventSourceToken = "token" }, #""Condition":{"StringEquals":{"lambda:EventSourceToken":"token"}}}"#),
  ({ $0.principalOrgID = "o-1234567890" }, #""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}"#),
  (
    { ($0.action, $0.functionUrlAuthType, $0.principal) = ("lambda:InvokeFunctionUrl", "NONE", "*") },
    #""Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}"#
  ),
  ({ $0.invokedViaFunctionUrl = true }, #""Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}"#),
]

@Test(arguments: statements)
func `a permission becomes a statement of the policy document`(
  change: @Sendable (inout AddPermissionInput) -> Void, part: String
) async throws {
  let test = TestPlane()
  _ = try await test.create()
  let statement = try #require(AddPermissionOutput(try await test.run(permission("s", change))).statement)
  #expect(statement.hasPrefix(#"{"Sid":"s","Effect":"Allow","Principal":"#) && statement.contains(part), "\(statement)")
  let policy = GetPolicyOutput(try await test.run(input(GetPolicyInput.self) { $0.functionName = "orders" }))
  #expect(policy.policy == #"{"Version":"2012-10-17","Id":"default","Statement":[\#(statement)]}"#)
  _ = try JSON.parse(policy.policy ?? "")
  let id = FunctionID(account: .one, region: .usEast1, name: "orders")
  let kept = try await test.identity.tied(policy.policy ?? "")
  #expect(try await test.plane.resolve(id, qualifier: nil).policy == kept, "by the unique id of whom it names")
}

private let refused: [(@Sendable (inout AddPermissionInput) -> Void, String)] = [
  (
    { $0.principal = "example.com" },
    "InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again."
  ),
  ({ $0.principal = "arn:aws:s3:::b" }, "InvalidParameterValueException: The provided principal was invalid."),
  (
    { $0.principal = "arn:aws:iam::222222222222:user/missing" },
    "InvalidParameterValueException: The provided principal was invalid. Please check the principal and try again."
  ),
  ({ $0.qualifier = "$LATEST" }, "InvalidParameterValueException: We currently do not support adding policies for $LATEST."),
  ({ $0.qualifier = "prod" }, "ResourceNotFoundException: Cannot find alias arn: \(arn):prod"),
  ({ $0.qualifier = "7" }, "ResourceNotFoundException: Function not found: \(arn):7"),
  (
    { $0.functionName = "none" },
    "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:none"
  ),
  (
    { $0.statementId = "taken" },
    "ResourceConflictException: The statement id (taken) provided already exists. Please provide a new statement id, or remove the existing statement."
  ),
  ({ $0.statementId = "a b" }, "ValidationException: 1 validation error detected: Value 'a b' at 'statementId'"),
  ({ $0.action = "s3:Get" }, "ValidationException: 1 validation error detected: Value 's3:Get' at 'action'"),
  ({ $0.sourceAccount = "1" }, "ValidationException: 1 validation error detected: Value '1' at 'sourceAccount'"),
  (
    { $0.revisionId = "x" },
    "PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
  ),
  ({ $0.functionUrlAuthType = "NONE" }, "InvalidParameterValueException: FunctionUrlAuthType is only supported for"),
]

@Test(arguments: refused)
func `a permission that cannot be is refused in AWS's words`(
  change: @Sendable (inout AddPermissionInput) -> Void, text: String
) async throws {
  let test = TestPlane()
  _ = try await test.create()
  try await test.run(permission("taken"))
  let refusal = await test.refusal(permission("s", change))
  #expect(refusal.hasPrefix(text), "\(refusal)")
}

@Test func `a policy is removed statement by statement, and an empty one is none`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  func remove(_ sid: String, _ revision: String? = nil) async -> String {
    await test.refusal(
      input(RemovePermissionInput.self) { ($0.functionName, $0.statementId, $0.revisionId) = ("orders", sid, revision) })
  }
  let get = input(GetPolicyInput.self) { $0.functionName = "orders" }
  #expect(await test.refusal(get) == "ResourceNotFoundException: The resource you requested does not exist.")
  #expect(await remove("a") == "ResourceNotFoundException: No policy is associated with the given resource.")
  try await test.run(permission("a"))
  let first = GetPolicyOutput(try await test.run(get)).revisionId
  try await test.run(permission("b") { $0.revisionId = first })
  #expect(await remove("a", first).hasPrefix("PreconditionFailedException"))
  #expect(await remove("c") == "ResourceNotFoundException: Statement c is not found in resource policy.")
  #expect(await remove("a") == "accepted")
  #expect(await remove("b") == "accepted")
  #expect(await test.refusal(get) == "ResourceNotFoundException: The resource you requested does not exist.")
}

@Test func `a policy cannot grow beyond 20 KB`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  var answers: [String] = []
  for n in 0..<200 {
    answers.append(
      await test.refusal(permission("s\(n)") { $0.sourceArn = "arn:aws:s3:::" + String(repeating: "b", count: 900) }))
    if answers.last != "accepted" { break }
  }
  #expect(answers.last == "PolicyLengthExceededException: The final policy size is bigger than the limit (20480).")
  #expect(answers.count > 10)
}

@Test func `the policy of the function goes with every question to IAM`() async throws {
  let test = TestPlane()
  _ = try await test.create()
  try await test.run(permission())
  _ = try await test.configuration()
  let asked = test.identity.asked.withLock { $0.last }
  #expect(asked?.action == "lambda:GetFunctionConfiguration" && asked?.resourcePolicy?.contains("s3.amazonaws.com") == true)
}
