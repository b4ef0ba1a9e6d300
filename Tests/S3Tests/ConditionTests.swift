import Base
import Fabric
import TestCloud
import Testing
import Wire

@testable import S3

/// What policies may ask about a request and its object.
@Suite struct ConditionTests {
  private let cloud = TestCloud.s3()

  init() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "abc"])
    try await cloud.call("s3", "PutBucketVersioning", ["Bucket": "abc", "VersioningConfiguration": ["Status": "Enabled"]])
  }

  private func put(_ key: String, tags: String) async throws -> String? {
    try await cloud.call("s3", "PutObject", ["Bucket": "abc", "Key": .string(key), "Tagging": .string(tags)])["VersionId"]?.string
  }

  /// The values of a key of the last question about an action.
  private func asked(_ action: String, _ key: String) -> [String]? {
    cloud.authoriser.asked.last { $0.action == action }?.conditionValues[key]
  }

  @Test func `a condition may ask for the tags of the version that a request is about`() async throws {
    let first = try await put("k", tags: "Team=red&x=y")
    let second = try await put("k", tags: "Team=blue")
    let tag = "s3:existingobjecttag/team"
    try await cloud.call("s3", "GetObject", ["Bucket": "abc", "Key": "k"], as: .user("ann"))
    #expect(asked("s3:GetObject", tag) == ["blue"])
    try await cloud.call("s3", "GetObjectTagging", ["Bucket": "abc", "Key": "k", "VersionId": first.map(JSON.string) ?? ""], as: .user("ann"))
    #expect(asked("s3:GetObjectVersionTagging", tag) == ["red"])
    #expect(asked("s3:GetObjectVersionTagging", "s3:existingobjecttag/x") == ["y"])
    cloud.authoriser.forget()
    try await cloud.call("s3", "CopyObject", ["Bucket": "abc", "Key": "copy", "CopySource": "abc/k"], as: .user("ann"))
    #expect(asked("s3:GetObject", tag) == ["blue"])
    // It is about what comes, not about what was there.
    #expect(asked("s3:PutObject", tag) == nil)
    let caller = Caller(principal: .user("ann"), account: .local, region: .usEast1, trace: TraceContext(.test()))
    _ = try await cloud.s3.read(ObjectName(bucket: "abc", key: "k", version: second), maximum: 10, as: caller)
    #expect(asked("s3:GetObjectVersion", tag) == ["blue"])
  }

  @Test func `each entry of DeleteObjects is asked for with its version and tags`() async throws {
    let version = try #require(await put("k", tags: "Team=red"))
    let entry: JSON = ["Key": "k", "VersionId": .string(version)]
    try await cloud.call("s3", "DeleteObjects", ["Bucket": "abc", "Delete": ["Object": [entry]]], as: .user("ann"))
    #expect(asked("s3:DeleteObjectVersion", "s3:versionid") == [version])
    #expect(asked("s3:DeleteObjectVersion", "s3:existingobjecttag/team") == ["red"])
  }

  /// The policy ends with 2029, and asks for GLACIER.
  private static let form = [
    ("AWSAccessKeyId", OneKey.id), ("key", "k"), ("x-amz-storage-class", "GLACIER"),
    ("policy", "eyJleHBpcmF0aW9uIjogIjIwMzAtMDEtMDFUMDA6MDA6MDBaIiwgImNvbmRpdGlvbnMiOiBbWyJzdGFydHMtd2l0aCIsICIka2V5IiwgIiJdLCB7IngtYW16LXN0b3JhZ2UtY2xhc3MiOiAiR0xBQ0lFUiJ9XX0="), ("Signature", "2ZHW8PUtYVWtSxvVSSfjzLtE8sw="),
  ]

  private func upload(at now: Instant) async throws -> AWSError? {
    let fields = Self.form.map { "--b\r\nContent-Disposition: form-data; name=\"\($0)\"\r\n\r\n\($1)\r\n" }.joined()
    let body = fields + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--\r\n"
    var input = PostObjectInput()
    (input.bucket, input.contentType) = ("abc", "multipart/form-data; boundary=b")
    let transfer = try #require(cloud.s3.formOperations.first?.transfer)
    do {
      _ = try await transfer(input.record, IncomingBytes(Array(body.utf8)), Call.test("s3", "PostObject", as: .anonymous, at: now))
      return nil
    } catch let error as AWSError { return error }
  }

  @Test func `a form is asked for with what its fields say`() async throws {
    #expect(try await upload(at: cloud.clock.now()) == nil)
    #expect(asked("s3:PutObject", "s3:x-amz-storage-class") == ["GLACIER"])
  }

  @Test func `the policy of a form ends by real time`() async throws {
    // The adjusted time of the call is far ahead.
    #expect(try await upload(at: try #require(Instant(iso8601: "2040-01-01T00:00:00Z"))) == nil)
    cloud.clock.advance(.days(365 * 40))
    #expect(try await upload(at: .epoch)?.message == "Invalid according to Policy: Policy expired.")
  }
}
