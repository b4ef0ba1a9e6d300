import Base
import Fabric
import Testing

@testable import IAM

struct PolicyOperationTests {
  private let cloud = Cloud()
  private let arn = "arn:aws:iam::111111111111:policy/p"

  @discardableResult
  private func create(_ document: String = policy(allow("sqs:*"))) async throws -> IAMPolicy {
    var input = CreatePolicyInput()
    (input.policyName, input.policyDocument, input.description) = ("p", document, "what it is for")
    let output: CreatePolicyOutput = try await cloud.call("CreatePolicy", input)
    return try #require(output.policy)
  }
  private func addVersion(_ document: String = policy(allow("sns:*")), isDefault: Bool = false) async throws -> PolicyVersionShape
  {
    var input = CreatePolicyVersionInput()
    (input.policyArn, input.policyDocument, input.setAsDefault) = (arn, document, isDefault)
    let output: CreatePolicyVersionOutput = try await cloud.call("CreatePolicyVersion", input)
    return try #require(output.policyVersion)
  }
  private func get() async throws -> IAMPolicy {
    var input = GetPolicyInput()
    input.policyArn = arn
    let output: GetPolicyOutput = try await cloud.call("GetPolicy", input)
    return try #require(output.policy)
  }
  private func delete() async throws {
    var input = DeletePolicyInput()
    input.policyArn = arn
    try await cloud.perform("DeletePolicy", input)
  }

  @Test func `every registered operation is in its model and all of the list are there`() {
    for api in cloud.service.apis {
      for name in api.operations.keys { #expect(api.model.operations[name] != nil, "\(name)") }
    }
    #expect(cloud.service.apis.map { $0.operations.count } == [103, 7])
  }

  @Test func `a managed policy counts its attachments and shows its document encoded`() async throws {
    let created = try await create()
    #expect(created.arn == arn && created.defaultVersionId == "v1" && created.attachmentCount == 0)
    try await cloud.role("worker")
    try await cloud.attach(arn, to: "worker")
    let policy = try await get()
    #expect(policy.attachmentCount == 1 && policy.description == "what it is for")
    var version = GetPolicyVersionInput()
    (version.policyArn, version.versionId) = (arn, "v1")
    let output: GetPolicyVersionOutput = try await cloud.call("GetPolicyVersion", version)
    #expect(output.policyVersion?.document?.hasPrefix("%7B%22Version%22") == true)
    #expect(output.policyVersion?.isDefaultVersion == true)
    var entities = ListEntitiesForPolicyInput()
    entities.policyArn = arn
    let users: ListEntitiesForPolicyOutput = try await cloud.call("ListEntitiesForPolicy", entities)
    #expect(users.policyRoles?.map(\.roleName) == ["worker"] && users.policyUsers == [])
    let conflict = try await refusal { try await delete() }
    #expect(conflict.message == "Cannot delete a policy attached to entities.")
  }

  @Test func `names are unique and documents are checked`() async throws {
    try await create()
    let twice = try await refusal { try await create() }
    #expect(twice.message == "A policy called p already exists. Duplicate names are not allowed.")
    let malformed = try await refusal { try await create("{}") }
    #expect(malformed.code == "MalformedPolicyDocumentException" && malformed.message == "Syntax errors in policy.")
    let large = try await refusal {
      try await create(policy(allow("sqs:*", on: "arn:aws:sqs:::" + String(repeating: "q", count: 6144))))
    }
    #expect(large.message == "Cannot exceed quota for PolicySize: 6144")
  }

  @Test func `a policy has five versions and their numbers never come back`() async throws {
    try await create()
    for n in 2...5 { #expect(try await addVersion().versionId == "v\(n)") }
    let sixth = try await refusal { _ = try await addVersion() }
    #expect(sixth.code == "LimitExceededException")
    var remove = DeletePolicyVersionInput()
    (remove.policyArn, remove.versionId) = (arn, "v5")
    try await cloud.perform("DeletePolicyVersion", remove)
    #expect(try await addVersion(isDefault: true).versionId == "v6")
    #expect(try await get().defaultVersionId == "v6")
    remove.versionId = "v6"
    let standard = try await refusal { try await cloud.perform("DeletePolicyVersion", remove) }
    #expect(standard.message == "Cannot delete the default version of a policy.")
    remove.versionId = "v99"
    let missing = try await refusal { try await cloud.perform("DeletePolicyVersion", remove) }
    #expect(missing.message == "Policy \(arn) version v99 does not exist or is not attachable.")
    var list = ListPolicyVersionsInput()
    (list.policyArn, list.maxItems) = (arn, 2)
    let page: ListPolicyVersionsOutput = try await cloud.call("ListPolicyVersions", list)
    #expect(page.versions?.map(\.versionId) == ["v6", "v4"] && page.isTruncated == true)
    list.marker = page.marker
    let next: ListPolicyVersionsOutput = try await cloud.call("ListPolicyVersions", list)
    #expect(next.versions?.map(\.versionId) == ["v3", "v2"])
    let several = try await refusal { try await delete() }
    #expect(several.code == "DeleteConflictException")
  }

  @Test func `AWS's policies are listed, read and never changed`() async throws {
    var list = ListPoliciesInput()
    (list.scope, list.maxItems) = ("AWS", 1000)
    let output: ListPoliciesOutput = try await cloud.call("ListPolicies", list)
    #expect((output.policies?.count ?? 0) > 50 && output.isTruncated == false)
    var local = ListPoliciesInput()
    local.scope = "Local"
    let own: ListPoliciesOutput = try await cloud.call("ListPolicies", local)
    #expect(own.policies == [])
    var remove = DeletePolicyInput()
    remove.policyArn = "arn:aws:iam::aws:policy/AdministratorAccess"
    let error = try await refusal { try await cloud.perform("DeletePolicy", remove) }
    #expect(error.code == "AccessDeniedException")
  }

  @Test func `only attached policies are listed when asked`() async throws {
    try await cloud.role("worker")
    try await cloud.attach("arn:aws:iam::aws:policy/AmazonSQSFullAccess", to: "worker")
    var list = ListPoliciesInput()
    list.onlyAttached = true
    let output: ListPoliciesOutput = try await cloud.call("ListPolicies", list)
    #expect(output.policies?.map(\.policyName) == ["AmazonSQSFullAccess"])
    var attached = ListAttachedRolePoliciesInput()
    attached.roleName = "worker"
    let policies: ListAttachedRolePoliciesOutput = try await cloud.call("ListAttachedRolePolicies", attached)
    #expect(policies.attachedPolicies?.map(\.policyName) == ["AmazonSQSFullAccess"] && policies.isTruncated == false)
  }

  @Test func `inline policies read back under their names`() async throws {
    try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker", named: "b")
    try await cloud.put(allow("sns:*"), on: "worker", named: "a")
    var list = ListRolePoliciesInput()
    list.roleName = "worker"
    let names: ListRolePoliciesOutput = try await cloud.call("ListRolePolicies", list)
    #expect(names.policyNames == ["a", "b"])
    var get = GetRolePolicyInput()
    (get.roleName, get.policyName) = ("worker", "b")
    let output: GetRolePolicyOutput = try await cloud.call("GetRolePolicy", get)
    #expect(percentDecoded(output.policyDocument) == policy(allow("sqs:*")))
    get.policyName = "c"
    let missing = try await refusal { let _: GetRolePolicyOutput = try await cloud.call("GetRolePolicy", get) }
    #expect(missing.message == "The role policy with name c cannot be found.")
  }
}
