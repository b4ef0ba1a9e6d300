import Base
import Fabric
import TestCloud
import Testing
import Wire

@testable import S3

@Suite struct ObjectTests {
  let cloud = TestCloud.s3()

  private func bucket(_ name: String = "box") async throws { try await cloud.call("s3", "CreateBucket", ["Bucket": .string(name)]) }

  @Test(arguments: [0, 1, 16 << 10, (16 << 10) + 1, 700_000])
  func `an object comes back as it was put, small or large`(_ size: Int) async throws {
    try await bucket()
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let put = try await cloud.put("a/b", bytes)
    let got = try await cloud.get("a/b")
    #expect(decodeBase64(got["Body"]?.string ?? "") == bytes)
    #expect(got["ETag"] == put["ETag"])
    #expect(got["ContentLength"]?.int == Int64(size))
    #expect(got["ContentType"]?.string == "binary/octet-stream")
    #expect(got["AcceptRanges"]?.string == "bytes")
    #expect(got["ServerSideEncryption"]?.string == "AES256")
  }

  @Test func `what is not there says so`() async throws {
    try await bucket()
    let failure = await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "gone"])
    #expect(failure?.code == "NoSuchKey")
    #expect(failure?.members.first?.value == "gone")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "none", "Key": "gone"])?.code == "NoSuchBucket")
    #expect(await cloud.failure("s3", "PutObject", ["Bucket": "none", "Key": "k", "Body": ""])?.code == "NoSuchBucket")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "VersionId": "bad"])?.code == "InvalidArgument")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "VersionId": "null"])?.code == "NoSuchVersion")
  }

  @Test(arguments: [
    ("bytes=0-3", "0123", "bytes 0-3/10"), ("bytes=7-", "789", "bytes 7-9/10"), ("bytes=-2", "89", "bytes 8-9/10"),
    ("bytes=5-100", "56789", "bytes 5-9/10"), ("bytes=-100", "0123456789", "bytes 0-9/10"),
  ])
  func `a range gives those bytes alone`(_ range: String, _ text: String, _ told: String) async throws {
    try await bucket()
    try await cloud.put("k", Array("0123456789".utf8))
    let got = try await cloud.get("k", ["Range": .string(range), "ChecksumMode": "ENABLED"])
    #expect(decodeBase64(got["Body"]?.string ?? "")?.utf8Text == text)
    #expect(got["ContentRange"]?.string == told)
    // A client would compare it with what it got.
    #expect(got["ChecksumCRC64NVME"] == nil)
  }

  @Test(arguments: ["bytes=3-1", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", "bytes=-", ""])
  func `what is no single range gives the whole`(_ range: String) async throws {
    try await bucket()
    try await cloud.put("k", Array("0123456789".utf8))
    let got = try await cloud.get("k", ["Range": .string(range)])
    #expect(got["ContentLength"]?.int == 10)
  }

  @Test(arguments: ["bytes=10-", "bytes=99-100", "bytes=-0"])
  func `a range beyond the end is refused`(_ range: String) async throws {
    try await bucket()
    try await cloud.put("k", Array("0123456789".utf8))
    let failure = await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "Range": .string(range)])
    #expect(failure?.code == "InvalidRange")
    #expect(failure?.headers.first?.value == "bytes */10")
  }

  @Test func `conditions of a read hold in their order`() async throws {
    try await bucket()
    let eTag = try #require(try await cloud.put("k", [1])["ETag"])
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "IfMatch": "\"other\""])?.code == "PreconditionFailed")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "IfNoneMatch": eTag])?.status == 304)
    _ = try await cloud.get("k", ["IfMatch": eTag, "IfUnmodifiedSince": 0])
    _ = try await cloud.get("k", ["IfNoneMatch": "\"other\"", "IfModifiedSince": 99_999_999_999])
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "IfUnmodifiedSince": 0])?.code == "PreconditionFailed")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "IfModifiedSince": 99_999_999_999])?.status == 304)
  }

  @Test func `a conditional write makes only what is not there, and replaces only what is known`() async throws {
    try await bucket()
    let eTag = try #require(try await cloud.put("k", [1], ["IfNoneMatch": "*"])["ETag"])
    #expect(await cloud.putFailure("k", ["IfNoneMatch": "*"])?.code == "PreconditionFailed")
    #expect(await cloud.putFailure("k", ["IfMatch": "\"other\""])?.code == "PreconditionFailed")
    #expect(await cloud.putFailure("new", ["IfMatch": eTag])?.code == "NoSuchKey")
    #expect(await cloud.putFailure("k", ["IfNoneMatch": eTag])?.code == "NotImplemented")
    _ = try await cloud.put("k", [2], ["IfMatch": eTag])
    #expect(await cloud.failure("s3", "DeleteObject", ["Bucket": "box", "Key": "k", "IfMatch": eTag])?.code == "PreconditionFailed")
  }

  @Test func `what was said of an object is said of it again`() async throws {
    try await bucket()
    try await cloud.put(
      "k", [1],
      [
        "ContentType": "text/x", "CacheControl": "no-cache", "ContentEncoding": "gzip", "ContentLanguage": "de", "Expires": "never",
        "ContentDisposition": "inline", "Metadata": ["Color": "blue"], "StorageClass": "STANDARD_IA", "Tagging": "a=1&b=x%20y",
        "WebsiteRedirectLocation": "/there",
      ])
    let got = try await cloud.get("k")
    #expect(got["ContentType"]?.string == "text/x")
    #expect(got["CacheControl"]?.string == "no-cache")
    #expect(got["ContentEncoding"]?.string == "gzip")
    #expect(got["ContentLanguage"]?.string == "de")
    #expect(got["Expires"]?.string == "never")
    #expect(got["ContentDisposition"]?.string == "inline")
    #expect(got["Metadata"]?["color"]?.string == "blue")
    #expect(got["StorageClass"]?.string == "STANDARD_IA")
    #expect(got["TagCount"]?.int == 2)
    #expect(got["WebsiteRedirectLocation"]?.string == "/there")
    let other = try await cloud.get("k", ["ResponseContentType": "text/y"])
    #expect(other["ContentType"]?.string == "text/y")
  }

  @Test func `checks of what came are made`() async throws {
    try await bucket()
    let body = JSON.string(Array("123456789".utf8).base64)
    func failure(_ extra: JSON) async -> AWSError? {
      await cloud.failure("s3", "PutObject", TestCloud.merged(["Bucket": "box", "Key": "k", "Body": body], extra))
    }
    #expect(await failure(["ContentMD5": "1B2M2Y8AsgTpgAmY7PhCfg=="])?.code == "BadDigest")
    #expect(await failure(["ContentMD5": "short"])?.code == "InvalidDigest")
    #expect(await failure(["ChecksumCRC32": "AAAAAA=="])?.code == "BadDigest")
    #expect(await failure(["ChecksumCRC32": "AAAA"])?.code == "InvalidRequest")
    #expect(await failure(["ChecksumCRC32": "y/Q5Jg==", "ChecksumCRC32C": "4waSgw=="])?.code == "InvalidRequest")
    #expect(await failure(["ChecksumXXHASH64": "AAAAAAAAAAA="])?.code == "NotImplemented")
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k"])?.code == "NoSuchKey")
  }

  /// Check values of the catalogue of CRCs, and of sha1sum and sha256sum.
  @Test(arguments: [
    ("CRC32", "y/Q5Jg=="), ("CRC32C", "4waSgw=="), ("CRC64NVME", "rosUhgp5mIg="), ("SHA1", "98O8HYCOBHMq32eZZczDTKeuNEE="),
    ("SHA256", "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
  ])
  func `a checksum is kept and shown with its kind`(_ algorithm: String, _ value: String) async throws {
    try await bucket()
    let put = try await cloud.put("k", Array("123456789".utf8), ["Checksum" + algorithm: .string(value)])
    #expect(put["Checksum" + algorithm]?.string == value)
    let got = try await cloud.get("k", ["ChecksumMode": "ENABLED"])
    #expect(got["Checksum" + algorithm]?.string == value)
    #expect(got["ChecksumType"]?.string == "FULL_OBJECT")
    #expect(try await cloud.get("k")["Checksum" + algorithm] == nil)
  }

  @Test func `a customer's key must be shown again`() async throws {
    try await bucket()
    let key = [UInt8](repeating: 7, count: 32).base64
    let md5 = "xpgYkVjNQ2nHc9ZFnZ/x9w=="
    let wrong: JSON = ["SSECustomerAlgorithm": "AES256", "SSECustomerKey": .string(key), "SSECustomerKeyMD5": .string(md5)]
    let failure = await cloud.putFailure("k", wrong)
    #expect(failure?.code == "InvalidArgument")
    let right = ObjectTests.customerKey(7)
    try await cloud.put("k", [1], right)
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k"])?.code == "InvalidRequest")
    #expect(try await cloud.get("k", right)["SSECustomerAlgorithm"]?.string == "AES256")
    let other = TestCloud.merged(["Bucket": "box", "Key": "k"], ObjectTests.customerKey(8))
    #expect(await cloud.failure("s3", "GetObject", other)?.code == "AccessDenied")
  }

  static func customerKey(_ byte: UInt8) -> JSON {
    let key = [UInt8](repeating: byte, count: 32)
    return [
      "SSECustomerAlgorithm": "AES256", "SSECustomerKey": .string(key.base64),
      "SSECustomerKeyMD5": .string(Checksum.bytes(.md5, of: key).base64),
    ]
  }

  @Test func `tags are put, read and taken away`() async throws {
    try await bucket()
    try await cloud.put("k", [1])
    let place: JSON = ["Bucket": "box", "Key": "k"]
    try await cloud.call(
      "s3", "PutObjectTagging", TestCloud.merged(place, ["Tagging": ["TagSet": [["Key": "a", "Value": "1"]]]]))
    #expect(try await cloud.call("s3", "GetObjectTagging", place)["TagSet"]?[0]?["Value"]?.string == "1")
    let many = JSON.array((0..<11).map { ["Key": .string("k\($0)"), "Value": ""] })
    #expect(await cloud.failure("s3", "PutObjectTagging", TestCloud.merged(place, ["Tagging": ["TagSet": many]]))?.code == "BadRequest")
    let twice: JSON = ["Tagging": ["TagSet": [["Key": "a", "Value": ""], ["Key": "a", "Value": ""]]]]
    #expect(await cloud.failure("s3", "PutObjectTagging", TestCloud.merged(place, twice))?.code == "InvalidTag")
    try await cloud.call("s3", "DeleteObjectTagging", place)
    #expect(try await cloud.call("s3", "GetObjectTagging", place)["TagSet"]?.array?.count == 0)
  }

  @Test func `deleting what is not there is no failure, and many go at once`() async throws {
    try await bucket()
    for key in ["a", "b"] { try await cloud.put(key, [1]) }
    try await cloud.call("s3", "DeleteObject", ["Bucket": "box", "Key": "never"])
    let answer = try await cloud.call(
      "s3", "DeleteObjects", ["Bucket": "box", "Delete": ["Object": [["Key": "a"], ["Key": "b"], ["Key": "c"], ["Key": "d", "VersionId": "x"]]]])
    #expect(answer["Deleted"]?.array?.count == 3)
    #expect(answer["Errors"]?[0]?["Code"]?.string == "InvalidArgument")
    #expect(try await cloud.keys() == [])
  }

  @Test func `keys have at most 1024 bytes`() async throws {
    try await bucket()
    try await cloud.put(String(repeating: "é", count: 512), [1])
    #expect(await cloud.putFailure(String(repeating: "é", count: 513), [:])?.code == "KeyTooLongError")
  }
}

extension TestCloud {
  static func merged(_ a: JSON, _ b: JSON) -> JSON {
    .object(JSONObject([a, b].flatMap { ($0.object?.members ?? []).map { ($0.name, $0.value) } }))
  }

  @discardableResult
  func put(_ key: String, _ body: [UInt8], in bucket: String = "box", _ extra: JSON = [:]) async throws -> JSON {
    try await call("s3", "PutObject", Self.merged(["Bucket": .string(bucket), "Key": .string(key), "Body": .string(body.base64)], extra))
  }
  func putFailure(_ key: String, _ extra: JSON) async -> AWSError? {
    await failure("s3", "PutObject", Self.merged(["Bucket": "box", "Key": .string(key), "Body": "AQ=="], extra))
  }
  func get(_ key: String, in bucket: String = "box", _ extra: JSON = [:]) async throws -> JSON {
    try await call("s3", "GetObject", Self.merged(["Bucket": .string(bucket), "Key": .string(key)], extra))
  }
  func keys(_ extra: JSON = [:]) async throws -> [String] {
    let answer = try await call("s3", "ListObjectsV2", Self.merged(["Bucket": "box"], extra))
    return (answer["Contents"]?.array ?? []).compactMap { $0["Key"]?.string }
  }
}
