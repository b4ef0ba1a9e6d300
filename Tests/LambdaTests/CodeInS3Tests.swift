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
