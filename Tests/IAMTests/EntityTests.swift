import Base
import Fabric
import Testing

@testable import IAM

struct EntityTests {
  private let cloud = Cloud()

  private func group(_ name: String) async throws {
    var input = CreateGroupInput()
    input.groupName = name
    let output: CreateGroupOutput = try await cloud.call("CreateGroup", input)
    #expect(output.group.arn == "arn:aws:iam::111111111111:group/\(name)")
  }
  private func join(_ user: String, _ group: String) async throws {
    var input = AddUserToGroupInput()
    (input.userName, input.groupName) = (user, group)
    try await cloud.perform("AddUserToGroup", input)
  }
  private func groups(of user: String) async throws -> [String] {
    var input = ListGroupsForUserInput()
    input.userName = user
    let output: ListGroupsForUserOutput = try await cloud.call("ListGroupsForUser", input)
    return output.groups.map(\.groupName)
  }

  @Test func `users without a name are the caller`() async throws {
    let bob = try await cloud.user("bob")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName) = ("bob", "self")
    put.policyDocument = policy(allow("iam:*", on: "arn:aws:iam::*:user/${aws:username}"))
    try await cloud.perform("PutUserPolicy", put)
    let own: GetUserOutput = try await cloud.call("GetUser", GetUserInput(), as: bob)
    #expect(own.user.userName == "bob")
    let key: CreateAccessKeyOutput = try await cloud.call("CreateAccessKey", CreateAccessKeyInput(), as: bob)
    #expect(key.accessKey.userName == "bob")
    let root: GetUserOutput = try await cloud.call("GetUser", GetUserInput())
    #expect(root.user.arn == "arn:aws:iam::111111111111:root")
    let nobody = try await refusal {
      let _: CreateAccessKeyOutput = try await cloud.call("CreateAccessKey", CreateAccessKeyInput())
    }
    #expect(nobody.message == "Must specify userName when calling with non-User credentials")
  }

  @Test func `a rename keeps id, policies and groups`() async throws {
    let bob = try await cloud.user("bob")
    try await group("g")
    try await join("bob", "g")
    var attach = AttachUserPolicyInput()
    (attach.userName, attach.policyArn) = ("bob", "arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    try await cloud.perform("AttachUserPolicy", attach)
    var update = UpdateUserInput()
    (update.userName, update.newUserName, update.newPath) = ("bob", "robert", "/dev/")
    try await cloud.perform("UpdateUser", update)
    var get = GetUserInput()
    get.userName = "robert"
    let output: GetUserOutput = try await cloud.call("GetUser", get)
    #expect(output.user.arn == "arn:aws:iam::111111111111:user/dev/robert" && output.user.userId == bob.userID)
    #expect(try await groups(of: "robert") == ["g"])
    #expect(try await cloud.denial("sqs:SendMessage", as: bob) == nil)
    get.userName = "bob"
    let gone = try await refusal { let _: GetUserOutput = try await cloud.call("GetUser", get) }
    #expect(gone.message == "The user with name bob cannot be found.")
    _ = try await cloud.user("bob")
    (update.userName, update.newUserName) = ("robert", "BOB")
    let taken = try await refusal { try await cloud.perform("UpdateUser", update) }
    #expect(taken.message == "User with name BOB already exists.")
  }

  @Test func `groups know their members and have a limit for each user`() async throws {
    _ = try await cloud.user("bob")
    for n in 0..<10 {
      try await group("g\(n)")
      try await join("bob", "g\(n)")
    }
    try await join("bob", "g3")
    try await group("one-more")
    let limit = try await refusal { try await join("bob", "one-more") }
    #expect(limit.message == "Cannot exceed quota for GroupsPerUser: 10")
    var get = GetGroupInput()
    get.groupName = "g3"
    let members: GetGroupOutput = try await cloud.call("GetGroup", get)
    #expect(members.users.map(\.userName) == ["bob"])
    var delete = DeleteGroupInput()
    delete.groupName = "g3"
    let conflict = try await refusal { try await cloud.perform("DeleteGroup", delete) }
    #expect(conflict.message == "Cannot delete entity, must remove users from group first.")
    var leave = RemoveUserFromGroupInput()
    (leave.userName, leave.groupName) = ("bob", "g3")
    try await cloud.perform("RemoveUserFromGroup", leave)
    try await cloud.perform("DeleteGroup", delete)
    #expect(try await groups(of: "bob").count == 9)
  }

  @Test func `an instance profile holds one role`() async throws {
    let role = try await cloud.role("worker")
    var create = CreateInstanceProfileInput()
    create.instanceProfileName = "box"
    let created: CreateInstanceProfileOutput = try await cloud.call("CreateInstanceProfile", create)
    #expect(created.instanceProfile.roles == [])
    var add = AddRoleToInstanceProfileInput()
    (add.instanceProfileName, add.roleName) = ("box", "worker")
    try await cloud.perform("AddRoleToInstanceProfile", add)
    let second = try await refusal { try await cloud.perform("AddRoleToInstanceProfile", add) }
    #expect(second.message == "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
    var list = ListInstanceProfilesForRoleInput()
    list.roleName = "worker"
    let profiles: ListInstanceProfilesForRoleOutput = try await cloud.call("ListInstanceProfilesForRole", list)
    #expect(profiles.instanceProfiles.first?.roles.first?.roleId == role.roleId)
    var delete = DeleteRoleInput()
    delete.roleName = "worker"
    let conflict = try await refusal { try await cloud.perform("DeleteRole", delete) }
    #expect(conflict.message == "Cannot delete entity, must remove roles from instance profile first.")
  }

  @Test func `an account has one alias and a summary`() async throws {
    var create = CreateAccountAliasInput()
    create.accountAlias = "acme"
    try await cloud.perform("CreateAccountAlias", create)
    let list: ListAccountAliasesOutput = try await cloud.call("ListAccountAliases", ListAccountAliasesInput())
    #expect(list.accountAliases == ["acme"] && list.isTruncated == false)
    _ = try await cloud.user("bob")
    let summary: GetAccountSummaryOutput = try await cloud.call("GetAccountSummary", NoInput())
    #expect(summary.summaryMap?["Users"] == 1 && summary.summaryMap?["AccessKeysPerUserQuota"] == 2)
  }

  @Test func `a service-linked role trusts its service`() async throws {
    var input = CreateServiceLinkedRoleInput()
    input.awsServiceName = "lambda.amazonaws.com"
    let output: CreateServiceLinkedRoleOutput = try await cloud.call("CreateServiceLinkedRole", input)
    let role = try #require(output.role)
    #expect(role.arn == "arn:aws:iam::111111111111:role/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda")
    let arn = try #require(ARN(role.arn))
    #expect(try await cloud.service.trusts(role: arn, service: "lambda.amazonaws.com") == .trusted)
  }

  @Test(arguments: [
    ("sqs:SendMessage", "*", "allowed"), ("sqs:DeleteQueue", "*", "explicitDeny"), ("sns:Publish", "*", "implicitDeny"),
    ("s3:GetObject", "arn:aws:s3:::b/x", "implicitDeny"),
  ])
  func `a simulation says what a call would meet`(action: String, resource: String, decision: String) async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(
      allow("sqs:*"), deny("sqs:DeleteQueue"), allow("s3:*", if: #"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#), on: "worker")
    var input = SimulatePrincipalPolicyInput()
    (input.policySourceArn, input.actionNames, input.resourceArns) = (role.arn, [action], [resource])
    let output: SimulatePolicyResponse = try await cloud.call("SimulatePrincipalPolicy", input)
    let result = try #require(output.evaluationResults?.first)
    #expect(result.evalDecision == decision)
    #expect((result.matchedStatements?.first?.sourcePolicyId == "role_worker_p") == (decision != "implicitDeny"))
  }

  @Test func `a simulation takes its facts from the request`() async throws {
    var input = SimulateCustomPolicyInput()
    input.policyInputList = [policy(allow("sqs:*", if: #"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#))]
    input.actionNames = ["sqs:SendMessage"]
    let without: SimulatePolicyResponse = try await cloud.call("SimulateCustomPolicy", input)
    #expect(without.evaluationResults?.first?.evalDecision == "implicitDeny")
    #expect(without.evaluationResults?.first?.missingContextValues == ["aws:SourceIp"])
    var entry = ContextEntry()
    (entry.contextKeyName, entry.contextKeyValues, entry.contextKeyType) = ("aws:SourceIp", ["10.1.2.3"], "ip")
    input.contextEntries = [entry]
    let with: SimulatePolicyResponse = try await cloud.call("SimulateCustomPolicy", input)
    #expect(with.evaluationResults?.first?.evalDecision == "allowed")
  }
}
