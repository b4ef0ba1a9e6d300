import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct SettingTests {
  let cloud = TestCloud.s3()

  init() async throws { try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"]) }

  private func version() async throws -> String? {
    try await cloud.run("GetBucketVersioning", GetBucketVersioningOutput.self) { (input: inout GetBucketVersioningInput) in
      input.bucket = "abc"
    }.status
  }
  private func setVersioning(_ status: String?) async throws -> AWSError? {
    try await cloud.failure(of: "PutBucketVersioning") { (input: inout PutBucketVersioningInput) in
      input.bucket = "abc"
      var configuration = VersioningConfiguration()
      configuration.status = status
      input.versioningConfiguration = configuration
    }
  }

  @Test func `versioning is off, then on or suspended`() async throws {
    #expect(try await version() == nil)
    #expect(try await setVersioning("Enabled") == nil)
    #expect(try await version() == "Enabled")
    #expect(try await setVersioning("Suspended") == nil)
    #expect(try await version() == "Suspended")
    #expect(try await setVersioning(nil)?.code == "IllegalVersioningConfigurationException")
    #expect(try await setVersioning("enabled")?.code == "MalformedXML")
  }

  @Test func `a bucket with object lock stays versioned`() async throws {
    let lock: (inout PutObjectLockConfigurationInput) -> Void = { input in
      input.bucket = "abc"
      input.objectLockConfiguration = LockRules.withoutDefault
    }
    #expect(try await cloud.failure(of: "PutObjectLockConfiguration", lock)?.code == "InvalidBucketState")
    _ = try await setVersioning("Enabled")
    #expect(try await cloud.failure(of: "PutObjectLockConfiguration", lock) == nil)
    #expect(try await setVersioning("Suspended")?.code == "InvalidBucketState")
  }

  @Test func `a setting that was never put is missing by its own name`() async throws {
    for (operation, code) in [
      ("GetBucketPolicy", "NoSuchBucketPolicy"), ("GetBucketCors", "NoSuchCORSConfiguration"),
      ("GetBucketWebsite", "NoSuchWebsiteConfiguration"), ("GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration"),
      ("GetBucketReplication", "ReplicationConfigurationNotFoundError"), ("GetBucketTagging", "NoSuchTagSet"),
      ("GetObjectLockConfiguration", "ObjectLockConfigurationNotFoundError"), ("GetBucketPolicyStatus", "NoSuchBucketPolicy"),
    ] {
      let failure = await cloud.failure("s3", operation, ["Bucket": "abc"])
      #expect((failure?.code, failure?.status) == (code, 404), "\(operation)")
    }
    for operation in ["DeletePublicAccessBlock", "DeleteBucketOwnershipControls"] { try await cloud.call("s3", operation, ["Bucket": "abc"]) }
    #expect(await cloud.failure("s3", "GetPublicAccessBlock", ["Bucket": "abc"])?.code == "NoSuchPublicAccessBlockConfiguration")
    #expect(await cloud.failure("s3", "GetBucketOwnershipControls", ["Bucket": "abc"])?.code == "OwnershipControlsNotFoundError")
  }

  @Test func `a new bucket blocks everything public, has no ACLs and encrypts`() async throws {
    let block = try await cloud.run("GetPublicAccessBlock", GetPublicAccessBlockOutput.self) { (input: inout GetPublicAccessBlockInput) in
      input.bucket = "abc"
    }
    #expect(PublicAccess(block.publicAccessBlockConfiguration) == PublicAccess(PublicAccess.all))
    let encryption = try await cloud.run("GetBucketEncryption", GetBucketEncryptionOutput.self) { (input: inout GetBucketEncryptionInput) in
      input.bucket = "abc"
    }
    #expect(encryption.serverSideEncryptionConfiguration == EncryptionRules.standard)
    let acl = try await cloud.failure(of: "PutBucketAcl") { (input: inout PutBucketAclInput) in
      input.bucket = "abc"
      input.acl = "private"
    }
    #expect(acl?.code == "AccessControlListNotSupported")
  }

  @Test(arguments: [
    ([("a", "b")], nil), ([("a", "b"), ("a", "c")], "InvalidTag"), ([("aws:a", "b")], "InvalidTag"), ([("", "b")], "InvalidTag"),
    ([(String(repeating: "k", count: 129), "b")], "InvalidTag"), ([("k", String(repeating: "v", count: 257))], "InvalidTag"),
    ([("k", "<")], "InvalidTag"), ((0..<51).map { ("k\($0)", "v") }, "BadRequest"),
  ] as [([(String, String)], String?)])
  func `tags keep the rules`(_ tags: [(String, String)], _ code: String?) async throws {
    let failure = try await cloud.failure(of: "PutBucketTagging") { (input: inout PutBucketTaggingInput) in
      input.bucket = "abc"
      var tagging = S3Tagging()
      tagging.tagSet = tags.map { key, value in
        var tag = S3Tag()
        (tag.key, tag.value) = (key, value)
        return tag
      }
      input.tagging = tagging
    }
    #expect(failure?.code == code)
  }

  @Test func `settings go with their bucket`() async throws {
    _ = try await setVersioning("Enabled")
    try await cloud.call("s3", "DeleteBucket", ["Bucket": "abc"])
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    #expect(try await version() == nil)
  }

  @Test func `whose requesters pay does not serve others for nothing`() async throws {
    try await cloud.run("PutBucketRequestPayment") { (input: inout PutBucketRequestPaymentInput) in
      input.bucket = "abc"
      var configuration = RequestPaymentConfiguration()
      configuration.payer = "Requester"
      input.requestPaymentConfiguration = configuration
    }
    #expect(await cloud.failure("s3", "HeadBucket", ["Bucket": "abc"], as: .root(.test(1)))?.code == "AccessDenied")
    #expect(await cloud.failure("s3", "HeadBucket", ["Bucket": "abc"]) == nil)
  }

  @Test func `what nobody would act on is refused`() async throws {
    let logging = try await cloud.failure(of: "PutBucketLogging") { (input: inout PutBucketLoggingInput) in
      input.bucket = "abc"
      var status = BucketLoggingStatus(), enabled = LoggingEnabled()
      (enabled.targetBucket, enabled.targetPrefix) = ("abc", "logs/")
      status.loggingEnabled = enabled
      input.bucketLoggingStatus = status
    }
    #expect(logging?.status == 501)
    for operation in ["PutBucketReplication", "PutBucketInventoryConfiguration", "PutBucketMetricsConfiguration"] {
      #expect(cloud.dispatcher.api("s3")?.operations[operation] == nil)
    }
  }
}
