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
    { input, call in
      [try await self.access(action, bucket: input.bucket, expectedOwner: input.expectedOwner, payer: input.statedPayer, call)]
    }
  }

  /// One permission, decided with the bucket's policy and the access control lists. A bucket that does not exist has none, so only
  /// who could see it learns that it is missing; nobody in particular learns it at once.
  /// - Parameters:
  ///   - key: of an object; nil: the bucket itself.
  ///   - list: the object's own access control list.
  ///   - expectedOwner: `x-amz-expected-bucket-owner`; another owner is AccessDenied.
  ///   - payer: `x-amz-request-payer`, without which a bucket whose requesters pay serves its own account alone.
  func access(
    _ action: String, bucket name: String, key: String? = nil, list: AccessList? = nil, expectedOwner: String? = nil,
    payer: String? = nil, _ call: Call
  ) async throws -> Access {
    let resource = key.map { Bucket.arn(name, key: $0) } ?? Bucket.arn(name)
    guard let state = try await buckets.find(name) else {
      if case .anonymous = call.principal { throw S3Error.noSuchBucket(name) }
      return Access("s3:" + action, on: resource, owner: call.account)
    }
    let bucketOwner = state.bucket.owner
    if let expectedOwner, expectedOwner != bucketOwner.text { throw S3Error.accessDenied }
    let isOwners = ObjectOwnerActions.all.contains(action)
    let list = isOwners || list?.owner == bucketOwner ? list : nil
    let owner = list?.owner ?? bucketOwner
    let isService = if case .service = call.principal { true } else { false }
    if state.requesterPays, call.principal.account != bucketOwner, !isService, payer != "requester" || call.principal == .anonymous {
      throw S3Error.accessDenied
    }
    return Access(
      "s3:" + action, on: resource, owner: owner,
      resourcePolicy: state.grants(key: key, list: list, to: call.principal.account, isService: isService))
  }
}

extension RecordView {
  /// `x-amz-expected-bucket-owner`, which most operations have.
  var expectedOwner: String? { text("ExpectedBucketOwner") }
  /// `x-amz-request-payer`, which most operations on objects have.
  /// Not called `payer`, which the configuration of who pays has for a member.
  var statedPayer: String? { text("RequestPayer") }

  private func text(_ member: String) -> String? { Self.shape.place(of: member).flatMap { record.slots[$0]?.string } }
}
