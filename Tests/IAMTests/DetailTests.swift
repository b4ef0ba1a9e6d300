import Base
import Fabric
import Testing

@testable import IAM

struct DetailTests {
  private let cloud = Cloud()

  @Test func `an account's details come in pages of all kinds`() async throws {
    _ = try await cloud.user("ann")
    _ = try await cloud.user("bob")
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker")
    try await cloud.attach("arn:aws:iam::aws:policy/AmazonSQSFullAccess", to: "worker")
    var create = CreatePolicyInput()
    (create.policyName, create.policyDocument) = ("mine", policy(allow("sqs:*")))
    let _: CreatePolicyOutput = try await cloud.call("CreatePolicy", create)
    var input = GetAccountAuthorizationDetailsInput()
    input.maxItems = 2
    var (users, roles, policies, pages): ([String?], [RoleDetail], [String?], Int) = ([], [], [], 0)
    repeat {
      let output: GetAccountAuthorizationDetailsOutput = try await cloud.call("GetAccountAuthorizationDetails", input)
      users += output.userDetailList?.map(\.userName) ?? []
      roles += output.roleDetailList ?? []
      policies += output.policies?.map(\.policyName) ?? []
      (input.marker, pages) = (output.marker, pages + 1)
    } while input.marker != nil
    #expect(users == ["ann", "bob"] && pages == 3)
    #expect(Set(policies) == ["mine", "AmazonSQSFullAccess"])
    #expect(roles.map(\.roleId) == [role.roleId] && roles.first?.rolePolicyList?.first?.policyName == "p")
    #expect(roles.first?.attachedManagedPolicies?.first?.policyName == "AmazonSQSFullAccess")
    (input.filter, input.maxItems, input.marker) = (["LocalManagedPolicy"], nil, nil)
    let local: GetAccountAuthorizationDetailsOutput = try await cloud.call("GetAccountAuthorizationDetails", input)
    #expect(local.policies?.map(\.policyName) == ["mine"] && local.userDetailList?.isEmpty == true)
    #expect(local.policies?.first?.policyVersionList?.first?.versionId == "v1")
  }

