import Base
import Fabric
import Store
import TestCloud
import Testing

@testable import S3

@Suite struct VersionTests {
  let cloud = TestCloud.s3()

  private func bucket(_ status: String?) async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box"])
    if let status { try await set(status) }
  }
  private func set(_ status: String) async throws {
    try await cloud.call("s3", "PutBucketVersioning", ["Bucket": "box", "VersioningConfiguration": ["Status": .string(status)]])
  }
  private func versions(_ extra: JSON = [:]) async throws -> JSON {
    try await cloud.call("s3", "ListObjectVersions", TestCloud.merged(["Bucket": "box"], extra))
  }
  private func body(_ extra: JSON = [:]) async throws -> String {
    (decodeBase64(try await cloud.get("k", extra)["Body"]?.string ?? "") ?? []).utf8Text
  }
  private func delete(_ version: JSON? = nil, _ extra: JSON = [:]) async throws -> JSON {
    var input: JSON = ["Bucket": "box", "Key": "k"]
    if let version { input = TestCloud.merged(input, ["VersionId": version]) }
    return try await cloud.call("s3", "DeleteObject", TestCloud.merged(input, extra))
  }

  @Test func `each put makes a version, and each can be read`() async throws {
    try await bucket("Enabled")
    let first = try #require(try await cloud.put("k", Array("one".utf8))["VersionId"])
    let second = try #require(try await cloud.put("k", Array("two".utf8))["VersionId"])
    #expect(first != second && first.string?.utf8.count == 32)
    #expect(try await body() == "two")
    #expect(try await body(["VersionId": first]) == "one")
    let listed = try await versions()
    #expect(listed["Versions"]?.array?.compactMap { $0["VersionId"] } == [second, first])
    #expect(listed["Versions"]?.array?.compactMap { $0["IsLatest"]?.bool } == [true, false])
  }

  @Test func `a deletion marks, and the deletion of the mark brings the object back`() async throws {
    try await bucket("Enabled")
    try await cloud.put("k", Array("one".utf8))
    let marked = try await delete()
    #expect(marked["DeleteMarker"]?.bool == true)
    let marker = try #require(marked["VersionId"])
    let gone = await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k"])
    #expect(gone?.code == "NoSuchKey")
    #expect(gone?.headers.contains { $0.name == "x-amz-delete-marker" && $0.value == "true" } == true)
    #expect(await cloud.failure("s3", "GetObject", ["Bucket": "box", "Key": "k", "VersionId": marker])?.code == "MethodNotAllowed")
    #expect(try await cloud.keys() == [])
    #expect(try await versions()["DeleteMarkers"]?.array?.count == 1)
    #expect(try await delete(marker)["DeleteMarker"]?.bool == true)
    #expect(try await body() == "one")
  }

  @Test func `the version null stays while versioning is on, and is replaced while it is suspended`() async throws {
    try await bucket(nil)
    try await cloud.put("k", Array("before".utf8))
    try await set("Enabled")
    try await cloud.put("k", Array("with".utf8))
    #expect(try await body(["VersionId": "null"]) == "before")
    try await set("Suspended")
    #expect(try await cloud.put("k", Array("after".utf8))["VersionId"] == "null")
    #expect(try await body(["VersionId": "null"]) == "after")
    #expect(try await versions()["Versions"]?.array?.count == 2)
    let marked = try await delete()
    #expect(marked["VersionId"] == "null")
    #expect(try await versions()["Versions"]?.array?.count == 1)
    _ = try await delete("null")
    #expect(try await body() == "with")
  }

  @Test func `without versioning there is nothing but the object`() async throws {
    try await bucket(nil)
    #expect(try await cloud.put("k", [1])["VersionId"] == nil)
    try await cloud.put("k", [2])
    #expect(try await versions()["Versions"]?.array?.count == 1)
    _ = try await delete()
    #expect(try await versions()["Versions"] == nil)
    try await cloud.call("s3", "DeleteBucket", ["Bucket": "box"])
  }

  @Test func `versions are listed in pages of any size`() async throws {
    try await bucket("Enabled")
    for key in ["a", "k", "z"] { for body in 0..<3 { try await cloud.put(key, [UInt8(body)]) } }
    let all = try await versions()["Versions"]?.array?.compactMap { $0["VersionId"]?.string } ?? []
    #expect(all.count == 9)
    for size in 1...5 {
      var (seen, marker): ([String], JSON) = ([], [:])
      while true {
        let page = try await versions(TestCloud.merged(["MaxKeys": JSON(size)], marker))
        seen += page["Versions"]?.array?.compactMap { $0["VersionId"]?.string } ?? []
        guard page["IsTruncated"]?.bool == true, let key = page["NextKeyMarker"], let version = page["NextVersionIdMarker"] else { break }
        marker = ["KeyMarker": key, "VersionIdMarker": version]
      }
      #expect(seen == all, "pages of \(size)")
    }
  }

  /// S3 wants to be sure of what it locks.
  private func lock(_ extra: JSON) -> JSON { TestCloud.merged(["ChecksumCRC32": "pQXfGw=="], extra) }

  @Test func `a lock keeps a version until its time, governance for those who may not pass it by`() async throws {
    try await cloud.call("s3", "CreateBucket", ["Bucket": "box", "ObjectLockEnabledForBucket": true])
    let until = JSON.int(cloud.clock.now().seconds + 3600)
    let kept = try #require(
      try await cloud.put("k", [1], lock(["ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until]))["VersionId"])
    let compliant = try #require(
      try await cloud.put("k", [1], lock(["ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until]))["VersionId"])
    let held = try #require(try await cloud.put("k", [1], lock(["ObjectLockLegalHoldStatus": "ON"]))["VersionId"])
    for version in [kept, compliant, held] {
      let input: JSON = ["Bucket": "box", "Key": "k", "VersionId": version]
      #expect(await cloud.failure("s3", "DeleteObject", input)?.code == "AccessDenied")
    }
    // A mark on top is no deletion.
    _ = try await delete()
    _ = try await delete(kept, ["BypassGovernanceRetention": true])
    let bypassed = TestCloud.merged(["Bucket": "box", "Key": "k", "BypassGovernanceRetention": true], ["VersionId": compliant])
    #expect(await cloud.failure("s3", "DeleteObject", bypassed)?.code == "AccessDenied")
    try await cloud.call(
      "s3", "PutObjectLegalHold", ["Bucket": "box", "Key": "k", "VersionId": held, "LegalHold": ["Status": "OFF"]])
    _ = try await delete(held)
    cloud.clock.advance(.hours(2))
    _ = try await delete(compliant)
    #expect(try await versions()["Versions"] == nil)
  }

  @Test func `locks need a bucket that has them`() async throws {
    try await bucket(nil)
    #expect(await cloud.putFailure("k", ["ObjectLockLegalHoldStatus": "ON"])?.code == "InvalidRequest")
    try await cloud.put("k", [1])
    #expect(await cloud.failure("s3", "GetObjectRetention", ["Bucket": "box", "Key": "k"])?.code == "InvalidRequest")
  }

  @Test func `a lifecycle comes to the oldest versions, however many newer ones there are`() async throws {
    try await bucket("Enabled")
    for _ in 0..<5 { try await cloud.put("k", []) }
    cloud.clock.advance(.days(40))
    for _ in 0..<(S3Limits.versionsOfKey + 10) { try await cloud.put("k", []) }
    let rule: JSON = [
      "ID": "r", "Status": "Enabled", "Filter": [:], "NoncurrentVersionExpiration": ["NoncurrentDays": 30, "NewerNoncurrentVersions": 100],
    ]
    try await cloud.call(
      "s3", "PutBucketLifecycleConfiguration", ["Bucket": "box", "LifecycleConfiguration": ["Rule": [rule]]])
    try await cloud.work()
    let bucket = try #require(try await cloud.s3.buckets.find("box")).bucket
    let older = try await cloud.store.read { try $0.entries(KeyRange(prefix: Keys.older(bucket.id, "k"))).count }
    // The fifth was replaced only now.
    #expect(older == S3Limits.versionsOfKey + 10)
  }
}
