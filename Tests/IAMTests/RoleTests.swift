import Base
import Fabric
import Testing

@testable import IAM

struct RoleTests {
  private let cloud = Cloud()

  private func get(_ name: String) async throws -> IAMRole {
    var input = GetRoleInput()
    input.roleName = name
    let output: GetRoleOutput = try await cloud.call("GetRole", input)
    return output.role
  }

  @Test func `a created role reads back with its document encoded`() async throws {
    let created = try await cloud.role("worker", path: "/team/", longest: 7200)
    #expect(created.arn == "arn:aws:iam::111111111111:role/team/worker")
    #expect(created.roleId.hasPrefix("AROA") && created.roleId.utf8.count == 21)
    let role = try await get("worker")
    #expect(role.maxSessionDuration == 7200)
    #expect(role.assumeRolePolicyDocument?.hasPrefix("%7B%22Version%22%3A%222012-10-17%22") == true)
    #expect(role.createDate == cloud.clock.now())
  }

  @Test func `names are taken without regard to case`() async throws {
    try await cloud.role("Worker")
    let error = try await refusal { try await cloud.role("worker") }
    #expect(error.code == "EntityAlreadyExistsException" && error.message == "Role with name worker already exists.")
    let missing = try await refusal { _ = try await get("nobody") }
    #expect(missing.code == "NoSuchEntityException" && missing.message == "The role with name nobody cannot be found.")
  }

  @Test func `state is split by account`() async throws {
    try await cloud.role("worker", as: .root(beta))
    let error = try await refusal { _ = try await get("worker") }
    #expect(error.code == "NoSuchEntityException")
  }