  @Test func `context keys are named as the policies write them`() async throws {
    var input = GetContextKeysForCustomPolicyInput()
    input.policyInputList = [
      policy(allow("s3:*", on: "arn:aws:s3:::home/${aws:username}/*", if: #"{"StringLike":{"aws:SourceVpc":"${aws:PrincipalTag/Vpc}"}}"#))
    ]
    let keys: GetContextKeysForPolicyResponse = try await cloud.call("GetContextKeysForCustomPolicy", input)
    #expect(keys.contextKeyNames == ["aws:PrincipalTag/Vpc", "aws:SourceVpc", "aws:username"])
    let role = try await cloud.role("worker")
    try await cloud.put(allow("s3:*", if: #"{"Bool":{"aws:SecureTransport":"true"}}"#), on: "worker")
    var of = GetContextKeysForPrincipalPolicyInput()
    of.policySourceArn = role.arn
    let theirs: GetContextKeysForPolicyResponse = try await cloud.call("GetContextKeysForPrincipalPolicy", of)
    #expect(theirs.contextKeyNames == ["aws:SecureTransport"])
  }

  @Test func `a simulation shows which statement stands where`() async throws {
    var input = SimulateCustomPolicyInput()
    input.policyInputList = ["{\"Version\":\"2012-10-17\",\n \"Statement\":[\(allow("s3:*")),\n  \(allow("sqs:*"))]}"]
    input.actionNames = ["sqs:SendMessage"]
    let output: SimulatePolicyResponse = try await cloud.call("SimulateCustomPolicy", input)
    let statement = try #require(output.evaluationResults?.first?.matchedStatements?.first)
    #expect(statement.sourcePolicyId == "PolicyInputList.1")
    #expect(statement.startPosition?.line == 3 && statement.startPosition?.column == 3)
    #expect(statement.endPosition?.line == 3)
  }

  @Test func `a simulation weighs resource policy, boundary and account`() async throws {
    func simulate(_ more: (inout SimulateCustomPolicyInput) -> Void) async throws -> EvaluationResult {
      var input = SimulateCustomPolicyInput()
      (input.policyInputList, input.actionNames, input.resourceArns) = ([policy(allow("sqs:*"))], ["sqs:SendMessage"], [queue])
      more(&input)
      let output: SimulatePolicyResponse = try await cloud.call("SimulateCustomPolicy", input)
      return try #require(output.evaluationResults?.first)
    }
    let bounded = try await simulate { $0.permissionsBoundaryPolicyInputList = [policy(allow("sns:*"))] }
    #expect(bounded.evalDecision == "implicitDeny")
    #expect(bounded.permissionsBoundaryDecisionDetail?.allowedByPermissionsBoundary == false)
    let foreign = try await simulate { $0.resourceOwner = "222222222222" }
    #expect(foreign.evalDecision == "implicitDeny")
    #expect(foreign.evalDecisionDetails == ["IAM Policy": "allowed", "Resource Policy": "implicitDeny"])
    let both = try await simulate {
      $0.resourceOwner = "222222222222"
      $0.callerArn = "arn:aws:iam::111111111111:user/ann"
      $0.resourcePolicy = policy(
        #"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:user/ann"},"Action":"sqs:*","Resource":"*"}"#)
    }
    #expect(both.evalDecision == "allowed" && both.matchedStatements?.last?.sourcePolicyType == "Resource Policy")
    await #expect(throws: AWSError.self) { _ = try await simulate { $0.actionNames = ["nonsense"] } }
    await #expect(throws: AWSError.self) { _ = try await simulate { $0.policyInputList = ["{"] } }
  }

  @Test(arguments: [
    "service-role/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaSQSQueueExecutionRole", "service-role/AWSCodeDeployRoleForLambda",
    "AWSLambda_FullAccess", "AmazonSQSFullAccess", "AmazonS3ReadOnlyAccess", "AmazonDynamoDBFullAccess", "CloudWatchFullAccessV2",
    "AdministratorAccess", "ReadOnlyAccess", "job-function/ViewOnlyAccess", "service-role/AmazonS3ObjectLambdaExecutionRolePolicy",
  ])
  func `AWS's policies are there by their ARNs`(name: String) async throws {
    try await cloud.role("worker")
    try await cloud.attach("arn:aws:iam::aws:policy/\(name)", to: "worker")
  }

  @Test func `every policy of AWS is a good policy`() throws {
    #expect(AWSManagedPolicies.all.count > 110)
    for policy in AWSManagedPolicies.all {
      let version = try #require(AWSManagedPolicies.version(policy.arn))
      #expect(throws: Never.self, "\(policy.name)") { try PolicyDocument(version.document, as: .identity) }
    }
  }

  @Test func `policies of services' own roles cannot be attached`() async throws {
    try await cloud.role("worker")
    let error = try await refusal { try await cloud.attach("arn:aws:iam::aws:policy/aws-service-role/AWSLambdaReplicator", to: "worker") }
    #expect(error.code == "PolicyNotAttachableException")
  }

  @Test func `a role goes into an instance profile only by who may pass it`() async throws {
    try await cloud.role("worker")
    var create = CreateInstanceProfileInput()
    create.instanceProfileName = "p"
    let _: CreateInstanceProfileOutput = try await cloud.call("CreateInstanceProfile", create)
    let bob = try await cloud.user("bob")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName, put.policyDocument) = ("bob", "p", policy(allow("iam:AddRoleToInstanceProfile")))
    try await cloud.perform("PutUserPolicy", put)
    var add = AddRoleToInstanceProfileInput()
    (add.instanceProfileName, add.roleName) = ("p", "worker")
    let error = try await refusal { try await cloud.perform("AddRoleToInstanceProfile", add, as: bob) }
    #expect(error.message.contains("iam:PassRole on resource: arn:aws:iam::111111111111:role/worker"))
    put.policyDocument = policy(
      [
        allow("iam:AddRoleToInstanceProfile"),
        allow("iam:PassRole", if: #"{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}"#),
      ].joined(separator: ","))
    try await cloud.perform("PutUserPolicy", put)
    try await cloud.perform("AddRoleToInstanceProfile", add, as: bob)
  }

  @Test func `tags of a user or role are facts for who works on it`() async throws {
    try await cloud.role("worker")
    let bob = try await cloud.user("bob")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName) = ("bob", "p")
    put.policyDocument = policy(allow("iam:GetRole", if: #"{"StringEquals":{"aws:ResourceTag/team":"blue"}}"#))
    try await cloud.perform("PutUserPolicy", put)
    var get = GetRoleInput()
    get.roleName = "worker"
    await #expect(throws: AWSError.self) { let _: GetRoleOutput = try await cloud.call("GetRole", get, as: bob) }
    var tag = IAMTag()
    (tag.key, tag.value) = ("team", "blue")
    var tagging = TagRoleInput()
    (tagging.roleName, tagging.tags) = ("worker", [tag])
    try await cloud.perform("TagRole", tagging)
    let _: GetRoleOutput = try await cloud.call("GetRole", get, as: bob)
  }
}
