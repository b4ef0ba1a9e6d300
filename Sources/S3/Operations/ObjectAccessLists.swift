import Base
import Fabric
import Store
import Wire

extension PutObjectInput: AccessListInput {}
extension CopyObjectInput: AccessListInput {}
extension CreateMultipartUploadInput: AccessListInput {}
extension PutObjectAclInput: ObjectInput, AccessListInput {}
extension GetObjectAclInput: ObjectInput {}

/// The access control lists of objects, in buckets that have them at all.
extension S3Service {
  var objectAccessListOperations: [Operation] {
    [
      Operation("PutObjectAcl", access: versionAccess("PutObjectAcl", "PutObjectVersionAcl"), run: putObjectACL),
      Operation("GetObjectAcl", access: versionAccess("GetObjectAcl", "GetObjectVersionAcl"), run: getObjectACL),
    ]
  }

  /// The row of the list that a write asks for; nil when it asks for none. Throws AccessControlListNotSupported where buckets own all
  /// that is in them, as they do by default.
  func accessList(
    _ input: some AccessListInput, of key: String, owner: AccountID, in state: BucketState, _ call: Call
  ) throws(AWSError) -> [UInt8]? {
    guard let list = try AccessList(input, owner: owner, bucketOwner: state.bucket.owner) else { return nil }
    guard state.ownership != .bucketOwnerEnforced else {
      guard input.acl == "bucket-owner-full-control" else { throw S3Error.aclsAreOff }
      return nil
    }
    try state.check(list, action: "s3:PutObjectAcl", resource: Bucket.arn(state.bucket.name, key: key), by: call.principal)
    return RecordRow.bytes(list.document.record)
  }

  /// The list of an object, where ACLs count and it says something: for callers of another account, and of objects of others.
  func accessList(of key: String, _ versionID: String?, in name: String, for call: Call) async throws -> AccessList? {
    guard let state = try await buckets.find(name), state.ownership != .bucketOwnerEnforced,
      let reference = try? VersionReference(versionID),
      let version = try await store.read({ try $0.version(state.bucket, key, reference) }),
      let facts = version.facts
    else { return nil }
    if let row = facts.description.acl { return try AccessList(row: row, owner: version.owner) }
    return version.owner == state.bucket.owner ? nil : .standard(version.owner)
  }

  private func putObjectACL(_ input: PutObjectAclInput, _ call: Call) async throws -> PutObjectAclOutput {
    let state = try await buckets.existing(input.bucket)
    guard state.ownership != .bucketOwnerEnforced else { throw S3Error.aclsAreOff }
    let owner = try await read(input.bucket, input.key, input.versionId, call).1.owner
    guard let row = try accessList(input, of: input.key, owner: owner, in: state, call) else { throw S3Error.missingACL }
    _ = try await change(input.bucket, input.key, input.versionId, call, event: .aclPut) { about, _ in about.acl = row }
    return PutObjectAclOutput()
  }

  private func getObjectACL(_ input: GetObjectAclInput, _ call: Call) async throws -> GetObjectAclOutput {
    let (state, version) = try await read(input.bucket, input.key, input.versionId, call)
    let owner = state.owner(of: version)
    let kept = state.ownership == .bucketOwnerEnforced ? nil : version.facts?.description.acl
    let list = try kept.map { try AccessList(row: $0, owner: owner) } ?? .standard(owner)
    var output = GetObjectAclOutput()
    (output.owner, output.grants) = (list.document.owner, list.document.grants)
    return output
  }
}

extension AccessList {
  fileprivate init(row: [UInt8], owner: AccountID) throws {
    try self.init(kept: AccessControlPolicy(try RecordRow.read(row, AccessControlPolicy.shape)), owner: owner)
  }
}