  @Test func `a bad trust policy or session length is refused`() async throws {
    var input = CreateRoleInput()
    (input.roleName, input.assumeRolePolicyDocument) = ("r", "{")
    let malformed = try await refusal { let _: CreateRoleOutput = try await cloud.call("CreateRole", input) }
    #expect(malformed.code == "MalformedPolicyDocumentException" && malformed.message == "This policy contains invalid Json")
    let long = try await refusal { try await cloud.role("r", longest: 50_000) }
    #expect(long.code == "ValidationError")
    let large = try await refusal {
      try await cloud.role("r", if: #"{"StringEquals":{"aws:x":"\#(String(repeating: "x", count: 2048))"}}"#)
    }
    #expect(large.code == "LimitExceededException" && large.message == "Cannot exceed quota for ACLSizePerRole: 2048")
  }

  @Test func `a role with policies or in a profile cannot be deleted`() async throws {
    try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker")
    try await cloud.attach("arn:aws:iam::aws:policy/AmazonSQSFullAccess", to: "worker")
    var delete = DeleteRoleInput()
    delete.roleName = "worker"
    let attached = try await refusal { try await cloud.perform("DeleteRole", delete) }
    #expect(attached.code == "DeleteConflictException")
    #expect(attached.message == "Cannot delete entity, must detach all policies first.")
    var detach = DetachRolePolicyInput()
    (detach.roleName, detach.policyArn) = ("worker", "arn:aws:iam::aws:policy/AmazonSQSFullAccess")
    try await cloud.perform("DetachRolePolicy", detach)
    let again = try await refusal { try await cloud.perform("DetachRolePolicy", detach) }
    #expect(again.message == "Policy arn:aws:iam::aws:policy/AmazonSQSFullAccess was not found.")
    let inline = try await refusal { try await cloud.perform("DeleteRole", delete) }
    #expect(inline.message == "Cannot delete entity, must delete policies first.")
    var deletePolicy = DeleteRolePolicyInput()
    (deletePolicy.roleName, deletePolicy.policyName) = ("worker", "p")
    try await cloud.perform("DeleteRolePolicy", deletePolicy)
    try await cloud.perform("DeleteRole", delete)
    let gone = try await refusal { try await cloud.perform("DeleteRole", delete) }
    #expect(gone.code == "NoSuchEntityException")
  }

  @Test func `attaching what does not exist is refused and inline policies have a common size`() async throws {
    try await cloud.role("worker")
    let arn = "arn:aws:iam::aws:policy/Nothing"
    let missing = try await refusal { try await cloud.attach(arn, to: "worker") }
    #expect(missing.message == "Policy \(arn) does not exist or is not attachable.")
    let long = allow("sqs:*", on: "arn:aws:sqs:::" + String(repeating: "q", count: 6000))
    try await cloud.put(long, on: "worker", named: "one")
    try await cloud.put(long, on: "worker", named: "one")
    let large = try await refusal { try await cloud.put(long, on: "worker", named: "two") }
    #expect(large.message == "Maximum policy size of 10240 bytes exceeded for role worker")
  }

  @Test func `lists go by name in pages and by path`() async throws {
    for name in ["c", "a", "b"] { try await cloud.role(name, path: name == "b" ? "/x/" : nil) }
    var input = ListRolesInput()
    input.maxItems = 2
    let first: ListRolesOutput = try await cloud.call("ListRoles", input)
    #expect(first.roles.map(\.roleName) == ["a", "b"] && first.isTruncated == true)
    input.marker = first.marker
    let second: ListRolesOutput = try await cloud.call("ListRoles", input)
    #expect(second.roles.map(\.roleName) == ["c"] && second.isTruncated == false && second.marker == nil)
    input.marker = "garbage"
    #expect(try await refusal { let _: ListRolesOutput = try await cloud.call("ListRoles", input) }.code == "ValidationError")
    (input.marker, input.pathPrefix) = (nil, "/x/")
    let below: ListRolesOutput = try await cloud.call("ListRoles", input)
    #expect(below.roles.map(\.roleName) == ["b"])
  }

  @Test func `tags replace by key and are counted`() async throws {
    try await cloud.role("worker")
    func tag(_ pairs: [(String, String)]) async throws {
      var input = TagRoleInput()
      input.roleName = "worker"
      input.tags = pairs.map { key, value in
        var tag = IAMTag()
        (tag.key, tag.value) = (key, value)
        return tag
      }
      try await cloud.perform("TagRole", input)
    }
    try await tag([("team", "a"), ("cost", "1")])
    try await tag([("team", "b")])
    #expect(try await get("worker").tags?.map(\.value) == ["b", "1"])
    let many = try await refusal { try await tag((0..<50).map { ("k\($0)", "v") }) }
    #expect(many.code == "LimitExceededException")
    let twice = try await refusal { try await tag([("a", "1"), ("A", "2")]) }
    #expect(twice.code == "InvalidInputException")
  }

  @Test func `services ask for roles that trust them`() async throws {
    let role = try await cloud.role("worker", path: "/team/")
    let arn = try #require(ARN(role.arn))
    #expect(try await cloud.service.trusts(role: arn, service: "lambda.amazonaws.com") == .trusted)
    #expect(try await cloud.service.trusts(role: arn, service: "states.amazonaws.com") == .notTrusted)
    let other = ARN(service: "iam", region: "", account: alpha.text, resource: "role/worker")
    #expect(try await cloud.service.trusts(role: other, service: "lambda.amazonaws.com") == .noSuchRole)
    let credentials = try await cloud.service.assume(
      role: arn, sessionName: "fn", by: ServicePrincipal("lambda.amazonaws.com"), duration: .hours(12))
    let identity = try await cloud.service.identity(
      accessKeyID: credentials.accessKeyID, sessionToken: credentials.sessionToken, now: cloud.clock.now())
    #expect(identity.secret == credentials.secretAccessKey)
    #expect(identity.principal.arn == "arn:aws:sts::111111111111:assumed-role/worker/fn")
    let denied = try await refusal {
      _ = try await cloud.service.session(role: arn, sessionName: "x", by: ServicePrincipal("states.amazonaws.com"))
    }
    #expect(denied.code == "AccessDenied")
    #expect(
      denied.message.hasPrefix("User: states.amazonaws.com is not authorized to perform: sts:AssumeRole on resource: \(role.arn)")
    )
  }

  @Test func `a trust policy may demand the source account`() async throws {
    let role = try await cloud.role("worker", if: #"{"StringEquals":{"aws:SourceAccount":"111111111111"}}"#)
    let arn = try #require(ARN(role.arn))
    let ours = ServicePrincipal("lambda.amazonaws.com", sourceAccount: alpha)
    _ = try await cloud.service.session(role: arn, sessionName: "x", by: ours)
    let error = try await refusal {
      _ = try await cloud.service.session(
        role: arn, sessionName: "x", by: ServicePrincipal("lambda.amazonaws.com", sourceAccount: beta))
    }
    #expect(error.code == "AccessDenied")
  }
}
