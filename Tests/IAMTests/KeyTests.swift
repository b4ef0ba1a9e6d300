import Base
import Fabric
import Testing

@testable import IAM

struct KeyTests {
  private let cloud = Cloud()

  private func identity(_ cloud: Cloud, _ id: String, _ token: String? = nil) async throws -> KeyIdentity {
    try await cloud.service.identity(accessKeyID: id, sessionToken: token, now: cloud.clock.now())
  }
  private func set(_ status: String, _ key: AccessKeyShape) async throws {
    var input = UpdateAccessKeyInput()
    (input.userName, input.accessKeyId, input.status) = (key.userName, key.accessKeyId, status)
    try await cloud.perform("UpdateAccessKey", input)
  }

  @Test(arguments: ["000000000000", "111111111111", "999999999999", "609629065308"])
  func `keys carry their account`(account: String) throws {
    let account = try #require(AccountID(account))
    for seed in 0..<20 {
      let id = KeyForm.make("AKIA", account, SeededRandom(seed: UInt64(seed)))
      #expect(id.utf8.count == 20 && KeyForm.account(of: id) == account)
    }
  }

  @Test(arguments: [
    ("ASIAY34FZKBOKMUTVV7A", "609629065308"), ("AKIAIOSFODNN7EXAMPLE", nil), ("test", nil), ("AKIAY34FZKBOKMUTVV7", nil),
    ("AROAY34FZKBOKMUTVV7A", nil), ("AKIAy34fzkbokmutvv7a", nil),
  ])
  func `only keys of the new form are read`(id: String, account: String?) {
    #expect(KeyForm.account(of: id)?.text == account)
  }

  @Test(arguments: [
    ("test", nil, "000000000000"), ("dummy", "some-token", "000000000000"), ("123456789012", nil, "123456789012"),
    ("AKIAIOSFODNN7EXAMPLE", nil, "000000000000"), ("AKIAY34FZKBOKMUTVV7A", nil, "000000000000"),
    ("AKIAY34FZKBOKMUTVV7A", "token", "000000000000"),
  ])
  func `in the local mode a key that IAM has not issued is a root`(id: String, token: String?, account: String) async throws {
    let identity = try await identity(cloud, id, token)
    #expect(identity.secret == nil)
    #expect(identity.principal == .root(try #require(AccountID(account))))
  }

  @Test(arguments: [("ASIAY34FZKBOKMUTVV7A", nil), ("ASIAY34FZKBOKMUTVV7A", "token"), ("ASIAOLDSTYLE", "FwoDPW1AAAA")])
  func `session keys that we did not issue are never root`(id: String, token: String?) async throws {
    await #expect(throws: KeyFailure.unknown) { try await identity(cloud, id, token) }
  }

  @Test func `outside the local mode only known keys count`() async throws {
    let cloud = Cloud(IdentityConfiguration(localMode: false, rootKey: (id: "operator", secret: "s3cret", account: alpha)))
    for id in ["test", "123456789012", "AKIAY34FZKBOKMUTVV7A"] {
      await #expect(throws: KeyFailure.unknown) { try await identity(cloud, id) }
    }
    let root = try await identity(cloud, "operator")
    #expect(root.secret == "s3cret" && root.principal == .root(alpha))
    await #expect(throws: KeyFailure.unknown) { try await identity(cloud, "operator", "token") }
  }

  @Test func `an issued key is its user's and is verified`() async throws {
    let bob = try await cloud.user("bob")
    let key = try await cloud.accessKey("bob")
    #expect(key.secretAccessKey.utf8.count == 40 && key.accessKeyId.hasPrefix("AKIA"))
    let identity = try await identity(cloud, key.accessKeyId)
    #expect(identity.secret == key.secretAccessKey && identity.principal == bob)
    await #expect(throws: KeyFailure.unknown) { try await self.identity(cloud, key.accessKeyId, "token") }
  }

  @Test func `a verified key is not read again until IAM writes`() async throws {
    _ = try await cloud.user("bob")
    let key = try await cloud.accessKey("bob")
    _ = try await identity(cloud, key.accessKeyId)
    let before = cloud.store.count
    for _ in 0..<5 { _ = try await identity(cloud, key.accessKeyId) }
    #expect(cloud.store.count == before)
  }

  @Test func `a deactivated key is refused until it is active again, a deleted one for ever`() async throws {
    _ = try await cloud.user("bob")
    let key = try await cloud.accessKey("bob")
    _ = try await identity(cloud, key.accessKeyId)
    try await set("Inactive", key)
    await #expect(throws: KeyFailure.unknown) { try await identity(cloud, key.accessKeyId) }
    try await set("Active", key)
    _ = try await identity(cloud, key.accessKeyId)
    var delete = DeleteAccessKeyInput()
    (delete.userName, delete.accessKeyId) = ("bob", key.accessKeyId)
    try await cloud.perform("DeleteAccessKey", delete)
    await #expect(throws: KeyFailure.unknown) { try await identity(cloud, key.accessKeyId) }
    let again = try await refusal { try await set("Active", key) }
    #expect(again.message == "The Access Key with id \(key.accessKeyId) cannot be found.")
    var user = DeleteUserInput()
    user.userName = "bob"
    try await cloud.perform("DeleteUser", user)
    await #expect(throws: KeyFailure.unknown) { try await identity(cloud, key.accessKeyId) }
  }

  @Test func `a user has at most two keys and goes only without them`() async throws {
    _ = try await cloud.user("bob")
    for _ in 0..<2 { _ = try await cloud.accessKey("bob") }
    let third = try await refusal { _ = try await cloud.accessKey("bob") }
    #expect(third.message == "Cannot exceed quota for AccessKeysPerUser: 2")
    var delete = DeleteUserInput()
    delete.userName = "bob"
    let conflict = try await refusal { try await cloud.perform("DeleteUser", delete) }
    #expect(conflict.message == "Cannot delete entity, must delete access keys first.")
  }

  @Test func `the last use of a key is kept over the worker's write`() async throws {
    let bob = try await cloud.user("bob")
    let key = try await cloud.accessKey("bob")
    var input = GetAccessKeyLastUsedInput()
    input.accessKeyId = key.accessKeyId
    let never: GetAccessKeyLastUsedOutput = try await cloud.call("GetAccessKeyLastUsed", input)
    #expect(never.accessKeyLastUsed?.serviceName == "N/A" && never.accessKeyLastUsed?.lastUsedDate == nil)
    let call = Call.fixture(bob, at: cloud.clock.now(), accessKeyID: key.accessKeyId)
    try? await cloud.service.authorise(Access("sqs:SendMessage", on: queue, owner: alpha), for: call)
    for _ in 0..<2 {
      let used: GetAccessKeyLastUsedOutput = try await cloud.call("GetAccessKeyLastUsed", input)
      #expect(used.accessKeyLastUsed?.lastUsedDate == cloud.clock.now() && used.userName == "bob")
      for worker in cloud.service.workers { _ = try await worker.turn(cloud.clock.now()) }
    }
  }
}
