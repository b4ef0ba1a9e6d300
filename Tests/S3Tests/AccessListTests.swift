import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct AccessListTests {
  let cloud = TestCloud.s3()

  init() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc", "ObjectOwnership": "ObjectWriter"])
    try await cloud.call("s3", "DeletePublicAccessBlock", ["Bucket": "abc"])
  }

  private func put(_ fill: (inout PutBucketAclInput) -> Void) async throws -> AWSError? {
    try await cloud.failure(of: "PutBucketAcl") { (input: inout PutBucketAclInput) in
      input.bucket = "abc"
      fill(&input)
    }
  }
  private func state() async throws -> BucketState { try await cloud.s3.buckets.existing("abc") }

  @Test func `a canned list lets everybody read`() async throws {
    #expect(try await put { $0.acl = "public-read" } == nil)
    #expect(try await state().accessList.isPublic)
    let policy = try #require(try await state().grants(to: nil, isService: false))
    #expect(policy.contains(#""Principal":"*""#) && policy.contains("s3:ListBucket") && !policy.contains("s3:PutObject"))
  }

  @Test func `an account is granted what the header says`() async throws {
    let id = CanonicalUser.id(.test(1))
    #expect(try await put { $0.grantWrite = #"id="\#(id)""# } == nil)
    #expect(try await state().accessList.grants == [.init(grantee: .account(.test(1)), permission: .write)])
    let policy = try #require(try await state().grants(to: .test(1), isService: false))
    #expect(policy.contains("arn:aws:iam::111111111111:root") && policy.contains("s3:PutObject"))
  }

  @Test func `a list comes in one form only, and by known names`() async throws {
    #expect(try await put { _ in }?.code == "MissingSecurityHeader")
    #expect(try await put { ($0.acl, $0.grantRead) = ("private", "id=x") }?.code == "InvalidRequest")
    #expect(try await put { $0.acl = "open" }?.code == "InvalidArgument")
    #expect(try await put { $0.grantRead = "id=x" }?.code == "InvalidArgument")
    #expect(try await put { $0.grantRead = "uri=http://example.com" }?.code == "InvalidArgument")
    #expect(try await put { $0.grantRead = "emailAddress=a@example.com" }?.code == "UnresolvableGrantByEmailAddress")
    #expect(try await put { ($0.acl, $0.accessControlPolicy) = ("private", AccessList.standard(.local).document) }?.code == "UnexpectedContent")
    #expect(try await put { $0.accessControlPolicy = AccessList.standard(.test(1)).document }?.code == "AccessDenied")
    #expect(try await put { $0.accessControlPolicy = AccessList.standard(.local).document } == nil)
  }

  @Test func `public lists are blocked or ignored as the bucket says`() async throws {
    #expect(try await put { $0.acl = "public-read" } == nil)
    try await cloud.run("PutPublicAccessBlock") { (input: inout PutPublicAccessBlockInput) in
      input.bucket = "abc"
      var block = PublicAccessBlockConfiguration()
      (block.blockPublicAcls, block.ignorePublicAcls) = (true, true)
      input.publicAccessBlockConfiguration = block
    }
    #expect(try await put { $0.acl = "public-read-write" }?.code == "AccessDenied")
    #expect(try await state().grants(to: nil, isService: false) == nil)
  }

  @Test func `ACLs cannot be turned off while one lets others in`() async throws {
    #expect(try await put { $0.acl = "public-read" } == nil)
    func enforce() async throws -> AWSError? {
      try await cloud.failure(of: "PutBucketOwnershipControls") { (input: inout PutBucketOwnershipControlsInput) in
        input.bucket = "abc"
        var controls = OwnershipControls(), rule = OwnershipControlsRule()
        rule.objectOwnership = "BucketOwnerEnforced"
        controls.rules = [rule]
        input.ownershipControls = controls
      }
    }
    #expect(try await enforce()?.code == "InvalidBucketAclWithObjectOwnership")
    #expect(try await put { $0.acl = "private" } == nil)
    #expect(try await enforce() == nil)
    #expect(try await put { $0.acl = "private" }?.code == "AccessControlListNotSupported")
  }
}
