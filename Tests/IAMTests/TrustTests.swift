import Base
import Fabric
import Testing

@testable import IAM

struct TrustTests {
  private let cloud = Cloud()

  private func trust(of name: String) async throws -> JSON {
    var input = GetRoleInput()
    input.roleName = name
    let output: GetRoleOutput = try await cloud.call("GetRole", input)
    return try JSON.parse(percentDecoded(try #require(output.role.assumeRolePolicyDocument)))
  }
  private func trusted(_ name: String) async throws -> String? {
    try await trust(of: name)["Statement"]?[0]?["Principal"]?["AWS"]?.string
  }
  private func delete(_ name: String) async throws {
    var input = DeleteRoleInput()
    input.roleName = name
    try await cloud.perform("DeleteRole", input)
  }
  private func assume(_ role: IAMRole, as principal: Principal) async throws {
    var input = AssumeRoleInput()
    (input.roleArn, input.roleSessionName) = (role.arn, "s")
    let _: AssumeRoleOutput = try await cloud.call("AssumeRole", input, as: principal)
  }

  @Test(arguments: [#""*""#, #"{"AWS":"*"}"#])
  func `a role that trusts everybody trusts no service`(principal: String) async throws {
    let role = try await cloud.role("open", trusting: principal)
    let arn = try #require(ARN(role.arn))
    #expect(try await cloud.service.trusts(role: arn, service: "lambda.amazonaws.com") == .notTrusted)
    try await assume(role, as: try await cloud.user("bob"))
  }

  @Test func `a role made anew under its name is not the one that was trusted`() async throws {
    let old = try await cloud.role("caller")
    let target = try await cloud.role("target", trusting: #"{"AWS":"\#(old.arn)"}"#)
    #expect(try await trusted("target") == old.arn)
    try await assume(target, as: cloud.session(old))
    try await delete("caller")
    #expect(try await trusted("target") == old.roleId)
    let new = try await cloud.role("caller")
    try await cloud.put(allow("*"), on: "caller")
    let error = try await refusal { try await assume(target, as: cloud.session(new)) }
    #expect(error.code == "AccessDeniedException")
    var update = UpdateAssumeRolePolicyInput()
    update.roleName = "target"
    update.policyDocument = policy(#"{"Effect":"Allow","Principal":{"AWS":"\#(new.arn)"},"Action":"sts:AssumeRole"}"#)
    try await cloud.perform("UpdateAssumeRolePolicy", update)
    try await assume(target, as: cloud.session(new))
  }

  @Test func `a renamed user stays trusted and is shown by its new name`() async throws {
    let bob = try await cloud.user("bob")
    let target = try await cloud.role("target", trusting: #"{"AWS":["\#(bob.arn)","222222222222"]}"#)
    var update = UpdateUserInput()
    (update.userName, update.newUserName) = ("bob", "robert")
    try await cloud.perform("UpdateUser", update)
    #expect(
      try await trust(of: "target")["Statement"]?[0]?["Principal"]?["AWS"]?.array?.map(\.string)
        == ["arn:aws:iam::111111111111:user/robert", "222222222222"])
    guard case .user(let account, _, let path, let id) = bob else { return }
    try await assume(target, as: .user(account: account, name: "robert", path: path, id: id))
  }

  @Test(arguments: [
    "arn:aws:iam::111111111111:role/nobody", "arn:aws:iam::222222222222:user/nobody",
    "arn:aws:sts::111111111111:assumed-role/nobody/s",
  ])
  func `a trust policy cannot name who does not exist`(arn: String) async throws {
    let error = try await refusal { try await cloud.role("r", trusting: #"{"AWS":"\#(arn)"}"#) }
    #expect(error.code == "MalformedPolicyDocumentException")
    #expect(error.message == #"Invalid principal in policy: "AWS":"\#(arn)""#)
  }

  @Test func `a resource's policy can be kept by unique ids`() async throws {
    let role = try await cloud.role("worker")
    let text = policy(
      #"{"Effect":"Allow","Principal":{"AWS":"\#(role.arn)"},"Action":"sqs:*","Resource":"*","#
        + #""Condition":{"ArnLike":{"aws:PrincipalArn":"\#(role.arn)"}}}"#)
    let tied = try await cloud.service.tied(text)
    #expect(tied.contains(#""AWS":"\#(role.roleId)""#) && tied.contains(#""aws:PrincipalArn":"\#(role.arn)""#))
    #expect(try await cloud.service.shown(tied) == text)
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role), resourcePolicy: tied) == nil)
    try await delete("worker")
    let new = try await cloud.role("worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(new), resourcePolicy: tied) != nil)
  }

  @Test func `a session in a policy is tied to its role`() async throws {
    let role = try await cloud.role("worker")
    let text = policy(
      #"{"Effect":"Allow","Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/worker/s1"},"Action":"sqs:*","Resource":"*"}"#)
    let tied = try await cloud.service.tied(text)
    #expect(tied.contains("\(role.roleId):s1"))
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role), resourcePolicy: tied) == nil)
    #expect(try await cloud.service.shown(tied) == text)
  }

  @Test func `protected roles are only changed by their service`() async throws {
    var create = CreateServiceLinkedRoleInput()
    create.awsServiceName = "lambda.amazonaws.com"
    let _: CreateServiceLinkedRoleOutput = try await cloud.call("CreateServiceLinkedRole", create)
    let name = "AWSServiceRoleForLambda"
    for attempt in [
      { try await cloud.put(allow("*"), on: name) }, { try await delete(name) },
      { try await cloud.attach("arn:aws:iam::aws:policy/AdministratorAccess", to: name) },
    ] {
      let error = try await refusal(attempt)
      #expect(error.code == "UnmodifiableEntityException" && error.message.contains("this role is only modifiable by AWS"))
    }
    await #expect(throws: AWSError.self) { try await cloud.role("mine", path: "/aws-service-role/x.amazonaws.com/") }
    var remove = DeleteServiceLinkedRoleInput()
    remove.roleName = name
    let task: DeleteServiceLinkedRoleOutput = try await cloud.call("DeleteServiceLinkedRole", remove)
    #expect(task.deletionTaskId.hasPrefix("task/aws-service-role/lambda.amazonaws.com/AWSServiceRoleForLambda/"))
    var ask = GetServiceLinkedRoleDeletionStatusInput()
    ask.deletionTaskId = task.deletionTaskId
    let status: GetServiceLinkedRoleDeletionStatusOutput = try await cloud.call("GetServiceLinkedRoleDeletionStatus", ask)
    #expect(status.status == "SUCCEEDED")
  }

  @Test func `an emptied account is as if it had never been used`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    let other = try await cloud.role("worker", as: .root(beta))
    _ = try await cloud.user("bob")
    let key = try await cloud.accessKey("bob")
    var input = AssumeRoleInput()
    (input.roleArn, input.roleSessionName) = (role.arn, "s")
    let session: AssumeRoleOutput = try await cloud.call("AssumeRole", input)
    let credentials = try #require(session.credentials)
    try await cloud.service.removeAll(of: alpha)

    let users: ListUsersOutput = try await cloud.call("ListUsers", ListUsersInput())
    let roles: ListRolesOutput = try await cloud.call("ListRoles", ListRolesInput())
    #expect(users.users.isEmpty && roles.roles.isEmpty)
    await #expect(throws: KeyFailure.unknown) {
      try await cloud.service.identity(
        accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
    }
    await #expect(throws: KeyFailure.unknown) {
      try await cloud.service.identity(accessKeyID: key.accessKeyId, sessionToken: nil, now: cloud.clock.now())
    }
    #expect(try await cloud.service.trusts(role: try #require(ARN(other.arn)), service: "lambda.amazonaws.com") == .trusted)
    _ = try await cloud.user("bob")
    #expect(await cloud.service.measurements().contains { $0.name == "dewpoint_iam_denials_total" })
  }
}
