import Base
import Fabric
import Wire

/// An input that names its bucket.
protocol BucketInput: RecordView {
  var bucket: String { get }
}

/// An input that names an object.
protocol ObjectInput: BucketInput {
  var key: String { get }
}

/// What operations ask IAM for.
extension S3Service {
  /// An action on the bucket itself.
  func access<Input: BucketInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in [try await self.access(action, bucket: input.bucket, expectedOwner: input.expectedOwner, call)] }
  }

  /// An action on an object of the bucket.
  func objectAccess<Input: ObjectInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      [try await self.access(action, bucket: input.bucket, key: input.key, expectedOwner: input.expectedOwner, call)]
    }
  }

  /// One permission, decided with the bucket's policy. A bucket that does not exist has none, so only who could see it learns
  /// that it is missing; nobody in particular learns it at once.
  /// - Parameters:
  ///   - key: of an object; nil: the bucket itself.
  ///   - expectedOwner: `x-amz-expected-bucket-owner`; another owner is AccessDenied.
  func access(_ action: String, bucket name: String, key: String? = nil, expectedOwner: String? = nil, _ call: Call) async throws
    -> Access
  {
    let resource = key.map { Bucket.arn(name, key: $0) } ?? Bucket.arn(name)
    guard let state = try await buckets.find(name) else {
      if case .anonymous = call.principal { throw S3Error.noSuchBucket(name) }
      return Access("s3:" + action, on: resource, owner: call.account)
    }
    if let expectedOwner, expectedOwner != state.bucket.owner.text { throw S3Error.accessDenied }
    return Access("s3:" + action, on: resource, owner: state.bucket.owner, resourcePolicy: state.policy)
  }
}

extension RecordView {
  /// `x-amz-expected-bucket-owner`, which most operations have.
  var expectedOwner: String? {
    Self.shape.place(of: "ExpectedBucketOwner").flatMap { record.slots[$0]?.string }
  }
}

extension BucketState {
  /// The bucket's policy, as it was tied to its principals.
  var policy: String? { settings.get(.policy, as: GetBucketPolicyOutput.self)?.policy }
}
