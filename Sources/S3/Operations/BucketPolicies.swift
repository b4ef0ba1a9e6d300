import Base
import Fabric
import Store
import Wire

extension PutBucketPolicyInput: BucketInput {}
extension GetBucketPolicyInput: BucketInput {}
extension DeleteBucketPolicyInput: BucketInput {}
extension GetBucketPolicyStatusInput: BucketInput {}

/// The policy of a bucket.
extension S3Service {
  var policyOperations: [Operation] {
    [
      Operation("PutBucketPolicy", access: policyAccess("PutBucketPolicy"), run: putBucketPolicy),
      Operation("GetBucketPolicy", access: policyAccess("GetBucketPolicy"), run: getBucketPolicy),
      Operation("DeleteBucketPolicy", access: policyAccess("DeleteBucketPolicy"), run: deleteBucketPolicy),
      Operation("GetBucketPolicyStatus", access: access("GetBucketPolicyStatus"), run: getBucketPolicyStatus),
    ]
  }

  /// The owner's root can always mend the policy, whatever the policy says; other accounts never can.
  private func policyAccess<Input: BucketInput>(_ action: String) -> @Sendable (Input, Call) async throws -> [Access] {
    { input, call in
      var access = try await self.access(action, bucket: input.bucket, expectedOwner: input.expectedOwner, call)
      guard call.principal.account == access.owner else { throw S3Error.methodNotAllowed }
      if case .root = call.principal { access.resourcePolicy = nil }
      return [access]
    }
  }

  private func putBucketPolicy(_ input: PutBucketPolicyInput, _ call: Call) async throws {
    let document = try BucketPolicy(input.policy, bucket: input.bucket)
    let tied: String
    do {
      tied = try await neighbours.principals.tied(input.policy)
    } catch let error as AWSError where error.code == "MalformedPolicyDocumentException" {
      throw S3Error.malformedPolicy("Invalid principal in policy")
    }
    var kept = GetBucketPolicyOutput()
    kept.policy = tied
    let (caller, isPublic) = (call.principal, document.isPublic)
    try await put(kept.record, as: .policy, of: input.bucket) { state in
      if isPublic, state.publicAccess.blocksPublicPolicy { throw S3Error.publicPolicyBlocked(caller, state.bucket) }
    }
  }

  private func getBucketPolicy(_ input: GetBucketPolicyInput, _ call: Call) async throws -> GetBucketPolicyOutput {
    let kept: GetBucketPolicyOutput = try await shown(.policy, of: input.bucket, orElse: S3Error.noPolicy(input.bucket))
    var output = GetBucketPolicyOutput()
    output.policy = try await neighbours.principals.shown(kept.policy ?? "")
    return output
  }

  private func deleteBucketPolicy(_ input: DeleteBucketPolicyInput, _ call: Call) async throws {
    try await put(nil, as: .policy, of: input.bucket)
  }

  private func getBucketPolicyStatus(_ input: GetBucketPolicyStatusInput, _ call: Call) async throws -> GetBucketPolicyStatusOutput {
    let state = try await buckets.existing(input.bucket)
    guard state.policy != nil else { throw S3Error.noPolicy(input.bucket) }
    var output = GetBucketPolicyStatusOutput(), status = PolicyStatus()
    status.isPublic = state.hasPublicPolicy
    output.policyStatus = status
    return output
  }
}
