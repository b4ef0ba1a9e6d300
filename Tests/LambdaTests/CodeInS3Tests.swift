import Base
import Fabric
import Testing

@testable import Lambda

@Suite struct CodeInS3Tests {
  private let test = TestPlane()

  private func zip(_ file: [UInt8]? = nil, _ bucket: String? = nil, _ key: String? = nil) async throws -> [UInt8] {
    try await test.plane.zip(file: file, bucket: bucket, key: key, version: nil, kms: nil, test.call("CreateFunction"))
  }
  private func failure(_ file: [UInt8]? = nil, _ bucket: String? = nil, _ key: String? = nil) async throws -> AWSError? {
    do {
      _ = try await zip(file, bucket, key)
      return nil
    } catch let error as AWSError { return error }
  }

  @Test func `code comes in the request or from one object`() async throws {
    test.objects.objects.withLock { $0["b/k"] = [1, 2, 3] }
    #expect(try await zip(nil, "b", "k") == [1, 2, 3])
    #expect(try await zip([4]) == [4])
    #expect(try await failure([4], "b", "k")?.message == "Please do not provide other FunctionCode parameters when providing a ZipFile.")
    #expect(try await failure(nil, "b")?.message == "Please provide a source for function code.")
    #expect(try await failure()?.message == "Please provide a source for function code.")
  }

  @Test func `what S3 says is told in Lambda's words`() async throws {
    let missing = try await failure(nil, "b", "none")
    #expect(missing?.code == "InvalidParameterValueException")
    #expect(
      missing?.message
        == "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.")
    test.objects.failure.withLock { $0 = AWSError("AccessDenied", "no", status: 403) }
    let denied = try await failure(nil, "b", "k")
    #expect((denied?.code, denied?.status) == ("AccessDeniedException", 403))
  }
}

/// `reload-from-s3`.
@Suite struct FollowedObjectTests {
  private let test = TestPlane(followsObjects: true)

  private func deploy() async throws {
    test.objects.objects.withLock { $0["b/k"] = TestPlane.zip }
    _ = try await test.create { $0.code = input { ($0.s3Bucket, $0.s3Key) = ("b", "k") } }
  }
  private func running(_ qualifier: String? = nil) async throws -> String {
    let id = FunctionID(account: .one, region: .usEast1, name: "orders")
    return try await test.plane.resolve(id, qualifier: qualifier).version.codeHash
  }

  @Test func `a changed object is what runs next, and versions stay`() async throws {
    try await deploy()
    let before = try await running()
    _ = try await test.run(input(PublishVersionInput.self) { $0.functionName = "orders" })
    test.objects.objects.withLock { $0["b/k"] = TestPlane.otherZip }
    let after = try await running()
    #expect(after != before)
    #expect(try await running("1") == before)
    #expect(try await test.configuration().codeSize == TestPlane.otherZip.count)
    #expect(try await test.configuration().lastUpdateStatus == "Successful")
  }

  @Test func `many who come at once exchange it once`() async throws {
    try await deploy()
    _ = try await running()
    test.objects.objects.withLock { $0["b/k"] = TestPlane.otherZip }
    let hashes = try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<20 { group.addTask { try await running() } }
      return try await group.reduce(into: Set<String>()) { $0.insert($1) }
    }
    #expect(hashes.count == 1)
  }

  @Test(arguments: [nil, [1, 2, 3]] as [[UInt8]?])
  func `what is gone or no package changes nothing`(_ bytes: [UInt8]?) async throws {
    try await deploy()
    let before = try await running()
    test.objects.objects.withLock { $0["b/k"] = bytes }
    #expect(try await running() == before)
    // And mends itself with the next object.
    test.objects.objects.withLock { $0["b/k"] = TestPlane.otherZip }
    #expect(try await running() != before)
  }

  @Test func `code of a request, or of a named version, is not followed`() async throws {
    try await deploy()
    _ = try await test.run(
      input(UpdateFunctionCodeInput.self) { ($0.functionName, $0.s3Bucket, $0.s3Key, $0.s3ObjectVersion) = ("orders", "b", "k", "v") })
    try await test.settle()
    let before = try await running()
    test.objects.objects.withLock { $0["b/k"] = TestPlane.otherZip }
    #expect(try await running() == before)
  }
}

@Suite struct FailureBucketTests {
  @Test func `the key of a record says whose it is and when it was`() {
    #expect(
      ReportTargets.key(below: "async/orders", at: Instant(seconds: 1_700_000_000), id: "u")
        == "aws/lambda/async/orders/2023/11/14/2023-11-14T22.13.20-u")
  }

  @Test(arguments: [
    ("arn:aws:s3:::failures", true), ("arn:aws:s3:::failures/prefix", false), ("arn:aws:s3:us-east-1:111111111111:failures", false),
    ("arn:aws:sqs:us-east-1:111111111111:failures", false),
  ])
  func `a bucket is named without a place`(_ text: String, _ isBucket: Bool) throws {
    #expect(try #require(ARN(text)).isBucket == isBucket)
  }
}
