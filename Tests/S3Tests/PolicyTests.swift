import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct PolicyTests {
  let cloud = TestCloud.s3()

  init() async throws { try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"]) }

  private func put(_ policy: String, as principal: Principal = .root(.local)) async throws -> AWSError? {
    try await cloud.failure(of: "PutBucketPolicy", as: principal) { (input: inout PutBucketPolicyInput) in
      input.bucket = "abc"
      input.policy = policy
    }
  }

  private static func statement(
    principal: String = #"{"AWS": "arn:aws:iam::111111111111:root"}"#, action: String = #""s3:GetObject""#,
    resource: String = #""arn:aws:s3:::abc/*""#, condition: String = ""
  ) -> String {
    #"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": \#(principal), "Action": \#(action), "Resource": \#(resource)\#(condition)}]}"#
  }

  @Test func `a policy is kept as it was put, tied to its principals`() async throws {
    let policy = Self.statement(principal: #"{"AWS": "\#(OneUser.arn)"}"#)
    #expect(try await put(policy) == nil)
    let shown = try await cloud.run("GetBucketPolicy", GetBucketPolicyOutput.self) { (input: inout GetBucketPolicyInput) in
      input.bucket = "abc"
    }
    #expect(shown.policy == policy)
    #expect(try await cloud.s3.buckets.find("abc")?.policy?.contains(OneUser.id) == true)
    #expect(try await put(Self.statement(principal: #"{"AWS": "arn:aws:iam::000000000000:user/bob"}"#))?.message == "Invalid principal in policy")
  }

  @Test(arguments: [
    ("", "Policies must be valid JSON and the first byte must be '{'"), ("[]", "Policies must be valid JSON and the first byte must be '{'"),
    ("{}", "Missing required field Statement"),
    (#"{"Statement": [{"Effect": "Allow"}]}"#, "Missing required field Principal"),
    (#"{"Statement": [{"Effect": "Maybe", "Principal": "*"}]}"#, "Invalid effect: Maybe"),
    (#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}"#, "Missing required field Resource"),
    (#"{"Version": "2020-01-01", "Statement": []}"#, "The policy must contain a valid version string"),
    (PolicyTests.statement(action: #""sqs:SendMessage""#), "Policy has invalid action"),
    (PolicyTests.statement(resource: #""arn:aws:s3:::other/*""#), "Policy has invalid resource"),
    (PolicyTests.statement(resource: #""arn:aws:s3:::abc""#), "Action does not apply to any resource(s) in statement"),
    (PolicyTests.statement(action: #""s3:ListBucket""#), "Action does not apply to any resource(s) in statement"),
  ])
  func `a document that is no policy of this bucket is refused`(_ policy: String, _ message: String) async throws {
    let failure = try await put(policy)
    #expect((failure?.code, failure?.message) == ("MalformedPolicy", message))
  }

  @Test(arguments: [
    (#""*""#, "", true), (#"{"AWS": "*"}"#, "", true), (#"{"AWS": "arn:aws:iam::111111111111:root"}"#, "", false),
    (#""*""#, #", "Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}"#, false),
    (#""*""#, #", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}"#, false),
    (#""*""#, #", "Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}"#, true),
    (#""*""#, #", "Condition": {"StringNotEquals": {"aws:SourceAccount": "111111111111"}}"#, true),
    (#""*""#, #", "Condition": {"Bool": {"aws:SecureTransport": "true"}}"#, true),
  ])
  func `whoever is not named makes a policy public`(_ principal: String, _ condition: String, _ isPublic: Bool) async throws {
    let policy = Self.statement(principal: principal, condition: condition)
    #expect(try await put(policy)?.code == (isPublic ? "AccessDenied" : nil))
    try await cloud.call("s3", "DeletePublicAccessBlock", ["Bucket": "abc"])
    #expect(try await put(policy) == nil)
    let status = try await cloud.run("GetBucketPolicyStatus", GetBucketPolicyStatusOutput.self) { (input: inout GetBucketPolicyStatusInput) in
      input.bucket = "abc"
    }
    #expect(status.policyStatus?.isPublic == isPublic)
  }

  @Test func `other accounts never touch the policy`() async throws {
    #expect(try await put(Self.statement(), as: .root(.test(1)))?.code == "MethodNotAllowed")
  }

  @Test func `a restricted bucket hides its public policy from strangers`() async throws {
    try await cloud.call("s3", "DeletePublicAccessBlock", ["Bucket": "abc"])
    #expect(try await put(Self.statement(principal: #""*""#)) == nil)
    func policy(for account: AccountID?) async throws -> String? {
      try await cloud.s3.buckets.find("abc")?.grants(to: account, isService: false)
    }
    #expect(try await policy(for: nil) != nil)
    try await cloud.run("PutPublicAccessBlock") { (input: inout PutPublicAccessBlockInput) in
      input.bucket = "abc"
      var block = PublicAccessBlockConfiguration()
      block.restrictPublicBuckets = true
      input.publicAccessBlockConfiguration = block
    }
    #expect(try await policy(for: nil) == nil)
    #expect(try await policy(for: .test(1)) == nil)
    #expect(try await policy(for: .local) != nil)
  }
}
