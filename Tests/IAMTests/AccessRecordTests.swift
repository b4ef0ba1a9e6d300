import Base
import Fabric
import Testing

@testable import IAM

struct AccessRecordTests {
  private let cloud = Cloud()

  private func report(_ query: String = "role=worker&account=111111111111", of service: IAMService? = nil) async throws -> JSON {
    let page = try #require((service ?? cloud.service).pages.first { $0.path == "iam/generate" })
    return try JSON.parse(await page.answer(PageRequest(method: "GET", path: "", query: query)).body)
  }
  private func flush() async throws {
    _ = try await AccessRecordWorker(store: cloud.store, record: cloud.service.record).turn(cloud.clock.now())
  }

  @Test func `the least policy holds what was done on what`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), allow("s3:GetObject", on: "arn:aws:s3:::b/*"), on: "worker")
    let session = cloud.session(role)
    for action in ["sqs:SendMessage", "sqs:GetQueueUrl"] { #expect(try await cloud.denial(action, as: session) == nil) }
    #expect(try await cloud.denial("sns:Publish", on: "arn:aws:sns:us-east-1:111111111111:t", as: session) != nil)
    let report = try await report()
    #expect(
      report["policy"]?.text
        == #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:GetQueueUrl","sqs:SendMessage"],"#
        + #""Resource":"\#(queue)"}]}"#)
    #expect(report["refused"]?[0]?["Action"]?.string == "sns:Publish")
    let beyond = report["beyond"]?.array ?? []
    #expect(beyond.count == 2)
    #expect(beyond[0]["wider"]?["sqs:*"]?.array?.count == 2 && beyond[0]["wider"]?["*"]?[0]?.string == queue)
    #expect(beyond[1]["neverUsed"]?.array?.map(\.string) == ["s3:GetObject", "arn:aws:s3:::b/*"])
    #expect(report["isComplete"]?.bool == true)
  }

  @Test func `a policy that is no wider than its use is not mentioned`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:SendMessage", on: queue), on: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role)) == nil)
    #expect(try await report()["beyond"]?.array?.isEmpty == true)
  }

  @Test func `users are recorded too and accounts are kept apart`() async throws {
    let bob = try await cloud.user("bob")
    _ = try await cloud.denial("sqs:SendMessage", as: bob)
    #expect(try await report("user=bob&account=111111111111")["refused"]?.array?.count == 1)
    _ = try await cloud.user("bob", as: .root(beta))
    #expect(try await report("user=bob&account=222222222222")["refused"]?.array?.isEmpty == true)
    for wrong in ["", "user=bob&role=bob", "role=worker&account=1", "role=nobody&account=111111111111"] {
      await #expect(throws: AWSError.self) { _ = try await report(wrong) }
    }
  }

  @Test func `the record survives a restart and adds up`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role)) == nil)
    try await flush()
    let restarted = IAMService(store: cloud.store, ambient: Ambient(clock: cloud.clock, random: SeededRandom(seed: 9)))
    try await restarted.authorise(
      Access("sqs:SendMessage", on: queue + "2", owner: alpha), for: .fixture(cloud.session(role), at: cloud.clock.now()))
    #expect(try await report(of: restarted)["policy"]?["Statement"]?[0]?["Resource"]?.array?.count == 2)
  }

  @Test func `what is known is not written again`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker")
    let session = cloud.session(role)
    #expect(try await cloud.denial("sqs:SendMessage", as: session) == nil)
    try await flush()
    let before = cloud.store.count
    for _ in 0..<10 { #expect(try await cloud.denial("sqs:SendMessage", as: session) == nil) }
    try await flush()
    #expect(cloud.store.count == before)
  }

  @Test func `a deleted role leaves no record`() async throws {
    let role = try await cloud.role("worker")
    _ = try await cloud.denial("sqs:SendMessage", as: cloud.session(role))
    var delete = DeleteRoleInput()
    delete.roleName = "worker"
    try await cloud.perform("DeleteRole", delete)
    try await flush()
    #expect(try await cloud.service.read(alpha) { try $0.accessRecord(of: role.roleId) }.isEmpty)
  }

  @Test func `too many resources become what they begin with`() {
    var set = ResourceSet()
    for n in 0..<200 { set.insert("arn:aws:s3:::bucket/key\(n)") }
    #expect(set.patterns == ["arn:aws:s3:::bucket/key*"])
    #expect(set.contains("arn:aws:s3:::bucket/key999") && !set.contains("arn:aws:s3:::bucket/other"))
    set.insert("arn:aws:s3:::bucket/other")
    #expect(set.patterns == ["arn:aws:s3:::bucket/*"])
    var few = ResourceSet(exact: ["arn:aws:s3:::b2/x"], prefix: nil)
    few.merge(set)
    #expect(few.patterns == ["arn:aws:s3:::b*"])
  }

  @Test func `further actions than are recorded make the report incomplete`() async throws {
    let role = try await cloud.role("worker")
    for n in 0..<(IAMLimits.recordedActions + 5) { _ = try await cloud.denial("x:Action\(n)", as: cloud.session(role)) }
    try await flush()
    #expect(try await report()["isComplete"]?.bool == false)
  }

  @Test func `the last accesses of a role are told by service and action`() async throws {
    let role = try await cloud.role("worker")
    try await cloud.put(allow("sqs:*"), on: "worker")
    #expect(try await cloud.denial("sqs:SendMessage", as: cloud.session(role)) == nil)
    var generate = GenerateServiceLastAccessedDetailsInput()
    (generate.arn, generate.granularity) = (role.arn, "ACTION_LEVEL")
    let job: GenerateServiceLastAccessedDetailsOutput = try await cloud.call("GenerateServiceLastAccessedDetails", generate)
    var get = GetServiceLastAccessedDetailsInput()
    get.jobId = try #require(job.jobId)
    let details: GetServiceLastAccessedDetailsOutput = try await cloud.call("GetServiceLastAccessedDetails", get)
    #expect(details.jobStatus == "COMPLETED" && details.servicesLastAccessed.map(\.serviceNamespace) == ["sqs"])
    #expect(details.servicesLastAccessed.first?.trackedActionsLastAccessed?.first?.actionName == "SendMessage")
    #expect(details.servicesLastAccessed.first?.lastAuthenticated == cloud.clock.now())
    get.jobId = "00000000-0000-0000-0000-000000000000"
    let missing = try await refusal {
      let _: GetServiceLastAccessedDetailsOutput = try await cloud.call("GetServiceLastAccessedDetails", get)
    }
    #expect(missing.code == "NoSuchEntityException")
  }
}
