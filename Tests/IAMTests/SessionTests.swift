import Base
import Fabric
import Testing

@testable import IAM

struct SessionTests {
  private let cloud = Cloud()

  private func assume(
    _ role: IAMRole, as principal: Principal, values: [String: [String]] = [:], _ more: (inout AssumeRoleInput) -> Void = { _ in }
  ) async throws -> AssumeRoleOutput {
    var input = AssumeRoleInput()
    (input.roleArn, input.roleSessionName) = (role.arn, "s1")
    more(&input)
    return try await cloud.call("AssumeRole", input, as: principal, values: values)
  }
  private func identity(_ credentials: STSCredentials) async throws -> KeyIdentity {
    try await cloud.service.identity(
      accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
  }
  private func tag(_ key: String, _ value: String) -> STSTag {
    var tag = STSTag()
    (tag.key, tag.value) = (key, value)
    return tag
  }

  @Test func `root sees itself`() async throws {
    let output: GetCallerIdentityOutput = try await cloud.call("GetCallerIdentity", GetCallerIdentityInput(), as: .root(.local))
    #expect(output.arn == "arn:aws:iam::000000000000:root" && output.account == "000000000000" && output.userId == "000000000000")
  }

  @Test func `assumed credentials are the role's session`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#, path: "/team/")
    let output = try await assume(role, as: .root(alpha))
    #expect(output.assumedRoleUser?.arn == "arn:aws:sts::111111111111:assumed-role/worker/s1")
    #expect(output.assumedRoleUser?.assumedRoleId == "\(role.roleId):s1")
    let credentials = try #require(output.credentials)
    #expect(credentials.expiration == cloud.clock.now() + .hours(1))
    #expect(KeyForm.account(of: credentials.accessKeyId) == alpha && credentials.accessKeyId.hasPrefix("ASIA"))
    #expect(credentials.secretAccessKey.utf8.count == 40)
    let identity = try await identity(credentials)
    #expect(identity.secret == credentials.secretAccessKey && identity.principal == cloud.session(role))
    #expect(identity.conditionValues["aws:tokenissuetime"] == ["2023-11-14T22:13:20Z"])
  }

