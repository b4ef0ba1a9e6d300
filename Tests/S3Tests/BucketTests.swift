import Base
import Fabric
import TestCloud
import Testing

@testable import S3

@Suite struct BucketTests {
  let cloud = TestCloud.s3()

  private func names(as account: AccountID = .local, _ input: JSON = [:]) async throws -> [String] {
    let answer = try await cloud.call("s3", "ListBuckets", input, as: .root(account))
    return (answer["Buckets"]?.array ?? []).compactMap { $0["Name"]?.string }
  }

  @Test func `a bucket is made, found, listed and deleted`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "photos"])
    #expect(try await cloud.call("s3", "HeadBucket", ["Bucket": "photos"])["BucketRegion"]?.string == "us-east-1")
    #expect(try await names() == ["photos"])
    try await cloud.call("s3", "DeleteBucket", ["Bucket": "photos"])
    #expect(try await names() == [])
    for operation in ["HeadBucket", "DeleteBucket", "GetBucketLocation"] {
      #expect(await cloud.failure("s3", operation, ["Bucket": "photos"])?.code == "NoSuchBucket")
    }
  }

  @Test(arguments: [
    ("ab", false), ("abc", true), ("a.b-c", true), ("Abc", false), ("a_b", false), ("-ab", false), ("ab-", false), (".ab", false),
    ("a..b", false), ("192.168.5.4", false), ("1.2.3", true), ("xn--abc", false), ("sthree-abc", false), ("amzn-s3-demo-abc", false),
    ("abc-s3alias", false), ("abc--ol-s3", false), ("abc.mrap", false), ("abc--x-s3", false), ("abc--table-s3", false),
    (String(repeating: "a", count: 63), true), (String(repeating: "a", count: 64), false), ("", false), ("a\u{0}b", false), ("äbc", false),
  ])
  func `a name of letters, digits, dots and hyphens is taken`(_ name: String, _ isValid: Bool) async {
    let failure = await cloud.failure("s3", "CreateBucket", ["Bucket": .string(name)])
    #expect(failure?.code == (isValid ? nil : "InvalidBucketName"))
  }

  @Test(arguments: [
    ("us-east-1", nil, "us-east-1", nil), ("us-east-1", "eu-west-1", "eu-west-1", nil), ("us-east-1", "EU", "eu-west-1", nil),
    ("eu-west-1", "eu-west-1", "eu-west-1", nil), ("us-east-1", "us-east-1", nil, "InvalidLocationConstraint"),
    ("us-east-1", "nowhere", nil, "InvalidLocationConstraint"), ("eu-west-1", nil, nil, "IllegalLocationConstraintException"),
    ("eu-west-1", "us-west-2", nil, "IllegalLocationConstraintException"),
  ] as [(String, String?, String?, String?)])
  func `the endpoint and the constraint decide where a bucket is made`(
    _ endpoint: String, _ constraint: String?, _ region: String?, _ code: String?
  ) async throws {
    let endpoint = try #require(Region(endpoint))
    var input: JSON = ["Bucket": "abc"]
    if let constraint { input = ["Bucket": "abc", "CreateBucketConfiguration": ["LocationConstraint": .string(constraint)]] }
    #expect(await cloud.failure("s3", "CreateBucket", input, region: endpoint)?.code == code)
    guard let region else { return }
    let location = try await cloud.call("s3", "GetBucketLocation", ["Bucket": "abc"])["LocationConstraint"]?.string
    #expect(location == (region == "us-east-1" ? nil : region))
  }

  @Test func `a name belongs to one account in the world`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    #expect(await cloud.failure("s3", "CreateBucket", ["Bucket": "abc"], as: .root(.test(1)))?.code == "BucketAlreadyExists")
    let elsewhere: JSON = ["Bucket": "def", "CreateBucketConfiguration": ["LocationConstraint": "eu-west-1"]]
    let ireland = try #require(Region("eu-west-1"))
    try await cloud.call("s3", "CreateBucket", elsewhere, region: ireland)
    #expect(await cloud.failure("s3", "CreateBucket", elsewhere, region: ireland)?.code == "BucketAlreadyOwnedByYou")
    #expect(await cloud.failure("s3", "CreateBucket", ["Bucket": "def"])?.code == "BucketAlreadyOwnedByYou")
    try await cloud.call("s3", "DeleteBucket", ["Bucket": "abc"])
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"], as: .root(.test(1)))
  }

  @Test func `lists have pages, a prefix and a Region`() async throws {
    for name in ["alpha", "beta", "bravo", "brick"] { try await cloud.call("s3", "CreateBucket", ["Bucket": .string(name)]) }
    try await cloud.call(
      "s3", "CreateBucket", ["Bucket": "brown", "CreateBucketConfiguration": ["LocationConstraint": "eu-west-1"]])
    try await cloud.call("s3", "CreateBucket", ["Bucket": "theirs"], as: .root(.test(1)))
    #expect(try await names() == ["alpha", "beta", "bravo", "brick", "brown"])
    #expect(try await names(as: .test(1)) == ["theirs"])
    #expect(try await names(["Prefix": "br"]) == ["bravo", "brick", "brown"])
    #expect(try await names(["BucketRegion": "eu-west-1"]) == ["brown"])
    let page = try await cloud.call("s3", "ListBuckets", ["MaxBuckets": 2, "Prefix": "b"])
    let token = try #require(page["ContinuationToken"])
    #expect(try await names(["MaxBuckets": 2, "Prefix": "b", "ContinuationToken": token]) == ["bravo", "brick"])
    #expect(await cloud.failure("s3", "ListBuckets", ["MaxBuckets": 0])?.code == "InvalidArgument")
    #expect(await cloud.failure("s3", "ListBuckets", ["ContinuationToken": "?"])?.code == "InvalidArgument")
  }

  @Test func `another owner than the expected one is refused`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    let failure = await cloud.failure("s3", "HeadBucket", ["Bucket": "abc", "ExpectedBucketOwner": "111111111111"])
    #expect(failure?.code == "AccessDenied")
    try await cloud.call("s3", "HeadBucket", ["Bucket": "abc", "ExpectedBucketOwner": "000000000000"])
  }

  @Test func `an account is emptied of its buckets alone`() async throws {
    for n in 0..<3 { try await cloud.call("s3", "CreateBucket", ["Bucket": .string("mine-\(n)")]) }
    try await cloud.call("s3", "CreateBucket", ["Bucket": "theirs"], as: .root(.test(1)))
    try await cloud.s3.removeAll(of: .local)
    #expect(try await names() == [])
    #expect(try await names(as: .test(1)) == ["theirs"])
  }

  @Test func `a canonical user id leads back to its account`() {
    let id = CanonicalUser.id(.test(3))
    #expect(id.count == 64)
    #expect(CanonicalUser.account(id) == .test(3))
    #expect(CanonicalUser.account(String(id.reversed())) == nil)
    #expect(CanonicalUser.account("x") == nil)
  }
}
