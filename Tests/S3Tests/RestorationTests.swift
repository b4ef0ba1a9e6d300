import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct RestorationTests {
  let cloud = TestCloud.s3()

  init() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    try await cloud.call("s3", "PutObject", ["Bucket": "abc", "Key": "cold", "StorageClass": "GLACIER", "Body": "YQ=="])
  }

  private func restore(_ days: Int?, _ tier: String? = nil, key: String = "cold") async throws -> String {
    do {
      let output = try await cloud.run("RestoreObject", RestoreObjectOutput.self) { (input: inout RestoreObjectInput) in
        var request = RestoreRequest()
        (request.days, request.tier) = (days, tier)
        (input.bucket, input.key, input.restoreRequest) = ("abc", key, request)
      }
      return "\(output.statusCode ?? 0)"
    } catch let error as AWSError { return error.code }
  }
  private func read() async throws -> String {
    let error = try await cloud.failure(of: "GetObject") { (input: inout GetObjectInput) in (input.bucket, input.key) = ("abc", "cold") }
    return error?.code ?? "read"
  }
  private func header() async throws -> String? {
    try await cloud.run("HeadObject", HeadObjectOutput.self) { (input: inout HeadObjectInput) in
      (input.bucket, input.key) = ("abc", "cold")
    }.restore
  }

  @Test func `an archived object is read from its restoration until its days are over`() async throws {
    #expect(try await read() == "InvalidObjectState")
    #expect(try await restore(2) == "202")
    #expect(try await restore(2) == "RestoreAlreadyInProgress")
    #expect(try await header() == #"ongoing-request="true""#)
    cloud.clock.advance(.hours(3))
    #expect(try await read() == "read")
    #expect(try await header()?.hasPrefix(#"ongoing-request="false", expiry-date=""#) == true)
    cloud.clock.advance(.days(4))
    #expect(try await read() == "InvalidObjectState")
    #expect(try await header() == nil)
  }

  @Test func `a copy that is there lasts longer when it is asked for again`() async throws {
    #expect(try await restore(1, "Expedited") == "202")
    cloud.clock.advance(.minutes(2))
    #expect(try await restore(5) == "200")
    cloud.clock.advance(.days(4))
    #expect(try await read() == "read")
  }

  @Test func `what is under way can only be made faster`() async throws {
    #expect(try await restore(1, "Bulk") == "202")
    #expect(try await restore(nil, "Bulk") == "RestoreAlreadyInProgress")
    #expect(try await restore(nil, "Expedited") == "200")
    cloud.clock.advance(.minutes(2))
    #expect(try await read() == "read")
  }

  @Test func `what cannot be restored is refused`() async throws {
    try await cloud.call("s3", "PutObject", ["Bucket": "abc", "Key": "warm", "Body": "YQ=="])
    try await cloud.call("s3", "PutObject", ["Bucket": "abc", "Key": "deep", "StorageClass": "DEEP_ARCHIVE", "Body": "YQ=="])
    #expect(try await restore(1, key: "warm") == "InvalidObjectState")
    #expect(try await restore(1, key: "none") == "NoSuchKey")
    #expect(try await restore(1, "Expedited", key: "deep") == "InvalidArgument")
    #expect(try await restore(0) == "InvalidArgument")
    #expect(try await restore(nil) == "MalformedXML")
    #expect(try await restore(1, "Slow") == "MalformedXML")
  }

  @Test func `the end of a restoration leaves no trace in the version, and rows of what is gone mean nothing`() async throws {
    #expect(try await restore(1) == "202")
    try await cloud.call("s3", "DeleteObject", ["Bucket": "abc", "Key": "cold"])
    cloud.clock.advance(.days(3))
    try await cloud.work()
    #expect(try await cloud.store.read { try $0.entries(Keys.restorations).count } == 0)
  }
}

@Suite struct OwnerTests {
  private func state(_ ownership: String) async throws -> BucketState {
    let cloud = TestCloud.s3()
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc", "ObjectOwnership": .string(ownership)])
    return try await cloud.s3.buckets.existing("abc")
  }

  @Test(arguments: [
    ("BucketOwnerEnforced", nil, true), ("BucketOwnerEnforced", "bucket-owner-full-control", true),
    ("BucketOwnerPreferred", nil, false), ("BucketOwnerPreferred", "bucket-owner-full-control", true),
    ("BucketOwnerPreferred", "public-read", false), ("ObjectWriter", "bucket-owner-full-control", false), ("ObjectWriter", nil, false),
  ] as [(String, String?, Bool)])
  func `who owns what another account puts`(_ ownership: String, _ acl: String?, _ isBucketOwners: Bool) async throws {
    let owner = try await state(ownership).owner(ofNewBy: .root(.test(1)), acl: acl)
    #expect(owner == (isBucketOwners ? .local : .test(1)))
  }

  @Test func `the policy of a bucket does not speak about objects of others`() async throws {
    let state = try await state("ObjectWriter")
    let list = try AccessList(canned: "public-read", owner: .test(1), bucketOwner: .local)
    // Nothing is granted: the bucket ignores public lists, as buckets do unless told otherwise.
    #expect(state.grants(key: "k", list: list, to: .local, isService: false) == nil)
    let full = try AccessList(canned: "bucket-owner-full-control", owner: .test(1), bucketOwner: .local)
    #expect(try #require(state.grants(key: "k", list: full, to: .local, isService: false)).contains("arn:aws:iam::000000000000:root"))
  }
}