  @Test func `sessions expire by the adjustable clock, cached or not`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    let first = try #require(try await assume(role, as: .root(alpha)).credentials)
    let second = try #require(try await assume(role, as: .root(alpha)).credentials)
    _ = try await identity(first)
    cloud.clock.advance(.minutes(59))
    _ = try await identity(first)
    cloud.clock.advance(.minutes(1))
    await #expect(throws: KeyFailure.expired) { try await identity(first) }
    await #expect(throws: KeyFailure.expired) { try await identity(second) }
  }

  @Test func `a token belongs to its key and cannot be changed`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    let one = try #require(try await assume(role, as: .root(alpha)).credentials)
    var mixed = try #require(try await assume(role, as: .root(alpha)).credentials)
    mixed.sessionToken = one.sessionToken
    await #expect(throws: KeyFailure.unknown) { try await identity(mixed) }
    var changed = one
    var bytes = Array(one.sessionToken.utf8)
    bytes[40] = bytes[40] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
    changed.sessionToken = bytes.utf8Text
    await #expect(throws: KeyFailure.unknown) { try await identity(changed) }
    let other = Cloud()
    await #expect(throws: KeyFailure.unknown) {
      try await Cloud(IdentityConfiguration()).service.identity(
        accessKeyID: one.accessKeyId, sessionToken: one.sessionToken + "A", now: other.clock.now())
    }
  }

  @Test func `another process on the same store knows the sessions`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    let credentials = try #require(try await assume(role, as: .root(alpha)).credentials)
    let restarted = IAMService(store: cloud.store, ambient: Ambient(clock: cloud.clock, random: SeededRandom(seed: 9)))
    let identity = try await restarted.identity(
      accessKeyID: credentials.accessKeyId, sessionToken: credentials.sessionToken, now: cloud.clock.now())
    #expect(identity.secret == credentials.secretAccessKey)
  }

  @Test func `root too needs the trust policy`() async throws {
    let role = try await cloud.role("worker")
    let error = try await refusal { _ = try await assume(role, as: .root(alpha)) }
    #expect(error.code == "AccessDeniedException")
    #expect(
      error.message
        == "User: arn:aws:iam::111111111111:root is not authorized to perform: sts:AssumeRole on resource: \(role.arn) "
        + "because no role trust policy allows the sts:AssumeRole action")
    var missing = role
    missing.arn = "arn:aws:iam::111111111111:role/nothing"
    let none = try await refusal { _ = try await assume(missing, as: .root(alpha)) }
    #expect(none.code == "AccessDeniedException")
    missing.arn = "nonsense"
    let invalid = try await refusal { _ = try await assume(missing, as: .root(alpha)) }
    #expect(invalid.code == "ValidationError" && invalid.message == "nonsense is invalid")
  }

  @Test func `across accounts the caller's policy and the trust policy both decide`() async throws {
    let role = try await cloud.role("shared", trusting: #"{"AWS":"222222222222"}"#)
    let eve = try await cloud.user("eve", as: .root(beta))
    let before = try await refusal { _ = try await assume(role, as: eve) }
    #expect(before.message.hasSuffix("because no identity-based policy allows the sts:AssumeRole action"))
    var put = PutUserPolicyInput()
    (put.userName, put.policyName, put.policyDocument) = ("eve", "p", policy(allow("sts:AssumeRole", on: role.arn)))
    try await cloud.perform("PutUserPolicy", put, as: .root(beta))
    let output = try await assume(role, as: eve)
    #expect(try await identity(try #require(output.credentials)).principal.account == alpha)
    let other = try await cloud.role("closed", trusting: #"{"AWS":"111111111111"}"#)
    put.policyDocument = policy(allow("sts:*"))
    try await cloud.perform("PutUserPolicy", put, as: .root(beta))
    let after = try await refusal { _ = try await assume(other, as: eve) }
    #expect(after.message.hasSuffix("because no role trust policy allows the sts:AssumeRole action"))
  }

  @Test func `the external id must be the agreed one`() async throws {
    let role = try await cloud.role(
      "shared", trusting: #"{"AWS":"111111111111"}"#, if: #"{"StringEquals":{"sts:ExternalId":"42"}}"#)
    _ = try await assume(role, as: .root(alpha)) { $0.externalId = "42" }
    for id in [nil, "43"] {
      let error = try await refusal { _ = try await assume(role, as: .root(alpha)) { $0.externalId = id } }
      #expect(error.code == "AccessDeniedException")
    }
  }

  @Test(arguments: [
    (900, true, nil), (7200, true, nil),
    (7201, false, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."),
  ])
  func `a session lasts as long as its role allows`(seconds: Int, isAllowed: Bool, message: String?) async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#, longest: 7200)
    do {
      let output = try await assume(role, as: .root(alpha)) { $0.durationSeconds = seconds }
      #expect(isAllowed && output.credentials?.expiration == cloud.clock.now() + .seconds(seconds))
    } catch let error as AWSError {
      #expect(!isAllowed && error.code == "ValidationError" && error.message == message)
    }
  }

  @Test func `a chained session lasts an hour at most and tags pass on`() async throws {
    let first = try await cloud.role("first", trusting: #"{"AWS":"111111111111"}"#, tags: true)
    let second = try await cloud.role(
      "second", trusting: #"{"AWS":"arn:aws:iam::111111111111:role/first"}"#, longest: 7200, tags: true)
    let one = try await assume(first, as: .root(alpha)) {
      $0.tags = [tag("team", "blue"), tag("cost", "1")]
      $0.transitiveTagKeys = ["team"]
    }
    #expect((one.packedPolicySize ?? 0) > 0)
    let caller = try await identity(try #require(one.credentials))
    let long = try await refusal {
      _ = try await assume(second, as: caller.principal, values: caller.conditionValues) { $0.durationSeconds = 7200 }
    }
    #expect(long.message.hasSuffix("role chaining."))
    let two = try await assume(second, as: caller.principal, values: caller.conditionValues)
    let chained = try await identity(try #require(two.credentials))
    guard case .role(let session) = chained.principal else { return }
    #expect(session.sessionTags == ["team": "blue"])
    let conflict = try await refusal {
      _ = try await assume(second, as: caller.principal, values: caller.conditionValues) { $0.tags = [tag("Team", "red")] }
    }
    #expect(conflict.code == "InvalidParameterValue")
  }

  @Test func `a source identity stays through every further role, which must agree to it`() async throws {
    func role(_ name: String, trusting principal: String, _ actions: String) async throws -> IAMRole {
      var input = CreateRoleInput()
      input.roleName = name
      input.assumeRolePolicyDocument = policy(#"{"Effect":"Allow","Principal":\#(principal),"Action":\#(actions)}"#)
      let output: CreateRoleOutput = try await cloud.call("CreateRole", input)
      return output.role
    }
    let first = try await role("first", trusting: #"{"AWS":"111111111111"}"#, #"["sts:AssumeRole","sts:SetSourceIdentity"]"#)
    let trusting = #"{"AWS":"arn:aws:iam::111111111111:role/first"}"#
    let second = try await role("second", trusting: trusting, #"["sts:AssumeRole","sts:SetSourceIdentity"]"#)
    let closed = try await role("closed", trusting: trusting, #""sts:AssumeRole""#)
    let one = try await assume(first, as: .root(alpha)) { $0.sourceIdentity = "ann" }
    let caller = try await identity(try #require(one.credentials))
    for wanted in [nil, "ann"] {
      let two = try await assume(second, as: caller.principal, values: caller.conditionValues) { $0.sourceIdentity = wanted }
      #expect(two.sourceIdentity == "ann")
      #expect(try await identity(try #require(two.credentials)).conditionValues["aws:sourceidentity"] == ["ann"])
    }
    let changed = try await refusal {
      _ = try await assume(second, as: caller.principal, values: caller.conditionValues) { $0.sourceIdentity = "bob" }
    }
    let silent = try await refusal { _ = try await assume(closed, as: caller.principal, values: caller.conditionValues) }
    for error in [changed, silent] {
      #expect(error.code == "AccessDeniedException" && error.message.contains("sts:SetSourceIdentity"), "\(error)")
    }
  }

  @Test func `tags need the right to tag and are seen by policies`() async throws {
    let closed = try await cloud.role("closed", trusting: #"{"AWS":"111111111111"}"#)
    let error = try await refusal { _ = try await assume(closed, as: .root(alpha)) { $0.tags = [tag("team", "blue")] } }
    #expect(error.message.contains("sts:TagSession"))
    let role = try await cloud.role("open", trusting: #"{"AWS":"111111111111"}"#, tags: true)
    try await cloud.put(allow("sqs:*", on: "arn:aws:sqs:*:*:${aws:PrincipalTag/Team}-*"), on: "open")
    let output = try await assume(role, as: .root(alpha)) { $0.tags = [tag("team", "blue")] }
    let session = try await identity(try #require(output.credentials)).principal
    #expect(try await cloud.denial("sqs:SendMessage", on: "arn:aws:sqs:us-east-1:111111111111:blue-1", as: session) == nil)
    #expect(try await cloud.denial("sqs:SendMessage", on: "arn:aws:sqs:us-east-1:111111111111:red-1", as: session) != nil)
  }

  @Test func `session policies are checked and kept in the token`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    try await cloud.put(allow("*"), on: "worker")
    let malformed = try await refusal { _ = try await assume(role, as: .root(alpha)) { $0.policy = "{}" } }
    #expect(malformed.code == "MalformedPolicyDocumentException")
    let large = try await refusal {
      _ = try await assume(role, as: .root(alpha)) {
        $0.policy = policy(allow("sqs:*", on: "arn:aws:sqs:::" + String(repeating: "q", count: 2048)))
      }
    }
    #expect(large.code == "PackedPolicyTooLargeException")
    let output = try await assume(role, as: .root(alpha)) { $0.policy = policy(allow("sqs:Get*")) }
    let session = try await identity(try #require(output.credentials)).principal
    #expect(try await cloud.denial("sqs:GetQueueUrl", as: session) == nil)
    #expect(try await cloud.denial("sqs:SendMessage", as: session) != nil)
  }

  @Test func `a user's session token is the user for a while`() async throws {
    let bob = try await cloud.user("bob")
    let output: GetSessionTokenOutput = try await cloud.call("GetSessionToken", GetSessionTokenInput(), as: bob)
    let credentials = try #require(output.credentials)
    #expect(credentials.expiration == cloud.clock.now() + .hours(12))
    #expect(try await identity(credentials).principal == bob)
    let role = try await cloud.role("worker")
    let error = try await refusal {
      let _: GetSessionTokenOutput = try await cloud.call("GetSessionToken", GetSessionTokenInput(), as: cloud.session(role))
    }
    #expect(error.message == "Cannot call GetSessionToken with session credentials")
  }

  @Test(arguments: [("ASIAY34FZKBOKMUTVV7A", "609629065308"), ("AKIAIOSFODNN7EXAMPLE", "000000000000")])
  func `a key tells its account`(key: String, account: String) async throws {
    var input = GetAccessKeyInfoInput()
    input.accessKeyId = key
    let output: GetAccessKeyInfoOutput = try await cloud.call("GetAccessKeyInfo", input)
    #expect(output.account == account)
  }

  @Test func `an expired role's policy on issue time revokes older sessions`() async throws {
    let role = try await cloud.role("worker", trusting: #"{"AWS":"111111111111"}"#)
    try await cloud.put(
      allow("*"), deny("*", if: #"{"DateLessThan":{"aws:TokenIssueTime":"2023-11-14T22:30:00Z"}}"#), on: "worker")
    let identity = try await identity(try #require(try await assume(role, as: .root(alpha)).credentials))
    let call = Call.fixture(identity.principal, values: identity.conditionValues)
    await #expect(throws: AWSError.self) {
      try await cloud.service.authorise(Access("sqs:SendMessage", on: queue, owner: alpha), for: call)
    }
  }
}
