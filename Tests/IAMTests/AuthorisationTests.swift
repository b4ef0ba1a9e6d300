import Base
import Fabric
import Testing

@testable import IAM

struct AuthorisationTests {
  private let cloud = Cloud()

  @Test func `root's session token does not reach IAM`() async throws {
    let access = Access("iam:ListRoles", on: "*", owner: alpha)
    try await cloud.service.authorise(access, for: .fixture(.root(alpha)))
    let error = try await refusal {
      try await cloud.service.authorise(
        access, for: .fixture(.root(alpha), values: ["aws:tokenissuetime": ["2023-11-14T22:13:20Z"]]))
    }
    #expect(error.code == "InvalidClientTokenId" && error.status == 403)
  }

  @Test func `root without a resource policy does not touch the store`() async throws {
    let before = cloud.store.count
    #expect(try await cloud.denial("sqs:SendMessage", as: .root(alpha)) == nil)
    #expect(cloud.store.count == before)
  }

  @Test func `a cached role does not touch the store and a detach is felt at once`() async throws {
    let role = try await cloud.role("worker")
    let session = cloud.session(role)
    #expect(
      try await cloud.denial("sqs:SendMessage", as: session)
        == "User: arn:aws:sts::111111111111:assumed-role/worker/s1 is not authorized to perform: sqs:SendMessage on resource: "
        + "\(queue) because no identity-based policy allows the sqs:SendMessage action")
    try await cloud.attach("arn:aws:iam::aws:policy/AmazonSQSFullAccess", to: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: session) == nil)
    let before = cloud.store.count
    for _ in 0..<10 { #expect(try await cloud.denial("sqs:SendMessage", as: session) == nil) }
    #expect(cloud.store.count == before)
    var detach = DetachRolePolicyInput()
    (detach.roleName, detach.policyArn) = ("worker", "arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    try await cloud.perform("DetachRolePolicy", detach)
    #expect(try await cloud.denial("sqs:SendMessage", as: session) != nil)
  }

  @Test func `sessions of a role that was made anew have nothing of it`() async throws {
    let old = try await cloud.role("worker")
    var delete = DeleteRoleInput()
    delete.roleName = "worker"
    try await cloud.perform("DeleteRole", delete)
    let new = try await cloud.role("worker")
    try await cloud.put(allow("*"), on: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(old)) != nil)
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(new)) == nil)
  }

  @Test func `a user has its own policies and those of its groups`() async throws {
    let bob = try await cloud.user("bob")
    var group = CreateGroupInput()
    group.groupName = "senders"
    let _: CreateGroupOutput = try await cloud.call("CreateGroup", group)
    var put = PutGroupPolicyInput()
    (put.groupName, put.policyName, put.policyDocument) = ("senders", "send", policy(allow("sqs:Send*")))
    try await cloud.perform("PutGroupPolicy", put)
    #expect(try await cloud.denial("sqs:SendMessage", as: bob) != nil)
    var add = AddUserToGroupInput()
    (add.groupName, add.userName) = ("senders", "bob")
    try await cloud.perform("AddUserToGroup", add)
    #expect(try await cloud.denial("sqs:SendMessage", as: bob) == nil)
    #expect(try await cloud.denial("sqs:ReceiveMessage", as: bob) != nil)
  }

  @Test func `a new default version counts at once`() async throws {
    var create = CreatePolicyInput()
    (create.policyName, create.policyDocument) = ("p", policy(allow("sqs:SendMessage")))
    let created: CreatePolicyOutput = try await cloud.call("CreatePolicy", create)
    let arn = try #require(created.policy?.arn)
    let role = try await cloud.role("worker")
    try await cloud.attach(arn, to: "worker")
    let session = cloud.session(role)
    #expect(try await cloud.denial("sqs:SendMessage", as: session) == nil)
    var version = CreatePolicyVersionInput()
    (version.policyArn, version.policyDocument, version.setAsDefault) = (arn, policy(deny("sqs:*")), true)
    let _: CreatePolicyVersionOutput = try await cloud.call("CreatePolicyVersion", version)
    #expect(
      try await cloud.denial("sqs:SendMessage", as: session)?.hasSuffix("with an explicit deny in an identity-based policy")
        == true)
  }

  @Test func `a boundary narrows and its absence is felt`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("*"), on: "worker")
    var bound = PutRolePermissionsBoundaryInput()
    (bound.roleName, bound.permissionsBoundary) = ("worker", "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess")
    try await cloud.perform("PutRolePermissionsBoundary", bound)
    #expect(
      try await cloud.denial("sqs:SendMessage", as: cloud.session(role))?.hasSuffix(
        "because no permissions boundary allows the sqs:SendMessage action") == true)
    #expect(try await cloud.denial("sqs:GetQueueAttributes", as: cloud.session(role)) == nil)
    var unbound = DeleteRolePermissionsBoundaryInput()
    unbound.roleName = "worker"
    try await cloud.perform("DeleteRolePermissionsBoundary", unbound)
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role)) == nil)
  }

  @Test func `a session that was narrowed by policies stays narrow`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("*"), on: "worker")
    for narrow in [policy(allow("sqs:Get*")), "arn:aws:iam::aws:policy/AmazonSQSReadOnlyAccess"] {
      guard case .role(var session) = cloud.session(role) else { return }
      session.sessionPolicies = [narrow]
      #expect(try await cloud.denial("sqs:GetQueueUrl", as: .role(session)) == nil)
      #expect(
        try await cloud.denial("sqs:SendMessage", as: .role(session))?.hasSuffix(
          "because no session policy allows the sqs:SendMessage action") == true)
    }
  }

  @Test func `resource policies count and a malformed one allows nothing`() async throws {
    let open = policy(#"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:*","Resource":"*"}"#)
    #expect(try await cloud.denial("sqs:SendMessage", as: .sns(), resourcePolicy: open) == nil)
    #expect(try await cloud.denial("sqs:SendMessage", as: .sns(), resourcePolicy: "{") != nil)
    #expect(try await cloud.denial("sqs:SendMessage", as: .sns()) != nil)
    let closed = policy(#"{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*"}"#)
    #expect(try await cloud.denial("sqs:SendMessage", as: .root(alpha), resourcePolicy: closed) != nil)
  }

  @Test func `a text that is malformed in one place is not spoilt for another`() async throws {
    let text = policy(allow("*"))
    #expect(try await cloud.denial("sqs:SendMessage", as: .sns(), resourcePolicy: text) != nil)
    let role = try await cloud.role("worker")
    try await cloud.put(allow("*"), on: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role)) == nil)
  }

  @Test func `denials are kept with the statement that was missing`() async throws {
    let role = try await cloud.role("worker")
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role))
    _ = try await cloud.denial("sqs:SendMessage", as: .sns())
    let denials = cloud.service.recentDenials
    #expect(denials.count == 2)
    #expect(
      denials[0].missingStatement
        == #"{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"\#(queue)"}"#)
    #expect(denials[1].missingStatement == #"{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"\#(queue)"}"#)
  }

  @Test func `the ring of denials keeps the newest thousand`() async throws {
    for n in 0..<1003 { _ = try await cloud.denial("sqs:SendMessage", on: "q\(n)", as: .sns()) }
    let denials = cloud.service.recentDenials
    #expect(denials.count == 1000 && denials.first?.resource == "q1002" && denials.last?.resource == "q3")
  }

  @Test func `IAM's own operations ask for the right action and resource`() async throws {
    let bob = try await cloud.user("bob", path: "/dev/")
    try await cloud.role("worker", path: "/team/")
    var input = GetRoleInput()
    input.roleName = "worker"
    let error = try await refusal { let _: GetRoleOutput = try await cloud.call("GetRole", input, as: bob) }
    #expect(
      error.message == "User: arn:aws:iam::111111111111:user/dev/bob is not authorized to perform: iam:GetRole on resource: "
        + "arn:aws:iam::111111111111:role/team/worker because no identity-based policy allows the iam:GetRole action")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName) = ("bob", "roles")
    put.policyDocument = policy(
      allow("iam:*", on: "arn:aws:iam::*:role/team/*", if: #"{"ArnLike":{"iam:PolicyARN":"arn:aws:iam::aws:policy/AmazonSQS*"}}"#)
    )
    try await cloud.perform("PutUserPolicy", put)
    var attach = AttachRolePolicyInput()
    (attach.roleName, attach.policyArn) = ("worker", "arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    try await cloud.perform("AttachRolePolicy", attach, as: bob)
    attach.policyArn = "arn:aws:iam::aws:policy/AdministratorAccess"
    let escalation = try await refusal { try await cloud.perform("AttachRolePolicy", attach, as: bob) }
    #expect(escalation.code == "AccessDeniedException")
  }

  @Test func `PassRole is decided by the service that the role is passed to`() async throws {
    let bob = try await cloud.user("bob")
    var put = PutUserPolicyInput()
    (put.userName, put.policyName) = ("bob", "pass")
    put.policyDocument = policy(allow("iam:PassRole", if: #"{"StringEquals":{"iam:PassedToService":"lambda.amazonaws.com"}}"#))
    try await cloud.perform("PutUserPolicy", put)
    for (service, isAllowed) in [("lambda.amazonaws.com", true), ("states.amazonaws.com", false)] {
      let access = Access(
        "iam:PassRole", on: "arn:aws:iam::111111111111:role/r", owner: alpha, conditionValues: ["iam:passedtoservice": [service]])
      if isAllowed {
        try await cloud.service.authorise(access, for: .fixture(bob))
      } else {
        await #expect(throws: AWSError.self) { try await cloud.service.authorise(access, for: .fixture(bob)) }
      }
    }
  }
}
