import Base
import Fabric
import Store
import Wire

extension PutBucketAclInput: BucketInput, AccessListInput {}
extension GetBucketAclInput: BucketInput {}
extension CreateBucketInput: AccessListInput {}

/// The access control list of a bucket.
extension S3Service {
  var accessListOperations: [Operation] {
    [
      Operation("PutBucketAcl", access: access("PutBucketAcl"), run: putBucketACL),
      Operation("GetBucketAcl", access: access("GetBucketAcl"), run: getBucketACL),
    ]
  }

  private func putBucketACL(_ input: PutBucketAclInput, _ call: Call) async throws {
    let caller = call.principal
    try await change(input.bucket) { state, rows in
      guard let list = try AccessList(input, owner: state.bucket.owner) else { throw S3Error.missingACL }
      guard state.ownership != .bucketOwnerEnforced else { throw S3Error.aclsAreOff }
      try state.check(list, action: "s3:PutBucketAcl", resource: state.bucket.arn, by: caller)
      try rows.put(list.document.record, as: .acl, of: state.bucket)
    }
  }

  private func getBucketACL(_ input: GetBucketAclInput, _ call: Call) async throws -> GetBucketAclOutput {
    let state = try await buckets.existing(input.bucket)
    let list = state.ownership == .bucketOwnerEnforced ? .standard(state.bucket.owner) : state.accessList
    var output = GetBucketAclOutput()
    (output.owner, output.grants) = (list.document.owner, list.document.grants)
    return output
  }
}

extension BucketState {
  /// Throws AccessDenied for a list that lets everybody in where that is blocked.
  func check(_ list: AccessList, action: String, resource: String, by caller: Principal) throws(AWSError) {
    guard list.isPublic, publicAccess.blocksPublicACLs else { return }
    throw S3Error.publicACLBlocked(caller, action: action, resource: resource)
  }
}
